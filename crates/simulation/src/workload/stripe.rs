//! What Stripe says about the payment of an order: bodies from the simulator of Stripe, through
//! the real translation.

use tillroll_book::Action;
use tillroll_events::OrderId;
use tillroll_money::Unit;
use tillroll_stripe_simulator::{LifeCycle, StripeCurrency, StripeSimulator};

use crate::chance::Chance;
use crate::request::{ClientRequest, RequestKind};

#[derive(Debug)]
pub(super) struct Stripe {
    simulator: StripeSimulator,
    /// Balance transactions that were fetched.
    fetched: usize,
    /// Events of these types never arrive: the endpoint was not set up for them.
    unheard: &'static str,
}

/// Beginnings of types of events. What one object does not tell, another may.
const UNHEARD: [&str; 9] = [
    "none",
    "none",
    "none",
    "charge.",
    "charge.",
    "charge.refund",
    "refund.",
    "payment_intent.",
    "charge.dispute",
];

impl Stripe {
    pub(super) fn new(chance: &mut Chance) -> Self {
        let mut simulator = StripeSimulator::seeded(chance.number());
        simulator.set_clock(1_789_990_000);
        Self {
            simulator,
            fetched: 0,
            unheard: chance.pick(&UNHEARD),
        }
    }

    /// A currency, as the book and as Stripe name it.
    pub(super) fn currency(&self, chance: &mut Chance) -> (Unit, StripeCurrency) {
        let currency = chance.weighted(&[
            (10, StripeCurrency::EUR),
            (3, StripeCurrency::USD),
            (2, StripeCurrency::GBP),
            (2, StripeCurrency::JPY),
            (2, StripeCurrency::KWD),
        ]);
        let code = currency.as_str().to_uppercase();
        (code.parse().expect("a currency of the world"), currency)
    }

    /// Lives one life cycle of a payment, and answers what is heard of it, in the order in which
    /// it happened. Now and then something is lost for good.
    pub(super) fn pay(
        &mut self,
        chance: &mut Chance,
        order: OrderId,
        amount: u64,
        currency: StripeCurrency,
    ) -> Vec<ClientRequest> {
        let cycle = chance.pick(&LifeCycle::ALL);
        if chance.percent(10) {
            self.simulator.create_customer("ann@example.com");
        }
        let lived = cycle.run(&mut self.simulator, &order.to_string(), amount, currency);
        // What could not go on (nothing left to pay out) has happened up to there.
        let events = lived.unwrap_or_else(|_| self.simulator.drain_events());
        let mut said: Vec<ClientRequest> = events
            .iter()
            .map(|event| {
                let translated = tillroll_stripe::translate(event.body.as_bytes());
                let (key, observe) = translated.expect("the simulator writes Stripe's bodies");
                ClientRequest::webhook(key, observe)
            })
            .collect();
        said.extend(self.fetch(chance));
        said.retain(|request| {
            let is_unheard = match &request.action {
                Action::Observe(said) => said.notification.kind.starts_with(self.unheard),
                _ => false,
            };
            !is_unheard && !chance.percent(3)
        });
        said
    }

    /// New balance transactions, one by one or as a list.
    fn fetch(&mut self, chance: &mut Chance) -> Vec<ClientRequest> {
        let all = self.simulator.all_balance_transactions();
        let new = all[self.fetched..].to_vec();
        self.fetched = all.len();
        let bodies: Vec<String> = new
            .iter()
            .filter_map(|row| self.simulator.balance_transaction_json(&row.id))
            .collect();
        let bodies = match chance.coin() && !bodies.is_empty() {
            true => vec![format!(
                r#"{{"object":"list","data":[{}]}}"#,
                bodies.join(",")
            )],
            false => bodies,
        };
        bodies
            .iter()
            .map(|body| {
                let rows = tillroll_stripe::balance_transactions(body.as_bytes());
                let rows = rows.expect("the simulator writes Stripe's lists");
                ClientRequest {
                    kind: RequestKind::Import,
                    ..ClientRequest::asked(None, Action::RecordBalanceTransactions(rows))
                }
            })
            .collect()
    }
}
