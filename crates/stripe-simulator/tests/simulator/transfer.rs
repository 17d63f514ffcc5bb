use crate::support::{DAY, authorised, charge_of, code, kinds, object, paid, sim};
use tillroll_stripe_simulator::{
    AccountId, ChargeId, CreateTransfer, StripeCurrency, StripeSimulator,
};

fn seller(sim: &mut StripeSimulator) -> AccountId {
    sim.onboarded_account("Atelier", "FR", StripeCurrency::EUR)
}

fn from_charge(seller: &AccountId, charge: &ChargeId, amount: u64) -> CreateTransfer {
    CreateTransfer {
        amount,
        currency: StripeCurrency::EUR,
        destination: seller.clone(),
        source_transaction: Some(charge.clone()),
        transfer_group: Some("ord_1".to_owned()),
        metadata: [("order_id".to_owned(), "ord_1".to_owned())].into(),
    }
}

#[test]
fn a_transfer_names_its_destination_source_and_group() {
    let mut sim = sim();
    let seller = seller(&mut sim);
    let charge = paid(&mut sim, 10_000, StripeCurrency::EUR);
    sim.drain_events();
    let transfer = sim
        .create_transfer(from_charge(&seller, &charge, 8_800))
        .expect("funds are there");
    let events = sim.drain_events();
    assert_eq!(kinds(&events), ["transfer.created"]);
    let created = object(&events, "transfer.created");
    assert_eq!(created["destination"], seller.as_str());
    assert_eq!(created["source_transaction"], charge.as_str());
    assert_eq!(created["transfer_group"], "ord_1");
    assert_eq!(created["amount_reversed"], 0);
    let posted = sim.all_balance_transactions().last().expect("posted");
    assert_eq!((posted.kind, posted.net), ("transfer", -8_800));
    assert_eq!(posted.source.as_deref(), Some(transfer.as_str()));
    // It draws on funds that are not available yet.
    assert!(posted.available_on > sim.clock());
    assert_eq!(
        sim.account(&seller).expect("there").received[&StripeCurrency::EUR],
        8_800
    );
}

#[test]
fn reversals_are_cumulative_and_end_at_the_transfer() {
    let mut sim = sim();
    let seller = seller(&mut sim);
    let charge = paid(&mut sim, 10_000, StripeCurrency::EUR);
    let transfer = sim
        .create_transfer(from_charge(&seller, &charge, 8_000))
        .expect("funds are there");
    sim.drain_events();
    for (part, cumulative, all) in [(3_000, 3_000, false), (5_000, 8_000, true)] {
        let reversal = sim
            .reverse_transfer(&transfer, Some(part))
            .expect("something is left");
        let events = sim.drain_events();
        assert_eq!(kinds(&events), ["transfer.reversed"]);
        let reversed = object(&events, "transfer.reversed");
        assert_eq!(reversed["amount_reversed"], cumulative);
        assert_eq!(reversed["reversed"], all);
        assert_eq!(reversed["reversals"]["data"][0]["id"], reversal.as_str());
        let posted = sim.all_balance_transactions().last().expect("posted");
        assert_eq!(posted.kind, "transfer_refund");
        assert_eq!(posted.source.as_deref(), Some(reversal.as_str()));
        assert_eq!(posted.net, i64::try_from(part).expect("small"));
        if !all {
            assert_eq!(
                code(sim.reverse_transfer(&transfer, Some(5_001))),
                (400, "amount_too_large")
            );
        }
    }
    assert_eq!(
        sim.account(&seller).expect("there").received[&StripeCurrency::EUR],
        0
    );
    assert_eq!(
        code(sim.reverse_transfer(&transfer, None)),
        (400, "parameter_invalid_integer")
    );
}

#[test]
fn no_more_is_transferred_than_is_there() {
    let mut sim = sim();
    let seller = seller(&mut sim);
    let charge = paid(&mut sim, 10_000, StripeCurrency::EUR);
    sim.create_transfer(from_charge(&seller, &charge, 7_000))
        .expect("funds are there");
    assert_eq!(
        code(sim.create_transfer(from_charge(&seller, &charge, 3_001))),
        (400, "amount_too_large")
    );
    let from_balance = |amount| CreateTransfer {
        source_transaction: None,
        ..from_charge(&seller, &charge, amount)
    };
    assert_eq!(
        code(sim.create_transfer(from_balance(1))),
        (400, "balance_insufficient"),
        "the charge's funds are pending"
    );
    sim.advance(3 * DAY);
    let left = sim.available(StripeCurrency::EUR).unsigned_abs();
    assert_eq!(
        code(sim.create_transfer(from_balance(left + 1))),
        (400, "balance_insufficient")
    );
    sim.create_transfer(from_balance(left)).expect("available");
}

#[test]
fn what_cannot_be_transferred_is_refused_by_name() {
    let mut sim = sim();
    let newcomer = sim.create_account("Newcomer", "FR", StripeCurrency::EUR);
    let charge = paid(&mut sim, 10_000, StripeCurrency::EUR);
    assert_eq!(
        code(sim.create_transfer(from_charge(&newcomer, &charge, 100))),
        (400, "transfers_not_allowed")
    );
    let seller = seller(&mut sim);
    let held = authorised(&mut sim, 10_000, StripeCurrency::EUR);
    let held = charge_of(&sim, &held);
    assert_eq!(
        code(sim.create_transfer(from_charge(&seller, &held, 100))),
        (400, "charge_not_captured")
    );
    let dollars = paid(&mut sim, 10_000, StripeCurrency::USD);
    assert_eq!(
        code(sim.create_transfer(from_charge(&seller, &dollars, 100))),
        (400, "currency_mismatch")
    );
    let yen = paid(&mut sim, 10_000, StripeCurrency::JPY);
    sim.create_transfer(from_charge(&seller, &yen, 100))
        .expect("yen settle in euros");
}
