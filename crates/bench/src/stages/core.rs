//! The double-entry core in memory: build the entry (which proves its balance), claim its id
//! against all history, check range and limit, write it down. With account numbers resolved, and
//! by the accounts' names.
//!
//! No keys, events, bytes, threads. This is the only file that calls the ledger itself.

use std::time::Duration;

use tillroll_ledger::{
    AccountId, EntryId, EntryRef, HashedAccountName, Ledger, NameHash, Posting, Side, UnitId,
};

use super::{BenchStage, Rig, grouped};
use crate::workload::{Distribution, Entries, Ids, PlannedTransfer, euro, wallet};
use crate::{BenchError, Figure, timed};

/// Entries between two looks at the clock.
pub const STEP: usize = 1_000;

/// Accounts of the history that grows.
const GROWING: usize = if cfg!(debug_assertions) {
    1_000
} else {
    1_000_000
};

/// Entries whose memory is waited for together, as the book does it.
const GROUP: usize = 16;

pub(super) fn measure(rig: &mut Rig) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for accounts in rig.plan.core_accounts.clone() {
        let bound = rig.bounds.lines_of_an_entry(accounts);
        let count = rig.plan.core_entries;
        let mut add = |what: &str, elapsed| {
            let case = format!("{} accounts, {what}", grouped(accounts));
            let figure = Figure::of(BenchStage::Core, case, count as u64, elapsed);
            figures.push(figure.bound(bound.clone()));
        };
        for limits in [true, false] {
            let mut entries = Entries::among(accounts, 1);
            if !limits {
                entries = entries.without_limits();
            }
            let mut ledger = entries.ledger();
            for distribution in [Distribution::Uniform, Distribution::Zipf] {
                entries.draw(distribution);
                let elapsed = run(&mut entries, count, |legs| {
                    timed(|| apply(&mut ledger, legs)).1
                });
                let limits = if limits { "limits" } else { "no limits" };
                add(&format!("{}, {limits}", distribution.as_str()), elapsed);
            }
            if limits {
                entries.draw(Distribution::Uniform);
                let elapsed = run(&mut entries, count, |legs| {
                    let names = names_of(legs);
                    timed(|| apply_by_name(&mut ledger, legs, &names)).1
                });
                add("uniform, limits, by name", elapsed);
                // In a book of their own: random ids are above those that begin with a time.
                let mut entries = Entries::among(accounts, 1).with_ids(Ids::Increasing);
                let mut ledger = entries.ledger();
                let elapsed = run(&mut entries, count, |legs| {
                    timed(|| apply(&mut ledger, legs)).1
                });
                add("uniform, limits, ids in order", elapsed);
            }
        }
    }
    for ids in [Ids::Random, Ids::Increasing] {
        figures.extend(growth(rig, ids));
    }
    Ok(figures)
}

/// What entries cost behind a longer and longer history, whose ids all are known.
fn growth(rig: &mut Rig, ids: Ids) -> Vec<Figure> {
    let entries = Entries::among(GROWING, 2).without_limits();
    let mut entries = entries.with_ids(ids);
    let order = ids.in_words();
    let mut ledger = entries.ledger();
    let mut post = |count: usize| {
        run(&mut entries, count, |legs| {
            timed(|| apply(&mut ledger, legs)).1
        })
    };
    let (mut figures, mut posted) = (Vec::new(), 0);
    for history in rig.plan.core_histories.clone() {
        let missing = usize::try_from(history.saturating_sub(posted));
        post(missing.expect("the history fits into memory"));
        let count = rig.plan.core_entries;
        let elapsed = post(count);
        posted = posted.max(history) + count as u64;
        let behind = grouped(usize::try_from(history).expect("it has been posted"));
        let case = format!(
            "{} accounts, behind {behind} entries, no limits{order}",
            grouped(GROWING)
        );
        let figure = Figure::of(BenchStage::Core, case, count as u64, elapsed);
        figures.push(figure.bound(rig.bounds.lines_of_an_entry(GROWING)));
    }
    figures
}

/// So many entries, drawn while the clock stands still.
fn run(
    entries: &mut Entries,
    count: usize,
    mut step: impl FnMut(&[PlannedTransfer]) -> Duration,
) -> Duration {
    let mut took = Duration::ZERO;
    let mut left = count;
    while left > 0 {
        let legs: Vec<PlannedTransfer> = (0..left.min(STEP)).map(|_| entries.next_legs()).collect();
        took += step(&legs);
        left -= legs.len();
    }
    took
}

/// Posts entries whose account numbers are known.
///
/// # Panics
/// When an entry is refused, which would measure something else.
pub fn apply(ledger: &mut Ledger, step: &[PlannedTransfer]) {
    let mut postings = Vec::with_capacity(2 * GROUP);
    for group in step.chunks(GROUP) {
        postings.clear();
        for legs in group {
            let leg = |account: usize, side| Posting {
                // Number 0 is the issuer.
                account: AccountId::new(u32::try_from(account + 1).expect("few accounts")),
                unit: UnitId::new(0),
                side,
                amount: legs.amount,
            };
            postings.push(leg(legs.from, Side::Debit));
            postings.push(leg(legs.to, Side::Credit));
        }
        post(ledger, group, &postings);
    }
}

/// Posts entries whose accounts are named. The names are read and hashed by the code that reads a
/// request, so that is not in it.
///
/// # Panics
/// As [`apply`].
pub fn apply_by_name(ledger: &mut Ledger, step: &[PlannedTransfer], names: &[(String, NameHash)]) {
    let unit = ledger.unit_id(euro());
    let mut found = Vec::with_capacity(2 * GROUP);
    let mut postings = Vec::with_capacity(2 * GROUP);
    for (group, names) in step.chunks(GROUP).zip(names.chunks(2 * GROUP)) {
        found.clear();
        postings.clear();
        let wanted: Vec<_> = names
            .iter()
            .map(|(path, hash)| HashedAccountName {
                hash: *hash,
                path,
                unit,
            })
            .collect();
        ledger.resolve(&wanted, &mut found);
        for (place, account) in found.iter().enumerate() {
            postings.push(Posting {
                account: account.expect("the account is open"),
                unit: unit.expect("an account counts it"),
                side: [Side::Debit, Side::Credit][place % 2],
                amount: group[place / 2].amount,
            });
        }
        post(ledger, group, &postings);
    }
}

fn post(ledger: &mut Ledger, group: &[PlannedTransfer], postings: &[Posting]) {
    ledger.touch(
        group.iter().map(|legs| EntryId::from_u128(legs.id)),
        postings,
    );
    for (legs, postings) in group.iter().zip(postings.chunks(2)) {
        let entry = EntryRef::new(postings).expect("it balances");
        let posted = ledger.try_post(EntryId::from_u128(legs.id), entry);
        posted.expect("the id is new and there is enough");
    }
}

/// Of each entry, the payer's and the payee's.
fn names_of(step: &[PlannedTransfer]) -> Vec<(String, NameHash)> {
    let numbers = step.iter().flat_map(|legs| [legs.from, legs.to]);
    let names = numbers.map(|number| {
        let path = wallet(number);
        let hash = NameHash::of(&path, euro());
        (path, hash)
    });
    names.collect()
}
