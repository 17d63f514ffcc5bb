//! Many entries, posted at once where each is checked.
//!
//! A [`Draft`](crate::Draft) asks what would be and changes nothing; it pays for that with a
//! second look at every account. Here an entry is checked on the balances themselves and taken
//! back where it is refused. Both give the same answers in the same order, which a test holds
//! them to.
//!
//! What is slow about many entries is waiting for memory. So names and ids are first read for a
//! whole group, each read independent of the others, and only then is the first entry posted.

use crate::limits::{self, TotalsKind};
use crate::lines::read_all;
use crate::{AccountId, EntryId, EntryRef, Ledger, LedgerRefusal, NameHash, Posting, UnitId};

/// How many names are waited for together. More do not fit the nearest cache, fewer leave the
/// memory idle.
const GROUP: usize = 32;

/// An account by name, with the hash that its reader computed.
#[derive(Clone, Copy, Debug)]
pub struct HashedAccountName<'a> {
    pub hash: NameHash,
    pub path: &'a str,
    /// None when the ledger has no account in the unit.
    pub unit: Option<UnitId>,
}

/// Whether two texts are the same. Most paths are as long as one to two words, and the call that
/// compares any bytes shows among ten thousands of entries.
fn is_same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let ends = |text: &[u8]| {
        let (first, last): (Option<&[u8; 8]>, _) = (text.first_chunk(), text.last_chunk());
        first.copied().zip(last.copied())
    };
    match (left.len(), ends(left), ends(right)) {
        (length @ 8..=16, Some(left), Some::<([u8; 8], [u8; 8])>(others)) => {
            length == right.len() && left == others
        }
        _ => left == right,
    }
}

