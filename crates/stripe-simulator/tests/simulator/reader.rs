use crate::support::{code, kinds, object, sim};
use tillroll_stripe_simulator::{
    CreateIntent, Decline, MethodKind, PaymentMethod, StripeCurrency, StripeIntentStatus,
};

#[test]
fn a_reader_takes_one_intent_at_a_time_and_a_declined_one_again() {
    let mut sim = sim();
    let reader = sim.register_reader("till 1");
    let params = CreateIntent::new(1_500, StripeCurrency::EUR)
        .for_order("ord_1")
        .paid_with(MethodKind::CardPresent);
    let intent = sim.create_intent(params.clone()).expect("a valid intent");
    let other = sim.create_intent(params).expect("a valid intent");
    assert_eq!(
        code(sim.present_card(&reader, PaymentMethod::card_present())),
        (400, "terminal_reader_idle")
    );
    sim.process_on_reader(&reader, &intent).expect("idle");
    assert_eq!(
        code(sim.process_on_reader(&reader, &other)),
        (409, "terminal_reader_busy")
    );
    sim.drain_events();
    assert_eq!(
        code(sim.present_card(
            &reader,
            PaymentMethod::card_present_declined(Decline::Generic)
        )),
        (402, "card_declined")
    );
    let events = sim.drain_events();
    assert_eq!(
        kinds(&events),
        [
            "charge.failed",
            "payment_intent.payment_failed",
            "terminal.reader.action_failed"
        ]
    );
    assert_eq!(
        object(&events, "terminal.reader.action_failed")["action"]["failure_code"],
        "card_declined"
    );
    sim.process_on_reader(&reader, &intent)
        .expect("the same intent again");
    assert_eq!(
        sim.present_card(&reader, PaymentMethod::card_present()),
        Ok(StripeIntentStatus::Succeeded)
    );
    let events = sim.drain_events();
    assert_eq!(
        object(&events, "charge.succeeded")["payment_method_details"]["type"],
        "card_present"
    );
    assert_eq!(
        object(&events, "terminal.reader.action_succeeded")["action"]["process_payment_intent"]["payment_intent"],
        intent.as_str()
    );
}
