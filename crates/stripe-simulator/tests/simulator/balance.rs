use crate::support::{DAY, NOON, json, paid, sim};
use serde_json::Value;
use tillroll_stripe_simulator::{BalanceTransactionId, StripeCurrency};

#[test]
fn a_poller_that_follows_the_cursor_sees_everything_once() {
    let mut sim = sim();
    let mut seen: Vec<String> = Vec::new();
    let mut cursor: Option<BalanceTransactionId> = None;
    for round in 0..5 {
        for _ in 0..(round * 60) {
            paid(&mut sim, 1_000, StripeCurrency::EUR);
        }
        loop {
            let page = sim.balance_transactions(cursor.as_ref());
            let list: Value = serde_json::from_str(&page.body).expect("JSON");
            assert_eq!(list["object"], "list");
            assert_eq!(list["has_more"], page.has_more);
            let data = list["data"].as_array().expect("a list");
            assert!(data.len() <= 100);
            assert_eq!(data.len(), page.count);
            let ids = data
                .iter()
                .rev()
                .map(|entry| entry["id"].as_str().expect("an id").to_owned());
            seen.extend(ids);
            cursor = page.newest.or(cursor);
            if !page.has_more {
                break;
            }
        }
    }
    let all: Vec<String> = sim
        .all_balance_transactions()
        .iter()
        .map(|transaction| transaction.id.to_string())
        .collect();
    assert_eq!(all.len(), 600);
    assert_eq!(seen, all);
}

#[test]
fn windows_of_time_hold_what_was_created_in_them() {
    let mut sim = sim();
    for _ in 0..130 {
        paid(&mut sim, 1_000, StripeCurrency::EUR);
        sim.advance(600);
    }
    let middle = NOON + 40_000;
    let count = |from, to| -> usize {
        sim.balance_transactions_between(from, to)
            .iter()
            .map(|page| page.count)
            .sum()
    };
    assert_eq!(count(0, middle) + count(middle, i64::MAX), 130);
    let pages = sim.balance_transactions_between(0, i64::MAX);
    assert_eq!(pages.len(), 2);
    assert!(pages[0].has_more && !pages[1].has_more);
    assert!(sim.balance_transactions_between(middle, middle).is_empty());
    assert!(sim.balance_transactions_between(middle, 0).is_empty());
}

#[test]
fn yen_and_dinars_settle_in_euros_with_both_fees() {
    for (currency, amount) in [(StripeCurrency::JPY, 9_800), (StripeCurrency::KWD, 24_500)] {
        let mut sim = sim();
        paid(&mut sim, amount, currency);
        let transaction = &sim.all_balance_transactions()[0];
        assert_eq!(transaction.currency, StripeCurrency::EUR);
        let rate = transaction.exchange_rate.as_ref().expect("converted");
        assert_eq!(transaction.amount.unsigned_abs(), rate.convert(amount));
        let body = json(sim.balance_transaction_json(&transaction.id));
        assert!(body["exchange_rate"].is_number(), "{body}");
        assert_eq!(body["fee_details"].as_array().expect("a list").len(), 2);
    }
}

#[test]
fn money_is_pending_before_it_is_available() {
    let mut sim = sim();
    paid(&mut sim, 10_000, StripeCurrency::EUR);
    let net = 10_000 - 175;
    assert_eq!(
        (
            sim.pending(StripeCurrency::EUR),
            sim.available(StripeCurrency::EUR)
        ),
        (net, 0)
    );
    let balance: Value = serde_json::from_str(&sim.balance_json()).expect("JSON");
    assert_eq!(balance["pending"][0]["amount"], net);
    assert_eq!(balance["pending"][0]["currency"], "eur");
    sim.advance(2 * DAY);
    assert_eq!(
        (
            sim.pending(StripeCurrency::EUR),
            sim.available(StripeCurrency::EUR)
        ),
        (0, net)
    );
    let id = sim.all_balance_transactions()[0].id.clone();
    assert_eq!(
        json(sim.balance_transaction_json(&id))["status"],
        "available"
    );
}

#[test]
fn a_platform_fee_is_a_movement_without_a_source() {
    let mut sim = sim();
    let id = sim
        .charge_platform_fee(1_250, StripeCurrency::EUR, "Radar")
        .expect("an amount");
    let fee = json(sim.balance_transaction_json(&id));
    assert_eq!(fee["type"], "stripe_fee");
    assert_eq!(fee["reporting_category"], "fee");
    assert_eq!(
        (&fee["amount"], &fee["net"]),
        (&(-1_250).into(), &(-1_250).into())
    );
    assert_eq!(fee["source"], Value::Null);
    assert!(
        sim.charge_platform_fee(0, StripeCurrency::EUR, "Radar")
            .is_err()
    );
}
