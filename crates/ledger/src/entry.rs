//! A journal entry: postings that balance in every unit.

use crate::{AccountId, UnitId};

/// More postings than the largest order needs; it bounds what one command may cost.
pub const MAX_POSTINGS: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Debit,
    Credit,
}

impl Side {
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Debit => Self::Credit,
            Self::Credit => Self::Debit,
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debit => "debit",
            Self::Credit => "credit",
        }
    }
}

/// One leg of an entry: an account, a side, and minor units of the account's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Posting {
    pub account: AccountId,
    pub unit: UnitId,
    pub side: Side,
    pub amount: u64,
}

/// Two or more postings that sum to zero in every unit. There is no way to hold one that does
/// not: the constructor is the proof.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry(Box<[Posting]>);

/// Why postings are no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    #[error("an entry has at least two postings, this one has {0}")]
    TooFewPostings(usize),
    #[error("an entry has at most {MAX_POSTINGS} postings, this one has {0}")]
    TooManyPostings(usize),
    #[error("posting {0} has no amount: it must be at least 1")]
    ZeroAmount(usize),
    #[error("debits are {debits} and credits are {credits} in unit number {}", unit.get())]
    Unbalanced {
        unit: UnitId,
        debits: u128,
        credits: u128,
    },
}

/// An entry whose postings are borrowed: the same proof, and nothing to allocate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRef<'a>(&'a [Posting]);

impl<'a> EntryRef<'a> {
    pub fn new(postings: &'a [Posting]) -> Result<Self, EntryError> {
        // Nearly every entry is this one.
        if let [first, second] = postings
            && first.unit == second.unit
            && first.side != second.side
            && first.amount == second.amount
            && first.amount != 0
        {
            return Ok(Self(postings));
        }
        match postings.len() {
            count @ 0..=1 => return Err(EntryError::TooFewPostings(count)),
            count if count > MAX_POSTINGS => return Err(EntryError::TooManyPostings(count)),
            _ => {}
        }
        if let Some(index) = postings.iter().position(|posting| posting.amount == 0) {
            return Err(EntryError::ZeroAmount(index));
        }
        // Few entries have many units, so the sums are found without a map.
        for (index, first) in postings.iter().enumerate() {
            if postings[..index]
                .iter()
                .any(|earlier| earlier.unit == first.unit)
            {
                continue;
            }
            let sum = |side: Side| -> u128 {
                postings[index..]
                    .iter()
                    .filter(|posting| posting.unit == first.unit && posting.side == side)
                    .map(|posting| u128::from(posting.amount))
                    .sum()
            };
            let (debits, credits) = (sum(Side::Debit), sum(Side::Credit));
            if debits != credits {
                return Err(EntryError::Unbalanced {
                    unit: first.unit,
                    debits,
                    credits,
                });
            }
        }
        Ok(Self(postings))
    }

    #[must_use]
    pub fn postings(self) -> &'a [Posting] {
        self.0
    }

    #[must_use]
    pub fn to_entry(self) -> Entry {
        Entry(self.0.into())
    }
}

impl Entry {
    pub fn new(postings: impl Into<Box<[Posting]>>) -> Result<Self, EntryError> {
        let postings = postings.into();
        EntryRef::new(&postings)?;
        Ok(Self(postings))
    }

    #[must_use]
    pub fn borrowed(&self) -> EntryRef<'_> {
        EntryRef(&self.0)
    }

    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.0
    }
}

impl<'a> From<&'a Entry> for EntryRef<'a> {
    fn from(entry: &'a Entry) -> Self {
        entry.borrowed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posting(account: u32, unit: u16, side: Side, amount: u64) -> Posting {
        Posting {
            account: AccountId::new(account),
            unit: UnitId::new(unit),
            side,
            amount,
        }
    }

    #[test]
    fn only_balanced_postings_become_an_entry() {
        use Side::{Credit as Cr, Debit as Dr};
        type EntryCase<'a> = (&'a str, &'a [(u32, u16, Side, u64)], &'a str);
        let table: &[EntryCase] = &[
            ("two legs", &[(0, 0, Dr, 5), (1, 0, Cr, 5)], ""),
            (
                "four legs, two units",
                &[(0, 0, Dr, 5), (1, 1, Cr, 7), (2, 0, Cr, 5), (3, 1, Dr, 7)],
                "",
            ),
            (
                "an account may stand on both sides",
                &[(0, 0, Dr, 5), (0, 0, Cr, 5)],
                "",
            ),
            ("one leg", &[(0, 0, Dr, 5)], "at least two"),
            ("no legs", &[], "at least two"),
            (
                "a zero leg",
                &[(0, 0, Dr, 5), (1, 0, Cr, 5), (2, 0, Dr, 0)],
                "posting 2",
            ),
            (
                "unequal sides",
                &[(0, 0, Dr, 5), (1, 0, Cr, 4)],
                "debits are 5 and credits are 4",
            ),
            (
                "equal only across units",
                &[(0, 0, Dr, 5), (1, 1, Cr, 5)],
                "debits are 5 and credits are 0",
            ),
            (
                "huge legs do not wrap round",
                &[(0, 0, Dr, u64::MAX), (1, 0, Dr, 1), (2, 0, Cr, 1)],
                "debits are",
            ),
        ];
        for (name, legs, expected) in table {
            let legs: Vec<_> = legs
                .iter()
                .map(|&(a, u, s, n)| posting(a, u, s, n))
                .collect();
            match Entry::new(legs) {
                Ok(_) => assert_eq!(*expected, "", "{name}"),
                Err(error) => assert!(
                    !expected.is_empty() && error.to_string().contains(expected),
                    "{name}: {error}"
                ),
            }
        }
    }
}
