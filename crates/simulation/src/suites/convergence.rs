//! Life cycles of payments, told in any disorder: one digest, and nothing left in clearing.

use tillroll_book::{
    Action, CommandKey, LineRequest, Observe, PlaceOrder, SellerRequest, TaxRequest,
};
use tillroll_events::{Metadata, OrderId};
use tillroll_stripe_simulator::{Currency, LifeCycle, StripeSimulator};

use super::roll::Roll;
use super::{Caught, Verdict, ensure};
use crate::chance::Chance;

const AMOUNT: u64 = 12_000;
const DISORDERS: u64 = 12;

/// Something that reaches the book.
#[derive(Clone, Debug)]
enum Message {
    Order,
    Webhook(CommandKey, Observe),
    /// The same facts, fetched from Stripe instead of delivered by it.
    Fetched(Observe),
    BalanceTransactions(String),
}

pub(super) fn check() -> Verdict {
    for cycle in LifeCycle::ALL {
        let story = story(cycle)?;
        let named = |caught: Caught| Caught(format!("{cycle:?}: {caught}"));
        let expected = tell(&story).map_err(named)?;
        let open = unsettled(&expected);
        ensure(open.is_empty(), || format!("{cycle:?} leaves {open:?}"))?;
        for seed in 0..DISORDERS {
            let told = tell(&disorder(seed, &story)).map_err(named)?;
            let (found, digest) = (told.book().digest(), expected.book().digest());
            ensure(found == digest, || {
                format!("{cycle:?} in disorder {seed} has the digest {found}, in order {digest}")
            })?;
        }
    }
    Ok(())
}

/// Everything that becomes known of one order, in the order in which it happened.
fn story(cycle: LifeCycle) -> Result<Vec<Message>, Caught> {
    let mut stripe = StripeSimulator::seeded(7);
    let order = OrderId::from_u128(1).to_string();
    let lived = cycle.run(&mut stripe, &order, AMOUNT, Currency::EUR);
    let events = lived.map_err(Caught::unexpected("a life cycle that cannot happen"))?;
    let mut story = vec![Message::Order];
    for event in events {
        let translated = tillroll_stripe::translate(event.body.as_bytes());
        let (key, observe) = translated.map_err(Caught::unexpected("a body of Stripe's"))?;
        story.push(Message::Webhook(key, observe));
    }
    let rows = stripe.all_balance_transactions().to_vec();
    let bodies = rows
        .iter()
        .filter_map(|row| stripe.balance_transaction_json(&row.id));
    story.extend(bodies.map(Message::BalanceTransactions));
    Ok(story)
}

fn tell(messages: &[Message]) -> Result<Roll, Caught> {
    let mut roll = Roll::new();
    for message in messages {
        let (key, action) = match message {
            Message::Order => (None, Action::PlaceOrder(order())),
            Message::Webhook(key, observe) => (Some(key.clone()), Action::Observe(observe.clone())),
            Message::Fetched(observe) => (None, Action::Observe(observe.clone())),
            Message::BalanceTransactions(body) => {
                let rows = tillroll_stripe::balance_transactions(body.as_bytes());
                let rows = rows.map_err(Caught::unexpected("a list of Stripe's"))?;
                (None, Action::RecordBalanceTransactions(rows))
            }
        };
        let answer = roll.submit(key, action)?;
        answer.map_err(Caught::unexpected("a fact is refused"))?;
    }
    Ok(roll)
}

/// An order of one line for a seller.
fn order() -> PlaceOrder {
    PlaceOrder {
        id: OrderId::from_u128(1),
        channel: "web".into(),
        location: None,
        currency: "EUR".parse().expect("a currency"),
        lines: vec![LineRequest {
            sku: None,
            description: None,
            quantity: 1,
            unit_price: AMOUNT,
            tax: Some(TaxRequest {
                rate: "0.2".parse().expect("a rate"),
                included: true,
            }),
            seller: Some(SellerRequest {
                account: "acct_seller".parse().expect("an id"),
                commission: "0.1".parse().expect("a rate"),
            }),
        }],
        metadata: Metadata::new(),
        offline: false,
    }
}

/// Repeats some messages, as Stripe does or as somebody who asks it, and shuffles all.
fn disorder(seed: u64, story: &[Message]) -> Vec<Message> {
    let mut chance = Chance::of(seed, "disorder");
    let mut told = story.to_vec();
    for message in story {
        match message {
            Message::Webhook(_, observe) if chance.percent(20) => {
                told.push(Message::Fetched(observe.clone()));
            }
            Message::Webhook(..) | Message::BalanceTransactions(_) if chance.percent(25) => {
                told.push(message.clone());
            }
            _ => {}
        }
    }
    chance.shuffle(&mut told);
    told
}

/// Accounts between an order and the processor that should be empty and are not.
fn unsettled(roll: &Roll) -> Vec<String> {
    let rows = roll.book().ledger().by_path();
    rows.filter(|(account, balances)| {
        let path = account.path.as_str();
        let clears = path.ends_with(":clearing")
            || path.ends_with(":refunds")
            || path.starts_with("clearing:")
            || path.starts_with("suspense:");
        clears && balances.net_debit() != 0
    })
    .map(|(account, balances)| format!("{} {}", account.path, balances.net_debit()))
    .collect()
}
