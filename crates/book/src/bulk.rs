//! Many entries, posted in the book itself while they are decided.
//!
//! [`Book::decide`](crate::Book::decide) answers the same and changes nothing; it is the plain
//! model of this, and tests compare the two, refusals and their order included. What makes this
//! one fast: names are looked up and memory is read for a whole group before the first entry of
//! it is posted, and each account is visited once.

use tillroll_events::{
    BulkClosed, EntriesPosted, EntryPosted, Event, JournalEntry, PostedEntries, RefusedItem,
    Timestamp,
};
use tillroll_ledger::{AccountId, EntryId, EntryRef, HashedAccountName, Ledger, Posting, UnitId};
use tillroll_money::MAX_MINOR;

use crate::decide::check_effective_date;
use crate::entry_batch::{EntryRequest, Words};
use crate::{PostEntries, Refusal};

/// More would hold up other commands for too long.
pub(crate) const MOST_ENTRIES: usize = 10_000;
/// Entries of one event take about so many bytes at most, so that no reader has to take in a
/// huge record.
const RUN_BYTES: usize = 1 << 20;
/// Entries whose accounts are looked up together.
const GROUP: usize = 16;
/// More bytes than any refusal of an entry takes in an event.
const REFUSED_BYTES: usize = 1024;

/// Plain entries on their way into one event.
#[derive(Debug, Default)]
pub(crate) struct EntryRun {
    entries: PostedEntries,
}

impl EntryRun {
    pub(crate) fn with_capacity(entries: usize, legs: usize) -> Self {
        Self {
            entries: PostedEntries::with_capacity(entries, legs),
        }
    }

    /// Adds an entry. Answers the events that are complete now.
    pub(crate) fn push(
        &mut self,
        id: EntryId,
        entry: EntryRef<'_>,
        words: Option<&Words>,
        mut emit: impl FnMut(Event),
    ) {
        let Some(words) = words else {
            self.entries.push(id, entry);
            let bytes = PostedEntries::bytes_of(self.entries.len(), self.entries.postings());
            if bytes >= RUN_BYTES {
                self.end(emit);
            }
            return;
        };
        self.end(&mut emit);
        let Words {
            description,
            metadata,
            effective_date,
        } = words.clone();
        let entry = JournalEntry(entry.to_entry());
        emit(
            EntryPosted {
                id,
                entry,
                description,
                metadata,
                reverses: None,
                effective_date,
            }
            .into(),
        );
    }

    pub(crate) fn end(&mut self, mut emit: impl FnMut(Event)) {
        if !self.entries.is_empty() {
            let entries = std::mem::take(&mut self.entries);
            emit(EntriesPosted { entries }.into());
        }
    }
}

/// The event that ends a bulk command.
pub(crate) fn closed(entries: usize, refused: Vec<RefusedItem>) -> Event {
    let accepted = u32::try_from(entries - refused.len());
    let accepted = accepted.expect("a bulk request has at most 10,000 entries");
    BulkClosed { accepted, refused }.into()
}

pub(crate) fn check_size(request: &PostEntries) -> Result<(), Refusal> {
    if (1..=MOST_ENTRIES).contains(&request.entries.len()) {
        return Ok(());
    }
    Err(Refusal::invalid(
        "entries",
        format!("one to {MOST_ENTRIES} entries"),
    ))
}

pub(crate) fn refused(index: usize, refusal: &Refusal) -> RefusedItem {
    RefusedItem {
        index: u32::try_from(index).expect("a bulk request has at most 10,000 entries"),
        code: refusal.code().into(),
        detail: refusal.to_string(),
        param: refusal.param(),
    }
}

/// More bytes than the events of this command take, whatever becomes of its entries.
pub(crate) fn bytes_at_most(request: &PostEntries) -> usize {
    let batch = &request.entries;
    let words = batch.iter().filter_map(|entry| entry.words).map(|words| {
        let metadata = words.metadata.iter();
        let metadata = metadata.map(|(key, value)| key.len() + value.len() + 16);
        512 + words.description.as_ref().map_or(0, String::len) + metadata.sum::<usize>()
    });
    // A single entry's postings take a little more than those of many.
    4096 + words.sum::<usize>()
        + batch.len() * REFUSED_BYTES
        + PostedEntries::bytes_of(0, 2 * batch.legs())
}

