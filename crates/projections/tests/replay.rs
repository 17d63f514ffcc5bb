//! Rows and checkpoint are one commit, and the rows depend on the records alone.

mod harness;

use harness::random::{Random, Story};
use harness::{Cr, Dr, Models, Roll, append, reader};
use rusqlite::Connection;
use tillroll_events::{EntryId, EntryPosted, Record};
use tillroll_ledger::{Entry, Posting};
use tillroll_log::MemoryLog;
use tillroll_log::testing::TestLog;
use tillroll_projections::{MAX_BATCH, ProjectError, Projector, Total, VerifyError, verify};

/// Cut into random pieces, closing the database between some of them.
fn in_pieces(records: &[(u64, Record)], random: &mut Random) -> Models {
    let models = Models::default();
    let mut projector = models.projector();
    let mut rest = records;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(1 + random.index(rest.len().min(40)));
        let checkpoint = projector
            .apply(piece.iter().cloned())
            .expect("a valid roll");
        assert_eq!(checkpoint, piece.last().expect("not empty").0);
        rest = after;
        if random.chance(30) {
            drop(projector);
            projector = models.projector();
            assert_eq!(projector.checkpoint(), checkpoint);
        }
    }
    models
}

#[test]
fn rows_do_not_depend_on_where_batches_end_or_the_process_restarts() {
    for seed in 0..12 {
        let story = Story::of(seed, 300);
        let records = story.roll.numbered();
        let whole = Models::of(&records).dump();
        let pieces = in_pieces(&records, &mut Random(seed)).dump();
        for (whole, pieces) in whole.iter().zip(&pieces) {
            assert_eq!(whole, pieces, "seed {seed}");
        }
        assert_eq!(whole.len(), pieces.len(), "seed {seed}");
    }
}

#[test]
fn a_rebuild_gives_the_same_rows() {
    for seed in 100..106 {
        let story = Story::of(seed, 300);
        let records = story.roll.numbered();
        let log = story.roll.log(7);
        let models = in_pieces(&records, &mut Random(seed));
        let before = models.dump();
        let mut seen = Vec::new();
        let projector = Projector::rebuild(&models.path(), &*reader(&log), &mut |progress| {
            seen.push(progress.position);
        })
        .expect("a valid roll");
        assert_eq!(projector.checkpoint(), story.roll.head());
        assert_eq!(seen.last(), Some(&story.roll.head()), "seed {seed}");
        assert_eq!(before, models.dump(), "seed {seed}");
    }
}

#[test]
fn balances_are_those_of_the_ledger() {
    for seed in 200..206 {
        let mut story = Story::of(seed, 400);
        for record in &story.roll.records {
            use tillroll_events::Event;
            let ledger = &mut story.roll.ledger;
            match &record.event {
                Event::HoldPlaced(event) => ledger.place_hold(
                    event.id,
                    tillroll_ledger::Hold {
                        entry: event.entry.0.clone(),
                        expires_at: None,
                    },
                ),
                Event::HoldCaptured(event) => {
                    ledger.end_hold(event.id, Some(event.entry.borrowed()));
                }
                Event::HoldEnded(event) => ledger.end_hold(event.id, None),
                event => event.for_each_posted(|entry| ledger.post(entry)),
            }
        }
        let models = Models::of(&story.roll.numbered());
        let total = |total: u128| Total(i128::try_from(total).expect("a sum of few"));
        for (account, _) in story.roll.ledger.by_path() {
            let totals = story.roll.ledger.totals(account.id).expect("it is open");
            let rows = models
                .read()
                .account(
                    account.path.as_str(),
                    Some(story.roll.ledger.unit_of(account)),
                    None,
                )
                .expect("an answer")
                .value;
            let [row] = rows.as_slice() else {
                panic!("seed {seed}: {} is one account", account.path);
            };
            assert_eq!(
                (
                    row.debits_posted,
                    row.credits_posted,
                    row.debits_pending,
                    row.credits_pending
                ),
                (
                    total(totals.debits_posted),
                    total(totals.credits_posted),
                    totals.debits_pending,
                    totals.credits_pending
                ),
                "seed {seed}: {}",
                account.path
            );
        }
    }
}

