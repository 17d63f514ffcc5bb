use crate::support::{DAY, authorised, charge_of, code, json, kinds, object, paid, sim};
use tillroll_stripe_simulator::{
    CreateRefund, DisputeOutcome, OpenDispute, RefundOutcome, StripeCurrency, StripeRefundStatus,
};

#[test]
fn charge_refunded_says_the_cumulative_amount() {
    let mut sim = sim();
    let charge = paid(&mut sim, 10_000, StripeCurrency::EUR);
    sim.drain_events();
    for (part, cumulative, all) in [
        (2_000, 2_000, false),
        (500, 2_500, false),
        (7_500, 10_000, true),
    ] {
        let refund = sim
            .create_refund(CreateRefund::part(charge.clone(), part))
            .expect("money is left");
        let events = sim.drain_events();
        assert_eq!(kinds(&events), ["refund.created", "charge.refunded"]);
        let refunded = object(&events, "charge.refunded");
        assert_eq!(refunded["amount_refunded"], cumulative);
        assert_eq!(refunded["refunded"], all);
        let created = object(&events, "refund.created");
        assert_eq!(created["amount"], part);
        assert_eq!(created["charge"], charge.as_str());
        assert_eq!(created["payment_intent"], refunded["payment_intent"]);
        assert_eq!(created["balance_transaction"], serde_json::Value::Null);
        sim.advance(200);
        let events = sim.drain_events();
        assert_eq!(kinds(&events), ["refund.updated"]);
        let transaction = sim.all_balance_transactions().last().expect("posted");
        assert_eq!(transaction.source.as_deref(), Some(refund.as_str()));
        assert_eq!(transaction.kind, "refund");
        assert_eq!(
            transaction.net,
            -i64::try_from(part).expect("small"),
            "the fee is not given back"
        );
    }
    assert_eq!(
        code(sim.create_refund(CreateRefund::whole(charge))),
        (400, "charge_already_refunded")
    );
}

#[test]
fn over_refunds_are_refused_and_change_nothing() {
    let mut sim = sim();
    let charge = paid(&mut sim, 10_000, StripeCurrency::EUR);
    sim.create_refund(CreateRefund::part(charge.clone(), 9_000))
        .expect("money is left");
    sim.drain_events();
    assert_eq!(
        code(sim.create_refund(CreateRefund::part(charge.clone(), 1_001))),
        (400, "amount_too_large")
    );
    assert!(sim.drain_events().is_empty());
    assert_eq!(sim.charge(&charge).expect("there").amount_refunded, 9_000);
}

#[test]
fn only_captured_money_can_be_refunded() {
    let mut sim = sim();
    let intent = authorised(&mut sim, 10_000, StripeCurrency::EUR);
    let charge = charge_of(&sim, &intent);
    assert_eq!(
        code(sim.create_refund(CreateRefund::whole(charge.clone()))),
        (400, "charge_not_captured")
    );
    sim.capture_intent(&intent, Some(4_000)).expect("a part");
    assert_eq!(
        code(sim.create_refund(CreateRefund::part(charge.clone(), 4_001))),
        (400, "amount_too_large")
    );
    sim.create_refund(CreateRefund::whole(charge.clone()))
        .expect("captured");
    assert_eq!(json(sim.charge_json(&charge))["refunded"], true);
}

#[test]
fn a_pending_refund_succeeds_with_its_balance_transaction() {
    let mut sim = sim();
    let charge = paid(&mut sim, 5_000, StripeCurrency::GBP);
    let params = CreateRefund::whole(charge).that(RefundOutcome::SucceedsLater);
    let refund = sim.create_refund(params).expect("money is left");
    assert_eq!(
        sim.refund(&refund).expect("there").status,
        StripeRefundStatus::Pending
    );
    assert_eq!(
        json(sim.refund_json(&refund))["pending_reason"],
        "processing"
    );
    sim.drain_events();
    sim.advance(200);
    let updated = object(&sim.drain_events(), "refund.updated");
    assert_eq!(updated["status"], "succeeded");
    assert!(updated["balance_transaction"].is_string());
}

#[test]
fn a_failed_refund_brings_the_money_back_and_can_be_made_again() {
    let mut sim = sim();
    let charge = paid(&mut sim, 5_000, StripeCurrency::EUR);
    let before = sim.available(StripeCurrency::EUR) + sim.pending(StripeCurrency::EUR);
    let params = CreateRefund::whole(charge.clone()).that(RefundOutcome::FailsLater { after: DAY });
    let refund = sim.create_refund(params).expect("money is left");
    sim.run_until_quiet();
    let events = sim.drain_events();
    assert_eq!(
        kinds(&events)[4..],
        [
            "refund.created",
            "charge.refunded",
            "refund.updated",
            "refund.updated",
            "refund.failed"
        ]
    );
    let failed = object(&events, "refund.failed");
    assert_eq!(failed["status"], "failed");
    assert_eq!(
        failed["failure_balance_transaction"],
        sim.all_balance_transactions()
            .last()
            .expect("posted")
            .id
            .as_str()
    );
    assert_eq!(
        sim.refund(&refund).expect("there").status,
        StripeRefundStatus::Failed
    );
    let after = sim.available(StripeCurrency::EUR) + sim.pending(StripeCurrency::EUR);
    assert_eq!(before, after);
    assert_eq!(sim.charge(&charge).expect("there").amount_refunded, 0);
    sim.create_refund(CreateRefund::whole(charge))
        .expect("it is still owed");
}

#[test]
fn a_disputed_charge_is_refunded_only_after_it_was_won() {
    let mut sim = sim();
    let charge = paid(&mut sim, 5_000, StripeCurrency::EUR);
    let dispute = sim
        .open_dispute(OpenDispute::over(charge.clone(), "fraudulent"))
        .expect("a paid charge");
    let refund = CreateRefund::whole(charge);
    assert_eq!(
        code(sim.create_refund(refund.clone())),
        (400, "charge_disputed")
    );
    sim.resolve_dispute(&dispute, DisputeOutcome::Won)
        .expect("open");
    sim.create_refund(refund).expect("won");
}
