use crate::support::{DAY, code, kinds, object, sim};
use tillroll_stripe_simulator::{
    CreateSession, Decline, PaymentMethod, PaymentStatus, SessionId, SessionStatus, StripeCurrency,
    StripeIntentStatus, StripeSimulator,
};

fn session(sim: &mut StripeSimulator) -> SessionId {
    sim.create_session(CreateSession::for_order(
        "ord_7",
        12_300,
        StripeCurrency::EUR,
    ))
    .expect("a valid session")
}

#[test]
fn a_card_completes_the_session_paid() {
    let mut sim = sim();
    let id = session(&mut sim);
    assert_eq!(
        sim.pay_session(&id, PaymentMethod::card()),
        Ok(PaymentStatus::Paid)
    );
    let events = sim.drain_events();
    assert_eq!(
        kinds(&events),
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed"
        ]
    );
    let completed = object(&events, "checkout.session.completed");
    assert_eq!(completed["client_reference_id"], "ord_7");
    assert_eq!(completed["payment_status"], "paid");
    assert_eq!(completed["amount_total"], 12_300);
    let intent = object(&events, "payment_intent.succeeded");
    assert_eq!(completed["payment_intent"], intent["id"]);
    assert_eq!(intent["metadata"]["order_id"], "ord_7");
    assert_eq!(
        code(sim.pay_session(&id, PaymentMethod::card())),
        (400, "checkout_session_unexpected_state")
    );
}

#[test]
fn a_slow_method_completes_the_session_unpaid() {
    for succeeds in [true, false] {
        let mut sim = sim();
        let id = session(&mut sim);
        let method = PaymentMethod::sepa_debit(succeeds, 3 * DAY);
        assert_eq!(sim.pay_session(&id, method), Ok(PaymentStatus::Unpaid));
        let events = sim.drain_events();
        assert_eq!(
            kinds(&events),
            [
                "payment_intent.created",
                "charge.pending",
                "payment_intent.processing",
                "checkout.session.completed"
            ]
        );
        let completed = object(&events, "checkout.session.completed");
        assert_eq!(completed["payment_status"], "unpaid");
        assert_eq!(completed["status"], "complete");

        sim.run_until_quiet();
        let events = sim.drain_events();
        if succeeds {
            assert_eq!(
                kinds(&events),
                [
                    "charge.succeeded",
                    "payment_intent.succeeded",
                    "checkout.session.async_payment_succeeded",
                    "charge.updated"
                ]
            );
            let posted = &sim.all_balance_transactions()[0];
            assert_eq!(
                (posted.kind, posted.reporting_category),
                ("payment", "charge")
            );
        } else {
            assert_eq!(
                kinds(&events),
                [
                    "charge.failed",
                    "payment_intent.payment_failed",
                    "checkout.session.async_payment_failed"
                ]
            );
            assert_eq!(
                object(&events, "checkout.session.async_payment_failed")["payment_status"],
                "unpaid"
            );
            assert!(sim.all_balance_transactions().is_empty());
        }
    }
}

#[test]
fn a_declined_session_stays_open_and_expires_with_its_intent() {
    let mut sim = sim();
    let id = session(&mut sim);
    let decline = PaymentMethod::declined(Decline::Generic);
    assert_eq!(code(sim.pay_session(&id, decline)), (402, "card_declined"));
    let intent = sim
        .session(&id)
        .and_then(|session| session.payment_intent.clone())
        .expect("the customer tried");
    sim.drain_events();
    sim.advance(DAY);
    let events = sim.drain_events();
    assert_eq!(
        kinds(&events),
        ["checkout.session.expired", "payment_intent.canceled"]
    );
    assert_eq!(
        sim.session(&id).expect("there").status,
        SessionStatus::Expired
    );
    assert_eq!(
        sim.intent(&intent).expect("there").status,
        StripeIntentStatus::Canceled
    );
}

#[test]
fn a_customer_who_answers_the_bank_completes_the_session() {
    let mut sim = sim();
    let id = session(&mut sim);
    assert_eq!(
        sim.pay_session(&id, PaymentMethod::asks_customer()),
        Ok(PaymentStatus::Unpaid)
    );
    assert_eq!(sim.session(&id).expect("there").status, SessionStatus::Open);
    let intent = sim
        .session(&id)
        .and_then(|session| session.payment_intent.clone())
        .expect("the customer tried");
    sim.drain_events();
    sim.authenticate(&intent, true)
        .expect("the customer agrees");
    assert_eq!(
        kinds(&sim.drain_events()),
        [
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed"
        ]
    );
}

#[test]
fn a_completed_session_does_not_expire() {
    let mut sim = sim();
    let id = session(&mut sim);
    sim.pay_session(&id, PaymentMethod::card())
        .expect("a good card");
    sim.run_until_quiet();
    assert!(!kinds(&sim.drain_events()).contains(&"checkout.session.expired"));
}