fn entry(roll: &mut Roll, number: u128) -> EntryPosted {
    EntryPosted {
        id: EntryId::from_u128(number),
        entry: roll.entry(&[
            ("stripe:balance", "EUR", Dr, 5),
            ("sales:web", "EUR", Cr, 5),
        ]),
        description: None,
        metadata: Default::default(),
        reverses: None,
        effective_date: None,
    }
}

#[test]
fn an_error_in_the_middle_of_a_batch_leaves_neither_rows_nor_checkpoint() {
    let mut roll = Roll::default();
    for number in 1..=5 {
        let event = entry(&mut roll, number);
        roll.push(event);
    }
    let good = roll.numbered();
    // Position 5 stays; what follows is broken in its last record.
    let (kept, next) = good.split_at(5);
    let broken: Vec<(&str, Record, u64)> = {
        let last = next.last().expect("records").clone();
        let mut unknown = last.1.clone();
        let postings = [(77, Dr), (0, Cr)].map(|(account, side)| Posting {
            account: tillroll_ledger::AccountId::new(account),
            unit: tillroll_ledger::UnitId::new(0),
            side,
            amount: 1,
        });
        let mut event = entry(&mut roll, 99);
        event.entry.0 = Entry::new(postings).expect("it balances");
        unknown.event = event.into();
        let mut twice = last.1.clone();
        twice.event = entry(&mut roll, 1).into();
        vec![
            ("a gap", last.1.clone(), last.0 + 1),
            ("a position again", last.1.clone(), last.0 - 1),
            ("an account that is not open", unknown, last.0),
            ("an entry id again", twice, last.0),
        ]
    };
    for (name, record, position) in broken {
        let models = Models::default();
        let mut projector = models.projector();
        projector.apply(kept.iter().cloned()).expect("good records");
        let before = models.dump();
        let mut batch = next[..next.len() - 1].to_vec();
        batch.push((position, record));
        let error = projector.apply(batch).expect_err(name);
        assert!(
            !error.is_damage() && !error.is_transient(),
            "{name}: {error}"
        );
        assert_eq!(projector.checkpoint(), 5, "{name}");
        assert_eq!(models.dump(), before, "{name}");
        // And nothing of it is remembered either.
        projector.apply(next.iter().cloned()).expect("good records");
        assert_eq!(models.dump(), Models::of(&good).dump(), "{name}");
    }
}

#[test]
fn a_checkpoint_that_cannot_be_written_leaves_no_rows() {
    let mut roll = Roll::default();
    for number in 1..=5 {
        let event = entry(&mut roll, number);
        roll.push(event);
    }
    let records = roll.numbered();
    let (earlier, later) = records.split_at(4);
    let models = Models::default();
    let mut projector = models.projector();
    projector
        .apply(earlier.iter().cloned())
        .expect("good records");
    let before = models.dump();
    let sql = Connection::open(models.path()).expect("the same file");
    let refusing = "CREATE TRIGGER refusing BEFORE UPDATE ON checkpoint
                    BEGIN SELECT RAISE(ABORT, 'refused by the test'); END";
    sql.execute_batch(refusing).expect("a trigger");
    projector
        .apply(later.iter().cloned())
        .expect_err("the checkpoint is refused");
    sql.execute_batch("DROP TRIGGER refusing")
        .expect("no trigger");
    assert_eq!(models.dump(), before);
    projector
        .apply(later.iter().cloned())
        .expect("good records");
    assert_eq!(models.dump(), Models::of(&records).dump());
}

#[test]
fn a_second_writer_is_noticed_before_it_writes() {
    let story = Story::of(7, 40);
    let records = story.roll.numbered();
    let models = Models::default();
    let (mut first, mut second) = (models.projector(), models.projector());
    first.apply(records[..10].to_vec()).expect("a valid roll");
    let error = second.apply(records[..20].to_vec()).expect_err("too late");
    assert!(
        matches!(
            error,
            ProjectError::OtherWriter {
                expected: 0,
                found: 10
            }
        ),
        "{error}"
    );
    first.apply(records[10..].to_vec()).expect("a valid roll");
    assert_eq!(models.dump(), Models::of(&records).dump());
}

