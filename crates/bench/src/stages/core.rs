//! The double-entry core in memory, account numbers resolved: build the entry (which proves its
//! balance), claim its id against all history, check range and limit, write it down.
//!
//! No names, keys, events, bytes, threads. This is the only file that calls the ledger itself.

use std::hint::black_box;
use std::time::Duration;

use tillroll_ledger::{AccountId, Draft, Entry, EntryId, Ledger, Posting, Side, UnitId};

use super::{Rig, Stage, grouped};
use crate::workload::{Distribution, Entries, Legs};
use crate::{Error, Figure, timed};

/// Entries that one draft checks.
pub const STEP: usize = 1_000;

pub(super) fn measure(rig: &mut Rig) -> Result<Vec<Figure>, Error> {
    let mut figures = Vec::new();
    for accounts in rig.plan.core_accounts.clone() {
        let bound = rig.bounds.lines_of_an_entry(accounts);
        for limits in [true, false] {
            let mut entries = Entries::among(accounts, 1);
            if !limits {
                entries = entries.without_limits();
            }
            let mut ledger = entries.ledger();
            for distribution in [Distribution::Uniform, Distribution::Zipf] {
                entries.draw(distribution);
                let elapsed = run(&mut ledger, &mut entries, rig.plan.core_entries);
                let limits = if limits { "limits" } else { "no limits" };
                let case = format!(
                    "{} accounts, {}, {limits}",
                    grouped(accounts),
                    distribution.as_str()
                );
                let applied = rig.plan.core_entries as u64;
                let figure = Figure::of(Stage::Core, case, applied, elapsed);
                figures.push(figure.bound(bound.clone()));
            }
        }
    }
    Ok(figures)
}

/// So many entries, drawn while the clock stands still.
fn run(ledger: &mut Ledger, entries: &mut Entries, count: usize) -> Duration {
    let mut took = Duration::ZERO;
    let mut left = count;
    while left > 0 {
        let step: Vec<Legs> = (0..left.min(STEP)).map(|_| entries.next_legs()).collect();
        took += timed(|| apply(ledger, &step)).1;
        left -= step.len();
    }
    took
}

/// Checks entries in one draft and writes them down.
///
/// # Panics
/// When an entry is refused, which would measure something else.
pub fn apply(ledger: &mut Ledger, step: &[Legs]) {
    let mut accepted = Vec::with_capacity(step.len());
    let mut draft = Draft::new(ledger);
    for legs in step {
        let leg = |account: usize, side| Posting {
            // Number 0 is the issuer.
            account: AccountId::new(u32::try_from(account + 1).expect("few accounts")),
            unit: UnitId::new(0),
            side,
            amount: legs.amount,
        };
        let postings = [leg(legs.from, Side::Debit), leg(legs.to, Side::Credit)];
        let entry = Entry::new(postings).expect("it balances");
        let id = EntryId(legs.id);
        draft.claim_entry(id).expect("the id is new");
        draft.post(&entry).expect("there is enough");
        accepted.push((id, entry));
    }
    drop(draft);
    for (id, entry) in accepted {
        ledger.remember_entry(id);
        ledger.post(black_box(&entry));
    }
}
