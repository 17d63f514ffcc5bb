use crate::support::{NOON, kinds};
use serde_json::Value;
use tillroll_stripe_simulator::{LifeCycle, StripeCurrency, StripeSimulator};

const CURRENCIES: [(StripeCurrency, u64); 5] = [
    (StripeCurrency::EUR, 12_999),
    (StripeCurrency::GBP, 8_450),
    (StripeCurrency::USD, 14_001),
    (StripeCurrency::JPY, 19_800),
    (StripeCurrency::KWD, 45_670),
];

#[test]
fn every_life_cycle_runs_in_every_currency_and_twice_the_same() {
    for cycle in LifeCycle::ALL {
        for (currency, amount) in CURRENCIES {
            let run = || {
                let mut sim = StripeSimulator::seeded(3);
                sim.set_clock(NOON);
                let events = cycle
                    .run(&mut sim, "ord_1", amount, currency)
                    .unwrap_or_else(|error| panic!("{cycle:?} {currency}: {error}"));
                (events, sim.balance_transactions(None).body)
            };
            let (events, transactions) = run();
            assert!(events.len() >= 3, "{cycle:?}");
            assert_eq!((events, transactions), run(), "{cycle:?} {currency}");
        }
    }
}

#[test]
fn one_simulator_lives_through_all_of_them() {
    let mut sim = StripeSimulator::seeded(4);
    sim.set_clock(NOON);
    for round in 0..3 {
        for cycle in LifeCycle::ALL {
            let order = format!("ord_{round}_{cycle:?}");
            let events = cycle
                .run(&mut sim, &order, 9_000, StripeCurrency::EUR)
                .unwrap_or_else(|error| panic!("{cycle:?}: {error}"));
            for event in &events {
                let body: Value = serde_json::from_str(&event.body).expect("JSON");
                assert_eq!(body["id"], event.id.as_str());
                assert_eq!(body["type"], event.kind);
                assert_eq!(body["created"], event.created);
                let object = &body["data"]["object"];
                if ["payment_intent", "charge"].contains(&object["object"].as_str().unwrap_or("")) {
                    assert_eq!(object["metadata"]["order_id"], order, "{}", event.kind);
                }
            }
        }
    }
}

#[test]
fn the_events_of_a_few_life_cycles() {
    for (cycle, expected) in [
        (
            LifeCycle::DeclinedThenPaid,
            vec![
                "payment_intent.created",
                "charge.failed",
                "payment_intent.payment_failed",
                "charge.succeeded",
                "payment_intent.succeeded",
                "charge.updated",
            ],
        ),
        (
            LifeCycle::CapturedInPart,
            vec![
                "payment_intent.created",
                "charge.succeeded",
                "payment_intent.amount_capturable_updated",
                "charge.captured",
                "payment_intent.succeeded",
                "charge.updated",
            ],
        ),
        (
            LifeCycle::DisputeWon,
            vec![
                "payment_intent.created",
                "charge.succeeded",
                "payment_intent.succeeded",
                "charge.updated",
                "charge.dispute.created",
                "charge.dispute.funds_withdrawn",
                "charge.dispute.updated",
                "charge.dispute.funds_reinstated",
                "charge.dispute.closed",
            ],
        ),
        (
            LifeCycle::RefundedTwice,
            vec![
                "payment_intent.created",
                "charge.succeeded",
                "payment_intent.succeeded",
                "charge.updated",
                "refund.created",
                "charge.refunded",
                "refund.updated",
                "refund.created",
                "charge.refunded",
                "refund.updated",
            ],
        ),
    ] {
        let mut sim = StripeSimulator::seeded(5);
        let events = cycle
            .run(&mut sim, "ord_1", 9_000, StripeCurrency::EUR)
            .expect("a valid amount");
        assert_eq!(kinds(&events), expected, "{cycle:?}");
    }
}