#[test]
fn catching_up_continues_at_the_checkpoint_in_whatever_frames() {
    for (seed, frame) in [(1, 1), (2, 3), (3, 64), (4, 1_000)] {
        let story = Story::of(seed, 200);
        let models = Models::default();
        let mut log = MemoryLog::new();
        for part in story.roll.records.chunks(77) {
            append(&mut log, part, frame);
            let mut projector = models.projector();
            let head = projector
                .catch_up(&*reader(&log), &mut |_| {})
                .expect("a valid roll");
            assert_eq!(head, log.end().position.get());
        }
        assert_eq!(
            models.dump(),
            Models::of(&story.roll.numbered()).dump(),
            "seed {seed}"
        );
    }
}

#[test]
fn read_models_that_cannot_be_used_are_built_anew() {
    let story = Story::of(11, 120);
    let log = story.roll.log(10);
    let expected = Models::of(&story.roll.numbered()).dump();
    let other = Story::of(12, 120).roll.numbered();
    let longer = Story::of(11, 150).roll.numbered();
    type Harm<'a> = Box<dyn Fn(&Models) + 'a>;
    let run = |models: &Models, sql: &str| {
        rusqlite::Connection::open(models.path())
            .and_then(|connection| connection.execute_batch(sql))
            .expect("harm is done");
    };
    let overwrite = |models: &Models, from: usize, to: usize| {
        let path = models.path();
        let mut bytes = std::fs::read(&path).expect("the file");
        let to = to.min(bytes.len());
        bytes[from..to].fill(0xa5);
        std::fs::write(&path, bytes).expect("the file");
    };
    let harms: Vec<(&str, bool, Harm)> = vec![
        (
            "missing",
            false,
            Box::new(|models| {
                std::fs::remove_file(models.path()).expect("the file");
            }),
        ),
        (
            "an empty file",
            false,
            Box::new(|models| {
                std::fs::write(models.path(), b"").expect("the file");
            }),
        ),
        (
            "not a database",
            true,
            Box::new(|models| {
                std::fs::write(
                    models.path(),
                    b"no database at all, but longer than a header".repeat(99),
                )
                .expect("the file");
            }),
        ),
        (
            "a damaged first page",
            true,
            Box::new(|models| overwrite(models, 100, 4096)),
        ),
        (
            "an older version",
            false,
            Box::new(|models| run(models, "PRAGMA user_version = 0")),
        ),
        (
            "a newer version",
            false,
            Box::new(|models| run(models, "PRAGMA user_version = 99")),
        ),
        (
            "a table that is missing",
            false,
            Box::new(|models| run(models, "DROP TABLE holds")),
        ),
        (
            "an index that is missing",
            false,
            Box::new(|models| {
                run(models, "DROP INDEX orders_by_channel");
            }),
        ),
        (
            "of another log",
            false,
            Box::new(|models| {
                let mut projector = Projector::open(&models.path()).expect("open");
                projector
                    .apply(other.iter().take(0).cloned())
                    .expect("nothing");
                drop(projector);
                std::fs::remove_file(models.path()).expect("the file");
                let mut projector = models.projector();
                projector
                    .apply(other.iter().cloned().map(|(position, mut record)| {
                        record.id = tillroll_events::EventId::from_u128(u128::from(position));
                        (position, record)
                    }))
                    .expect("another roll");
            }),
        ),
        (
            "beyond the end of the log",
            false,
            Box::new(|models| {
                std::fs::remove_file(models.path()).expect("the file");
                models
                    .projector()
                    .apply(longer.iter().cloned())
                    .expect("a longer roll");
            }),
        ),
    ];
    for (name, set_aside, harm) in harms {
        let models = Models::of(&story.roll.numbered());
        harm(&models);
        let mut projector = Projector::open(&models.path()).expect(name);
        projector.catch_up(&*reader(&log), &mut |_| {}).expect(name);
        assert_eq!(models.dump(), expected, "{name}");
        let aside = models.path().with_extension("db.damaged");
        assert_eq!(aside.exists(), set_aside, "{name}");
    }
}

