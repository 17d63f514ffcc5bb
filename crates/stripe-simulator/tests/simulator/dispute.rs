use crate::support::{DAY, authorised, charge_of, code, json, kinds, object, paid, sim};
use tillroll_stripe_simulator::{CreateRefund, DisputeOutcome, OpenDispute, StripeCurrency};

#[test]
fn a_dispute_withdraws_and_a_won_one_brings_everything_back() {
    let mut sim = sim();
    let charge = paid(&mut sim, 1_000, StripeCurrency::USD);
    let before = sim.available(StripeCurrency::USD) + sim.pending(StripeCurrency::USD);
    sim.drain_events();
    let dispute = sim
        .open_dispute(OpenDispute::over(charge.clone(), "fraudulent"))
        .expect("a paid charge");
    let events = sim.drain_events();
    assert_eq!(
        kinds(&events),
        ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    );
    let created = object(&events, "charge.dispute.created");
    assert_eq!(created["status"], "needs_response");
    assert_eq!(created["charge"], charge.as_str());
    assert!(created["payment_intent"].is_string());
    assert_eq!(created["balance_transactions"], serde_json::json!([]));
    let withdrawn = object(&events, "charge.dispute.funds_withdrawn");
    let withdrawal = &withdrawn["balance_transactions"][0];
    assert_eq!(withdrawal["amount"], -1_000);
    assert_eq!(withdrawal["fee"], 1_500);
    assert_eq!(withdrawal["net"], -2_500);
    assert_eq!(withdrawal["type"], "adjustment");
    assert_eq!(withdrawal["reporting_category"], "dispute");
    assert_eq!(withdrawal["source"], dispute.as_str());
    assert_eq!(json(sim.charge_json(&charge))["disputed"], true);

    sim.advance(2 * DAY);
    sim.submit_evidence(&dispute).expect("it waits for it");
    let events = sim.drain_events();
    assert_eq!(kinds(&events), ["charge.dispute.updated"]);
    assert_eq!(
        object(&events, "charge.dispute.updated")["status"],
        "under_review"
    );

    sim.resolve_dispute(&dispute, DisputeOutcome::Won)
        .expect("open");
    let events = sim.drain_events();
    assert_eq!(
        kinds(&events),
        ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    );
    let closed = object(&events, "charge.dispute.closed");
    assert_eq!(closed["status"], "won");
    let reversal = &closed["balance_transactions"][1];
    assert_eq!(reversal["amount"], 1_000);
    assert_eq!(reversal["fee"], -1_500);
    assert_eq!(reversal["net"], 2_500);
    assert_eq!(reversal["reporting_category"], "dispute_reversal");
    assert_eq!(
        before,
        sim.available(StripeCurrency::USD) + sim.pending(StripeCurrency::USD)
    );
}

#[test]
fn a_lost_dispute_moves_no_more_money() {
    let mut sim = sim();
    let charge = paid(&mut sim, 1_000, StripeCurrency::EUR);
    let dispute = sim
        .open_dispute(OpenDispute::over(charge, "product_not_received"))
        .expect("a paid charge");
    let posted = sim.all_balance_transactions().len();
    sim.drain_events();
    sim.resolve_dispute(&dispute, DisputeOutcome::Lost)
        .expect("open");
    let events = sim.drain_events();
    assert_eq!(kinds(&events), ["charge.dispute.closed"]);
    assert_eq!(object(&events, "charge.dispute.closed")["status"], "lost");
    assert_eq!(sim.all_balance_transactions().len(), posted);
    assert_eq!(
        code(sim.resolve_dispute(&dispute, DisputeOutcome::Won)),
        (400, "dispute_unexpected_state")
    );
}

#[test]
fn an_inquiry_moves_no_money_until_it_escalates() {
    for escalates in [false, true] {
        let mut sim = sim();
        let charge = paid(&mut sim, 1_000, StripeCurrency::EUR);
        let posted = sim.all_balance_transactions().len();
        sim.drain_events();
        let dispute = sim
            .open_dispute(OpenDispute {
                inquiry: true,
                ..OpenDispute::over(charge, "general")
            })
            .expect("a paid charge");
        assert_eq!(
            object(&sim.drain_events(), "charge.dispute.created")["status"],
            "warning_needs_response"
        );
        assert_eq!(sim.all_balance_transactions().len(), posted);
        if escalates {
            sim.escalate_dispute(&dispute).expect("an inquiry");
            assert_eq!(
                kinds(&sim.drain_events()),
                ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
            );
            assert_eq!(sim.all_balance_transactions().len(), posted + 1);
        } else {
            sim.resolve_dispute(&dispute, DisputeOutcome::Lost)
                .expect("open");
            assert_eq!(
                object(&sim.drain_events(), "charge.dispute.closed")["status"],
                "warning_closed"
            );
            assert_eq!(sim.all_balance_transactions().len(), posted);
        }
    }
}

#[test]
fn what_was_not_kept_cannot_be_disputed() {
    let mut sim = sim();
    let held = authorised(&mut sim, 1_000, StripeCurrency::EUR);
    let refunded = paid(&mut sim, 1_000, StripeCurrency::EUR);
    sim.create_refund(CreateRefund::whole(refunded.clone()))
        .expect("paid");
    for charge in [charge_of(&sim, &held), refunded] {
        assert_eq!(
            code(sim.open_dispute(OpenDispute::over(charge, "fraudulent"))),
            (400, "charge_not_disputable")
        );
    }
    let part = paid(&mut sim, 1_000, StripeCurrency::EUR);
    sim.create_refund(CreateRefund::part(part.clone(), 400))
        .expect("paid");
    assert_eq!(
        code(sim.open_dispute(OpenDispute {
            amount: Some(601),
            ..OpenDispute::over(part.clone(), "fraudulent")
        })),
        (400, "amount_too_large")
    );
    let dispute = sim
        .open_dispute(OpenDispute::over(part, "fraudulent"))
        .expect("600 are left");
    assert_eq!(sim.dispute(&dispute).expect("there").amount, 600);
}

#[test]
fn a_converted_dispute_is_reversed_to_the_cent() {
    let mut sim = sim();
    let charge = paid(&mut sim, 9_800, StripeCurrency::JPY);
    let dispute = sim
        .open_dispute(OpenDispute::over(charge, "fraudulent"))
        .expect("a paid charge");
    // The rate has moved on by then.
    sim.advance(20 * DAY);
    sim.resolve_dispute(&dispute, DisputeOutcome::Won)
        .expect("open");
    let nets: Vec<i64> = sim
        .dispute(&dispute)
        .expect("there")
        .balance_transactions
        .iter()
        .filter_map(|id| sim.balance_transaction(id))
        .map(|transaction| {
            assert_eq!(transaction.currency, StripeCurrency::EUR);
            assert!(transaction.exchange_rate.is_some());
            transaction.net
        })
        .collect();
    assert_eq!(nets.len(), 2);
    assert_eq!(nets.iter().sum::<i64>(), 0);
}
