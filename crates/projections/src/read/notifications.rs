//! Webhooks that were authentic and not understood, kept until a later version reads them.

use rusqlite::params;
use serde::Serialize;
use tillroll_events::Timestamp;

use super::columns::Columns;
use super::page::{Keyset, read_limit};
use super::{At, Page, PositionPage, ReadModels};
use crate::ReadError;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnrecognisedRow {
    pub id: String,
    pub kind: String,
    pub account: Option<String>,
    pub api_version: Option<String>,
    pub created: Option<Timestamp>,
    pub livemode: bool,
    /// Why: `unknown_type`, `malformed`, …
    pub reason: String,
    pub detail: Option<String>,
    /// As it was received.
    pub body: Option<String>,
    pub recorded_at: Timestamp,
    /// Also its cursor.
    pub position: u64,
}

impl ReadModels {
    /// Notifications that are still not understood, newest first.
    pub fn unrecognised(
        &self,
        page: &PositionPage,
    ) -> Result<At<Page<UnrecognisedRow>>, ReadError> {
        self.at(page.as_of, |snapshot, as_of| {
            // The index is of those that were never understood, which says all at the checkpoint.
            let unresolved = match as_of.position == snapshot.checkpoint {
                true => "n.resolved_position IS NULL",
                false => "(n.resolved_position IS NULL OR n.resolved_position > ?3)",
            };
            let keyset = Keyset::newest_first(as_of, page.after, page.before);
            let sql = format!(
                "SELECT n.id, n.kind, n.account, n.api_version, n.created, n.livemode,
                        n.reason, n.detail, n.body, e.recorded_at, n.position
                 FROM notifications n CROSS JOIN events e ON e.position = n.position
                 WHERE n.position > ?1 AND n.position < ?2
                   AND ?3 > 0 AND {unresolved}
                 ORDER BY n.position {} LIMIT ?4",
                keyset.order(),
            );
            let mut statement = snapshot.sql.prepare_cached(&sql)?;
            let rows = statement.query_map(
                params![
                    keyset.above,
                    keyset.below,
                    as_of.column,
                    read_limit(page.limit)
                ],
                |row| {
                    Ok(UnrecognisedRow {
                        id: row.get(0)?,
                        kind: row.get(1)?,
                        account: row.get(2)?,
                        api_version: row.get(3)?,
                        created: row.maybe_time(4)?,
                        livemode: row.flag(5)?,
                        reason: row.get(6)?,
                        detail: row.get(7)?,
                        body: row.get(8)?,
                        recorded_at: row.time(9)?,
                        position: row.count(10)?,
                    })
                },
            )?;
            let rows = rows.collect::<Result<_, _>>()?;
            Ok(Page::of(rows, page.limit, keyset.backwards))
        })
    }
}
