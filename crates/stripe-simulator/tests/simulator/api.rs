use crate::support::{DAY, intent, kinds, sim};
use serde_json::Value;
use tillroll_stripe_simulator::{ApiCall, CreateIntent, Decline, PaymentMethod, StripeCurrency};

#[test]
fn a_key_replays_the_first_answer() {
    let mut sim = sim();
    let call =
        ApiCall::CreateIntent(CreateIntent::new(2_000, StripeCurrency::EUR).for_order("ord_1"));
    let first = sim.execute(Some("k1"), call.clone());
    assert_eq!((first.status, first.replayed), (200, false));
    sim.advance(DAY - 1);
    let again = sim.execute(Some("k1"), call.clone());
    assert_eq!((again.status, again.replayed), (200, true));
    assert_eq!(again.body, first.body);
    let events = sim.drain_events();
    assert_eq!(kinds(&events), ["payment_intent.created"]);
    let body: Value = serde_json::from_str(&events[0].body).expect("JSON");
    assert_eq!(body["request"]["idempotency_key"], "k1");

    let other =
        ApiCall::CreateIntent(CreateIntent::new(2_001, StripeCurrency::EUR).for_order("ord_1"));
    let conflict = sim.execute(Some("k1"), other);
    let error: Value = serde_json::from_str(&conflict.body).expect("JSON");
    assert_eq!(conflict.status, 400);
    assert_eq!(error["error"]["type"], "idempotency_error");

    let unkeyed = sim.execute(None, call.clone());
    assert_ne!(unkeyed.body, first.body);
    sim.advance(1);
    assert!(!sim.execute(Some("k1"), call).replayed, "a day is over");
}

#[test]
fn declines_are_replayed_too() {
    let mut sim = sim();
    let intent = intent(&mut sim, 2_000, StripeCurrency::EUR);
    sim.drain_events();
    let call = ApiCall::ConfirmIntent(intent.clone(), PaymentMethod::declined(Decline::Generic));
    let first = sim.execute(Some("pay"), call.clone());
    assert_eq!(first.status, 402);
    let error: Value = serde_json::from_str(&first.body).expect("JSON");
    assert_eq!(error["error"]["code"], "card_declined");
    assert_eq!(error["error"]["payment_intent"], intent.as_str());
    let again = sim.execute(Some("pay"), call);
    assert_eq!((again.status, again.replayed), (402, true));
    assert_eq!(
        kinds(&sim.drain_events()),
        ["charge.failed", "payment_intent.payment_failed"],
        "the bank was asked once"
    );
}

#[test]
fn a_refused_request_does_not_lend_its_key_to_the_next() {
    let mut sim = sim();
    let refused = sim.execute(
        Some("k1"),
        ApiCall::CreateIntent(CreateIntent::new(1, StripeCurrency::EUR)),
    );
    assert_eq!(refused.status, 400);
    intent(&mut sim, 2_000, StripeCurrency::EUR);
    let body: Value = serde_json::from_str(&sim.drain_events()[0].body).expect("JSON");
    assert_eq!(body["request"]["idempotency_key"], Value::Null);
}
