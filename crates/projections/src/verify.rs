//! Whether the read models are what the log makes of them.
//!
//! Everything is projected again into a database of its own, in the system's temporary directory,
//! and every row of every table is
//! compared. Slow and complete: it trusts neither counters nor checksums.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, Rows};
use tillroll_log::{Deadline, LogReader};

use crate::projector::{MAX_ENTRIES, ProjectionProgress, Projector};
use crate::{ProjectError, database, schema, source};

/// The first row that differs, or is only on one side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{table} {key}: the log makes it {}, the read models hold {}",
    row(expected),
    row(found)
)]
pub struct Mismatch {
    pub table: String,
    /// The row's primary key: `position = 7, ordinal = 0`.
    pub key: String,
    /// The row as the log makes it, `None` when it makes none.
    pub expected: Option<String>,
    /// The row as it is, `None` when there is none.
    pub found: Option<String>,
}

fn row(row: &Option<String>) -> &str {
    row.as_deref().unwrap_or("no row")
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Mismatch(Box<Mismatch>),
    #[error("the read models are at {checkpoint}, beyond the log's end at {head}")]
    Beyond { checkpoint: u64, head: u64 },
    /// Nothing of this version is there to verify.
    #[error("{} holds no read models of this version", .0.display())]
    NotBuilt(PathBuf),
    #[error(transparent)]
    Failed(#[from] ProjectError),
}

impl From<rusqlite::Error> for VerifyError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// What was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The checkpoint of the read models when they were looked at.
    pub position: u64,
    pub rows: u64,
}

/// Compares the read models at `path` with what the log makes of itself up to their
/// checkpoint. They may move on meanwhile: one snapshot is compared.
pub fn verify(
    path: &Path,
    reader: &dyn LogReader,
    progress: &mut dyn FnMut(ProjectionProgress),
) -> Result<Verified, VerifyError> {
    let not_built = || VerifyError::NotBuilt(path.to_owned());
    let found = database::open_read_only(path).map_err(|_| not_built())?;
    if !schema::is_current(&found) {
        return Err(not_built());
    }
    let snapshot = found.unchecked_transaction()?;
    let checkpoint = schema::checkpoint(&snapshot)?;
    let head = reader.head(Deadline::NEVER).map_err(ProjectError::from)?;
    let head = head.position.get();
    if checkpoint > head {
        return Err(VerifyError::Beyond { checkpoint, head });
    }
    // Elsewhere: what is verified is not written to.
    let scratch = tempfile::Builder::new()
        .prefix("tillroll-verify-")
        .tempdir();
    let scratch = scratch.map_err(ProjectError::Scratch)?;
    let mut projector = Projector::open(&scratch.path().join("read-models.sqlite"))?;
    let tell = ProjectionProgress {
        position: 0,
        head: checkpoint,
    };
    source::read_to(reader, 0, checkpoint, MAX_ENTRIES, |batch| {
        let position = projector.apply(batch)?;
        progress(ProjectionProgress { position, ..tell });
        Ok(())
    })?;
    let mut rows = 0;
    for table in tables(projector.sql())? {
        rows += table.compare(projector.sql(), &snapshot)?;
    }
    Ok(Verified {
        position: checkpoint,
        rows,
    })
}

struct ComparedTable {
    name: String,
    columns: Vec<String>,
    /// Indexes of the primary key's columns.
    key: Vec<usize>,
}

fn tables(sql: &Connection) -> rusqlite::Result<Vec<ComparedTable>> {
    let mut names =
        sql.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?;
    names
        .map(|name| {
            let name = name?;
            let mut info =
                sql.prepare("SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid")?;
            let columns: Vec<(String, i64)> = info
                .query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let mut key: Vec<(i64, usize)> = columns
                .iter()
                .enumerate()
                .filter(|(_, (_, place))| *place > 0)
                .map(|(index, (_, place))| (*place, index))
                .collect();
            key.sort_unstable();
            Ok(ComparedTable {
                name,
                columns: columns.into_iter().map(|(name, _)| name).collect(),
                key: key.into_iter().map(|(_, index)| index).collect(),
            })
        })
        .collect()
}

impl ComparedTable {
    /// Walks both tables in the order of their key; answers how many rows are the same.
    fn compare(&self, expected: &Connection, found: &Connection) -> Result<u64, VerifyError> {
        let keys: Vec<&str> = self
            .key
            .iter()
            .map(|index| self.columns[*index].as_str())
            .collect();
        let sql = format!(
            "SELECT {} FROM {} ORDER BY {}",
            self.columns.join(", "),
            self.name,
            keys.join(", ")
        );
        let mut expected = expected.prepare(&sql)?;
        let mut found = found.prepare(&sql)?;
        let (mut expected, mut found) = (expected.query([])?, found.query([])?);
        let mut rows = 0;
        loop {
            let left = self.next(&mut expected)?;
            let right = self.next(&mut found)?;
            match (left, right) {
                (None, None) => return Ok(rows),
                (left, right) if left == right => rows += 1,
                (Some(left), Some(right)) => {
                    return Err(match self.order(&left, &right) {
                        Ordering::Less => self.mismatch(Some(&left), None),
                        Ordering::Equal => self.mismatch(Some(&left), Some(&right)),
                        Ordering::Greater => self.mismatch(None, Some(&right)),
                    });
                }
                (left, right) => return Err(self.mismatch(left.as_ref(), right.as_ref())),
            }
        }
    }

    fn next(&self, rows: &mut Rows<'_>) -> rusqlite::Result<Option<Vec<Value>>> {
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        (0..self.columns.len())
            .map(|index| row.get(index))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// As SQLite orders keys, which are integers and texts.
    fn order(&self, left: &[Value], right: &[Value]) -> Ordering {
        let order = |index: &usize| match (&left[*index], &right[*index]) {
            (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
            (Value::Text(left), Value::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
            _ => Ordering::Equal,
        };
        self.key
            .iter()
            .map(order)
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    fn mismatch(&self, expected: Option<&Vec<Value>>, found: Option<&Vec<Value>>) -> VerifyError {
        let key = expected.or(found).map(|row| {
            let keys: Vec<String> = self
                .key
                .iter()
                .map(|index| format!("{} = {}", self.columns[*index], show(&row[*index])))
                .collect();
            keys.join(", ")
        });
        VerifyError::Mismatch(Box::new(Mismatch {
            table: self.name.clone(),
            key: key.unwrap_or_default(),
            expected: expected.map(|row| self.show(row)),
            found: found.map(|row| self.show(row)),
        }))
    }

    fn show(&self, row: &[Value]) -> String {
        let columns = self.columns.iter().zip(row);
        let columns: Vec<String> = columns
            .map(|(name, value)| format!("{name} = {}", show(value)))
            .collect();
        format!("({})", columns.join(", "))
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Integer(number) => number.to_string(),
        Value::Real(_) => "a real number".into(),
        Value::Text(text) => format!("{text:?}"),
        Value::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}
