//! Journal entries by command.

use tillroll_events::{EntryPosted, JournalEntry, Timestamp};
use tillroll_ledger::{Draft, Entry, EntryId, Posting};
use tillroll_money::MAX_MINOR;

use super::check_effective_date;
use crate::bulk::{self, EntryRun};
use crate::entry_batch::EntryRequest;
use crate::work::UnitOfWork;
use crate::{PostEntries, PostEntry, PostingRequest, Refusal};

pub(super) fn post(work: &mut UnitOfWork<'_>, request: &PostEntry) -> Result<(), Refusal> {
    let entry = entry(&work.draft, &request.postings)?;
    check_effective_date(request.effective_date, work.at)?;
    claim_and_post(&mut work.draft, request.id, &entry)?;
    let PostEntry {
        id,
        description,
        metadata,
        effective_date,
        ..
    } = request.clone();
    let entry = JournalEntry(entry);
    work.emit(
        EntryPosted {
            id,
            entry,
            description,
            metadata,
            reverses: None,
            effective_date,
        },
        None,
    );
    Ok(())
}

/// The plain model of [`bulk::post`].
pub(super) fn post_all(work: &mut UnitOfWork<'_>, request: &PostEntries) -> Result<(), Refusal> {
    bulk::check_size(request)?;
    let mut refused = Vec::new();
    let mut run = EntryRun::default();
    for (index, entry) in request.entries.iter().enumerate() {
        match post_one(&mut work.draft, entry, work.at) {
            Ok(posted) => {
                run.push(entry.id, posted.borrowed(), entry.words, |event| {
                    work.emit(event, None);
                });
            }
            Err(refusal) if request.all_or_nothing => {
                return Err(Refusal::InBulk {
                    index,
                    refusal: Box::new(refusal),
                });
            }
            Err(refusal) => refused.push(bulk::refused(index, &refusal)),
        }
    }
    run.end(|event| work.emit(event, None));
    work.emit(bulk::closed(request.entries.len(), refused), None);
    Ok(())
}

fn post_one(
    draft: &mut Draft<'_>,
    request: EntryRequest<'_>,
    now: Timestamp,
) -> Result<Entry, Refusal> {
    let legs = request
        .legs()
        .map(|leg| (leg.path, leg.unit, leg.side, leg.amount));
    let entry = entry_of(draft, legs)?;
    check_effective_date(request.words.and_then(|words| words.effective_date), now)?;
    claim_and_post(draft, request.id, &entry)?;
    Ok(entry)
}

pub(super) fn claim_and_post(
    draft: &mut Draft<'_>,
    id: EntryId,
    entry: &Entry,
) -> Result<(), Refusal> {
    draft.claim_entry(id)?;
    if let Err(refusal) = draft.post(entry) {
        draft.release_entry(id);
        return Err(refusal.into());
    }
    Ok(())
}

/// Names become account numbers, and postings an entry.
pub(super) fn entry(draft: &Draft<'_>, requests: &[PostingRequest]) -> Result<Entry, Refusal> {
    let legs = requests.iter().map(|request| {
        let path = request.account.as_str();
        (path, request.unit, request.side, request.amount)
    });
    entry_of(draft, legs)
}

fn entry_of<'r>(
    draft: &Draft<'_>,
    legs: impl Iterator<Item = (&'r str, tillroll_money::Unit, tillroll_ledger::Side, u64)>,
) -> Result<Entry, Refusal> {
    let postings: Vec<Posting> = legs
        .enumerate()
        .map(|(index, (path, unit, side, amount))| {
            if amount > MAX_MINOR {
                return Err(Refusal::amount_out_of_range(index));
            }
            draft
                .lookup(path, unit)
                .and_then(|account| draft.posting(account, side, amount))
                .ok_or_else(|| Refusal::account_not_found(index, path, unit))
        })
        .collect::<Result<_, _>>()?;
    Entry::new(postings).map_err(|error| Refusal::of_entry(error, |id| draft.unit(id)))
}
