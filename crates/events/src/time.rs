//! Time as history keeps it: a number that the caller read off a clock.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Encode};

/// Microseconds since 1970-01-01T00:00:00Z. Two axes use it: when something happened, and
/// when the roll recorded it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] i64);

/// The first and the last that the calendar can print: -009999-01-02T01:59:59Z and
/// 9999-12-30T22:00:00Z, whole seconds both.
const FIRST: i64 = -377_705_023_201_000_000;
const LAST: i64 = 253_402_207_200_000_000;

impl Timestamp {
    /// The nearest that the calendar can print.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(FIRST, LAST))
    }

    /// From whole seconds, as Stripe's `created`.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(1_000_000))
    }

    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time such as 2026-08-01T09:30:00Z (RFC 3339, with an offset)")]
pub struct ParseTimeError(String);

impl FromStr for Timestamp {
    type Err = ParseTimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = text.parse::<jiff::Timestamp>().ok();
        time.map(jiff::Timestamp::as_microsecond)
            .filter(|micros| (FIRST..=LAST).contains(micros))
            .map(Self)
            .ok_or_else(|| ParseTimeError(text.chars().take(64).collect()))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_prints_as_a_time_that_reads_back() {
        for micros in [
            i64::MIN,
            FIRST,
            FIRST + 1,
            -1,
            0,
            1,
            LAST - 1,
            LAST,
            i64::MAX,
        ] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(time.micros(), micros.clamp(FIRST, LAST));
            assert_eq!(time.to_string().parse(), Ok(time), "{micros}");
        }
    }

    #[test]
    fn a_time_that_could_not_be_printed_is_refused() {
        for (text, expected) in [
            ("9999-12-30T22:00:00Z", Some(LAST)),
            ("9999-12-30T22:00:00.000001Z", None),
            ("9999-12-30T22:00:00.999999999Z", None),
            ("9999-12-31T00:00:00Z", None),
            (
                "2026-08-01T11:30:00.123456789+02:00",
                Some(1_785_576_600_123_456),
            ),
            ("2026-08-01T09:30:00", None),
            ("2026-08-01", None),
            ("", None),
        ] {
            let read = text.parse::<Timestamp>().ok().map(Timestamp::micros);
            assert_eq!(read, expected, "{text}");
        }
    }
}
