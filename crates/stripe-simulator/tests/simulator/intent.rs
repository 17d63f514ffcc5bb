use crate::support::{DAY, authorised, charge_of, code, intent, json, kinds, object, sim};
use serde_json::Value;
use tillroll_stripe_simulator::{
    CreateIntent, Decline, IntentId, MethodKind, PaymentMethod, SimulatorOptions, StripeCurrency,
    StripeId, StripeIntentStatus, StripeSimulator,
};

#[test]
fn the_balance_transaction_is_null_until_charge_updated() {
    let mut sim = sim();
    let intent = intent(&mut sim, 2_599, StripeCurrency::EUR);
    let status = sim
        .confirm_intent(&intent, PaymentMethod::card())
        .expect("a good card");
    assert_eq!(status, StripeIntentStatus::Succeeded);
    let events = sim.drain_events();
    assert_eq!(
        kinds(&events),
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded"
        ]
    );
    let charge = object(&events, "charge.succeeded");
    assert_eq!(charge["balance_transaction"], Value::Null);
    assert_eq!(charge["amount_captured"], 2_599);
    assert_eq!(charge["metadata"]["order_id"], "ord_1");
    let succeeded = object(&events, "payment_intent.succeeded");
    assert_eq!(succeeded["latest_charge"], charge["id"]);
    assert_eq!(succeeded["amount_received"], 2_599);
    assert_eq!(succeeded["metadata"]["order_id"], "ord_1");
    assert!(sim.all_balance_transactions().is_empty());

    sim.run_until_quiet();
    let events = sim.drain_events();
    assert_eq!(kinds(&events), ["charge.updated"]);
    let updated = object(&events, "charge.updated");
    let transaction = &sim.all_balance_transactions()[0];
    assert_eq!(updated["balance_transaction"], transaction.id.as_str());
    assert_eq!(transaction.source.as_deref(), updated["id"].as_str());
    let body: Value = serde_json::from_str(&events[0].body).expect("JSON");
    assert_eq!(
        body["data"]["previous_attributes"],
        serde_json::json!({"balance_transaction": null})
    );
    assert_eq!(body["request"]["id"], Value::Null, "nobody asked for it");
}

#[test]
fn a_decline_is_retried_on_the_same_intent() {
    let mut sim = sim();
    let intent = intent(&mut sim, 2_599, StripeCurrency::EUR);
    let refusal = sim.confirm_intent(&intent, PaymentMethod::declined(Decline::InsufficientFunds));
    let error = refusal.expect_err("declined");
    assert_eq!((error.status, error.code), (402, Some("card_declined")));
    assert_eq!(error.decline_code, Some("insufficient_funds"));
    assert_eq!(error.payment_intent.as_ref(), Some(&intent));
    let first = charge_of(&sim, &intent);
    let failed = sim.drain_events();
    assert_eq!(
        kinds(&failed),
        [
            "payment_intent.created",
            "charge.failed",
            "payment_intent.payment_failed"
        ]
    );
    let failed_intent = object(&failed, "payment_intent.payment_failed");
    assert_eq!(failed_intent["status"], "requires_payment_method");
    assert_eq!(
        failed_intent["last_payment_error"]["charge"],
        first.as_str()
    );
    assert_eq!(failed_intent["amount_received"], 0);

    sim.confirm_intent(&intent, PaymentMethod::other_card())
        .expect("a good card");
    let second = charge_of(&sim, &intent);
    assert_ne!(first, second);
    let paid = json(sim.intent_json(&intent));
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["last_payment_error"], Value::Null);
    assert_eq!(
        code(sim.confirm_intent(&intent, PaymentMethod::card())),
        (400, "payment_intent_unexpected_state"),
        "a paid intent is not paid twice"
    );
}

#[test]
fn a_bank_that_asks_its_customer() {
    for agrees in [true, false] {
        let mut sim = sim();
        let intent = intent(&mut sim, 2_599, StripeCurrency::EUR);
        let status = sim
            .confirm_intent(&intent, PaymentMethod::asks_customer())
            .expect("a question is no refusal");
        assert_eq!(status, StripeIntentStatus::RequiresAction);
        sim.drain_events();
        let answer = sim.authenticate(&intent, agrees);
        let events = sim.drain_events();
        if agrees {
            assert_eq!(answer, Ok(StripeIntentStatus::Succeeded));
            assert_eq!(
                kinds(&events),
                ["charge.succeeded", "payment_intent.succeeded"]
            );
        } else {
            assert_eq!(code(answer), (402, "payment_intent_authentication_failure"));
            assert_eq!(kinds(&events), ["payment_intent.payment_failed"]);
            assert_eq!(sim.intent(&intent).expect("there").latest_charge, None);
        }
    }
}

