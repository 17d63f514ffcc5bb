//! Where on the roll a reader is.

use std::fmt;
use std::str::FromStr;

use crate::query::position;

/// After an event, or after the first entries of one that comes in parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EventCursor {
    pub position: u64,
    /// How many entries of the event at the position were shown; none when all of it was.
    pub entries: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position, a whole number from 0, or the `sequence` of an event")]
pub(crate) struct EventCursorError;

impl EventCursor {
    /// After the event at a position.
    pub(crate) fn after(position: u64) -> Self {
        Self {
            position,
            entries: None,
        }
    }

    /// The position of the next event, and how many of its entries were shown.
    pub(crate) fn next(self) -> (u64, usize) {
        match self.entries {
            None => (self.position.saturating_add(1), 0),
            Some(entries) => (
                self.position,
                usize::try_from(entries).unwrap_or(usize::MAX),
            ),
        }
    }
}

impl FromStr for EventCursor {
    type Err = EventCursorError;

    fn from_str(text: &str) -> Result<Self, EventCursorError> {
        let number = |text| position(text).ok_or(EventCursorError);
        Ok(match text.split_once('.') {
            None => Self::after(number(text)?),
            // No event is at 0, and nothing of it was shown.
            Some((at, entries)) => match (number(at)?, number(entries)?) {
                (0, _) => Self::after(0),
                (position, entries) => Self {
                    position,
                    entries: Some(entries),
                },
            },
        })
    }
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.position)?;
        match self.entries {
            None => Ok(()),
            Some(entries) => write!(f, ".{entries}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_positions_or_sequences() {
        //  text => itself again, the next position, entries of it that were shown
        let table: &[(&str, Option<(&str, u64, usize)>)] = &[
            ("0", Some(("0", 1, 0))),
            ("17", Some(("17", 18, 0))),
            ("00000000000000000017", Some(("17", 18, 0))),
            ("17.0", Some(("17.0", 17, 0))),
            ("00000000000000000017.0000000500", Some(("17.500", 17, 500))),
            ("0.5", Some(("0", 1, 0))),
            (
                "9223372036854775807",
                Some(("9223372036854775807", 1 << 63, 0)),
            ),
            ("9223372036854775808", None),
            ("17.", None),
            (".17", None),
            ("17.x", None),
            ("17.5.5", None),
            ("17.-1", None),
            ("", None),
            ("+1", None),
        ];
        for (text, expected) in table {
            let read: Result<EventCursor, _> = text.parse();
            let read = read.ok().map(|cursor| {
                let (next, entries) = cursor.next();
                (cursor.to_string(), next, entries)
            });
            let expected = expected.map(|(text, next, entries)| (text.to_owned(), next, entries));
            assert_eq!(read, expected, "{text}");
        }
    }
}