#[test]
fn damage_that_shows_while_projecting_is_mended_by_building_anew() {
    let story = Story::of(13, 400);
    let (first, _) = story.roll.records.split_at(300);
    let models = Models::default();
    let mut log = MemoryLog::new();
    append(&mut log, first, 20);
    models
        .projector()
        .catch_up(&*reader(&log), &mut |_| {})
        .expect("a valid roll");
    // Everything behind the schema's page.
    let path = models.path();
    let mut bytes = std::fs::read(&path).expect("the file");
    let page = 4096;
    let schema_pages = 12;
    bytes[page * schema_pages..].fill(0xff);
    std::fs::write(&path, bytes).expect("the file");
    append(&mut log, &story.roll.records[300..], 20);
    models
        .projector()
        .catch_up(&*reader(&log), &mut |_| {})
        .expect("built anew");
    assert!(models.path().with_extension("db.damaged").exists());
    assert_eq!(models.dump(), Models::of(&story.roll.numbered()).dump());
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    for sql in [
        "CREATE TABLE recipes (name TEXT)",
        "PRAGMA application_id = 42",
    ] {
        let models = Models::default();
        let connection = rusqlite::Connection::open(models.path()).expect("a database");
        connection.execute_batch(sql).expect("theirs");
        drop(connection);
        let before = std::fs::read(models.path()).expect("the file");
        let error = Projector::open(&models.path()).expect_err("not ours");
        assert!(matches!(error, ProjectError::NotOurs(_)), "{error}");
        assert_eq!(std::fs::read(models.path()).expect("the file"), before);
    }
}

