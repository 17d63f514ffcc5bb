//! A day of the calendar, for books that go by days.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Encode};

/// A day, without a time and without a time zone: days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarDate(i32);

const EPOCH: jiff::civil::Date = jiff::civil::date(1970, 1, 1);

impl CalendarDate {
    /// The first and the last: 0001-01-01 and 9999-12-31.
    const FIRST: i32 = -719_162;
    const LAST: i32 = 2_932_896;

    /// `None` for what four digits of a year cannot say.
    #[must_use]
    pub const fn from_days(days: i32) -> Option<Self> {
        match Self::FIRST <= days && days <= Self::LAST {
            true => Some(Self(days)),
            false => None,
        }
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn days(self) -> i32 {
        self.0
    }
}

impl fmt::Display for CalendarDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = EPOCH.checked_add(jiff::Span::new().days(self.0));
        write!(f, "{}", day.expect("it is within the calendar"))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day such as 2026-08-31, of the years 0001 to 9999")]
pub struct ParseDateError(String);

impl FromStr for CalendarDate {
    type Err = ParseDateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let shape = |(at, byte): (usize, u8)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            };
            if text.len() != 10 || !text.bytes().enumerate().all(shape) {
                return None;
            }
            let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i16>().ok();
            let (month, day) = (number(5..7)?, number(8..10)?);
            let date = jiff::civil::Date::new(
                number(0..4)?,
                i8::try_from(month).ok()?,
                i8::try_from(day).ok()?,
            );
            let since = date.ok()?.since((jiff::Unit::Day, EPOCH)).ok()?;
            Self::from_days(since.get_days())
        };
        parse().ok_or_else(|| ParseDateError(text.chars().take(64).collect()))
    }
}

impl<C> Encode<C> for CalendarDate {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.i32(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for CalendarDate {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let date = Self::from_days(d.i32()?);
        date.ok_or_else(|| minicbor::decode::Error::message("a day outside of the calendar"))
    }
}

impl serde::Serialize for CalendarDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl schemars::JsonSchema for CalendarDate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CalendarDate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn days_read_back_and_sort_as_text(
            a in CalendarDate::FIRST..=CalendarDate::LAST,
            b in CalendarDate::FIRST..=CalendarDate::LAST,
        ) {
            let [left, right] = [a, b].map(|days| CalendarDate::from_days(days).unwrap());
            prop_assert_eq!(left.to_string().parse(), Ok(left));
            prop_assert_eq!(left.cmp(&right), left.to_string().cmp(&right.to_string()));
        }
    }

    #[test]
    fn days_are_text() {
        for (text, days) in [
            ("0001-01-01", Some(CalendarDate::FIRST)),
            ("1969-12-31", Some(-1)),
            ("1970-01-01", Some(0)),
            ("2026-08-31", Some(20_696)),
            ("2028-02-29", Some(21_243)),
            ("9999-12-31", Some(CalendarDate::LAST)),
            ("0000-12-31", None),
            ("2026-02-29", None),
            ("2026-13-01", None),
            ("2026-8-31", None),
            ("20260831", None),
            ("2026-08-31T00:00:00Z", None),
            ("2026/08/31", None),
            ("+026-08-31", None),
            ("", None),
        ] {
            let read = text.parse::<CalendarDate>().ok().map(CalendarDate::days);
            assert_eq!(read, days, "{text}");
        }
        assert_eq!(CalendarDate::from_days(CalendarDate::LAST + 1), None);
    }
}
