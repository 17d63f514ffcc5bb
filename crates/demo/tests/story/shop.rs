//! A stand-in for the server: as much of its HTTP interface as the story uses,
//! with books of its own, kept in the simplest way that is right. Everything
//! that is sent to it is written down.

use anyhow::Result;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tillroll_demo::{Exchange, ShopAnswer, ShopRequest, StoryClock};
use tillroll_stripe_simulator::signing;

pub const SECRET: &str = "whsec_story";

/// A clock that fails when it is set back.
#[derive(Debug, Default)]
pub struct Clock(AtomicI64);

impl StoryClock for Clock {
    fn set(&self, unix_micros: i64) {
        let before = self.0.swap(unix_micros, Ordering::SeqCst);
        assert!(before < unix_micros, "time went back");
    }
}

impl Clock {
    pub fn micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Debug, Clone, Default)]
struct Order {
    currency: String,
    total: u64,
    fulfilled: bool,
    cancelled: bool,
    goods: Vec<(String, u64)>,
    location: String,
    /// Seller and his share of the total.
    shares: Vec<(String, u64)>,
    place: usize,
}

#[derive(Debug, Clone, Default)]
struct Transfer {
    seller: String,
    unit: String,
    amount: i64,
    reversed: i64,
}

/// The stand-in.
#[derive(Debug, Default)]
pub struct Shop {
    pub clock: Arc<Clock>,
    /// One line per request: time, method, path, key, signature, body.
    pub transcript: Vec<String>,
    /// Answers nothing but 500 from this request on.
    pub breaks_at: Option<usize>,
    /// Forgets its idempotency keys.
    pub forgets_keys: bool,
    position: u64,
    replies: BTreeMap<String, (Bytes, u16, Bytes)>,
    orders: BTreeMap<String, Order>,
    shelf: BTreeMap<(String, String), u64>,
    points: BTreeMap<String, u64>,
    accounts: BTreeSet<String>,
    entries: BTreeSet<String>,
    events: BTreeSet<String>,
    pub transactions: BTreeMap<String, Value>,
    /// Order, and what was received on the intent.
    intents: BTreeMap<String, (String, u64)>,
    intents_of: BTreeMap<String, BTreeSet<String>>,
    /// Intent, amount, failed.
    refunds: BTreeMap<String, (String, u64, bool)>,
    refunds_of: BTreeMap<String, BTreeSet<String>>,
    transfers: BTreeMap<String, Transfer>,
    pub payouts: BTreeMap<String, BTreeSet<String>>,
    pub paid_before_known: BTreeSet<String>,
    pub occurred_at: Vec<(String, i64)>,
}

type Reply = (u16, Value);

fn problem(status: u16, code: &str) -> Reply {
    (status, json!({"code": code, "status": status}))
}

