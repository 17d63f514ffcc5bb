//! Columns as the types they were written from.

use std::str::FromStr;

use rusqlite::Row;
use rusqlite::types::Type;
use tillroll_events::{Metadata, Timestamp};

use crate::column::unknown;

/// A column of this index, as something more telling than an integer or a text. What does not
/// read back was not written by this version: the answer is a failure.
pub(super) trait Columns {
    fn count(&self, index: usize) -> rusqlite::Result<u64>;
    fn maybe_count(&self, index: usize) -> rusqlite::Result<Option<u64>>;
    fn small(&self, index: usize) -> rusqlite::Result<u32>;
    fn flag(&self, index: usize) -> rusqlite::Result<bool>;
    fn time(&self, index: usize) -> rusqlite::Result<Timestamp>;
    fn maybe_time(&self, index: usize) -> rusqlite::Result<Option<Timestamp>>;
    fn parsed<T: FromStr>(&self, index: usize) -> rusqlite::Result<T>;
    fn maybe_parsed<T: FromStr>(&self, index: usize) -> rusqlite::Result<Option<T>>;
    fn word<T>(&self, index: usize, parse: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T>;
    fn json<T: serde::de::DeserializeOwned>(&self, index: usize) -> rusqlite::Result<T>;
    fn metadata(&self, index: usize) -> rusqlite::Result<Metadata>;
}

fn unsigned(index: usize, number: i64) -> rusqlite::Result<u64> {
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, number))
}

impl Columns for Row<'_> {
    fn count(&self, index: usize) -> rusqlite::Result<u64> {
        unsigned(index, self.get(index)?)
    }

    fn maybe_count(&self, index: usize) -> rusqlite::Result<Option<u64>> {
        let number: Option<i64> = self.get(index)?;
        number.map(|number| unsigned(index, number)).transpose()
    }

    fn small(&self, index: usize) -> rusqlite::Result<u32> {
        self.get(index)
    }

    fn flag(&self, index: usize) -> rusqlite::Result<bool> {
        self.get(index)
    }

    fn time(&self, index: usize) -> rusqlite::Result<Timestamp> {
        Ok(Timestamp::from_micros(self.get(index)?))
    }

    fn maybe_time(&self, index: usize) -> rusqlite::Result<Option<Timestamp>> {
        let micros: Option<i64> = self.get(index)?;
        Ok(micros.map(Timestamp::from_micros))
    }

    fn parsed<T: FromStr>(&self, index: usize) -> rusqlite::Result<T> {
        self.word(index, |text| text.parse().ok())
    }

    fn maybe_parsed<T: FromStr>(&self, index: usize) -> rusqlite::Result<Option<T>> {
        let text = self.get_ref(index)?.as_str_or_null()?;
        text.map(|text| text.parse().map_err(|_| unknown(index, text)))
            .transpose()
    }

    fn word<T>(&self, index: usize, parse: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
        let text = self.get_ref(index)?.as_str()?;
        parse(text).ok_or_else(|| unknown(index, text))
    }

    fn json<T: serde::de::DeserializeOwned>(&self, index: usize) -> rusqlite::Result<T> {
        let text = self.get_ref(index)?.as_str()?;
        serde_json::from_str(text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
        })
    }

    fn metadata(&self, index: usize) -> rusqlite::Result<Metadata> {
        self.json(index)
    }
}
