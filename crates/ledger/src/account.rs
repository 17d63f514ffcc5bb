//! An account: a path in a unit, with a type, a limit and its balances.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use tillroll_money::Unit;

use crate::account_index::NameHash;
use crate::{Balances, Side};

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
    "`{0}` is not an account path: up to eight names of the letters A to Z and a to z, digits, `_`, `-` and `.`, joined by `:`, at most 160 bytes; the chart gives an account a name in any script"
)]
pub struct ParsePathError(String);

impl AccountPath {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A path that is borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathRef<'a>(&'a str);

/// What a byte is to a path, so that sums of it count: digits below, colons above.
const DIGIT: u32 = 1;
const COLON: u32 = 1 << 16;
/// No path has it.
const END: u32 = u32::MAX;

const CLASSES: [u32; 256] = {
    let mut classes = [END; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'0'..=b'9' => DIGIT,
            b':' => COLON,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'-' | b'.' => 0,
            _ => END,
        };
        byte += 1;
    }
    classes
};

/// In bytes.
const LONGEST_PATH: usize = 160;
const MOST_NAMES: u32 = 8;

impl<'a> PathRef<'a> {
    pub fn parse(text: &'a str) -> Result<Self, ParsePathError> {
        match Self::at_start(text) {
            Some((path, _)) if path.0.len() == text.len() => Ok(path),
            _ => Err(ParsePathError(text.chars().take(200).collect())),
        }
    }

    /// The path that a text begins with, up to the first byte that no path has, and how many
    /// digits are in it. It is for a parser that reads a path out of a longer text, which
    /// is read once.
    #[must_use]
    #[inline]
    pub fn at_start(text: &'a str) -> Option<(Self, usize)> {
        // Names are separated by colons, and none is empty: no colon comes first, last or after
        // another.
        let (mut length, mut sum, mut before, mut doubled) = (0, 0, COLON, 0);
        for byte in text.bytes().take(LONGEST_PATH + 1) {
            let class = CLASSES[usize::from(byte)];
            if class == END {
                break;
            }
            doubled |= class & before;
            before = class;
            sum += class;
            length += 1;
        }
        let has_empty = (doubled | before) & COLON != 0;
        if length > LONGEST_PATH || has_empty || sum / COLON >= MOST_NAMES {
            return None;
        }
        let digits = usize::try_from(sum % COLON).expect("no more digits than bytes");
        Some((Self(&text[..length]), digits))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same, said plainly.
    fn is_path(text: &str) -> bool {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        let mut names = text.split(':');
        text.len() <= 160
            && text.split(':').count() <= 8
            && names.all(|name| !name.is_empty() && name.chars().all(is_letter))
    }

    #[test]
    fn paths_end_where_their_letters_do() {
        let long = "a".repeat(160);
        let longer = "a".repeat(161);
        for (text, expected) in [
            ("wallet:0000017\",\"unit\"", Some(("wallet:0000017", 7))),
            ("a", Some(("a", 0))),
            ("a:b:c:d:e:f:g:8", Some(("a:b:c:d:e:f:g:8", 1))),
            ("a:b:c:d:e:f:g:h:i", None),
            ("é", None),
            ("", None),
            (":", None),
            ("a:\"", None),
            (":a", None),
            ("a::b", None),
            (&long, Some((&long, 0))),
            (&longer, None),
        ] {
            let read = PathRef::at_start(text);
            let read = read.map(|(path, digits)| (path.as_str(), digits));
            assert_eq!(read, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_path_is_what_it_is_said_to_be(text in "([a-cA-C0-9_.-]{0,3}:?){0,9}[é/ ]{0,1}|[a0:]{150,165}") {
            prop_assert_eq!(PathRef::parse(&text).is_ok(), is_path(&text), "{}", text);
        }

        #[test]
        fn a_path_is_found_before_whatever_follows(
            path in "[a-c0-9]{1,4}(:[a-c0-9_.-]{1,4}){0,7}",
            rest in "([\"/ é].{0,9})?",
        ) {
            let text = format!("{path}{rest}");
            let digits = path.bytes().filter(u8::is_ascii_digit).count();
            let read = PathRef::at_start(&text);
            prop_assert_eq!(read.map(|(path, digits)| (path.as_str(), digits)), Some((&*path, digits)));
        }
    }
}
