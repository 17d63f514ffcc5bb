//! Values as a column holds them: for tables whose columns are declared by the fields of a type.

use std::str::FromStr;

use rusqlite::Row;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use tillroll_events::{ExternalId, OrderId, Timestamp};
use tillroll_ledger::Side;
use tillroll_money::Unit;

/// A type that one column holds.
pub trait ColumnValue: Sized {
    /// Its SQL type.
    const TYPE: &'static str;
    const MAY_BE_NULL: bool = false;

    /// # Errors
    /// [`rusqlite::Error::ToSqlConversionFailure`] for a value that no column can hold.
    fn to_column(&self) -> rusqlite::Result<ToSqlOutput<'_>>;

    /// Reads it back. What does not read was not written by this version.
    fn of_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Self>;
}

#[derive(Debug, thiserror::Error)]
#[error("{0} is above the largest amount")]
struct ValueTooLarge(u64);

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a value of its column")]
struct UnknownText(String);

pub(crate) fn unknown(index: usize, text: &str) -> rusqlite::Error {
    let text = UnknownText(text.chars().take(64).collect());
    rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(text))
}

fn parsed<T>(
    row: &Row<'_>,
    index: usize,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    parse(text).ok_or_else(|| unknown(index, text))
}

fn borrowed(text: &str) -> rusqlite::Result<ToSqlOutput<'_>> {
    Ok(ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())))
}

fn integer<'a>(number: i64) -> rusqlite::Result<ToSqlOutput<'a>> {
    Ok(ToSqlOutput::Owned(Value::Integer(number)))
}

impl<T: ColumnValue> ColumnValue for Option<T> {
    const TYPE: &'static str = T::TYPE;
    const MAY_BE_NULL: bool = true;

    fn to_column(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Some(value) => value.to_column(),
            None => Ok(ToSqlOutput::Owned(Value::Null)),
        }
    }

    fn of_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Self> {
        match row.get_ref(index)? {
            ValueRef::Null => Ok(None),
            _ => T::of_column(row, index).map(Some),
        }
    }
}

impl ColumnValue for u64 {
    const TYPE: &'static str = "INTEGER";

    fn to_column(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = i64::try_from(*self)
            .map_err(|_| rusqlite::Error::ToSqlConversionFailure(Box::new(ValueTooLarge(*self))))?;
        integer(number)
    }

    fn of_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Self> {
        let number: i64 = row.get(index)?;
        Self::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, number))
    }
}

impl ColumnValue for i64 {
    const TYPE: &'static str = "INTEGER";

    fn to_column(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        integer(*self)
    }

    fn of_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Self> {
        row.get(index)
    }
}

impl ColumnValue for bool {
    const TYPE: &'static str = "INTEGER";

    fn to_column(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        integer(i64::from(*self))
    }

    fn of_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Self> {
        row.get(index)
    }
}

impl ColumnValue for Timestamp {
    const TYPE: &'static str = "INTEGER";

    fn to_column(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        integer(self.micros())
    }

    fn of_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Self> {
        Ok(Self::from_micros(row.get(index)?))
    }
}

impl ColumnValue for String {
    const TYPE: &'static str = "TEXT";

    fn to_column(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        borrowed(self)
    }

    fn of_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Self> {
        row.get(index)
    }
}

impl ColumnValue for ExternalId {
    const TYPE: &'static str = "TEXT";

    fn to_column(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        borrowed(self.as_str())
    }

    fn of_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Self> {
        parsed(row, index, |text| text.parse().ok())
    }
}

impl ColumnValue for Unit {
    const TYPE: &'static str = "TEXT";

    fn to_column(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        borrowed(self.as_str())
    }

    fn of_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Self> {
        parsed(row, index, |text| Self::from_str(text).ok())
    }
}

impl ColumnValue for OrderId {
    const TYPE: &'static str = "TEXT";

    fn to_column(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(Value::Text(self.to_string())))
    }

    fn of_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Self> {
        parsed(row, index, |text| text.parse().ok())
    }
}

/// Enumerations, as their words.
macro_rules! word_columns {
    ($($type:ty),+ $(,)?) => {
        $(impl $crate::column::ColumnValue for $type {
            const TYPE: &'static str = "TEXT";

            fn to_column(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(tillroll_events::Word::word(*self).into())
            }

            fn of_column(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Self> {
                $crate::column::word(row, index)
            }
        })+
    };
}

/// Lists and maps, as JSON.
macro_rules! json_columns {
    ($($type:ty),+ $(,)?) => {
        $(impl $crate::column::ColumnValue for $type {
            const TYPE: &'static str = "TEXT";

            fn to_column(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                $crate::column::to_json(self)
            }

            fn of_column(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Self> {
                $crate::column::of_json(row, index)
            }
        })+
    };
}

pub(crate) use {json_columns, word_columns};

pub(crate) fn word<W: tillroll_events::Word>(row: &Row<'_>, index: usize) -> rusqlite::Result<W> {
    parsed(row, index, W::of_word)
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> rusqlite::Result<ToSqlOutput<'_>> {
    let text = serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    Ok(ToSqlOutput::Owned(Value::Text(text)))
}

pub(crate) fn of_json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    index: usize,
) -> rusqlite::Result<T> {
    parsed(row, index, |text| serde_json::from_str(text).ok())
}

pub(crate) fn parse_side(word: &str) -> Option<Side> {
    [Side::Debit, Side::Credit]
        .into_iter()
        .find(|side| side.as_str() == word)
}
