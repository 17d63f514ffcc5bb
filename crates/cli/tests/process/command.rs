//! What clients ask for: commands with keys, of which each leaves a trace on the roll that tells
//! it from all others.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tillroll_events::OrderId;
use tillroll_log::testing::Random;
use tillroll_stripe_simulator::signing;

use crate::client::Request;

pub const SECRET: &str = "whsec_of_the_process_tests";

/// Pairs of accounts that entries are posted to, `test:to:N` and `test:from:N`.
pub const PAIRS: usize = 4;

/// A command and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// As it stands on the roll: `http:` or `stripe:`, and the key or id that was sent.
    pub key: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Entry(Transfer),
    /// All of them or none.
    Bulk(Vec<Transfer>),
    Order {
        order: OrderId,
        total: u64,
    },
    /// Stripe says that an order was paid.
    Paid {
        event: String,
        order: OrderId,
        amount: u64,
    },
    /// An entry that does not balance: it is refused and leaves no trace.
    Unbalanced(Transfer),
}

/// An amount, debited to one account of a pair and credited to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub pair: usize,
    pub amount: u64,
}

impl Transfer {
    fn draw(random: &mut Random) -> Self {
        Self {
            pair: random.below(PAIRS),
            amount: 1 + random.number() % 10_000,
        }
    }

    pub fn accounts(self) -> (String, String) {
        (
            format!("test:to:{}", self.pair),
            format!("test:from:{}", self.pair),
        )
    }

    /// What opens its two accounts.
    pub fn openings(self) -> [Request; 2] {
        let (to, from) = self.accounts();
        [(to, "asset"), (from, "income")].map(|(path, kind)| {
            let body = json!({"unit": "EUR", "type": kind});
            Request::json("PUT", format!("/v1/accounts/{path}"), &body)
        })
    }

    fn body(self, credited: u64) -> Value {
        let (to, from) = self.accounts();
        json!({"postings": [
            {"account": to, "unit": "EUR", "side": "debit", "amount": self.amount},
            {"account": from, "unit": "EUR", "side": "credit", "amount": credited},
        ]})
    }
}

impl Command {
    pub fn entry(key: &str, transfer: Transfer) -> Self {
        Self {
            key: format!("http:{key}"),
            what: What::Entry(transfer),
        }
    }

    /// Draws a command. `name` is new each time; `unpaid` are orders that somebody may pay.
    pub fn draw(random: &mut Random, name: &str, unpaid: &mut Vec<(OrderId, u64)>) -> Self {
        let what = match random.below(20) {
            0..10 => What::Entry(Transfer::draw(random)),
            10..13 => {
                // Now and then so many that the write takes a while.
                let most = if random.below(12) == 0 { 400 } else { 8 };
                let count = 1 + random.below(most);
                What::Bulk((0..count).map(|_| Transfer::draw(random)).collect())
            }
            13..16 => What::Order {
                order: OrderId::from_u128(
                    u128::from(random.number()) << 64 | u128::from(random.number()),
                ),
                total: 1 + random.number() % 10_000,
            },
            16..19 => match unpaid.pop() {
                Some((order, amount)) => What::Paid {
                    event: format!("evt_{name}"),
                    order,
                    amount,
                },
                None => What::Entry(Transfer::draw(random)),
            },
            _ => What::Unbalanced(Transfer::draw(random)),
        };
        let key = match &what {
            What::Paid { event, .. } => format!("stripe:{event}"),
            _ => format!("http:{name}"),
        };
        Self { key, what }
    }

    /// The request, the same each time but for the time of a webhook's signature.
    pub fn request(&self) -> Request {
        let (path, body) = match &self.what {
            What::Entry(transfer) => ("/v1/entries", transfer.body(transfer.amount)),
            What::Unbalanced(transfer) => ("/v1/entries", transfer.body(transfer.amount + 1)),
            What::Bulk(transfers) => {
                let entries: Vec<_> = transfers.iter().map(|t| t.body(t.amount)).collect();
                let body = json!({"mode": "all", "entries": entries});
                ("/v1/entries/bulk", body)
            }
            What::Order { order, total } => {
                let line = json!({"description": "A thing", "quantity": 1, "unit_price": total});
                let body = json!({
                    "id": order.to_string(), "channel": "web", "currency": "EUR", "lines": [line],
                });
                ("/v1/orders", body)
            }
            What::Paid {
                event,
                order,
                amount,
            } => return webhook(&paid(event, *order, *amount)),
        };
        let key = self.key.strip_prefix("http:").expect("not a webhook");
        Request::json("POST", path, &body).with("idempotency-key", key)
    }

    /// The order that it places, and what has to be paid for it.
    pub fn order(&self) -> Option<(OrderId, u64)> {
        match self.what {
            What::Order { order, total } => Some((order, total)),
            _ => None,
        }
    }

    pub fn is_webhook(&self) -> bool {
        matches!(self.what, What::Paid { .. })
    }
}

/// A webhook as Stripe would send it now.
pub fn webhook(event: &Value) -> Request {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is right");
    let now = i64::try_from(now.as_secs()).expect("the clock is right");
    let request = Request::json("POST", "/v1/webhooks/stripe", event);
    let signature = signing::header(SECRET, now, request.body.as_bytes());
    request.with("stripe-signature", signature)
}

fn paid(event: &str, order: OrderId, amount: u64) -> Value {
    let name = event.trim_start_matches("evt_");
    json!({
        "id": event,
        "object": "event",
        "api_version": "2026-09-30.endive",
        "created": 1_790_000_000,
        "livemode": false,
        "type": "payment_intent.succeeded",
        "data": {"object": {
            "id": format!("pi_{name}"),
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": amount,
            "currency": "eur",
            "latest_charge": format!("ch_{name}"),
            "metadata": {"order_id": order.to_string()},
            "status": "succeeded",
        }},
    })
}
