//! Answers and their pages.

use super::AsOf;

/// An answer and the position that it is true for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct At<T> {
    pub position: u64,
    pub value: T,
}

impl<T> At<T> {
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> At<U> {
        At {
            position: self.position,
            value: f(self.value),
        }
    }
}

/// Some items of a list, and whether more follow in the direction that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub has_more: bool,
}

impl<T> Page<T> {
    /// From rows that were read with [`read_limit`], in the order of reading. A page that was
    /// read backwards is turned round.
    pub(super) fn of(mut rows: Vec<T>, limit: usize, backwards: bool) -> Self {
        let limit = limit.max(1);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        if backwards {
            rows.reverse();
        }
        Self {
            items: rows,
            has_more,
        }
    }

    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            has_more: self.has_more,
        }
    }
}

/// One row more than the page holds, to see whether there are more.
pub(super) fn read_limit(limit: usize) -> i64 {
    i64::try_from(limit.max(1).saturating_add(1)).unwrap_or(i64::MAX)
}

/// Which part of a list ordered by position, newest first: `limit` items (at least 1), after
/// one position (older) or before another (newer). Positions are those of the items of an
/// earlier page; with both, `after` wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionPage {
    pub limit: usize,
    pub after: Option<u64>,
    pub before: Option<u64>,
    pub as_of: Option<u64>,
}

impl Default for PositionPage {
    fn default() -> Self {
        Self {
            limit: 10,
            after: None,
            before: None,
            as_of: None,
        }
    }
}

/// Bounds of a keyset query over positions, both exclusive, and its direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keyset {
    pub above: i64,
    pub below: i64,
    /// Newer than the cursor: read upwards and turn round.
    pub backwards: bool,
}

impl Keyset {
    /// Newest first: `after` is the position of the last item that was seen, `before` that of
    /// the first. What came after `as_of` is beyond the bounds, so that it is not passed over.
    pub fn newest_first(as_of: AsOf, after: Option<u64>, before: Option<u64>) -> Self {
        let mut keyset = Self::at_latest(after, before);
        keyset.below = keyset.below.min(as_of.column.saturating_add(1));
        keyset
    }

    fn at_latest(after: Option<u64>, before: Option<u64>) -> Self {
        let column = |position: u64| i64::try_from(position).unwrap_or(i64::MAX);
        match (after, before) {
            (Some(after), _) => Self {
                above: 0,
                below: column(after),
                backwards: false,
            },
            (None, Some(before)) => Self {
                above: column(before),
                below: i64::MAX,
                backwards: true,
            },
            (None, None) => Self {
                above: 0,
                below: i64::MAX,
                backwards: false,
            },
        }
    }

    pub fn order(self) -> &'static str {
        if self.backwards { "ASC" } else { "DESC" }
    }
}
