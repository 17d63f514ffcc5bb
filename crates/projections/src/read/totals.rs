//! Totals of accounts: two columns, and what was taken off both when they would no longer fit.

use std::fmt;

use rusqlite::{OptionalExtension, Row, params};
use serde::{Serialize, Serializer};
use tillroll_ledger::{AccountType, Side};

use super::columns::Columns;
use super::pool::Snapshot;
use crate::ReadError;
use crate::column::unknown;

/// A total, which may exceed 64 bits: everything that was ever posted on one side of an account,
/// or the sum of such. In JSON an integer up to 2^63 - 1, and beyond that its digits as a string,
/// so that no reader rounds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Total(pub i128);

impl Serialize for Total {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0) {
            Ok(small) => serializer.serialize_i64(small),
            Err(_) => serializer.collect_str(&self.0),
        }
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Total> for i128 {
    fn from(total: Total) -> Self {
        total.0
    }
}

impl From<u64> for Total {
    fn from(total: u64) -> Self {
        Self(total.into())
    }
}

/// Debits and credits of an account as columns have them: both less by the same.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PostedColumns {
    debits: i64,
    credits: i64,
}

impl PostedColumns {
    /// In the columns of this index and the next.
    pub(super) fn of(row: &Row<'_>, index: usize) -> rusqlite::Result<Self> {
        let total = |index: usize| -> rusqlite::Result<i64> {
            // A negative one was not written by this version.
            row.count(index)?;
            row.get(index)
        };
        Ok(Self {
            debits: total(index)?,
            credits: total(index + 1)?,
        })
    }

    pub(super) fn debits(self, carried: i128) -> Total {
        Total(carried + i128::from(self.debits))
    }

    pub(super) fn credits(self, carried: i128) -> Total {
        Total(carried + i128::from(self.credits))
    }

    /// Positive on the normal side of the type. None of the columns is negative.
    pub(super) fn balance(self, kind: AccountType) -> i64 {
        match kind.normal_side() {
            Side::Debit => self.debits - self.credits,
            Side::Credit => self.credits - self.debits,
        }
    }
}

/// What was taken off both sides of accounts. Of most books nothing ever was, and then no account
/// is looked up.
pub(super) struct CarryLookup<'s> {
    snapshot: &'s Snapshot<'s>,
    is_empty: bool,
}

impl<'s> CarryLookup<'s> {
    pub(super) fn of(snapshot: &'s Snapshot<'s>) -> Result<Self, ReadError> {
        let mut any = snapshot
            .sql
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM account_carries)")?;
        let any: bool = any.query_row([], |row| row.get(0))?;
        Ok(Self {
            snapshot,
            is_empty: !any,
        })
    }

    /// Of an account, after the posting of this ordinal in the event at the position.
    pub(super) fn at(&self, account: u32, position: i64, ordinal: i64) -> rusqlite::Result<i128> {
        if self.is_empty {
            return Ok(0);
        }
        let mut last = self.snapshot.sql.prepare_cached(
            "SELECT carried FROM account_carries
             WHERE account_id = ?1 AND (position, ordinal) <= (?2, ?3)
             ORDER BY position DESC, ordinal DESC LIMIT 1",
        )?;
        let found = last.query_row(params![account, position, ordinal], |row| {
            let digits = row.get_ref(0)?.as_str()?;
            digits.parse().map_err(|_| unknown(0, digits))
        });
        Ok(found.optional()?.unwrap_or(0))
    }
}
