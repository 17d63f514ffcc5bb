//! A data directory with proofs, and an attacker who rewrites its log.

mod support;

use std::path::Path;
use std::sync::Arc;

use support::{BOOK, append, checkpoint, files, key, name, record, records};
use tempfile::TempDir;
use tillroll_log::testing::Random;
use tillroll_log::{Deadline, DirStorage, FileLog, Log, LogReader, MemoryLog, Position, verify};
use tillroll_proofs::{
    CheckpointError, HistoryError, KeyName, Keyring, LogCheckpoint, Prover, ProverError, Rebuild,
    SignedCheckpoint, VerifiedBundle, check_against, check_each, verify_bundle,
};

fn open(data: &Path, reader: Arc<dyn LogReader>) -> (Prover, Option<Rebuild>) {
    let directory = data.join("proofs");
    let keys = directory.join("keys");
    let keyring = match keys.exists() {
        true => Keyring::open(keys).unwrap(),
        false => Keyring::create(keys, name(), &[1; 32]).unwrap(),
    };
    Prover::open(directory, BOOK, keyring, reader, &mut |_| {}).unwrap()
}

fn open_log(data: &Path) -> FileLog {
    files(&data.join("log"))
}

fn check(prover: &Prover, note: &str) -> Result<LogCheckpoint, ProverError> {
    prover.check_against(note.as_bytes(), &mut |_| {})
}

/// Writes the log anew with one record changed: every frame, checksum and hash is made again,
/// by the log itself.
fn rewrite(data: &Path, records: &[Vec<u8>], frame: usize) {
    std::fs::remove_dir_all(data.join("log")).unwrap();
    append(&mut open_log(data), records, frame);
    let storage = DirStorage::open_read_only(data.join("log")).unwrap();
    let report = verify(&storage, |_| {}).expect("a log whose every check holds");
    assert_eq!(report.records, records.len() as u64);
}