impl Ledger {
    /// Finds many accounts by name, in order.
    pub fn resolve(&self, names: &[HashedAccountName<'_>], found: &mut Vec<Option<AccountId>>) {
        for group in names.chunks(GROUP) {
            let cells = group.iter().filter_map(|name| self.index.line(name.hash));
            read_all(cells, |cell| *cell);
            let mut likely = [None; GROUP];
            for (name, slot) in group.iter().zip(&mut likely) {
                *slot = self.index.find(name.hash, |_| true);
            }
            let rows = likely.iter().flatten().map(|id| &self.rows[id.slot()]);
            read_all(rows, |row| u64::from(row.account.unit_id.get()));
            let texts = likely.iter().flatten().filter_map(|id| {
                let path = self.rows[id.slot()].account.path.as_str();
                path.as_bytes().first()
            });
            read_all(texts, |byte| u64::from(*byte));
            found.extend(group.iter().zip(likely).map(|(name, likely)| {
                let is_it = |id: AccountId| {
                    let account = &self.rows[id.slot()].account;
                    Some(account.unit_id) == name.unit && is_same(account.path.as_str(), name.path)
                };
                likely
                    .filter(|id| is_it(*id))
                    .or_else(|| self.index.find(name.hash, is_it))
            }));
        }
    }

    /// Reads what posting these entries will need, so that the waits for memory overlap.
    pub fn touch(&self, ids: impl Iterator<Item = EntryId>, postings: &[Posting]) {
        let cells = ids
            .flat_map(|id| self.entry_ids.lines(id.as_u128()))
            .flatten();
        read_all(cells, |cell| u64::from(*cell == 0));
        let rows = postings.iter();
        let rows = rows.filter_map(|posting| self.rows.get(posting.account.slot()));
        read_all(rows, |row| row.balances.debits_posted);
    }

    /// Posts an entry under a new id, or refuses it and leaves everything as it was. Refusals
    /// come in the order that a [`Draft`](crate::Draft) gives them in.
    pub fn try_post(&mut self, id: EntryId, entry: EntryRef<'_>) -> Result<(), LedgerRefusal> {
        if !self.entry_ids.insert(id.as_u128()) {
            return Err(LedgerRefusal::EntryExists(id));
        }
        let posted = self.try_add(entry);
        if posted.is_err() {
            self.entry_ids.remove(id.as_u128());
        }
        posted
    }

    /// Takes back what an entry has moved that [`Ledger::try_post`] has posted, the last of many
    /// first. Its id is still known, and goes with [`Ledger::forget`].
    ///
    /// # Panics
    /// When it was not posted.
    pub fn take_back(&mut self, entry: EntryRef<'_>) {
        self.subtract(entry.postings());
    }

    /// Forgets the ids of the entries that were posted last, in the order of posting, as if they
    /// had never been.
    ///
    /// # Panics
    /// When one was not posted.
    pub fn forget(&mut self, ids: &[EntryId]) {
        for id in ids.iter().rev() {
            assert!(
                self.entry_ids.remove(id.as_u128()),
                "only what was posted goes"
            );
        }
    }

    fn try_add(&mut self, entry: EntryRef<'_>) -> Result<(), LedgerRefusal> {
        let postings = entry.postings();
        for (index, posting) in postings.iter().enumerate() {
            if let Err(refusal) = self.add(posting) {
                self.subtract(&postings[..index]);
                return Err(refusal);
            }
        }
        for posting in postings {
            let row = &self.rows[posting.account.slot()];
            let unit = || self.unit_of(&row.account);
            let checked =
                limits::check(&row.account, unit, &row.balances, entry, TotalsKind::Posted);
            if let Err(refusal) = checked {
                self.subtract(postings);
                return Err(refusal);
            }
        }
        Ok(())
    }

    fn add(&mut self, posting: &Posting) -> Result<(), LedgerRefusal> {
        let Some(row) = self.rows.get_mut(posting.account.slot()) else {
            return Err(LedgerRefusal::AccountNotFound(posting.account));
        };
        if row.account.unit_id != posting.unit {
            let (account, known) = (row.account.clone(), self.unit(posting.unit));
            let unit = self.unit_of(&account);
            return Err(LedgerRefusal::UnitMismatch {
                path: account.path,
                account: unit,
                posting: known.unwrap_or(unit),
            });
        }
        match row
            .balances
            .add(TotalsKind::Posted, posting.side, posting.amount)
        {
            Some(0) => return Ok(()),
            Some(common) => {
                self.carries.add(posting.account, common.into());
                return Ok(());
            }
            None => {}
        }
        let account = row.account.clone();
        Err(LedgerRefusal::BalanceOutOfRange {
            unit: self.unit_of(&account),
            path: account.path,
        })
    }

    /// The last first, so that nothing stands in between that did not stand before.
    fn subtract(&mut self, postings: &[Posting]) {
        for posting in postings.iter().rev() {
            let balances = &mut self.rows[posting.account.slot()].balances;
            let total = balances.posted_mut(posting.side);
            match total.checked_sub(posting.amount) {
                Some(rest) => *total = rest,
                None => self.subtract_carried(posting),
            }
        }
    }

    /// The same where a part of what was added has been taken off both sides.
    #[cold]
    fn subtract_carried(&mut self, posting: &Posting) {
        let mut totals = self.totals(posting.account).expect("it was posted to");
        let total = totals.posted_mut(posting.side);
        *total = total
            .checked_sub(posting.amount.into())
            .expect("what was added is there");
        let (balances, common) = totals.split().expect("the account stood like this before");
        self.rows[posting.account.slot()].balances = balances;
        self.carries.set(posting.account, common);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_are_the_same_when_all_their_bytes_are(
            left in "[ab]{0,20}",
            place in any::<prop::sample::Index>(),
            right in "[ab]{0,20}",
        ) {
            prop_assert!(is_same(&left, &left.clone()));
            prop_assert_eq!(is_same(&left, &right), left == right);
            let mut other = left.clone();
            other.insert(place.index(left.len() + 1), 'c');
            prop_assert!(!is_same(&left, &other));
            let mut other = left.clone();
            if !left.is_empty() {
                let at = place.index(left.len());
                other.replace_range(at..=at, "c");
                prop_assert!(!is_same(&left, &other));
            }
        }
    }
}
