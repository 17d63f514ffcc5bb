//! Journal entries by command.

use tillroll_events::{BulkClosed, EntryPosted, JournalEntry, RefusedItem};
use tillroll_ledger::{Draft, Entry, EntryId, Posting};
use tillroll_money::MAX_MINOR;

use crate::work::Work;
use crate::{PostEntries, PostEntry, PostingRequest, Refusal};

/// More would hold up everybody else for too long.
const MAX_BULK: usize = 10_000;

pub(super) fn post(work: &mut Work<'_>, request: &PostEntry) -> Result<(), Refusal> {
    let entry = entry(&work.draft, &request.postings)?;
    let id = EntryId(request.id.as_u128());
    work.draft.claim_entry(id)?;
    if let Err(refusal) = work.draft.post(&entry) {
        work.draft.release_entry(id);
        return Err(refusal.into());
    }
    let PostEntry {
        id,
        description,
        metadata,
        reverses,
        ..
    } = request.clone();
    let entry = JournalEntry(entry);
    work.emit(
        EntryPosted {
            id,
            entry,
            description,
            metadata,
            reverses,
        },
        None,
    );
    Ok(())
}

pub(super) fn post_all(work: &mut Work<'_>, request: &PostEntries) -> Result<(), Refusal> {
    if !(1..=MAX_BULK).contains(&request.entries.len()) {
        return Err(Refusal::invalid(
            "entries",
            format!("one to {MAX_BULK} entries"),
        ));
    }
    let mut refused = Vec::new();
    for (index, entry) in request.entries.iter().enumerate() {
        match post(work, entry) {
            Ok(()) => {}
            Err(refusal) if request.all_or_nothing => {
                return Err(Refusal::InBulk {
                    index,
                    refusal: Box::new(refusal),
                });
            }
            Err(refusal) => refused.push(RefusedItem {
                index: u32::try_from(index).expect("a bulk request has at most 10,000 entries"),
                code: refusal.code().into(),
                detail: refusal.to_string(),
                param: refusal.param(),
            }),
        }
    }
    let accepted = u32::try_from(request.entries.len() - refused.len())
        .expect("a bulk request has at most 10,000 entries");
    work.emit(BulkClosed { accepted, refused }, None);
    Ok(())
}

/// Names become account numbers, and postings an entry.
pub(super) fn entry(draft: &Draft<'_>, requests: &[PostingRequest]) -> Result<Entry, Refusal> {
    let postings: Vec<Posting> = requests
        .iter()
        .enumerate()
        .map(|(index, request)| {
            if request.amount > MAX_MINOR {
                return Err(Refusal::AmountOutOfRange {
                    param: format!("postings[{index}].amount"),
                    detail: format!("at most {MAX_MINOR} minor units"),
                });
            }
            draft
                .lookup(request.account.as_str(), request.unit)
                .and_then(|account| draft.posting(account, request.side, request.amount))
                .ok_or_else(|| Refusal::AccountNotFound {
                    param: format!("postings[{index}].account"),
                    path: request.account.clone(),
                    unit: request.unit,
                })
        })
        .collect::<Result<_, _>>()?;
    Ok(Entry::new(postings)?)
}
