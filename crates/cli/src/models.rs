//! Read models that are as far as the roll: those of the directory when they are, otherwise a
//! private copy that is brought up to date. Numbers that are stale are never shown.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tillroll_events::Record;
use tillroll_log::{Deadline, Position};
use tillroll_projections::{Projector, ReadModels};
use tillroll_runtime::ReadOnlyLog;
use tillroll_terminal::{Console, Stop};

use crate::as_of::AsOfArgument;
use crate::data_dir::DataDir;

/// Read models and the position that they are true for.
#[derive(Debug)]
pub(crate) struct CurrentModels {
    pub(crate) models: ReadModels,
    /// The end of the roll when it was opened, and the position to ask at.
    pub(crate) head: u64,
    /// Goes with the copy.
    _copy: Option<TempDir>,
}

impl CurrentModels {
    /// # Errors
    /// When the roll is damaged, or has lost what the read models have seen.
    pub(crate) fn open(data: &DataDir, console: &mut Console<'_>) -> Result<Self, Stop> {
        let path = data.read_models();
        let built = ReadModels::open(&path).ok();
        // Taken before the roll is opened: a server may move both on, and then the roll is
        // further.
        let seen = built.as_ref().and_then(|_| ModelsPosition::of(&path).ok());
        let roll = open_roll(data, seen.as_ref())?;
        let head = roll.end().position.get();
        let seen = match seen {
            Some(seen) if !seen.is_of(&roll)? => {
                console.note("the read models are those of another book")?;
                None
            }
            seen => seen,
        };
        match (built, seen) {
            (Some(models), Some(seen)) if seen.position == head => Ok(Self {
                models,
                head,
                _copy: None,
            }),
            (_, Some(seen)) => {
                console.note(format!(
                    "the read models are at position {}, the roll at {head}: bringing a copy up to date",
                    seen.position
                ))?;
                Self::of_copy(data, roll, console)
            }
            (_, None) => {
                console.note(format!(
                    "there are no read models: projecting the roll up to position {head}"
                ))?;
                Self::project(scratch()?, &roll, console)
            }
        }
    }

    /// Goes on from a copy of what is there.
    fn of_copy(
        data: &DataDir,
        mut roll: ReadOnlyLog,
        console: &mut Console<'_>,
    ) -> Result<Self, Stop> {
        let directory = scratch()?;
        let own = own(&directory);
        match copy_file(&data.read_models(), &own).and_then(|()| ModelsPosition::of(&own)) {
            // A server went on while it was copied: so did the roll.
            Ok(seen) if seen.position > roll.end().position.get() => {
                roll = open_roll(data, Some(&seen))?;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the read models cannot be copied: projecting the whole roll");
                return Self::project(scratch()?, &roll, console);
            }
        }
        Self::project(directory, &roll, console)
    }

    /// Projects what the read models in a directory of our own have not seen.
    fn project(
        directory: TempDir,
        roll: &ReadOnlyLog,
        console: &mut Console<'_>,
    ) -> Result<Self, Stop> {
        let own = own(&directory);
        let head = roll.end().position.get();
        let mut projector = Projector::open(&own).map_err(Stop::failed)?;
        let mut progress = console.progress("projecting", head);
        let projected = projector.catch_up(&*roll.reader(), &mut |step| {
            progress.set(step.position, || format!("position {}", step.position));
        });
        drop(progress);
        projected.map_err(Stop::failed)?;
        drop(projector);
        Ok(Self {
            models: ReadModels::open(&own).map_err(Stop::failed)?,
            head,
            _copy: Some(directory),
        })
    }

    /// The position that a question is asked at.
    pub(crate) fn at(&self, as_of: Option<AsOfArgument>) -> Result<u64, Stop> {
        match as_of {
            None => Ok(self.head),
            Some(AsOfArgument::Position(position)) if position > self.head => {
                Err(beyond(position, self.head))
            }
            Some(AsOfArgument::Position(position)) => Ok(position),
            Some(AsOfArgument::Time(time)) => {
                let position = self.models.position_at(time).map_err(Stop::failed)?;
                Ok(position.min(self.head))
            }
        }
    }
}

pub(crate) fn beyond(position: u64, head: u64) -> Stop {
    Stop::usage(format!(
        "the roll ends at position {head}, before {position}"
    ))
    .next(format!("--as-of {head}, or a time"))
}

/// How far read models say that they are.
#[derive(Debug)]
pub(crate) struct ModelsPosition {
    pub(crate) position: u64,
    /// The event there. Ids of events are derived from book and position.
    event: Option<String>,
}

impl ModelsPosition {
    pub(crate) fn of(path: &Path) -> rusqlite::Result<Self> {
        let sql = read_only(path)?;
        sql.query_row("SELECT position, event_id FROM checkpoint", [], |row| {
            let position: i64 = row.get(0)?;
            let negative = rusqlite::Error::IntegralValueOutOfRange(0, position);
            Ok(Self {
                position: u64::try_from(position).map_err(|_| negative)?,
                event: row.get(1)?,
            })
        })
    }

    /// Whether the roll holds the event that they have seen.
    pub(crate) fn is_of(&self, roll: &ReadOnlyLog) -> Result<bool, Stop> {
        let bytes = roll
            .reader()
            .read_one(Position::new(self.position), Deadline::NEVER);
        let Some(bytes) = bytes.map_err(Stop::failed)? else {
            return Ok(self.event.is_none());
        };
        let record = Record::decode(&bytes).map_err(Stop::failed)?;
        Ok(self.event == Some(record.id.to_string()))
    }
}

/// The roll, which is at least as far as read models that were looked at before.
fn open_roll(data: &DataDir, seen: Option<&ModelsPosition>) -> Result<ReadOnlyLog, Stop> {
    let seen = seen.map_or(0, |seen| seen.position);
    let (roll, report) = data.open_log(Position::new(seen).next(), |_, _| {})?;
    let head = report.head.position.get();
    if seen <= head {
        return Ok(roll);
    }
    Err(Stop::failed(format!(
        "the roll ends at position {head}, and the read models have seen {seen}: \
         the roll has lost its end"
    ))
    .next(data.command("verify")))
}

fn scratch() -> Result<TempDir, Stop> {
    tempfile::tempdir().map_err(|error| Stop::failed(format!("no temporary directory: {error}")))
}

fn own(directory: &TempDir) -> PathBuf {
    directory.path().join("read-models.sqlite")
}

/// One snapshot of a database that may be written to meanwhile.
fn copy_file(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let sql = read_only(from)?;
    sql.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}
