use crate::support::{DAY, code, kinds, object, paid, sim};
use tillroll_stripe_simulator::{
    CreatePayout, PayoutId, PayoutOutcome, StripeCurrency, StripePayoutStatus, StripeSimulator,
};

fn rich() -> StripeSimulator {
    let mut sim = sim();
    paid(&mut sim, 50_000, StripeCurrency::EUR);
    sim.advance(3 * DAY);
    sim.drain_events();
    sim
}

fn pay_out(sim: &mut StripeSimulator, outcome: PayoutOutcome) -> PayoutId {
    sim.create_payout(CreatePayout {
        outcome,
        ..CreatePayout::new(40_000, StripeCurrency::EUR)
    })
    .expect("it is available")
}

#[test]
fn a_payout_is_pending_then_in_transit_then_paid() {
    let mut sim = rich();
    let payout = pay_out(&mut sim, PayoutOutcome::Arrives);
    let created = object(&sim.drain_events(), "payout.created");
    assert_eq!(created["status"], "pending");
    assert_eq!(created["id"], payout.as_str());
    let arrival = created["arrival_date"].as_i64().expect("seconds");
    assert_eq!(arrival % DAY, 0);
    let posted = sim.all_balance_transactions().last().expect("posted");
    assert_eq!((posted.kind, posted.net), ("payout", -40_000));
    assert_eq!(created["balance_transaction"], posted.id.as_str());

    sim.advance(12 * 3_600);
    let updated = object(&sim.drain_events(), "payout.updated");
    assert_eq!(updated["status"], "in_transit");
    sim.set_clock(arrival - 1);
    assert!(sim.drain_events().is_empty());
    sim.set_clock(arrival);
    assert_eq!(object(&sim.drain_events(), "payout.paid")["status"], "paid");
    assert_eq!(sim.next_due(), None);
}

#[test]
fn a_payout_may_fail_after_it_was_paid() {
    for (outcome, expected) in [
        (
            PayoutOutcome::Fails,
            vec!["payout.created", "payout.updated", "payout.failed"],
        ),
        (
            PayoutOutcome::FailsAfterPaid,
            vec![
                "payout.created",
                "payout.updated",
                "payout.paid",
                "payout.failed",
            ],
        ),
    ] {
        let mut sim = rich();
        let before = sim.available(StripeCurrency::EUR);
        let payout = pay_out(&mut sim, outcome);
        sim.run_until_quiet();
        let events = sim.drain_events();
        assert_eq!(kinds(&events), expected);
        let failed = object(&events, "payout.failed");
        assert_eq!(failed["failure_code"], "account_closed");
        let posted = sim.all_balance_transactions().last().expect("posted");
        assert_eq!(failed["failure_balance_transaction"], posted.id.as_str());
        assert_eq!((posted.kind, posted.net), ("payout_failure", 40_000));
        assert_eq!(posted.source.as_deref(), Some(payout.as_str()));
        assert_eq!(sim.available(StripeCurrency::EUR), before);
        pay_out(&mut sim, PayoutOutcome::Arrives);
    }
}

#[test]
fn a_payout_is_cancelled_only_before_it_leaves() {
    let mut sim = rich();
    let before = sim.available(StripeCurrency::EUR);
    let payout = pay_out(&mut sim, PayoutOutcome::Arrives);
    sim.cancel_payout(&payout).expect("pending");
    assert_eq!(sim.available(StripeCurrency::EUR), before);
    sim.run_until_quiet();
    assert_eq!(
        kinds(&sim.drain_events()),
        ["payout.created", "payout.canceled"]
    );
    assert_eq!(
        sim.payout(&payout).expect("there").status,
        StripePayoutStatus::Canceled
    );
    let gone = pay_out(&mut sim, PayoutOutcome::Arrives);
    sim.advance(DAY / 2);
    assert_eq!(
        code(sim.cancel_payout(&gone)),
        (400, "payout_unexpected_state")
    );
}

#[test]
fn no_more_is_paid_out_than_is_available() {
    let mut sim = sim();
    paid(&mut sim, 50_000, StripeCurrency::EUR);
    assert_eq!(
        code(sim.create_payout(CreatePayout::new(1, StripeCurrency::EUR))),
        (400, "balance_insufficient"),
        "still pending"
    );
    sim.advance(3 * DAY);
    let available = sim.available(StripeCurrency::EUR).unsigned_abs();
    assert_eq!(
        code(sim.create_payout(CreatePayout::new(available + 1, StripeCurrency::EUR))),
        (400, "balance_insufficient")
    );
    sim.create_payout(CreatePayout::new(available, StripeCurrency::EUR))
        .expect("available");
    assert_eq!(sim.available(StripeCurrency::EUR), 0);
    let forint = StripeCurrency::parse("huf").expect("three letters");
    assert_eq!(
        code(sim.create_payout(CreatePayout::new(12_345, forint))),
        (400, "parameter_invalid_integer")
    );
}
