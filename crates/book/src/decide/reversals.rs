//! Entries that are taken back.
//!
//! An entry is taken back once, as far as amounts go: parts add up to at most the whole. What is
//! left of it stands in the event, so that the next reversal is decided on the book alone.

use std::collections::BTreeMap;

use tillroll_events::{EntryReversed, JournalEntry};
use tillroll_ledger::{AccountId, Entry, Posting, Side};

use super::entries;
use crate::store::{EntryKey, ReversedEntry};
use crate::work::UnitOfWork;
use crate::{OriginalEntry, Refusal, ReversalPart, ReverseEntry};

pub(super) fn reverse(work: &mut UnitOfWork<'_>, request: &ReverseEntry) -> Result<(), Refusal> {
    let OriginalEntry { id, position, .. } = request.original;
    let left = left_of(work, &request.original)?;
    let part = match &request.part {
        ReversalPart::All => opposite(&left),
        ReversalPart::Amount(amount) => of_amount(&left, *amount)?,
        ReversalPart::Postings(postings) => entries::entry(&work.draft, postings)?,
    };
    let left = less(work, &left, &part)?;
    entries::claim_and_post(&mut work.draft, request.id, &part)?;
    let ReverseEntry {
        id: reversal,
        description,
        metadata,
        effective_date,
        ..
    } = request.clone();
    work.emit(
        EntryReversed {
            id: reversal,
            entry: JournalEntry(part),
            description,
            metadata,
            reverses: id,
            effective_date,
            reverses_position: position,
            left: left.map(JournalEntry),
        },
        None,
    );
    Ok(())
}

/// What can still be taken back of an entry: all of it as it was read from the log, or what the
/// book knows to be left.
fn left_of(work: &UnitOfWork<'_>, original: &OriginalEntry) -> Result<Entry, Refusal> {
    if !work.draft.knows_entry(original.id) {
        return Err(Refusal::EntryNotFound(original.id));
    }
    let misread = || Refusal::invalid("original", "this is not what the roll says of the entry");
    let Some(known) = work.tables.get::<ReversedEntry>(&EntryKey(original.id)) else {
        let is_open = |posting: &Posting| {
            let same = work
                .draft
                .posting(posting.account, posting.side, posting.amount);
            same == Some(*posting)
        };
        let whole = original.entry.postings().iter().all(is_open);
        return whole.then(|| original.entry.clone()).ok_or_else(misread);
    };
    if known.position != original.position {
        return Err(misread());
    }
    let left = known.left.as_ref().map(|JournalEntry(left)| left.clone());
    left.ok_or(Refusal::EntryAlreadyReversed(original.id))
}

fn opposite(entry: &Entry) -> Entry {
    let postings = entry.postings().iter().map(|posting| Posting {
        side: posting.side.opposite(),
        ..*posting
    });
    let postings: Vec<_> = postings.collect();
    Entry::new(postings).expect("an entry balances on either side")
}

fn of_amount(left: &Entry, amount: u64) -> Result<Entry, Refusal> {
    let whole = opposite(left);
    let [first, second] = whole.postings() else {
        return Err(Refusal::invalid(
            "amount",
            "only an entry of two postings is reversed by amount: give `postings`",
        ));
    };
    if amount == 0 {
        return Err(Refusal::invalid(
            "amount",
            "an amount is at least 1 minor unit",
        ));
    }
    if amount > first.amount {
        return Err(Refusal::ReversalExceedsEntry {
            param: "amount".into(),
            detail: format!(
                "{} are left of the entry, {amount} are to be reversed",
                first.amount
            ),
        });
    }
    let postings = [Posting { amount, ..*first }, Posting { amount, ..*second }];
    Ok(Entry::new(postings).expect("two postings that balance do at any amount"))
}

/// What is left when `part` is taken back, too.
fn less(work: &UnitOfWork<'_>, left: &Entry, part: &Entry) -> Result<Option<Entry>, Refusal> {
    let mut wanted: BTreeMap<(AccountId, Side), u128> = BTreeMap::new();
    for posting in part.postings() {
        let key = (posting.account, posting.side.opposite());
        *wanted.entry(key).or_default() += u128::from(posting.amount);
    }
    let mut rest = Vec::with_capacity(left.postings().len());
    for posting in left.postings() {
        let mut amount = posting.amount;
        if let Some(wanted) = wanted.get_mut(&(posting.account, posting.side)) {
            let taken = u64::try_from(*wanted).map_or(amount, |wanted| wanted.min(amount));
            amount -= taken;
            *wanted -= u128::from(taken);
        }
        if amount > 0 {
            rest.push(Posting { amount, ..*posting });
        }
    }
    let is_over = |posting: &Posting| wanted[&(posting.account, posting.side.opposite())] > 0;
    if let Some(index) = part.postings().iter().position(is_over) {
        return Err(exceeds(work, left, part, index));
    }
    // Both balance, and so does what is between them.
    Ok(match rest.is_empty() {
        true => None,
        false => Some(Entry::new(rest).expect("what is between two entries balances")),
    })
}

/// Says what is wrong with the posting of `part` at `index`.
fn exceeds(work: &UnitOfWork<'_>, left: &Entry, part: &Entry, index: usize) -> Refusal {
    let posting = part.postings()[index];
    let side = posting.side.opposite();
    let sum = |entry: &Entry, side: Side| -> u128 {
        let postings = entry.postings().iter();
        let same = postings.filter(|leg| leg.account == posting.account && leg.side == side);
        same.map(|leg| u128::from(leg.amount)).sum()
    };
    let account = work.draft.account(posting.account);
    let (path, unit) = account.map_or_else(Default::default, |account| {
        (
            account.path.to_string(),
            work.draft.unit_of(account).to_string(),
        )
    });
    Refusal::ReversalExceedsEntry {
        param: format!("postings[{index}].amount"),
        detail: format!(
            "{} {unit} are left of the entry's {} of `{path}`, a {} of {} is to reverse them",
            sum(left, side),
            side.as_str(),
            posting.side.as_str(),
            sum(part, posting.side),
        ),
    }
}
