//! Totals beyond 64 bits: what is read is exact, at every position, and the same however the rows
//! were made.

mod harness;

use std::collections::BTreeMap;

use harness::random::Random;
use harness::{Cr, Dr, Models, Roll, append, query, unit};
use tillroll_events::{EntryId, EntryPosted, Record};
use tillroll_ledger::Side;
use tillroll_log::MemoryLog;
use tillroll_money::MAX_MINOR;
use tillroll_projections::{
    LineRange, ReadModels, StatementQuery, Total, TrialBalanceQuery, verify,
};

const PATHS: [&str; 4] = ["bank:account", "stripe:balance", "sales:web", "fees:stripe"];

type Leg = (usize, Side, u64);

/// What was posted to each account: debits and credits.
type Sums = [(i128, i128); PATHS.len()];

fn net(sums: &Sums, account: usize) -> i128 {
    sums[account].0 - sums[account].1
}

fn add(sums: &mut Sums, (account, side, amount): Leg) {
    match side {
        Dr => sums[account].0 += i128::from(amount),
        Cr => sums[account].1 += i128::from(amount),
    }
}

/// Entries of amounts around 2^62 and 2^63, as many as keep every balance in its range.
fn entries(random: &mut Random, count: usize) -> Vec<Vec<Leg>> {
    let mut sums = Sums::default();
    let mut entries = Vec::new();
    while entries.len() < count {
        let pairs = 1 + random.index(2);
        let legs: Vec<Leg> = (0..pairs)
            .flat_map(|_| {
                let from = random.index(PATHS.len());
                let to = (from + 1 + random.index(PATHS.len() - 1)) % PATHS.len();
                let largest = *random.pick(&[MAX_MINOR, MAX_MINOR, MAX_MINOR / 2 + 1, 5]);
                let amount = largest - random.below(3);
                [(from, Dr, amount), (to, Cr, amount)]
            })
            .collect();
        let mut after = sums;
        let fits = legs.iter().all(|leg| {
            add(&mut after, *leg);
            net(&after, leg.0).abs() <= i128::from(MAX_MINOR)
        });
        if fits {
            sums = after;
            entries.push(legs);
        }
    }
    entries
}

fn post(roll: &mut Roll, number: u128, legs: &[Leg]) -> u64 {
    let legs: Vec<_> = legs
        .iter()
        .map(|&(account, side, amount)| (PATHS[account], "EUR", side, amount))
        .collect();
    let entry = roll.entry(&legs);
    roll.push(EntryPosted {
        id: EntryId::from_u128(number),
        entry,
        description: None,
        metadata: Default::default(),
        reverses: None,
        effective_date: None,
    })
}

fn check(read: &ReadModels, position: Option<u64>, sums: &Sums, what: &str) {
    let query = TrialBalanceQuery {
        as_of: position,
        ..TrialBalanceQuery::default()
    };
    let page = read.trial_balance(&query).expect("an answer").value;
    let rows: BTreeMap<String, (Total, Total, Total)> = page
        .units
        .into_iter()
        .flat_map(|unit| {
            let (debits, credits) = (unit.debits, unit.credits);
            let sum = |of: fn(&(i128, i128)) -> i128| sums.iter().map(of).sum();
            assert_eq!(debits, Total(sum(|sums| sums.0)), "{what}");
            assert_eq!(credits, Total(sum(|sums| sums.1)), "{what}");
            unit.rows
        })
        .map(|row| (row.path, (row.debits, row.credits, row.balance)))
        .collect();
    for (account, path) in PATHS.into_iter().enumerate() {
        let (debits, credits) = sums[account];
        let found = read.account(path, None, position).expect("an answer").value;
        let totals = found
            .first()
            .map(|row| (row.debits_posted, row.credits_posted, row.balance));
        let totals = totals.unwrap_or_default();
        assert_eq!(
            (totals.0, totals.1),
            (Total(debits), Total(credits)),
            "{what}: {path}"
        );
        let balance = i128::from(totals.2);
        assert_eq!(balance.abs(), (debits - credits).abs(), "{what}: {path}");
        if (debits, credits) != (0, 0) {
            let totals = (totals.0, totals.1, Total(totals.2.into()));
            assert_eq!(rows.get(path), Some(&totals), "{what}: {path}");
        }
    }
}

#[test]
fn totals_are_exact_at_every_position_and_on_every_line() {
    for seed in 0..6 {
        let mut random = Random(seed);
        let mut roll = Roll::default();
        for path in PATHS {
            roll.account(path, "EUR");
        }
        let mut sums = Sums::default();
        // After each entry; and by account, what its statement has to say after each line.
        let (mut moments, mut lines) = (Vec::new(), vec![Vec::new(); PATHS.len()]);
        for (number, legs) in entries(&mut random, 60).into_iter().enumerate() {
            let position = post(&mut roll, number as u128, &legs);
            for leg in &legs {
                add(&mut sums, *leg);
                lines[leg.0].push(sums[leg.0]);
            }
            moments.push((position, sums));
        }
        let records = roll.numbered();
        let models = Models::of(&records);
        let read = models.read();
        for (position, sums) in &moments {
            check(
                &read,
                Some(*position),
                sums,
                &format!("seed {seed} at {position}"),
            );
        }
        check(&read, None, &sums, &format!("seed {seed} at the end"));
        for (account, path) in PATHS.into_iter().enumerate() {
            for newest_first in [false, true] {
                let statement = read.statement(&StatementQuery {
                    path: path.into(),
                    unit: unit("EUR"),
                    range: LineRange::Start,
                    limit: 1_000,
                    newest_first,
                    as_of: None,
                });
                let statement = statement.expect("an answer").value.expect("it is open");
                let mut found: Vec<_> = statement.lines.items;
                if newest_first {
                    found.reverse();
                }
                let found: Vec<_> = found
                    .iter()
                    .map(|line| (line.debits_after.0, line.credits_after.0))
                    .collect();
                assert_eq!(found, lines[account], "seed {seed}: {path}");
            }
        }
        let carries = query(&models.path(), "SELECT count(*) > 3 FROM account_carries");
        assert_eq!(carries, ["1"], "seed {seed}: nothing has left 64 bits");

        rows_are_the_same_in_pieces(&mut random, &records, &models, seed);
    }
}

fn rows_are_the_same_in_pieces(
    random: &mut Random,
    records: &[(u64, Record)],
    whole: &Models,
    seed: u64,
) {
    let models = Models::default();
    let mut rest = records;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(1 + random.index(rest.len().min(9)));
        let mut projector = models.projector();
        projector
            .apply(piece.iter().cloned())
            .expect("a valid roll");
        rest = after;
    }
    assert_eq!(models.dump(), whole.dump(), "seed {seed}");
    let mut log = MemoryLog::new();
    let records: Vec<Record> = records.iter().map(|(_, record)| record.clone()).collect();
    append(&mut log, &records, 7);
    let verified = verify(&models.path(), &*harness::reader(&log), &mut |_| {});
    assert!(verified.is_ok(), "seed {seed}: {verified:?}");
}