/// Posts the entries and answers the events that say so; after a refusal the ledger is as it
/// was.
pub(crate) fn post(
    ledger: &mut Ledger,
    request: &PostEntries,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    check_size(request)?;
    let batch = &request.entries;
    let units: Vec<Option<UnitId>> = batch.units().iter().map(|u| ledger.unit_id(*u)).collect();
    let mut events = Vec::with_capacity(2);
    let mut items = Vec::new();
    let mut run = EntryRun::with_capacity(batch.len(), batch.legs());
    let (mut names, mut accounts, mut postings) = (Vec::new(), Vec::new(), Vec::new());
    let mut group = Vec::with_capacity(GROUP);
    let mut index = 0;
    let mut rest = batch.iter();
    loop {
        group.clear();
        group.extend(rest.by_ref().take(GROUP));
        if group.is_empty() {
            break;
        }
        names.clear();
        accounts.clear();
        names.extend(
            group
                .iter()
                .flat_map(|entry| entry.legs())
                .map(|leg| HashedAccountName {
                    hash: leg.hash,
                    path: leg.path,
                    unit: units[leg.unit_index],
                }),
        );
        ledger.touch(group.iter().map(|entry| entry.id), &[]);
        ledger.resolve(&names, &mut accounts);
        let mut found = &accounts[..];
        for entry in &group {
            let (own, others) = found.split_at(entry.legs().len());
            found = others;
            let posted = try_post(ledger, *entry, own, &units, &mut postings, now);
            match posted {
                Ok(posted) => run.push(entry.id, posted, entry.words, |event| events.push(event)),
                Err(refusal) if request.all_or_nothing => {
                    run.end(|event| events.push(event));
                    take_back(ledger, &events);
                    return Err(Refusal::InBulk {
                        index,
                        refusal: Box::new(refusal),
                    });
                }
                Err(refusal) => items.push(refused(index, &refusal)),
            }
            index += 1;
        }
    }
    run.end(|event| events.push(event));
    events.push(closed(batch.len(), items));
    Ok(events)
}

fn try_post<'p>(
    ledger: &mut Ledger,
    entry: EntryRequest<'_>,
    accounts: &[Option<AccountId>],
    units: &[Option<UnitId>],
    postings: &'p mut Vec<Posting>,
    now: Timestamp,
) -> Result<EntryRef<'p>, Refusal> {
    postings.clear();
    for (index, (leg, account)) in entry.legs().zip(accounts).enumerate() {
        if leg.amount > MAX_MINOR {
            return Err(Refusal::amount_out_of_range(index));
        }
        let (Some(account), Some(unit)) = (*account, units[leg.unit_index]) else {
            return Err(Refusal::account_not_found(index, leg.path, leg.unit));
        };
        postings.push(Posting {
            account,
            unit,
            side: leg.side,
            amount: leg.amount,
        });
    }
    let proved =
        EntryRef::new(postings).map_err(|error| Refusal::of_entry(error, |id| ledger.unit(id)))?;
    if let Some(words) = entry.words {
        check_effective_date(words.effective_date, now)?;
    }
    ledger.try_post(entry.id, proved)?;
    Ok(proved)
}

/// Folds entries of history into the ledger. They were checked when they were posted.
pub(crate) fn fold(ledger: &mut Ledger, entries: &PostedEntries) {
    let (mut ids, mut ends, mut postings) = (Vec::new(), Vec::new(), Vec::new());
    let mut left = entries.len();
    entries.for_each(|id, entry| {
        ids.push(id);
        postings.extend_from_slice(entry.postings());
        ends.push(postings.len());
        left -= 1;
        if ids.len() < GROUP && left > 0 {
            return;
        }
        ledger.touch(ids.iter().copied(), &postings);
        let mut start = 0;
        for (id, end) in ids.drain(..).zip(ends.drain(..)) {
            let entry = EntryRef::new(&postings[start..end]);
            ledger.remember_entry(id);
            ledger.post(entry.expect("proved when it was read"));
            start = end;
        }
        postings.clear();
    });
}

/// The last first, so that no balance is anywhere on the way where it was not before.
fn take_back(ledger: &mut Ledger, events: &[Event]) {
    let (mut ids, mut ends, mut postings) = (Vec::new(), vec![0], Vec::new());
    let mut add = |id, entry: EntryRef<'_>| {
        ids.push(id);
        postings.extend_from_slice(entry.postings());
        ends.push(postings.len());
    };
    for event in events {
        match event {
            Event::EntriesPosted(posted) => posted.entries.for_each(&mut add),
            Event::EntryPosted(posted) => add(posted.id, posted.entry.borrowed()),
            _ => {}
        }
    }
    for entry in ends.windows(2).rev() {
        let entry = EntryRef::new(&postings[entry[0]..entry[1]]);
        ledger.take_back(entry.expect("proved when it was posted"));
    }
    ledger.forget(&ids);
}
