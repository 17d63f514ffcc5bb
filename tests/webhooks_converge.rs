//! Promise: whatever the order, the repetition and the interleaving in which Stripe's webhooks
//! arrive, the book says the same in the end. Real bodies, through the real adapter.
//!
//! `TILLROLL_CASES=10000` runs more cases; a failure names its life cycle and seed.

use std::collections::BTreeSet;

use tillroll_book::{Action, Digest};
use tillroll_events::OrderId;
use tillroll_stripe_simulator::{
    LifeCycle, StripeCurrency, StripeEvent, StripeSimulator, in_order, permutations, shaken,
};
use tillroll_tests::teller::{Teller, order};

const AMOUNT: u64 = 12_000;

/// Something that reaches the book.
#[derive(Clone, Debug)]
enum Message {
    Webhook(StripeEvent),
    BalanceTransactions(String),
    Order(OrderId, StripeCurrency),
}

fn cases() -> u64 {
    std::env::var("TILLROLL_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000)
}

/// Everything that becomes known of one order, in the order in which it happened.
fn story(
    sim: &mut StripeSimulator,
    cycle: LifeCycle,
    id: OrderId,
    currency: StripeCurrency,
) -> Vec<Message> {
    let known = sim.all_balance_transactions().len();
    let events = cycle
        .run(sim, &id.to_string(), AMOUNT, currency)
        .unwrap_or_else(|error| panic!("{cycle:?} cannot happen: {error}"));
    let mut messages = vec![Message::Order(id, currency)];
    messages.extend(events.into_iter().map(Message::Webhook));
    for transaction in &sim.all_balance_transactions()[known..] {
        let json = sim
            .balance_transaction_json(&transaction.id)
            .expect("it was just listed");
        messages.push(Message::BalanceTransactions(json));
    }
    messages
}

fn tell(messages: &[Message]) -> Teller {
    let mut teller = Teller::new();
    for message in messages {
        match message {
            Message::Webhook(event) => teller.webhook(&event.body),
            Message::BalanceTransactions(body) => teller.balance_transactions(body),
            Message::Order(id, currency) => {
                let code = currency.as_str().to_uppercase();
                teller
                    .submit(
                        None,
                        Action::PlaceOrder(order(*id, &code, AMOUNT, "acct_seller")),
                    )
                    .expect("an order without articles is not refused");
            }
        }
    }
    teller
}

fn digest(messages: &[Message]) -> Digest {
    tell(messages).book().digest()
}

/// Repeats some messages and puts all in another order. An order is placed once.
fn disorder(seed: u64, messages: &[Message]) -> Vec<Message> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = move |below: usize| -> usize {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("below a length")
    };
    let mut told = messages.to_vec();
    for message in messages {
        if !matches!(message, Message::Order(..)) && random(4) == 0 {
            told.push(message.clone());
        }
    }
    for place in (1..told.len()).rev() {
        told.swap(place, random(place + 1));
    }
    told
}

#[test]
fn every_life_cycle_converges_in_any_disorder() {
    let seeds = (cases() / LifeCycle::ALL.len() as u64).max(1);
    for currency in [StripeCurrency::EUR, StripeCurrency::KWD] {
        for cycle in LifeCycle::ALL {
            let mut sim = StripeSimulator::seeded(7);
            let messages = story(&mut sim, cycle, OrderId::from_u128(1), currency);
            let expected = tell(&messages);
            assert_eq!(
                expected.book().digest(),
                expected.replayed().digest(),
                "{cycle:?}"
            );
            for seed in 0..seeds / 2 {
                let told = disorder(seed, &messages);
                assert_eq!(
                    digest(&told),
                    expected.book().digest(),
                    "{cycle:?} in {} with seed {seed}",
                    currency.as_str()
                );
            }
        }
    }
}

/// When all is told, nothing is left between the order and the processor.
#[test]
fn every_life_cycle_settles_its_clearing_accounts() {
    for currency in [
        StripeCurrency::EUR,
        StripeCurrency::JPY,
        StripeCurrency::KWD,
    ] {
        for cycle in LifeCycle::ALL {
            let mut sim = StripeSimulator::seeded(11);
            let messages = story(&mut sim, cycle, OrderId::from_u128(1), currency);
            let teller = tell(&messages);
            let open: Vec<String> = teller
                .book()
                .ledger()
                .by_path()
                .filter(|(account, balances)| {
                    let path = account.path.as_str();
                    let clears = path.ends_with(":clearing")
                        || path.ends_with(":refunds")
                        || path.starts_with("clearing:")
                        || path.starts_with("suspense:");
                    clears && balances.net_debit() != 0
                })
                .map(|(account, balances)| {
                    format!(
                        "{} {} {}",
                        account.path,
                        balances.net_debit(),
                        teller.book().ledger().unit_of(account)
                    )
                })
                .collect();
            assert!(
                open.is_empty(),
                "{cycle:?} in {} leaves {open:?}",
                currency.as_str()
            );
        }
    }
}

#[test]
fn life_cycles_converge_when_they_are_interleaved() {
    for seed in 0..(cases() / 25).max(4) {
        let mut sim = StripeSimulator::seeded(seed);
        let mut messages = Vec::new();
        for (number, cycle) in (1..).zip(LifeCycle::ALL) {
            let currency = if number % 3 == 0 {
                StripeCurrency::JPY
            } else {
                StripeCurrency::EUR
            };
            messages.extend(story(&mut sim, cycle, OrderId::from_u128(number), currency));
        }
        let expected = digest(&messages);
        assert_eq!(digest(&disorder(seed, &messages)), expected, "seed {seed}");
    }
}

#[test]
fn every_permutation_of_a_short_life_cycle_converges() {
    // 7 events have 5,040 orders: for the long form.
    let short = if cases() < 10_000 { 6 } else { 7 };
    let mut shortest = BTreeSet::new();
    for cycle in LifeCycle::ALL {
        let mut sim = StripeSimulator::seeded(3);
        let id = OrderId::from_u128(1);
        let events = cycle
            .run(&mut sim, &id.to_string(), AMOUNT, StripeCurrency::EUR)
            .unwrap();
        if events.len() > short {
            continue;
        }
        shortest.insert(cycle);
        let with_order = |events: Vec<StripeEvent>| {
            let mut messages = vec![Message::Order(id, StripeCurrency::EUR)];
            messages.extend(events.into_iter().map(Message::Webhook));
            messages
        };
        let expected = digest(&with_order(events.clone()));
        for permutation in permutations(events.len()) {
            let told = with_order(in_order(&events, &permutation));
            assert_eq!(digest(&told), expected, "{cycle:?} as {permutation:?}");
        }
        for seed in 0..20 {
            let told = with_order(shaken(seed, &events));
            assert_eq!(digest(&told), expected, "{cycle:?} shaken with seed {seed}");
        }
    }
    assert!(
        shortest.contains(&LifeCycle::Paid),
        "only {shortest:?} are short enough"
    );
}

#[test]
fn a_dropped_webhook_is_noticed() {
    // The negative control: were the digest blind, everything above would prove nothing.
    let mut sim = StripeSimulator::seeded(1);
    let messages = story(
        &mut sim,
        LifeCycle::RefundedInPart,
        OrderId::from_u128(1),
        StripeCurrency::EUR,
    );
    let without: Vec<Message> = messages
        .iter()
        .filter(
            |message| !matches!(message, Message::Webhook(event) if event.kind.contains("refund")),
        )
        .cloned()
        .collect();
    assert!(without.len() < messages.len());
    assert_ne!(digest(&without), digest(&messages));
}
