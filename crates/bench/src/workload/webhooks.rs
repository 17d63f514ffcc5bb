//! Signed deliveries, as Stripe sends them, for orders that were placed before.

use tillroll_book::{Action, Command, LineRequest, PlaceOrder};
use tillroll_events::{Caller, Metadata, OrderId, Timestamp};
use tillroll_stripe::{Secret, translate, verify};
use tillroll_stripe_simulator::{LifeCycle, StripeCurrency, StripeSimulator, signing};

use super::id;

/// The endpoint's signing secret, which protects nothing.
pub const SECRET: &str = "whsec_of_the_benchmarks";

/// What arrives: the header and the body, byte for byte, and when.
#[derive(Clone, Debug)]
pub struct SignedWebhook {
    pub header: String,
    pub body: String,
    pub at: Timestamp,
}

impl SignedWebhook {
    /// The whole way from bytes to a command.
    ///
    /// # Panics
    /// When it is not authentic or not readable, which would measure something else.
    #[must_use]
    pub fn command(&self, secrets: &[Secret]) -> Command {
        let header = Some(self.header.as_bytes());
        verify(header, self.body.as_bytes(), secrets, self.at).expect("it is authentic");
        let (key, observe) = translate(self.body.as_bytes()).expect("it is an event");
        Command {
            at: self.at,
            occurred_at: None,
            caller: Caller::STRIPE,
            key: Some(key),
            action: Action::Observe(observe),
        }
    }
}

/// Orders, and everything that happens to their payments.
#[derive(Debug)]
pub struct Webhooks {
    pub orders: Vec<Command>,
    pub deliveries: Vec<SignedWebhook>,
}

impl Webhooks {
    /// So many rounds of all life cycles: paid, declined, refunded, disputed, shared with
    /// sellers, paid out.
    ///
    /// # Panics
    /// When the simulator refuses a life cycle.
    #[must_use]
    pub fn rounds(rounds: u64) -> Self {
        Self::of(&LifeCycle::ALL, 0, rounds)
    }

    /// So many rounds of these life cycles, after so many before. Rounds that do not overlap
    /// have no order in common.
    ///
    /// # Panics
    /// When the simulator refuses a life cycle.
    #[must_use]
    pub fn of(cycles: &[LifeCycle], before: u64, rounds: u64) -> Self {
        let mut simulator = StripeSimulator::seeded(before + 1);
        simulator.set_clock(1_800_000_000);
        let (mut orders, mut deliveries) = (Vec::new(), Vec::new());
        let first = before * cycles.len() as u64 + 1;
        let cycles = (0..rounds).flat_map(|_| cycles);
        for (cycle, number) in cycles.zip(first..) {
            let order = OrderId::from_u128(id(number));
            let amount = 5_000 + number % 5_000;
            orders.push(place(order, amount, simulator.clock()));
            let order = order.to_string();
            let events = cycle.run(&mut simulator, &order, amount, StripeCurrency::EUR);
            for event in events.expect("the amount is large enough") {
                let header = signing::header(SECRET, event.created, event.body.as_bytes());
                deliveries.push(SignedWebhook {
                    header,
                    body: event.body,
                    at: Timestamp::from_seconds(event.created),
                });
            }
        }
        Self { orders, deliveries }
    }

    /// The header of a delivery that was sent again at another time.
    #[must_use]
    pub fn header_at(body: &str, at: Timestamp) -> String {
        signing::header(SECRET, at.seconds(), body.as_bytes())
    }

    /// The secret to verify them with.
    ///
    /// # Panics
    /// Never: it is a good one.
    #[must_use]
    pub fn secrets() -> [Secret; 1] {
        [SECRET.parse().expect("it has the shape of a secret")]
    }
}

fn place(order: OrderId, amount: u64, second: i64) -> Command {
    let line = LineRequest {
        sku: None,
        description: Some("a thing".into()),
        quantity: 1,
        unit_price: amount,
        tax: None,
        seller: None,
    };
    Command {
        at: Timestamp::from_seconds(second),
        occurred_at: None,
        caller: Caller::ANONYMOUS,
        key: None,
        action: Action::PlaceOrder(PlaceOrder {
            id: order,
            channel: "web".into(),
            location: None,
            currency: "EUR".parse().expect("a currency"),
            lines: vec![line],
            metadata: Metadata::new(),
            offline: false,
        }),
    }
}
