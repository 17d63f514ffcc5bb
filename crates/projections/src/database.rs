//! The database file: opened when it is sound and of this version, otherwise made anew.
//!
//! Read models are disposable, because the log can always make them again. So a file that
//! is missing, damaged, unfinished or of another version is replaced without asking. Two things
//! are never done: another program's database is not touched, and a damaged file is not thrown
//! away but set aside, so that what happened to it can be looked at.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::is_damage;
use crate::{ProjectError, schema};

/// What is at a path.
enum DatabaseCondition {
    Current(Connection),
    /// No tables yet.
    Empty(Connection),
    /// Ours, and not as this version makes it.
    Outdated,
    Damaged,
}

/// Opens the database for the one writer, making it where needed.
pub(crate) fn open(path: &Path) -> Result<Connection, ProjectError> {
    match look(path)? {
        DatabaseCondition::Current(sql) => return Ok(sql),
        DatabaseCondition::Empty(sql) => {
            schema::create(&sql)?;
            return Ok(sql);
        }
        DatabaseCondition::Outdated => {
            tracing::info!(path = %path.display(), "read models of another version: building anew");
            remove(path)?;
        }
        DatabaseCondition::Damaged => {
            tracing::warn!(path = %path.display(), "damaged read models: set aside, building anew");
            set_aside(path)?;
        }
    }
    create(path)
}

/// Replaces whatever read models are at `path` by empty ones.
pub(crate) fn replace(path: &Path) -> Result<Connection, ProjectError> {
    match look(path)? {
        DatabaseCondition::Damaged => set_aside(path)?,
        // The connection is closed before its file goes.
        DatabaseCondition::Current(sql) | DatabaseCondition::Empty(sql) => {
            drop(sql);
            remove(path)?;
        }
        DatabaseCondition::Outdated => remove(path)?,
    }
    create(path)
}

fn create(path: &Path) -> Result<Connection, ProjectError> {
    let sql = connect(path)?;
    schema::create(&sql)?;
    Ok(sql)
}

fn look(path: &Path) -> Result<DatabaseCondition, ProjectError> {
    match look_inside(path) {
        Err(ProjectError::Sql(error)) if is_damage(&error) => Ok(DatabaseCondition::Damaged),
        found => found,
    }
}

fn look_inside(path: &Path) -> Result<DatabaseCondition, ProjectError> {
    if !path.exists() {
        // A write-ahead log without its database must not be played into a new one.
        remove(path)?;
    }
    let sql = Connection::open(path)?;
    let tables: i64 = sql.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    let application = schema::pragma(&sql, "application_id")?;
    if application != schema::APPLICATION_ID && (application != 0 || tables != 0) {
        return Err(ProjectError::NotOurs(path.to_owned()));
    }
    configure(&sql)?;
    if tables == 0 {
        return Ok(DatabaseCondition::Empty(sql));
    }
    if schema::is_current(&sql) && schema::is_whole(&sql)? {
        schema::checkpoint(&sql)?;
        return Ok(DatabaseCondition::Current(sql));
    }
    Ok(DatabaseCondition::Outdated)
}

fn connect(path: &Path) -> Result<Connection, ProjectError> {
    let sql = Connection::open(path)?;
    configure(&sql)?;
    Ok(sql)
}

/// NORMAL keeps the file sound through a power cut and may lose the newest commits, which the
/// log gives again; it syncs only when the write-ahead log is folded in.
fn configure(sql: &Connection) -> rusqlite::Result<()> {
    sql.busy_timeout(Duration::from_secs(5))?;
    sql.set_prepared_statement_cache_capacity(128);
    sql.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         PRAGMA wal_autocheckpoint = 8192;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -65536;
         PRAGMA temp_store = MEMORY;",
    )
}

/// Opens read models for looking, where they are not served. Nothing is written, so that a directory
/// may be looked at that cannot be written to: one file by itself is read as it is, and of what lies
/// beside it the index of the write-ahead log is read and not taken part in.
///
/// # Errors
/// What SQLite says.
pub fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            byte => write!(uri, "%{byte:02X}").expect("memory takes text"),
        }
    }
    uri.push_str(match is_in_use(path) {
        true => "?mode=ro&readonly_shm=1",
        false => "?mode=ro&immutable=1",
    });
    Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
}

/// Whether a database is more than its file: it is written to, or the writer went down.
#[must_use]
pub fn is_in_use(path: &Path) -> bool {
    COMPANIONS
        .iter()
        .any(|suffix| beside(path, suffix).exists())
}

/// The files that SQLite keeps beside a database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

pub(crate) fn remove(path: &Path) -> Result<(), ProjectError> {
    // The main file last: what is left of an interrupted removal is still recognised.
    for suffix in COMPANIONS {
        remove_file(&beside(path, suffix))?;
    }
    remove_file(path)
}

fn set_aside(path: &Path) -> Result<(), ProjectError> {
    for suffix in COMPANIONS {
        remove_file(&beside(path, suffix))?;
    }
    std::fs::rename(path, beside(path, ".damaged")).map_err(|source| ProjectError::Replace {
        path: path.to_owned(),
        source,
    })
}

fn remove_file(path: &Path) -> Result<(), ProjectError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(ProjectError::Replace {
                path: path.to_owned(),
                source,
            })
        }
        _ => Ok(()),
    }
}
