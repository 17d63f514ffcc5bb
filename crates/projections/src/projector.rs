//! The writing side: records in, rows and checkpoint out, in one SQL commit.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use tillroll_events::Record;
use tillroll_log::{Deadline, LogReader, Position};

use crate::write::{Cache, Writer};
use crate::{Checkpoint, ProjectError, database, schema, source};

/// Most records of one SQL commit that post an entry or less each. A page that many rows of a
/// commit change is written once, so that a record of a larger commit costs less, up to here for
/// memory that is worth it. Of records that post many entries it is [`MAX_ENTRIES`] in all.
pub const MAX_BATCH: usize = MAX_ENTRIES / source::RECORD_WEIGHT;
/// Most entries of one SQL commit that come many to a record: the postings of ten thousand
/// accounts are on as many pages, however few they are.
pub const MAX_ENTRIES: usize = 400_000;

/// The weight of a commit while a reader waits for what is new.
const AWAITED_WEIGHT: usize = MAX_ENTRIES / 10;
/// How often it is looked whether a reader waits.
const LOOK: usize = 256 * source::RECORD_WEIGHT;

/// How far a long projection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectionProgress {
    /// Rows are committed up to here.
    pub position: u64,
    /// Where the log ended when this was looked up.
    pub head: u64,
}

/// Owns the one write connection to the read models of one book.
#[derive(Debug)]
pub struct Projector {
    path: PathBuf,
    sql: Connection,
    cache: Cache,
    checkpoint: u64,
    /// Whether the rows were seen to belong to the log.
    recognised: bool,
    /// Starting over has begun and not succeeded: there is no database to write to.
    starting_over: bool,
    /// Told of every commit; says what is waited for.
    published: Option<Checkpoint>,
}

/// A commit that is being filled.
struct Filling {
    published: Option<Checkpoint>,
    /// The checkpoint before it.
    before: u64,
    weight: usize,
    /// What it weighed when it was last looked whether a reader waits.
    looked: usize,
}

impl Filling {
    /// Whether it ends before the record at `next`.
    fn ends_before(&mut self, next: u64) -> bool {
        if self.weight >= MAX_ENTRIES {
            return true;
        }
        if self.weight - self.looked < LOOK {
            return false;
        }
        self.looked = self.weight;
        let published = self.published.as_ref();
        if published.is_some_and(Checkpoint::is_leaving) {
            return true;
        }
        let awaited = published.and_then(|published| published.awaited_after(self.before));
        awaited.is_some_and(|position| self.weight >= AWAITED_WEIGHT || next > position)
    }
}

impl Projector {
    /// Opens the read models at `path`. A missing, damaged, unfinished or differently versioned
    /// database is replaced by an empty one, to be filled by [`Projector::catch_up`].
    ///
    /// # Errors
    /// [`ProjectError::NotOurs`] when another program's database is there.
    pub fn open(path: &Path) -> Result<Self, ProjectError> {
        Self::over(path, database::open(path)?)
    }

    /// Drops the read models at `path` and builds them from the whole log.
    pub fn rebuild(
        path: &Path,
        reader: &dyn LogReader,
        progress: &mut dyn FnMut(ProjectionProgress),
    ) -> Result<Self, ProjectError> {
        let mut projector = Self::over(path, database::replace(path)?)?;
        projector.catch_up(reader, progress)?;
        Ok(projector)
    }

