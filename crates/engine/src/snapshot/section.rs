//! The parts of a snapshot, in the order of the file: those of the ledger, then one for each kind
//! of row that the book has beside it.

use tillroll_book::state::{ROW_KINDS, RowKind};

/// A part of a snapshot. A number means something else in another version only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Accounts in the order of opening, with their balances.
    Accounts,
    /// Ids of entries that came in about ascending order.
    AscendingEntries,
    /// Ids of all other entries.
    ScatteredEntries,
    /// Ids of all holds that ever were.
    HoldIds,
    OpenHolds,
    /// Rows beside the ledger.
    Rows(RowKind),
}

impl Section {
    const LEDGER: [Self; 5] = [
        Self::Accounts,
        Self::AscendingEntries,
        Self::ScatteredEntries,
        Self::HoldIds,
        Self::OpenHolds,
    ];

    /// All of them, in the order of the file.
    pub fn all() -> impl Iterator<Item = Self> {
        let rows = ROW_KINDS.iter().copied().map(Self::Rows);
        Self::LEDGER.into_iter().chain(rows)
    }

    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Accounts => 1,
            Self::AscendingEntries => 2,
            Self::ScatteredEntries => 3,
            Self::HoldIds => 4,
            Self::OpenHolds => 5,
            Self::Rows(kind) => 5 + u16::from(kind.number()),
        }
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::AscendingEntries => "ascending entry ids",
            Self::ScatteredEntries => "scattered entry ids",
            Self::HoldIds => "hold ids",
            Self::OpenHolds => "open holds",
            Self::Rows(kind) => kind.name(),
        }
    }
}

impl std::fmt::Display for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_lie_in_the_order_of_their_numbers() {
        let numbers: Vec<u16> = Section::all().map(Section::number).collect();
        let count = u16::try_from(numbers.len()).unwrap();
        assert_eq!(numbers, (1..=count).collect::<Vec<u16>>());
    }
}
