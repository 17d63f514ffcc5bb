//! From a time on our clock to a position.

use rusqlite::OptionalExtension;
use tillroll_events::Timestamp;

use super::ReadModels;
use super::columns::Columns;
use crate::ReadError;

impl ReadModels {
    /// The last position that was recorded at or before `time`, 0 when none was.
    pub fn position_at(&self, time: Timestamp) -> Result<u64, ReadError> {
        self.pool.snapshot(|snapshot| {
            let mut statement = snapshot.sql.prepare_cached(
                "SELECT position FROM positions_by_time
                 WHERE recorded_at <= ?1 ORDER BY recorded_at DESC LIMIT 1",
            )?;
            let found = statement.query_row([time.micros()], |row| row.count(0));
            Ok(found.optional()?.unwrap_or(0))
        })
    }
}