    fn over(path: &Path, sql: Connection) -> Result<Self, ProjectError> {
        let checkpoint = schema::checkpoint(&sql)?;
        Ok(Self {
            path: path.to_owned(),
            sql,
            cache: Cache::default(),
            checkpoint,
            recognised: false,
            starting_over: false,
            published: None,
        })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last position whose rows are committed, 0 before the first.
    #[must_use]
    pub fn checkpoint(&self) -> u64 {
        self.checkpoint
    }

    /// From here on commits are published, and end early where a read waits for them.
    #[must_use]
    pub fn publishing(mut self, checkpoint: Checkpoint) -> Self {
        self.published = Some(checkpoint);
        self
    }

    pub(crate) fn sql(&self) -> &Connection {
        &self.sql
    }

    /// Projects records, at most [`MAX_BATCH`] per commit or what posts [`MAX_ENTRIES`], fewer where
    /// a reader waits, and answers the checkpoint after them. Their positions continue the checkpoint without a gap.
    ///
    /// # Errors
    /// Of the commit that failed nothing is kept, neither rows nor checkpoint; commits before
    /// it stand. [`ProjectError::Leaving`] after [`Checkpoint::leave`].
    pub fn apply(
        &mut self,
        records: impl IntoIterator<Item = (u64, Record)>,
    ) -> Result<u64, ProjectError> {
        let mut records = records.into_iter().peekable();
        while records.peek().is_some() {
            if self.published.as_ref().is_some_and(Checkpoint::is_leaving) {
                return Err(ProjectError::Leaving);
            }
            let mut filling = Filling {
                published: self.published.clone(),
                before: self.checkpoint,
                weight: 0,
                looked: 0,
            };
            let batch = std::iter::from_fn(|| {
                let (next, record) = records.peek()?;
                if filling.ends_before(*next) {
                    return None;
                }
                filling.weight += source::weight(record);
                records.next()
            });
            self.commit(batch)?;
        }
        Ok(self.checkpoint)
    }

    fn commit(&mut self, records: impl Iterator<Item = (u64, Record)>) -> Result<(), ProjectError> {
        let Self {
            sql,
            cache,
            checkpoint,
            ..
        } = self;
        let result = write(sql, cache, *checkpoint, records);
        match result {
            Ok(position) => {
                self.checkpoint = position;
                // Rows that are built anew are behind what was there before.
                if let Some(published) = &self.published
                    && position > published.position()
                {
                    published.publish(position);
                }
                self.cache.trim();
                Ok(())
            }
            Err(error) => {
                // It remembers rows that were rolled back.
                self.cache = Cache::default();
                Err(error)
            }
        }
    }

    /// Projects everything that the log holds beyond the checkpoint, and answers the
    /// checkpoint after it.
    ///
    /// The first time, it is checked that the rows came from this log; rows of another one,
    /// or of one that has lost its end since, are dropped and built anew. So is a database that
    /// turns out to be damaged.
    pub fn catch_up(
        &mut self,
        reader: &dyn LogReader,
        progress: &mut dyn FnMut(ProjectionProgress),
    ) -> Result<u64, ProjectError> {
        self.catch_up_to(u64::MAX, reader, progress)
    }

    /// As [`Projector::catch_up`], and what comes beyond this position is left for another time.
    ///
    /// # Errors
    /// As [`Projector::catch_up`]. Commits before the failure stand.
    pub fn catch_up_to(
        &mut self,
        last: u64,
        reader: &dyn LogReader,
        progress: &mut dyn FnMut(ProjectionProgress),
    ) -> Result<u64, ProjectError> {
        match self.try_catch_up(last, reader, progress) {
            Err(error) if error.is_damage() => {
                tracing::warn!(path = %self.path.display(), %error, "building the read models anew");
                self.start_over()?;
                self.try_catch_up(last, reader, progress)
            }
            result => result,
        }
    }

    fn try_catch_up(
        &mut self,
        last: u64,
        reader: &dyn LogReader,
        progress: &mut dyn FnMut(ProjectionProgress),
    ) -> Result<u64, ProjectError> {
        if self.starting_over {
            self.start_over()?;
        }
        if !self.recognised {
            if !self.belongs_to(reader)? {
                tracing::warn!(path = %self.path.display(), "read models of another history: building anew");
                self.start_over()?;
            }
            self.recognised = true;
        }
        loop {
            let head = reader.head(Deadline::NEVER)?.position.get().min(last);
            progress(ProjectionProgress {
                position: self.checkpoint,
                head,
            });
            if self.checkpoint >= head {
                return Ok(self.checkpoint);
            }
            let after = self.checkpoint;
            let take = |batch| {
                let position = self.apply(batch)?;
                progress(ProjectionProgress { position, head });
                Ok(())
            };
            source::read_to(reader, after, head, MAX_ENTRIES, take)?;
        }
    }

    /// Whether the log has, at our checkpoint, the event that we projected there. Ids of
    /// events are derived from book and position, so that no other log has the same.
    fn belongs_to(&self, reader: &dyn LogReader) -> Result<bool, ProjectError> {
        if self.checkpoint == 0 {
            return Ok(true);
        }
        let Some(bytes) = reader.read_one(Position::new(self.checkpoint), Deadline::NEVER)? else {
            return Ok(false);
        };
        let record = source::decode(self.checkpoint, &bytes)?;
        let known: Option<String> = self
            .sql
            .query_row("SELECT event_id FROM checkpoint", [], |row| row.get(0))
            .optional()?
            .flatten();
        Ok(known == Some(record.id.to_string()))
    }

    fn start_over(&mut self) -> Result<(), ProjectError> {
        self.starting_over = true;
        // The old connection is closed before its file is replaced.
        self.sql = Connection::open_in_memory()?;
        self.cache = Cache::default();
        self.checkpoint = 0;
        self.sql = database::replace(&self.path)?;
        self.starting_over = false;
        self.recognised = true;
        Ok(())
    }
}

fn write(
    sql: &mut Connection,
    cache: &mut Cache,
    checkpoint: u64,
    records: impl Iterator<Item = (u64, Record)>,
) -> Result<u64, ProjectError> {
    let transaction = sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = schema::checkpoint(&transaction)?;
    if found != checkpoint {
        return Err(ProjectError::OtherWriter {
            expected: checkpoint,
            found,
        });
    }
    let mut writer = Writer::new(&transaction, cache, checkpoint);
    for (position, record) in records {
        writer.write(position, &record)?;
    }
    let position = writer.finish()?;
    transaction.commit()?;
    Ok(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_ends_when_it_is_full_and_early_for_who_waits() {
        //  weight, since the last look, position that is waited for, next one, whether it ends
        let table = [
            (0, 0, None, 11, false),
            (MAX_ENTRIES - 1, 0, None, 11, false),
            (MAX_ENTRIES, 0, None, 11, true),
            // Looking more often than that gains nothing.
            (AWAITED_WEIGHT, LOOK - 1, Some(20), 11, false),
            // What is waited for is in it.
            (LOOK, LOOK, Some(20), 21, true),
            (LOOK, LOOK, Some(20), 20, false),
            // It is far, and this is a part of the way.
            (AWAITED_WEIGHT, LOOK, Some(20), 15, true),
            // That was waited for, and was there before.
            (AWAITED_WEIGHT, LOOK, Some(10), 15, false),
        ];
        for (weight, since, awaited, next, ends) in table {
            let published = Checkpoint::new(10);
            if let Some(position) = awaited {
                published.want(position);
            }
            let mut filling = Filling {
                published: Some(published),
                before: 10,
                weight,
                looked: weight - since.min(weight),
            };
            let case = format!("{weight} {since} {awaited:?} {next}");
            assert_eq!(filling.ends_before(next), ends, "{case}");
        }
    }
}
