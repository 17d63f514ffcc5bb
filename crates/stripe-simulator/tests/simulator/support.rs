//! The few things that every test here does.

use serde_json::Value;
use tillroll_stripe_simulator::{
    ChargeId, CreateIntent, IntentId, PaymentMethod, StripeCurrency, StripeError, StripeEvent,
    StripeSimulator,
};

pub const NOON: i64 = 1_785_585_600;
pub const DAY: i64 = 86_400;

pub fn sim() -> StripeSimulator {
    let mut sim = StripeSimulator::seeded(11);
    sim.set_clock(NOON);
    sim
}

pub fn json(text: Option<String>) -> Value {
    serde_json::from_str(&text.expect("the object exists")).expect("JSON")
}

pub fn intent(sim: &mut StripeSimulator, amount: u64, currency: StripeCurrency) -> IntentId {
    sim.create_intent(CreateIntent::new(amount, currency).for_order("ord_1"))
        .expect("a valid intent")
}

/// A charge that is paid, with its balance transaction.
pub fn paid(sim: &mut StripeSimulator, amount: u64, currency: StripeCurrency) -> ChargeId {
    let intent = intent(sim, amount, currency);
    sim.confirm_intent(&intent, PaymentMethod::card())
        .expect("a good card");
    sim.advance(200);
    charge_of(sim, &intent)
}

/// An authorisation that is not captured.
pub fn authorised(sim: &mut StripeSimulator, amount: u64, currency: StripeCurrency) -> IntentId {
    let params = CreateIntent::new(amount, currency)
        .for_order("ord_1")
        .captured_by_hand();
    let intent = sim.create_intent(params).expect("a valid intent");
    sim.confirm_intent(&intent, PaymentMethod::card())
        .expect("a good card");
    intent
}

pub fn charge_of(sim: &StripeSimulator, intent: &IntentId) -> ChargeId {
    sim.intent(intent)
        .and_then(|intent| intent.latest_charge.clone())
        .expect("there was a charge")
}

pub fn kinds(events: &[StripeEvent]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind).collect()
}

/// `data.object` of the only event of that type.
pub fn object(events: &[StripeEvent], kind: &str) -> Value {
    let mut found = events.iter().filter(|event| event.kind == kind);
    let event = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "more than one {kind}");
    let body: Value = serde_json::from_str(&event.body).expect("JSON");
    body["data"]["object"].clone()
}

pub fn code<T: std::fmt::Debug>(answer: Result<T, StripeError>) -> (u16, &'static str) {
    let error = answer.expect_err("a refusal");
    (error.status, error.code.unwrap_or("no code"))
}
