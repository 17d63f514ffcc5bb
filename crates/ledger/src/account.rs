//! An account: a path in a unit, with a type, a limit and its balances.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use tillroll_money::{MAX_MINOR, Unit};

use crate::Side;
use crate::account_index::NameHash;

/// An account's dense number, given in the order of opening. History refers to accounts by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u32);

impl AccountId {
    #[must_use]
    pub fn new(number: u32) -> Self {
        Self(number)
    }

    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    pub(crate) fn slot(self) -> usize {
        usize::try_from(self.0).expect("a 32-bit number fits the address space")
    }
}

/// A unit's dense number within one ledger, given when the first account of the unit opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(u16);

impl UnitId {
    #[must_use]
    pub fn new(number: u16) -> Self {
        Self(number)
    }

    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

/// Where an account stands in the chart: `stripe:balance`, `seller:acct_1:available`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountPath(Arc<str>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an account path: up to eight names of letters, digits, `_`, `-` and `.`, joined by `:`, at most 160 bytes"
)]
pub struct ParsePathError(String);

impl AccountPath {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A path that somebody else keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathRef<'a>(&'a str);

impl<'a> PathRef<'a> {
    pub fn parse(text: &'a str) -> Result<Self, ParsePathError> {
        let refused = || Err(ParsePathError(text.chars().take(200).collect()));
        if text.len() > 160 {
            return refused();
        }
        // One pass: names are separated by colons, and none is empty.
        let (mut names, mut empty) = (1, true);
        for byte in text.bytes() {
            match byte {
                b':' if empty => return refused(),
                b':' => {
                    names += 1;
                    empty = true;
                }
                b'_' | b'-' | b'.' => empty = false,
                byte if byte.is_ascii_alphanumeric() => empty = false,
                _ => return refused(),
            }
        }
        match empty || names > 8 {
            true => refused(),
            false => Ok(Self(text)),
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

impl AccountPath {
    #[must_use]
    pub fn borrowed(&self) -> PathRef<'_> {
        PathRef(&self.0)
    }
}

impl From<PathRef<'_>> for AccountPath {
    fn from(path: PathRef<'_>) -> Self {
        Self(path.0.into())
    }
}

impl FromStr for AccountPath {
    type Err = ParsePathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        PathRef::parse(text).map(Self::from)
    }
}

impl fmt::Display for AccountPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for AccountPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The accountant's type. It fixes the normal side, and where a report shows the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountType {
    Asset,
    Liability,
    Equity,
    Income,
    Expense,
    /// Off the books: what is due and paid on an order. It balances like all others, and no
    /// report of profit or position includes it.
    Memorandum,
}

impl AccountType {
    pub const ALL: [Self; 6] = [
        Self::Asset,
        Self::Liability,
        Self::Equity,
        Self::Income,
        Self::Expense,
        Self::Memorandum,
    ];

    #[must_use]
    pub fn normal_side(self) -> Side {
        match self {
            Self::Asset | Self::Expense | Self::Memorandum => Side::Debit,
            Self::Liability | Self::Equity | Self::Income => Side::Credit,
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Liability => "liability",
            Self::Equity => "equity",
            Self::Income => "income",
            Self::Expense => "expense",
            Self::Memorandum => "memorandum",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What an account may not do. Pending amounts count against the side that is limited, so a
/// hold reserves what it will need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    #[default]
    None,
    /// The account may not be drawn below zero on its credit side: what a seller is owed,
    /// points that a customer has.
    DebitsMustNotExceedCredits,
    /// The same on the debit side: goods on a shelf, what is still due on an order.
    CreditsMustNotExceedDebits,
}

impl Limit {
    pub const ALL: [Self; 3] = [
        Self::None,
        Self::DebitsMustNotExceedCredits,
        Self::CreditsMustNotExceedDebits,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::DebitsMustNotExceedCredits => "debits_must_not_exceed_credits",
            Self::CreditsMustNotExceedDebits => "credits_must_not_exceed_debits",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.as_str() == text)
    }

    /// Whether balances keep this limit.
    #[must_use]
    pub fn allows(self, balances: &Balances) -> bool {
        match self {
            Self::None => true,
            Self::DebitsMustNotExceedCredits => balances
                .debits_posted
                .checked_add(balances.debits_pending)
                .is_some_and(|debits| debits <= balances.credits_posted),
            Self::CreditsMustNotExceedDebits => balances
                .credits_posted
                .checked_add(balances.credits_pending)
                .is_some_and(|credits| credits <= balances.debits_posted),
        }
    }

    /// The side that this limit restricts.
    #[must_use]
    pub fn restricts(self) -> Option<Side> {
        match self {
            Self::None => None,
            Self::DebitsMustNotExceedCredits => Some(Side::Debit),
            Self::CreditsMustNotExceedDebits => Some(Side::Credit),
        }
    }
}

/// Everything that opening an account fixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSpec {
    pub path: AccountPath,
    pub unit: Unit,
    pub kind: AccountType,
    pub limit: Limit,
}

/// An open account. Its unit is known by number: see [`Ledger::unit_of`](crate::Ledger::unit_of).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub path: AccountPath,
    /// Of path and unit, so that the index can grow without reading any path.
    pub(crate) hash: NameHash,
    pub id: AccountId,
    pub unit_id: UnitId,
    pub kind: AccountType,
    pub limit: Limit,
}

/// Totals since the account opened: they only grow, but for pending amounts, which end when
/// their hold is captured or voided. Each is at most [`MAX_MINOR`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Balances {
    pub debits_posted: u64,
    pub credits_posted: u64,
    pub debits_pending: u64,
    pub credits_pending: u64,
}

impl Balances {
    /// Posted debits less posted credits.
    #[must_use]
    pub fn net_debit(&self) -> i64 {
        let signed = |total: u64| i64::try_from(total).expect("totals stay below MAX_MINOR");
        signed(self.debits_posted) - signed(self.credits_posted)
    }

    /// The balance as the accountant reads it: positive on the normal side.
    #[must_use]
    pub fn normal(&self, kind: AccountType) -> i64 {
        match kind.normal_side() {
            Side::Debit => self.net_debit(),
            Side::Credit => -self.net_debit(),
        }
    }

    pub(crate) fn posted(&mut self, side: Side) -> &mut u64 {
        match side {
            Side::Debit => &mut self.debits_posted,
            Side::Credit => &mut self.credits_posted,
        }
    }

    pub(crate) fn pending(&mut self, side: Side) -> &mut u64 {
        match side {
            Side::Debit => &mut self.debits_pending,
            Side::Credit => &mut self.credits_pending,
        }
    }

    /// Whether every total, with what is pending on its side, still fits.
    pub(crate) fn in_range(&self) -> bool {
        let fits = |posted: u64, pending: u64| {
            posted
                .checked_add(pending)
                .is_some_and(|total| total <= MAX_MINOR)
        };
        fits(self.debits_posted, self.debits_pending)
            && fits(self.credits_posted, self.credits_pending)
    }
}
