//! Holds: reserve now, take later.

use tillroll_events::{HoldCaptured, HoldEnd, HoldEnded, HoldId, HoldPlaced, JournalEntry};
use tillroll_ledger::{Entry, Posting};

use super::entries;
use crate::work::UnitOfWork;
use crate::{CaptureHold, CapturePart, PlaceHold, Refusal};

pub(super) fn place(work: &mut UnitOfWork<'_>, request: &PlaceHold) -> Result<(), Refusal> {
    if request.expires_at.is_some_and(|at| at <= work.at) {
        return Err(Refusal::invalid(
            "expires_at",
            "a hold expires in the future",
        ));
    }
    let entry = entries::entry(&work.draft, &request.postings)?;
    work.draft.place_hold(request.id, &entry)?;
    let PlaceHold {
        id,
        expires_at,
        description,
        metadata,
        ..
    } = request.clone();
    let entry = JournalEntry(entry);
    work.emit(
        HoldPlaced {
            id,
            entry,
            expires_at,
            description,
            metadata,
        },
        None,
    );
    Ok(())
}

pub(super) fn capture(work: &mut UnitOfWork<'_>, request: &CaptureHold) -> Result<(), Refusal> {
    let id = request.id;
    // What ended it comes before what is wrong with the part.
    work.draft.open_hold(id, work.at.micros())?;
    let part = match &request.part {
        CapturePart::All => None,
        CapturePart::Amount(amount) => Some(scaled(work, id, *amount)?),
        CapturePart::Postings(postings) => Some(entries::entry(&work.draft, postings)?),
    };
    let captured = work.draft.capture_hold(id, part, work.at.micros())?;
    work.emit(
        HoldCaptured {
            id,
            entry: JournalEntry(captured),
        },
        None,
    );
    Ok(())
}

/// The hold's two postings at another amount.
fn scaled(work: &UnitOfWork<'_>, id: HoldId, amount: u64) -> Result<Entry, Refusal> {
    let hold = work.draft.open_hold(id, work.at.micros())?;
    let [first, second] = hold.entry.postings() else {
        return Err(Refusal::invalid(
            "amount",
            "only a hold of two postings is captured by amount: give `postings`",
        ));
    };
    if amount == 0 {
        return Err(Refusal::invalid(
            "amount",
            "an amount is at least 1 minor unit",
        ));
    }
    if amount > first.amount {
        return Err(Refusal::CaptureExceedsHold(format!(
            "{} are held, {amount} are to be captured",
            first.amount
        )));
    }
    let postings = [Posting { amount, ..*first }, Posting { amount, ..*second }];
    Entry::new(postings).map_err(|error| Refusal::of_entry(error, |id| work.draft.unit(id)))
}

pub(super) fn void(work: &mut UnitOfWork<'_>, id: HoldId) -> Result<(), Refusal> {
    work.draft.void_hold(id, work.at.micros())?;
    work.emit(
        HoldEnded {
            id,
            how: HoldEnd::Voided,
        },
        None,
    );
    Ok(())
}

pub(super) fn expire(work: &mut UnitOfWork<'_>) -> Result<(), Refusal> {
    for id in work.draft.expired_holds(work.at.micros()) {
        work.draft.expire_hold(id);
        work.emit(
            HoldEnded {
                id,
                how: HoldEnd::Expired,
            },
            None,
        );
    }
    Ok(())
}