#[test]
fn verification_agrees_with_sound_read_models() {
    let story = Story::of(21, 250);
    let log = story.roll.log(9);
    // Not all of it is projected, and the projector is still open.
    let models = Models::default();
    let mut projector = models.projector();
    projector
        .apply(story.roll.numbered().into_iter().take(200))
        .expect("a valid roll");
    let verified = verify(&models.path(), &*reader(&log), &mut |_| {}).expect("sound");
    assert_eq!(verified.position, 200);
    let rows = models.dump().len();
    assert_eq!(verified.rows, rows as u64);
    let left: Vec<_> = std::fs::read_dir(models.path().parent().expect("a directory"))
        .expect("files")
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .filter(|name| name.contains("verify"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn verification_names_table_key_expected_and_found() {
    let story = Story::of(22, 250);
    let log = story.roll.log(9);
    //  what is done to the rows, table, part of the key, expected, found
    let table = [
        (
            "UPDATE postings SET amount = amount + 1 WHERE position = (SELECT max(position) FROM postings) AND ordinal = 0",
            "postings",
            "ordinal = 0",
            true,
            true,
        ),
        (
            "DELETE FROM accounts WHERE id = 2",
            "accounts",
            "id = 2",
            true,
            false,
        ),
        (
            "INSERT INTO event_counts VALUES ('zebra', 1)",
            "event_counts",
            "zebra",
            false,
            true,
        ),
        (
            "UPDATE orders SET status = 'paid', lines = '[]' WHERE position = (SELECT min(position) FROM orders)",
            "orders",
            "position =",
            true,
            true,
        ),
        (
            "UPDATE checkpoint SET event_id = 'evt_other'",
            "checkpoint",
            "singleton = 1",
            true,
            true,
        ),
    ];
    for (harm, name, key, expected, found) in table {
        let models = Models::of(&story.roll.numbered());
        rusqlite::Connection::open(models.path())
            .and_then(|sql| sql.execute_batch(harm))
            .expect("harm is done");
        let error = verify(&models.path(), &*reader(&log), &mut |_| {}).expect_err(harm);
        let VerifyError::Mismatch(mismatch) = error else {
            panic!("{harm}: {error}");
        };
        assert_eq!(mismatch.table, name, "{harm}");
        assert!(mismatch.key.contains(key), "{harm}: {mismatch}");
        assert_eq!(mismatch.expected.is_some(), expected, "{harm}: {mismatch}");
        assert_eq!(mismatch.found.is_some(), found, "{harm}: {mismatch}");
    }
}

#[test]
fn verification_refuses_what_it_cannot_judge() {
    let story = Story::of(23, 60);
    let models = Models::of(&story.roll.numbered());
    let empty = MemoryLog::new();
    let error = verify(&models.path(), &*reader(&empty), &mut |_| {}).expect_err("no log");
    assert!(
        matches!(error, VerifyError::Beyond { head: 0, .. }),
        "{error}"
    );
    let nothing = Models::default();
    let error = verify(&nothing.path(), &*reader(&empty), &mut |_| {}).expect_err("no models");
    assert!(matches!(error, VerifyError::NotBuilt(_)), "{error}");
    assert!(!nothing.path().exists());
}

/// A roll longer than a commit, with `change` made to one of its records.
fn long_roll(records: u128, change: impl FnOnce(&mut Roll)) -> Roll {
    let mut roll = Roll::default();
    for number in 1..=records {
        let event = entry(&mut roll, number);
        roll.push(event);
    }
    change(&mut roll);
    roll
}

#[test]
fn a_long_log_is_projected_in_several_commits_up_to_what_cannot_be() {
    let batch = MAX_BATCH as u64;
    let broken = batch + 2_000;
    let records = u128::from(batch) + 4_000;
    let whole = long_roll(records, |_| {});
    let contradictory = long_roll(records, |roll| {
        let first = roll.records[5].event.clone();
        roll.records[usize::try_from(broken).expect("small") - 1].event = first;
    });
    //  roll, bytes that are no record at, checkpoint after it, error at
    let table: [(&str, &Roll, Option<u64>, u64, Option<u64>); 3] = [
        ("sound", &whole, None, whole.head(), None),
        (
            "a record that cannot be read",
            &whole,
            Some(broken),
            batch,
            Some(broken),
        ),
        ("an entry posted twice", &contradictory, None, batch, None),
    ];
    for (name, roll, unreadable, checkpoint, error_at) in table {
        let mut log = MemoryLog::new();
        let cut = unreadable.map_or(roll.records.len(), |at| {
            usize::try_from(at).expect("small") - 1
        });
        append(&mut log, &roll.records[..cut], 700);
        if unreadable.is_some() {
            let mut frame = tillroll_log::Batch::new();
            frame.push(b"\xff\xff\x01\x00").expect("small");
            let committed = log.append_next(&mut frame).expect("memory");
            assert_eq!(Some(committed.last.get()), unreadable);
            append(&mut log, &roll.records[cut + 1..], 700);
        }
        let models = Models::default();
        let mut projector = models.projector();
        let mut seen = Vec::new();
        let result = projector.catch_up(&*reader(&log), &mut |progress| {
            seen.push(progress.position);
        });
        match (name, result) {
            ("sound", result) => {
                assert_eq!(result.expect("a valid roll"), checkpoint);
                assert_eq!(seen, [0, batch, checkpoint, checkpoint]);
            }
            (_, Err(ProjectError::Record { position, .. })) => {
                assert_eq!(Some(position), error_at, "{name}");
            }
            (_, Err(ProjectError::Sql(_))) => assert_eq!(error_at, None, "{name}"),
            (_, result) => panic!("{name}: {result:?}"),
        }
        assert_eq!(projector.checkpoint(), checkpoint, "{name}");
        let end = usize::try_from(checkpoint).expect("small");
        let expected = Models::of(&roll.numbered()[..end]).dump();
        assert!(models.dump() == expected, "{name}");
    }
}

#[test]
fn starting_over_is_tried_again_when_the_old_file_could_not_be_replaced() {
    let story = Story::of(31, 60);
    let other = Story::of(32, 40);
    let models = Models::of(&story.roll.numbered());
    let empty = MemoryLog::new();
    // A directory with something in it stands where the set-aside or removed file would go.
    let wal = models.path().with_extension("db-wal");
    let mut projector = models.projector();
    if wal.exists() {
        std::fs::remove_file(&wal).expect("the log of the database");
    }
    std::fs::create_dir_all(wal.join("in the way")).expect("a directory");
    let error = projector
        .catch_up(&*reader(&empty), &mut |_| {})
        .expect_err("the file cannot be replaced");
    assert!(error.is_transient() || error.is_damage(), "{error}");
    std::fs::remove_dir_all(&wal).expect("the directory");
    let log = other.roll.log(5);
    projector
        .catch_up(&*reader(&log), &mut |_| {})
        .expect("the way is free");
    drop(projector);
    assert!(models.dump() == Models::of(&other.roll.numbered()).dump());
}