#[test]
fn an_authorisation_is_captured_in_part_and_never_beyond() {
    let mut sim = sim();
    let intent = authorised(&mut sim, 10_000, StripeCurrency::EUR);
    let events = sim.drain_events();
    assert_eq!(
        kinds(&events),
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.amount_capturable_updated"
        ]
    );
    assert_eq!(object(&events, "charge.succeeded")["captured"], false);
    assert_eq!(
        object(&events, "payment_intent.amount_capturable_updated")["amount_capturable"],
        10_000
    );
    assert_eq!(
        code(sim.capture_intent(&intent, Some(10_001))),
        (400, "amount_too_large")
    );
    assert!(sim.drain_events().is_empty(), "a refusal changes nothing");

    sim.capture_intent(&intent, Some(6_400)).expect("a part");
    let events = sim.drain_events();
    assert_eq!(
        kinds(&events),
        ["charge.captured", "payment_intent.succeeded"]
    );
    let charge = object(&events, "charge.captured");
    assert_eq!(charge["amount"], 10_000);
    assert_eq!(charge["amount_captured"], 6_400);
    assert_eq!(charge["amount_refunded"], 0);
    assert_eq!(
        object(&events, "payment_intent.succeeded")["amount_received"],
        6_400
    );
    assert_eq!(
        code(sim.capture_intent(&intent, None)),
        (400, "payment_intent_unexpected_state")
    );

    sim.run_until_quiet();
    let posted: Vec<(&str, i64)> = sim
        .all_balance_transactions()
        .iter()
        .map(|transaction| (transaction.reporting_category, transaction.amount))
        .collect();
    assert_eq!(
        posted,
        [("charge", 10_000), ("partial_capture_reversal", -3_600)]
    );
}

#[test]
fn released_funds_look_refunded_only_when_asked_to() {
    for looks in [false, true] {
        let mut options = SimulatorOptions::new(1);
        options.released_funds_look_refunded = looks;
        let mut sim = StripeSimulator::new(options);
        let part = authorised(&mut sim, 10_000, StripeCurrency::EUR);
        sim.capture_intent(&part, Some(6_000)).expect("a part");
        let charge = json(sim.charge_json(&charge_of(&sim, &part)));
        assert_eq!(charge["amount_refunded"], if looks { 4_000 } else { 0 });

        let released = authorised(&mut sim, 10_000, StripeCurrency::EUR);
        sim.drain_events();
        sim.cancel_intent(&released).expect("authorised");
        let events = sim.drain_events();
        if looks {
            assert_eq!(
                kinds(&events),
                ["charge.refunded", "payment_intent.canceled"]
            );
            assert_eq!(object(&events, "charge.refunded")["captured"], false);
        } else {
            assert_eq!(kinds(&events), ["payment_intent.canceled"]);
        }
    }
}

#[test]
fn an_authorisation_lapses_after_a_week() {
    let mut sim = sim();
    let intent = authorised(&mut sim, 10_000, StripeCurrency::EUR);
    sim.drain_events();
    sim.advance(7 * DAY - 1);
    assert!(sim.drain_events().is_empty());
    sim.advance(1);
    let events = sim.drain_events();
    assert_eq!(
        kinds(&events),
        ["charge.expired", "payment_intent.canceled"]
    );
    let canceled = object(&events, "payment_intent.canceled");
    assert_eq!(canceled["cancellation_reason"], "automatic");
    assert_eq!(canceled["amount_capturable"], 0);
    assert!(sim.capture_intent(&intent, None).is_err());
    assert!(sim.all_balance_transactions().is_empty());
}

#[test]
fn a_captured_authorisation_does_not_lapse() {
    let mut sim = sim();
    let intent = authorised(&mut sim, 10_000, StripeCurrency::EUR);
    sim.capture_intent(&intent, None).expect("authorised");
    sim.run_until_quiet();
    assert!(!kinds(&sim.drain_events()).contains(&"charge.expired"));
    assert_eq!(
        sim.intent(&intent).expect("there").status,
        StripeIntentStatus::Succeeded
    );
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let mut sim = sim();
    let kwd = CreateIntent::new(12_345, StripeCurrency::KWD);
    assert_eq!(
        code(sim.create_intent(kwd)),
        (400, "parameter_invalid_integer")
    );
    let xts = StripeCurrency::parse("xts").expect("three letters");
    assert_eq!(
        code(sim.create_intent(CreateIntent::new(1_000, xts))),
        (400, "currency_not_supported")
    );
    let unknown = IntentId::parse("pi_nobody").expect("an id");
    assert_eq!(code(sim.cancel_intent(&unknown)), (404, "resource_missing"));

    let intent = intent(&mut sim, 1_000, StripeCurrency::EUR);
    assert_eq!(
        code(sim.confirm_intent(&intent, PaymentMethod::card_present())),
        (400, "payment_intent_incompatible_payment_method")
    );
    sim.cancel_intent(&intent).expect("unpaid");
    assert_eq!(
        code(sim.cancel_intent(&intent)),
        (400, "payment_intent_unexpected_state")
    );
    let slow = CreateIntent::new(1_000, StripeCurrency::EUR)
        .paid_with(MethodKind::SepaDebit)
        .captured_by_hand();
    let slow = sim.create_intent(slow).expect("a valid intent");
    assert_eq!(
        code(sim.confirm_intent(&slow, PaymentMethod::sepa_debit(true, DAY))),
        (400, "payment_intent_incompatible_payment_method")
    );
}