fn int(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no amount"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Millionths of a rate such as `0.0825`.
fn millionths(rate: &Value) -> u64 {
    let (whole, part) = rate
        .as_str()
        .and_then(|rate| rate.split_once('.'))
        .expect("a rate");
    let digits: String = format!("{part:0<6}").chars().take(6).collect();
    whole.parse::<u64>().expect("digits") * 1_000_000 + digits.parse::<u64>().expect("digits")
}

fn half_up(numerator: u64, denominator: u64) -> u64 {
    (numerator + denominator / 2) / denominator
}

impl Shop {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn answer(&mut self, request: &ShopRequest) -> ShopAnswer {
        let number = self.transcript.len();
        self.transcript.push(format!(
            "{} {} {} {:?} {:?} {}",
            self.clock.micros(),
            request.method,
            request.path,
            request.key,
            request.signature,
            String::from_utf8_lossy(&request.body)
        ));
        let broken = self.breaks_at.is_some_and(|from| number >= from);
        if broken {
            return self.reply(problem(500, "internal_error"), false);
        }
        let is_webhook = request.path == "/v1/webhooks/stripe";
        assert_eq!(
            request.key.is_some(),
            request.method != "GET" && !is_webhook,
            "what changes something has a key, and Stripe sends none: {request:?}"
        );
        let Some(key) = request.key.clone().filter(|_| !self.forgets_keys) else {
            let reply = self.route(request);
            return self.reply(reply, false);
        };
        if let Some((body, status, answer)) = self.replies.get(&key) {
            assert_eq!(body, &request.body, "one key for two requests");
            return ShopAnswer {
                status: *status,
                replayed: true,
                position: Some(self.position),
                body: answer.clone(),
            };
        }
        let reply = self.route(request);
        let answer = self.reply(reply, false);
        if answer.status < 300 {
            let stored = (request.body.clone(), answer.status, answer.body.clone());
            self.replies.insert(key, stored);
        }
        answer
    }

    fn reply(&mut self, (status, body): Reply, replayed: bool) -> ShopAnswer {
        self.position += 1;
        ShopAnswer {
            status,
            replayed,
            position: Some(self.position),
            body: body.to_string().into(),
        }
    }

    fn route(&mut self, request: &ShopRequest) -> Reply {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let body: Value = if request.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&request.body).expect("requests are JSON")
        };
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match (request.method.as_str(), &parts[..]) {
            ("POST", ["orders"]) => self.place(&body),
            ("POST", ["orders", id, "fulfil"]) => self.fulfil(id),
            ("POST", ["orders", id, "cancel"]) => self.cancel(id),
            ("POST", ["stock", "receipts"]) => self.receive(&body),
            ("POST", ["webhooks", "stripe"]) => self.webhook(request, &body),
            ("POST", ["stripe", "balance-transactions"]) => self.record(&body),
            ("POST", ["entries"]) => self.enter(&body),
            ("PUT", ["accounts", path]) => {
                let new = self.accounts.insert((*path).to_owned());
                (if new { 201 } else { 200 }, body)
            }
            ("GET", ["orders"]) => self.list_orders(query),
            ("GET", ["splits"]) => (200, json!({"object": "list", "data": self.splits()})),
            ("GET", ["trial-balance" | "stock"]) => (200, json!({"object": "list", "data": []})),
            (method, path) => panic!("the story sends {method} {path:?}"),
        }
    }

    fn place(&mut self, body: &Value) -> Reply {
        let id = text(&body["id"]);
        assert!(id.starts_with("ord_") && id.len() == 30, "{id}");
        if self.orders.contains_key(&id) {
            assert!(self.forgets_keys, "{id} is placed twice");
            return (201, self.order(&id));
        }
        let mut order = Order {
            currency: text(&body["currency"]),
            location: text(&body["location"]),
            place: self.orders.len(),
            ..Order::default()
        };
        for line in body["lines"].as_array().expect("lines") {
            let gross = int(&line["quantity"]) * int(&line["unit_price"]);
            let (tax, total) = match line["tax"]["behavior"].as_str() {
                None => (0, gross),
                Some("inclusive") => {
                    let rate = millionths(&line["tax"]["rate"]);
                    (half_up(gross * rate, 1_000_000 + rate), gross)
                }
                Some(_) => {
                    let tax = half_up(gross * millionths(&line["tax"]["rate"]), 1_000_000);
                    (tax, gross + tax)
                }
            };
            order.total += total;
            order
                .goods
                .push((text(&line["sku"]), int(&line["quantity"])));
            if let Some(seller) = line["seller"]["account"].as_str() {
                let net = total - tax;
                let commission = millionths(&line["seller"]["commission"]);
                let share = net - half_up(net * commission, 1_000_000);
                order.shares.push((seller.to_owned(), share));
            }
        }
        for (sku, quantity) in &order.goods {
            let shelf = self.shelf.get(&(order.location.clone(), sku.clone()));
            if shelf.is_none_or(|pieces| pieces < quantity) {
                return problem(409, "insufficient_stock");
            }
        }
        for (sku, quantity) in &order.goods {
            let key = (order.location.clone(), sku.clone());
            *self.shelf.get_mut(&key).expect("looked at above") -= quantity;
        }
        if body["offline"] == true {
            let occurred: jiff::Timestamp = text(&body["occurred_at"]).parse().expect("RFC 3339");
            self.occurred_at.push((id.clone(), occurred.as_second()));
            if self.paid(&id) > 0 {
                self.paid_before_known.insert(id.clone());
            }
        }
        self.orders.insert(id.clone(), order);
        (201, self.order(&id))
    }

    fn intents(&self, order: &str) -> impl Iterator<Item = &String> {
        self.intents_of.get(order).into_iter().flatten()
    }

    fn paid(&self, order: &str) -> u64 {
        self.intents(order)
            .map(|intent| self.intents[intent].1)
            .sum()
    }

    fn refunded(&self, order: &str) -> u64 {
        self.intents(order)
            .filter_map(|intent| self.refunds_of.get(intent))
            .flatten()
            .map(|refund| &self.refunds[refund])
            .filter(|(_, _, failed)| !failed)
            .map(|(_, amount, _)| amount)
            .sum()
    }

    fn order(&self, id: &str) -> Value {
        let order = &self.orders[id];
        let paid = self.paid(id);
        json!({
            "object": "order", "id": id, "status": "whatever", "currency": order.currency,
            "total": order.total, "due": order.total - paid.min(order.total), "paid": paid,
            "refunded": self.refunded(id),
        })
    }

    fn fulfil(&mut self, id: &str) -> Reply {
        let order = self.orders.get_mut(id).expect("a known order");
        assert!(!order.fulfilled && !order.cancelled, "{id}");
        order.fulfilled = true;
        (200, self.order(id))
    }

    fn cancel(&mut self, id: &str) -> Reply {
        assert_eq!(self.paid(id), 0, "{id} was paid");
        let order = self.orders.get_mut(id).expect("a known order");
        assert!(!order.fulfilled && !order.cancelled, "{id}");
        order.cancelled = true;
        for (sku, quantity) in &order.goods {
            *self
                .shelf
                .entry((order.location.clone(), sku.clone()))
                .or_default() += quantity;
        }
        (200, self.order(id))
    }

    fn receive(&mut self, body: &Value) -> Reply {
        for line in body["lines"].as_array().expect("lines") {
            let key = (text(&body["location"]), text(&line["sku"]));
            *self.shelf.entry(key).or_default() += int(&line["quantity"]);
        }
        (201, json!({"object": "stock_receipt"}))
    }

    fn webhook(&mut self, request: &ShopRequest, event: &Value) -> Reply {
        let header = request.signature.as_deref().expect("a signature");
        let timestamp: i64 = header
            .strip_prefix("t=")
            .and_then(|rest| rest.split_once(','))
            .and_then(|(timestamp, _)| timestamp.parse().ok())
            .expect("a timestamp");
        if header != signing::header(SECRET, timestamp, &request.body) {
            return problem(400, "signature_mismatch");
        }
        if (self.clock.micros() / 1_000_000 - timestamp).abs() > 300 {
            return problem(400, "signature_stale");
        }
        if self.events.insert(text(&event["id"])) {
            self.observe(&text(&event["type"]), &event["data"]["object"]);
        }
        (200, json!({"received": true}))
    }

    fn observe(&mut self, kind: &str, object: &Value) {
        let id = text(&object["id"]);
        let family = text(&object["object"]);
        match &*family {
            "payment_intent" => {
                let order = text(&object["metadata"]["order_id"]);
                self.intents_of
                    .entry(order.clone())
                    .or_default()
                    .insert(id.clone());
                let known = self.intents.entry(id).or_insert((order, 0));
                known.1 = known.1.max(int(&object["amount_received"]));
            }
            "refund" => {
                let failed = object["status"] == "failed";
                let intent = text(&object["payment_intent"]);
                self.refunds_of
                    .entry(intent.clone())
                    .or_default()
                    .insert(id.clone());
                let known =
                    self.refunds
                        .entry(id)
                        .or_insert((intent, int(&object["amount"]), failed));
                known.2 |= failed;
            }
            "transfer" => {
                let known = self.transfers.entry(id).or_default();
                known.seller = text(&object["destination"]);
                known.unit = text(&object["currency"]).to_uppercase();
                known.amount = object["amount"].as_i64().expect("an amount");
                let reversed = object["amount_reversed"].as_i64().expect("an amount");
                known.reversed = known.reversed.max(reversed);
            }
            "payout" => {
                self.payouts.entry(id).or_default().insert(kind.to_owned());
            }
            _ => {}
        }
    }

    fn record(&mut self, body: &Value) -> Reply {
        let rows = body["data"].as_array().expect("a list");
        assert!(rows.len() <= 1_000);
        let mut known = 0;
        for row in rows {
            let net =
                row["amount"].as_i64().expect("signed") - row["fee"].as_i64().expect("signed");
            assert_eq!(row["net"], net);
            let before = self.transactions.insert(text(&row["id"]), row.clone());
            known += usize::from(before.is_some());
        }
        (200, json!({"recorded": rows.len() - known, "known": known}))
    }

    fn enter(&mut self, body: &Value) -> Reply {
        for posting in body["postings"].as_array().expect("postings") {
            let account = text(&posting["account"]);
            assert!(self.accounts.contains(&account), "{account} is not open");
            if !account.starts_with("customer:") {
                continue;
            }
            let points = self.points.entry(account).or_default();
            let amount = int(&posting["amount"]);
            if posting["side"] == "credit" {
                *points += amount;
            } else if *points < amount {
                return problem(409, "would_exceed_limit");
            } else {
                *points -= amount;
            }
        }
        let id = text(&body["id"]);
        assert!(
            id.starts_with("ent_") && self.entries.insert(id.clone()),
            "{id}"
        );
        (201, json!({"object": "entry"}))
    }

    fn list_orders(&self, query: &str) -> Reply {
        let find = |name: &str| {
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        assert!(find("min_position").is_some(), "reads see what was written");
        let limit: usize = find("limit")
            .and_then(|text| text.parse().ok())
            .expect("a limit");
        let mut ids: Vec<&String> = self.orders.keys().collect();
        ids.sort_by_key(|id| std::cmp::Reverse(self.orders[*id].place));
        let start = find("starting_after").map_or(0, |after| {
            1 + ids.iter().position(|id| *id == after).expect("a cursor")
        });
        let page: Vec<Value> = ids[start..]
            .iter()
            .take(limit)
            .map(|id| self.order(id))
            .collect();
        let has_more = start + page.len() < ids.len();
        (
            200,
            json!({"object": "list", "data": page, "has_more": has_more}),
        )
    }

    /// What each seller is owed: of what stays paid on fulfilled orders, less
    /// what was transferred as far as it is known here.
    fn splits(&self) -> Vec<Value> {
        let mut owed: BTreeMap<(String, String), i64> = BTreeMap::new();
        for (id, order) in self.orders.iter().filter(|(_, order)| order.fulfilled) {
            let kept = self.paid(id) - self.refunded(id);
            for (seller, share) in &order.shares {
                let mine = i64::try_from(share * kept / order.total).expect("small");
                let key = (seller.clone(), order.currency.clone());
                *owed.entry(key).or_default() += mine;
            }
        }
        for transfer in self.transfers.values() {
            let key = (transfer.seller.clone(), transfer.unit.clone());
            *owed.entry(key).or_default() -= transfer.amount - transfer.reversed;
        }
        owed.into_iter()
            .map(|((seller, unit), available)| {
                json!({"seller": seller, "unit": unit, "pending": 0, "available": available,
                       "paid": 0, "reversed": 0})
            })
            .collect()
    }

    /// The most that any seller was paid beyond what he is owed, by unit.
    pub fn overpaid(&self) -> BTreeMap<(String, String), i64> {
        self.splits()
            .iter()
            .map(|split| {
                let owed = split["available"].as_i64().expect("signed");
                ((text(&split["seller"]), text(&split["unit"])), -owed)
            })
            .collect()
    }
}

impl Exchange for Shop {
    async fn send(&mut self, request: ShopRequest) -> Result<ShopAnswer> {
        Ok(self.answer(&request))
    }
}