#[test]
fn a_rewritten_log_is_caught_against_an_old_checkpoint() {
    let data = TempDir::new().unwrap();
    let all = records(30);
    let mut log = open_log(data.path());
    let mut notes = Vec::new();
    let (mut prover, _) = open(data.path(), log.reader());
    for more in all.chunks(10) {
        append(&mut log, more, 4);
        notes.push(prover.checkpoint().unwrap().note().to_string());
    }
    for (note, size) in notes.iter().zip([10, 20, 30]) {
        assert_eq!(check(&prover, note).unwrap().size, size);
    }
    drop((prover, log));

    let mut others = all.clone();
    others[14] = b"nothing to see here".to_vec();
    rewrite(data.path(), &others, 4);
    let log = open_log(data.path());
    let (mut prover, rebuild) = open(data.path(), log.reader());
    assert_eq!(
        rebuild,
        Some(Rebuild::AnotherHistory {
            size: 30,
            first_difference: Position::new(15)
        })
    );
    assert!(
        check(&prover, &notes[0]).is_ok(),
        "what is before the change still holds"
    );
    for (note, size) in notes.iter().zip([10, 20, 30]).skip(1) {
        let refused = check(&prover, note).unwrap_err();
        let said = refused.to_string();
        assert!(
            said.contains(&format!("the checkpoint of size {size}")),
            "{said}"
        );
        assert!(
            said.contains("of positions 11 to 20, at least one was altered"),
            "{said}"
        );
    }
    // Nothing that contradicts the old checkpoints is signed or proved.
    let refusals = [
        prover.checkpoint().map(drop),
        prover.prove_event(Position::new(30)).map(drop),
        prover.prove_consistency(notes[2].as_bytes()).map(drop),
        prover.prove_consistency(notes[0].as_bytes()).map(drop),
    ];
    for refused in refusals {
        match refused {
            Err(ProverError::History(HistoryError::Rewritten {
                size, after, by, ..
            })) => {
                assert_eq!((size, after, by), (30, 10, 20));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_log_that_lost_records_is_caught_against_an_old_checkpoint() {
    let data = TempDir::new().unwrap();
    let all = records(12);
    append(&mut open_log(data.path()), &all, 4);
    let log = open_log(data.path());
    let (mut prover, _) = open(data.path(), log.reader());
    let note = prover.checkpoint().unwrap().note().to_string();
    drop((prover, log));
    rewrite(data.path(), &all[..8], 4);
    let log = open_log(data.path());
    let (mut prover, _) = open(data.path(), log.reader());
    for refused in [
        check(&prover, &note).map(drop),
        prover.checkpoint().map(drop),
    ] {
        match refused {
            Err(ProverError::History(HistoryError::Shorter { size, head })) => {
                assert_eq!((size, head.get()), (12, 8));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A change in place that keeps the frames' hashes: the reader checks no hash, and the leaf
/// hashes are not made again. Both the full check and the proof of the record notice.
#[test]
fn a_record_changed_behind_the_leaves_is_not_proved() {
    struct Liar(Arc<dyn LogReader>, MemoryLog);
    impl LogReader for Liar {
        fn head(
            &self,
            deadline: Deadline,
        ) -> Result<tillroll_log::Head, tillroll_log::LogReadError> {
            self.0.head(deadline)
        }
        fn wait_past(
            &self,
            position: Position,
            deadline: Deadline,
        ) -> Result<tillroll_log::Head, tillroll_log::LogReadError> {
            self.0.wait_past(position, deadline)
        }
        fn frames(
            &self,
            from: Position,
            deadline: Deadline,
        ) -> Result<Box<dyn tillroll_log::Frames>, tillroll_log::LogReadError> {
            // Only whoever reads from an old position on sees the other records.
            match from.get() < 12 {
                true => self.1.frames(from, deadline),
                false => self.0.frames(from, deadline),
            }
        }
    }
    let data = TempDir::new().unwrap();
    let all = records(12);
    let honest = support::memory(&all, 4);
    let mut others = all;
    others[5].push(b'!');
    let (mut prover, _) = open(data.path(), honest.reader());
    let note = prover.checkpoint().unwrap().note().to_string();
    drop(prover);
    let liar = Arc::new(Liar(honest.reader(), support::memory(&others, 4)));
    let (mut prover, rebuild) = open(data.path(), liar);
    assert_eq!(rebuild, None);
    let refused = prover.prove_event(Position::new(6)).unwrap_err();
    match refused {
        ProverError::Changed { position } => assert_eq!(position.get(), 6),
        other => panic!("{other}"),
    }
    let refused = check(&prover, &note).unwrap_err();
    assert!(
        refused.to_string().contains("the checkpoint of size 12"),
        "{refused}"
    );
}

#[test]
fn checkpoints_bound_where_a_log_was_changed() {
    let all = records(20);
    let mut others = all.clone();
    others[8].push(b'!');
    let log = support::memory(&others, 3);
    let of = |size: usize| checkpoint(&all[..size], &key(1)).checkpoint().clone();
    for (hints, bounds) in [
        (vec![], (0, 20)),
        (vec![4], (4, 20)),
        (vec![8, 15, 9, 2], (8, 9)),
        (vec![12, 0, 20], (0, 12)),
    ] {
        let hints: Vec<LogCheckpoint> = hints.into_iter().map(of).collect();
        match check_against(&*log.reader(), &of(20), &hints, &mut |_| {}) {
            Err(HistoryError::Rewritten {
                size: 20,
                after,
                by,
                ..
            }) => {
                assert_eq!((after, by), bounds);
            }
            other => panic!("{bounds:?}: {other:?}"),
        }
    }
    // Hints decide nothing.
    let wrong = LogCheckpoint {
        root: of(3).root,
        ..of(4)
    };
    let honest = support::memory(&all, 3);
    check_against(&*honest.reader(), &of(20), &[wrong], &mut |_| {}).unwrap();
}

#[test]
fn of_many_checkpoints_the_smallest_that_is_contradicted_is_named() {
    let all = records(20);
    let of = |size: usize| checkpoint(&all[..size], &key(1)).checkpoint().clone();
    let every: Vec<LogCheckpoint> = (0..=20).rev().map(of).collect();
    let each = |records: &[Vec<u8>], checkpoints: &[LogCheckpoint]| {
        check_each(
            &*support::memory(records, 3).reader(),
            checkpoints,
            &mut |_| {},
        )
    };
    each(&all, &every).unwrap();
    each(&all, &[]).unwrap();
    for altered in 0..20 {
        let mut others = all.clone();
        others[altered].push(b'!');
        let first = altered as u64 + 1;
        match each(&others, &every) {
            Err(HistoryError::Rewritten {
                size, after, by, ..
            }) => assert_eq!((size, after, by), (first, first - 1, first)),
            other => panic!("{altered}: {other:?}"),
        }
        match each(&all[..altered], &every) {
            Err(HistoryError::Shorter { size, head }) => {
                assert_eq!((size, head.get()), (first, first - 1));
            }
            other => panic!("{altered}: {other:?}"),
        }
    }
    // A smaller one may be wrong although the largest is right.
    let wrong = LogCheckpoint {
        root: of(3).root,
        ..of(4)
    };
    let refused = each(&all, &[of(20), wrong]);
    assert!(
        matches!(refused, Err(HistoryError::Rewritten { size: 4, .. })),
        "{refused:?}"
    );
}

#[test]
fn everything_of_a_growing_log_is_proved_to_who_has_the_verifier_keys() {
    for seed in 0..3 {
        let mut random = Random::new(seed);
        let data = TempDir::new().unwrap();
        let mut log = MemoryLog::new();
        let (mut prover, _) = open(data.path(), log.reader());
        let mut handed_out: Vec<SignedCheckpoint> = Vec::new();
        let mut size = 0;
        for step in 0..8 {
            let count = random.below(30) as u64;
            let more: Vec<_> = (size..size + count).map(|n| record(n + 1)).collect();
            append(&mut log, &more, 1 + random.below(9));
            size += count;
            if step == 4 {
                let statement = prover.keyring_mut().rotate(&[2; 32]).unwrap();
                assert_eq!(statement.signatures().len(), 2);
            }
            if random.coin() {
                drop(prover);
                prover = open(data.path(), log.reader()).0;
            }
            let keys = prover.keyring().verifiers().to_vec();
            if size > 0 {
                let position = Position::new(1 + random.below(size.try_into().unwrap()) as u64);
                let proof = prover.prove_event(position).unwrap().to_string();
                match verify_bundle(proof.as_bytes(), &keys) {
                    Ok(VerifiedBundle::Inclusion(proof)) => {
                        assert_eq!(proof.record, record(position.get()), "seed {seed}");
                    }
                    other => panic!("seed {seed}: {other:?}"),
                }
            }
            if let Some(old) = handed_out.get(random.below(handed_out.len())) {
                let note = old.note().to_string();
                let proof = prover
                    .prove_consistency(note.as_bytes())
                    .unwrap()
                    .to_string();
                match verify_bundle(proof.as_bytes(), &keys) {
                    Ok(VerifiedBundle::Consistency(proof)) => {
                        assert_eq!(proof.older.checkpoint(), old.checkpoint(), "seed {seed}");
                        assert_eq!(proof.newer.checkpoint().size, size, "seed {seed}");
                    }
                    other => panic!("seed {seed}: {other:?}"),
                }
                assert_eq!(
                    &check(&prover, &note).unwrap(),
                    old.checkpoint(),
                    "seed {seed}"
                );
            }
            let made = prover.checkpoint().unwrap();
            assert_eq!(
                made,
                prover.checkpoint().unwrap(),
                "seed {seed}: asked twice"
            );
            assert_eq!(made.checkpoint().size, size);
            assert_eq!(
                made.signers(),
                &keys[keys.len() - 1..],
                "seed {seed}: the newest key"
            );
            let stored = prover.stored(size).unwrap().unwrap();
            assert_eq!(stored.note(), made.note());
            handed_out.push(made);
        }
        let mut sizes: Vec<u64> = handed_out
            .iter()
            .map(|made| made.checkpoint().size)
            .collect();
        sizes.dedup();
        let kept = prover.checkpoint_sizes().unwrap();
        assert!(sizes.iter().all(|size| kept.contains(size)), "seed {seed}");
    }
}

#[test]
fn what_is_not_there_is_not_proved() {
    let data = TempDir::new().unwrap();
    let log = support::memory(&records(5), 2);
    let (mut prover, _) = open(data.path(), log.reader());
    for position in [0, 6, u64::MAX] {
        let position = Position::new(position);
        match prover.prove_event(position) {
            Err(ProverError::NotRecorded {
                position: asked,
                head,
            }) => {
                assert_eq!((asked, head.get()), (position, 5));
            }
            other => panic!("{position}: {other:?}"),
        }
    }
}

#[test]
fn a_proof_can_be_made_for_a_checkpoint_that_was_handed_out() {
    let data = TempDir::new().unwrap();
    let mut log = support::memory(&records(5), 2);
    let (mut prover, _) = open(data.path(), log.reader());
    let old = prover.checkpoint().unwrap();
    append(&mut log, &[record(6), record(7)], 2);
    prover.checkpoint().unwrap();
    let proof = prover.prove_event_by(Position::new(2), &old).unwrap();
    assert_eq!(proof.note, old.note().to_string());
    let refused = prover.prove_event_by(Position::new(6), &old).unwrap_err();
    assert!(
        matches!(refused, ProverError::NotCovered { .. }),
        "{refused}"
    );
}

#[test]
fn checkpoints_of_others_are_refused_by_name() {
    let data = TempDir::new().unwrap();
    let log = support::memory(&records(5), 2);
    let (mut prover, _) = open(data.path(), log.reader());
    let stranger = checkpoint(records(5), &key(9)).note().to_string();
    for refused in [
        check(&prover, &stranger).map(drop),
        prover.prove_consistency(stranger.as_bytes()).map(drop),
    ] {
        let refused = refused.unwrap_err();
        let missing = matches!(
            refused,
            ProverError::Checkpoint(CheckpointError::Signature(_))
        );
        assert!(missing, "{refused}");
    }
    drop(prover);
    let keyring = Keyring::open(data.path().join("proofs/keys")).unwrap();
    let refused = Prover::open(
        data.path().join("proofs"),
        [9; 16],
        keyring,
        log.reader(),
        &mut |_| {},
    );
    match refused {
        Err(ProverError::OtherBook { keys, log }) => {
            assert_eq!((keys, log), (name(), KeyName::of_book([9; 16])));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stored_checkpoint_that_was_altered_stops_the_signing() {
    let data = TempDir::new().unwrap();
    let log = support::memory(&records(5), 2);
    let (mut prover, _) = open(data.path(), log.reader());
    prover.checkpoint().unwrap();
    let file = data
        .path()
        .join("proofs/checkpoints/00000000000000000005.note");
    let good = std::fs::read_to_string(&file).unwrap();
    let other = checkpoint(records(4), &key(1)).note().to_string();
    for (altered, kind) in [
        (good.replacen("\n5\n", "\n4\n", 1), "Checkpoint"),
        (String::new(), "Checkpoint"),
        (other, "Misnamed"),
    ] {
        std::fs::write(&file, altered).unwrap();
        let refused = prover.checkpoint().unwrap_err();
        match &refused {
            ProverError::Stored(stored) => {
                assert!(format!("{stored:?}").starts_with(kind), "{stored:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    std::fs::write(&file, good).unwrap();
    prover.checkpoint().unwrap();
}

#[test]
fn a_proof_that_does_not_hold_is_not_handed_out() {
    let data = TempDir::new().unwrap();
    let log = support::memory(&records(300), 50);
    let (mut prover, _) = open(data.path(), log.reader());
    prover.prove_event(Position::new(6)).unwrap();
    // The leaf beside the sixth record's rots while the file is open.
    let path = data.path().join("proofs/leaves");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[128 + 4 * 32] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let refused = prover.prove_event(Position::new(6)).unwrap_err();
    assert!(matches!(refused, ProverError::Unsound(_)), "{refused}");
    drop(prover);
    let (mut prover, rebuild) = open(data.path(), log.reader());
    assert_eq!(rebuild, Some(Rebuild::Leaves));
    prover.prove_event(Position::new(6)).unwrap();
}
