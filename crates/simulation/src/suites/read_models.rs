//! Read models of a story, projected with failures in the middle of commits, against a replay
//! and against the ledger itself.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;
use tillroll_book::Chart;
use tillroll_engine::replay;
use tillroll_events::Record;
use tillroll_journal::{JournalReader, Position};
use tillroll_projections::{ProjectError, Projector, ReadModels, verify};

use super::{Caught, Verdict, ensure, story};

/// Records of one commit.
const PIECE: usize = 60;

pub(super) fn check() -> Verdict {
    let mut engine = story::lived(3, 40)?;
    story::hold(&mut engine)?;
    let reader = engine.reader();
    let records = records(&*reader)?;
    a_commit_that_fails_leaves_neither_rows_nor_checkpoint(&reader, &records)?;
    a_missing_record_is_noticed(&records)?;
    rows_of_another_journal_are_replaced(&reader)
}

fn records(reader: &dyn JournalReader) -> Result<Vec<(u64, Record)>, Caught> {
    let unread = Caught::unexpected("memory does not fail");
    let mut records = Vec::new();
    for read in reader.read_from(Position::FIRST).map_err(&unread)? {
        let (position, bytes) = read.map_err(&unread)?;
        let record = Record::decode(&bytes);
        records.push((
            position.get(),
            record.map_err(Caught::unexpected("a record cannot be read"))?,
        ));
    }
    Ok(records)
}

fn directory() -> Result<TempDir, Caught> {
    tempfile::tempdir().map_err(Caught::unexpected("no place for temporary files"))
}

fn open(path: &Path) -> Result<Projector, Caught> {
    Projector::open(path).map_err(Caught::unexpected("read models do not open"))
}

/// In every commit something fails: a record in its middle, or the checkpoint at its end. Then
/// it is made again, by the same process or by the next.
fn a_commit_that_fails_leaves_neither_rows_nor_checkpoint(
    reader: &Arc<dyn JournalReader>,
    records: &[(u64, Record)],
) -> Verdict {
    let directory = directory()?;
    let path = directory.path().join("models.sqlite");
    let mut projector = open(&path)?;
    let harmed = Caught::unexpected("no harm can be done");
    let mut pending = 0;
    for (number, piece) in records.chunks(PIECE).enumerate() {
        let at = piece[piece.len() / 2].0;
        let (what, harm) = match number % 2 {
            0 => (
                format!("projecting fails at position {at}"),
                format!("BEFORE INSERT ON events WHEN NEW.position = {at}"),
            ),
            _ => (
                format!("the checkpoint after position {at} fails"),
                "BEFORE UPDATE ON checkpoint".into(),
            ),
        };
        let sql = Connection::open(&path).map_err(&harmed)?;
        let trigger = format!("CREATE TRIGGER harm {harm} BEGIN SELECT RAISE(ABORT, 'harm'); END");
        sql.execute_batch(&trigger).map_err(&harmed)?;
        let failed = projector.apply(piece.iter().cloned());
        ensure(failed.is_err(), || format!("{what}, and nobody says so"))?;
        sql.execute_batch("DROP TRIGGER harm").map_err(&harmed)?;
        drop(sql);
        sound(&path, &**reader, &what)?;
        if number % 4 >= 2 {
            drop(projector);
            projector = open(&path)?;
        }
        let again = projector.apply(piece.iter().cloned());
        again.map_err(Caught::unexpected(&format!("{what}, and then again")))?;
        pending += balances_are_those_of_the_ledger(&path, &**reader, projector.checkpoint())?;
    }
    ensure(pending > 0, || "no hold was open at any time".into())?;
    let position = sound(&path, &**reader, "all is projected")?;
    ensure(position == records.len() as u64, || {
        format!("{position} of {} records are projected", records.len())
    })
}

/// Every row of every table is what a projection from nothing makes.
fn sound(path: &Path, reader: &dyn JournalReader, what: &str) -> Result<u64, Caught> {
    let verified = verify(path, reader, &mut |_| {});
    let verified = verified.map_err(Caught::unexpected(what))?;
    Ok(verified.position)
}

/// Answers how many accounts have something pending.
fn balances_are_those_of_the_ledger(
    path: &Path,
    reader: &dyn JournalReader,
    position: u64,
) -> Result<usize, Caught> {
    let folded = replay(
        reader,
        Chart::default(),
        Some(Position::new(position)),
        |_| {},
    );
    let (book, _) = folded.map_err(Caught::unexpected("the log cannot be folded"))?;
    let unread = Caught::unexpected("read models do not answer");
    let models = ReadModels::open(path).map_err(&unread)?;
    let mut pending = 0;
    for (account, expected) in book.ledger().by_path() {
        let unit = book.ledger().unit_of(account);
        let asked = models.account(account.path.as_str(), Some(unit), None);
        let rows = asked.map_err(&unread)?.value;
        let found = rows.first().map(|row| {
            [
                row.debits_posted,
                row.credits_posted,
                row.debits_pending,
                row.credits_pending,
            ]
        });
        let expected = [
            expected.debits_posted,
            expected.credits_posted,
            expected.debits_pending,
            expected.credits_pending,
        ];
        ensure(found == Some(expected), || {
            format!(
                "{} in {} is {found:?} in the read models, {expected:?} in the ledger",
                account.path, unit
            )
        })?;
        pending += usize::from(expected[2] + expected[3] > 0);
    }
    Ok(pending)
}

fn a_missing_record_is_noticed(records: &[(u64, Record)]) -> Verdict {
    let directory = directory()?;
    let mut projector = open(&directory.path().join("models.sqlite"))?;
    let with_gap = records[..20].iter().filter(|(position, _)| *position != 11);
    match projector.apply(with_gap.cloned()) {
        Err(ProjectError::Gap { .. }) => Ok(()),
        Err(error) => Err(Caught(format!("a record is missing: {error}"))),
        Ok(checkpoint) => Err(Caught(format!(
            "a record is missing, and the checkpoint is {checkpoint}"
        ))),
    }
}

fn rows_of_another_journal_are_replaced(ours: &Arc<dyn JournalReader>) -> Verdict {
    let directory = directory()?;
    let path = directory.path().join("models.sqlite");
    let theirs = story::lived(4, 12)?.reader();
    for (whose, reader) in [("theirs", &theirs), ("ours", ours)] {
        let what = format!("read models of another journal follow {whose}");
        let followed = open(&path)?.catch_up(&**reader, &mut |_| {});
        followed.map_err(Caught::unexpected(&what))?;
        let position = sound(&path, &**reader, &what)?;
        ensure(position == reader.head().position.get(), || {
            format!("{what} to {position}")
        })?;
    }
    Ok(())
}
