//! Snapshots: a start from one comes to the state of the roll, whatever was done to the file or
//! to the roll, or it does without.

use std::sync::atomic::AtomicBool;

use tillroll_book::Chart;
use tillroll_engine::{Engine, OpenError, Snapshots, Start, Stored};
use tillroll_journal::testing::{MemoryStorage, MemoryTree, PowerCut};
use tillroll_journal::{Damage, Fault, FileJournal, JournalId, OpenError as LogError, Options};

use super::log::{changed, extents};
use super::story::receive;
use super::{Caught, Verdict, ensure};

const COMMANDS: u32 = 6;

type FileEngine = Engine<FileJournal<MemoryStorage>>;

pub(super) fn check() -> Verdict {
    no_flipped_bit_is_overlooked()?;
    a_snapshot_of_another_history_is_not_taken()?;
    a_roll_does_not_end_before_a_snapshot()?;
    a_snapshot_is_durable_when_it_has_its_name()
}

fn open(
    storage: &MemoryStorage,
    snapshots: &Snapshots<MemoryTree>,
) -> Result<(FileEngine, Start), OpenError> {
    let options = Options {
        id: Some(JournalId::new(*b"a book of suites")),
        ..Options::default()
    };
    Engine::open_files_from(
        storage.restarted(),
        options,
        Chart::default(),
        snapshots,
        |_| {},
    )
}

/// A log of a few commands, each in its frame, and its snapshot. `quantity` is what they say.
fn written(quantity: u64) -> Result<(MemoryStorage, FileEngine, MemoryTree, Stored), Caught> {
    let storage = MemoryStorage::new();
    let tree = MemoryTree::new();
    let snapshots = Snapshots::new(tree.clone());
    let options = Options {
        id: Some(JournalId::new(*b"a book of suites")),
        ..Options::default()
    };
    let opened = Engine::open_files_from(
        storage.clone(),
        options,
        Chart::default(),
        &snapshots,
        |_| {},
    );
    let (mut engine, _) = opened.map_err(Caught::unexpected("an empty log does not open"))?;
    for number in 0..COMMANDS {
        let answers = engine.execute(vec![receive(number, quantity)]);
        answers.map_err(Caught::unexpected("memory does not fail"))?;
    }
    let moment = engine
        .moment()
        .ok_or_else(|| Caught::new("there is no moment"))?;
    let made = snapshots.write(&moment, &AtomicBool::new(false));
    let (stored, _) = made.map_err(Caught::unexpected("memory does not fail"))?;
    Ok((storage, engine, tree, stored))
}

fn no_flipped_bit_is_overlooked() -> Verdict {
    let (_, _, tree, stored) = written(3)?;
    let snapshots = Snapshots::new(tree.clone());
    let blank = Chart::default().into();
    let sound = snapshots.read(&stored, &blank);
    sound.map_err(Caught::unexpected("a sound snapshot"))?;
    let whole = tree.storage().bytes(&stored.file);
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        tree.storage().put(&stored.file, bytes);
        ensure(snapshots.read(&stored, &blank).is_err(), || {
            format!("bit {bit} of a snapshot is overlooked")
        })?;
    }
    Ok(())
}

fn a_snapshot_of_another_history_is_not_taken() -> Verdict {
    let (storage, engine, _, _) = written(3)?;
    let (_, _, other, _) = written(4)?;
    let opened = open(&storage, &Snapshots::new(other));
    let (started, start) = opened.map_err(Caught::unexpected("a log beside another's snapshot"))?;
    ensure(start.snapshot.is_none(), || {
        "a snapshot of another history is taken".into()
    })?;
    ensure(started.book().digest() == engine.book().digest(), || {
        "the state is that of another history".into()
    })
}

fn a_roll_does_not_end_before_a_snapshot() -> Verdict {
    let (storage, engine, tree, _) = written(3)?;
    let frames = extents(&storage);
    let last = frames
        .last()
        .ok_or_else(|| Caught::new("no frame is there"))?;
    let cut = changed(&storage, &last.file, |bytes| bytes.truncate(last.start));
    match open(&cut, &Snapshots::new(tree)) {
        Err(OpenError::Journal(LogError::Damaged(Damage {
            fault: Fault::Lost { expected },
            ..
        }))) if expected == engine.head() => Ok(()),
        Err(other) => Err(Caught::new(format!("refused for something else: {other}"))),
        Ok((started, _)) => Err(Caught::new(format!(
            "a roll that ends at {} is served, and a snapshot was made at {}",
            started.head(),
            engine.head()
        ))),
    }
}

fn a_snapshot_is_durable_when_it_has_its_name() -> Verdict {
    let (storage, _, tree, stored) = written(3)?;
    for cut in [PowerCut::LoseAll, PowerCut::KeepAll, PowerCut::Torn(1)] {
        let after = MemoryTree::of(tree.storage().power_cut(cut));
        let opened = open(&storage, &Snapshots::new(after));
        let (_, start) = opened.map_err(Caught::unexpected("a sound log"))?;
        ensure(start.snapshot.as_ref() == Some(&stored), || {
            format!(
                "after {cut:?} a snapshot that was written is not taken: {:?}",
                start.passed_over
            )
        })?;
    }
    Ok(())
}
