//! A moment of the past: a position, or a time on our own clock.

use std::str::FromStr;

use tillroll_events::Timestamp;

/// What `--as-of` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOfArgument {
    /// Right after this position; 0 is before everything.
    Position(u64),
    /// After everything that was recorded at or before this time.
    Time(Timestamp),
}

impl FromStr for AsOfArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let position = text.parse().map(Self::Position);
            return position.map_err(|_| "this position is too large".into());
        }
        text.parse().map(Self::Time).map_err(|_| {
            "neither a position (a whole number) nor a time such as 2026-08-01T09:30:00Z".into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_or_a_time() {
        let table = [
            ("0", Some(AsOfArgument::Position(0))),
            ("17", Some(AsOfArgument::Position(17))),
            (
                "1970-01-01T00:00:01Z",
                Some(AsOfArgument::Time(Timestamp::from_seconds(1))),
            ),
            (
                "1970-01-01T01:00:01+01:00",
                Some(AsOfArgument::Time(Timestamp::from_seconds(1))),
            ),
            ("", None),
            ("-1", None),
            ("99999999999999999999", None),
            ("2026-08-01", None),
            ("yesterday", None),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<AsOfArgument>().ok(), expected, "{text}");
        }
    }
}
