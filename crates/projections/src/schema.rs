//! The tables, and whether a database holds them as this version makes them.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use rusqlite::Connection;

use crate::facts;

/// Counts changes of the tables or of what is written into them. A database of another version
/// is built anew.
pub(crate) const VERSION: i64 = 7;

/// "Till" in ASCII: tells our databases from others, so that another program's is never
/// removed.
pub(crate) const APPLICATION_ID: i64 = 0x5469_6c6c;

pub(crate) const SQL: &str = include_str!("schema.sql");

/// Makes the tables in an empty database.
pub(crate) fn create(sql: &Connection) -> rusqlite::Result<()> {
    sql.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         {SQL}
         {}
         INSERT INTO checkpoint (singleton, position) VALUES (1, 0);
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {VERSION};
         COMMIT;",
        facts::create_all(),
    ))
}

/// Whether the database says that it was made by this version.
pub(crate) fn is_current(sql: &Connection) -> bool {
    pragma(sql, "application_id") == Ok(APPLICATION_ID)
        && pragma(sql, "user_version") == Ok(VERSION)
}

pub(crate) fn pragma(sql: &Connection, name: &str) -> rusqlite::Result<i64> {
    sql.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

/// The position that the rows are complete up to.
pub(crate) fn checkpoint(sql: &Connection) -> rusqlite::Result<u64> {
    let mut statement =
        sql.prepare_cached("SELECT position FROM checkpoint WHERE singleton = 1")?;
    let position: i64 = statement.query_row([], |row| row.get(0))?;
    u64::try_from(position).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, position))
}

/// Whether every table and index is there as this version makes it. More may be: an index
/// added by hand is harmless.
pub(crate) fn is_whole(sql: &Connection) -> rusqlite::Result<bool> {
    static EXPECTED: OnceLock<BTreeSet<Made>> = OnceLock::new();
    let expected = match EXPECTED.get() {
        Some(expected) => expected,
        None => {
            let model = Connection::open_in_memory()?;
            create(&model)?;
            let made = made(&model)?;
            EXPECTED.get_or_init(|| made)
        }
    };
    Ok(made(sql)?.is_superset(expected))
}

/// A table or an index: what it is, its name, and the statement that makes it.
type Made = (String, String, String);

fn made(sql: &Connection) -> rusqlite::Result<BTreeSet<Made>> {
    let mut made =
        sql.prepare("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")?;
    made.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}
