//! Data directories of earlier versions, `golden/v1` and so on: every later version opens them,
//! finds them sound, says the same of them, and still knows the requests that made them. That is
//! what CHANGELOG.md promises of every data directory from the format of `v3` on; `v1` and `v2`
//! are older, and are still read.
//!
//! A directory holds what has to be kept of a data directory, `BOOK` and `log/`, and beside it
//! `expected.json`: what the version that wrote it said of it, and the requests that were sent.
//! Once committed it is never written again, and never removed. A new one is made, when the format
//! or the events have changed, by
//!
//! ```text
//! TILLROLL_WRITE_GOLDEN=v5 cargo test -p tillroll-cli --test process golden
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tillroll_book::{Action, Command, OpenAccount};
use tillroll_events::{Caller, Kind, Timestamp};
use tillroll_ledger::AccountType;
use tillroll_runtime::{BookClock, ManualClock, OpenBook, OpenBookOptions, SystemClock};

use crate::client::{Answer, Request};
use crate::command::webhook;
use crate::roll;
use crate::server::{Launch, Running, verify};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/golden")
}

#[test]
fn data_directories_of_earlier_versions_open_and_say_the_same() {
    if let Ok(name) = std::env::var("TILLROLL_WRITE_GOLDEN") {
        write(&directory().join(name));
    }
    let mut versions: Vec<_> = fs::read_dir(directory())
        .expect("the golden directories")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    versions.sort();
    assert!(!versions.is_empty(), "there is none");
    for version in versions {
        opens(&version);
    }
}

fn opens(golden: &Path) {
    let context = golden.display().to_string();
    let expected = fs::read_to_string(golden.join("expected.json")).expect(&context);
    let expected: Value = serde_json::from_str(&expected).expect(&context);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path();
    copy(golden, data);
    assert_eq!(sums(data, &context), expected["sums"], "{context}");

    // However old they have become.
    let server = Launch::on(data).asleep_for(100_000).serve();
    assert_eq!(views(&server), expected["views"], "{context}");
    match &expected["callers"] {
        // Their records do not say who asked.
        Value::Null => {
            let unknown = json!(["unknown", null, "unknown"]);
            assert!(callers(&server).iter().all(|caller| *caller == unknown));
        }
        callers_then => assert_eq!(json!(callers(&server)), *callers_then, "{context}"),
    }
    // The keys of that time are known, and their requests still mean the same. Fingerprints of
    // requests over HTTP were taken otherwise before `v3`: their keys are known, and are refused,
    // so that nothing happens twice.
    let is_old = expected["callers"] == Value::Null;
    let requests = expected["requests"].as_array().expect("a list");
    let keyed = requests
        .iter()
        .filter(|request| request["key"] != Value::Null);
    for request in keyed {
        let answer = server.send(&read(request));
        let context = format!("{context}: {request}: {answer:?}");
        if is_old && request["key"] != "stripe" {
            assert_eq!(answer.status, 422, "{context}");
            assert_eq!(answer.json()["code"], "idempotency_key_reused", "{context}");
            continue;
        }
        assert!(answer.is_replayed(), "{context}");
        assert_eq!(answer.position(), request["position"].as_u64(), "{context}");
    }
    server.stop();
    assert_eq!(
        sums(data, &context),
        expected["sums"],
        "{context}: after serving it"
    );
}

/// Copies a directory.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => {
                fs::copy(entry.path(), to).expect("a file");
            }
        }
    }
}

/// What `verify` says of the roll.
fn sums(data: &Path, context: &str) -> Value {
    let report = verify(data, &context);
    let roll = &report["checks"][0];
    json!({
        "position": report["position"],
        "digest": report["digest"],
        "frames": roll["frames"],
        "head_hash": roll["head_hash"],
    })
}

/// What the read models make of it.
fn views(server: &Running) -> Value {
    let accounts = server.get("/v1/accounts?limit=100").json();
    assert_eq!(accounts["has_more"], false);
    let balances = accounts["data"].as_array().expect("a list").iter();
    let balances = balances.map(|account| {
        let (debits, credits) = (&account["debits_posted"], &account["credits_posted"]);
        json!([account["path"], account["unit"], debits, credits])
    });
    let mut balances: Vec<_> = balances
        .filter(|line| line[2] != 0 || line[3] != 0)
        .collect();
    // As the trial balance has them.
    balances.sort_by_key(|line| (line[1].to_string(), line[0].to_string()));
    let orders = server.get("/v1/orders").json();
    let orders = orders["data"].as_array().expect("a list").iter();
    let orders = orders.map(|order| json!([order["id"], order["status"], order["paid"]]));
    json!({
        "balances": balances,
        "orders": orders.collect::<Vec<_>>(),
    })
}

/// Who asked for each event, and by which way in.
fn callers(server: &Running) -> Vec<Value> {
    let events = server.get("/v1/events?limit=1000").json();
    let events = events["data"].as_array().expect("a list").iter();
    let callers = events.map(|event| json!([event["authtype"], event["authid"], event["origin"]]));
    callers.collect()
}

/// A request as it is kept: a method, a path, a body, and a key or `stripe` for a webhook.
fn read(request: &Value) -> Request {
    let text = |name: &str| request[name].as_str().expect("text").to_owned();
    if request["key"] == "stripe" {
        return webhook(&request["body"]);
    }
    let method = match request["method"].as_str() {
        Some("PUT") => "PUT",
        _ => "POST",
    };
    let read = Request::json(method, text("path"), &request["body"]);
    match request["key"].as_str() {
        Some(key) => read.with("idempotency-key", key),
        None => read,
    }
}

fn write(golden: &Path) {
    assert!(!golden.exists(), "{} is there already", golden.display());
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path();
    let runtime = tokio::runtime::Runtime::new().expect("an async runtime");
    runtime.block_on(stamp_ahead(data));
    let server = Launch::on(data).by_the_right_clock().serve();
    let mut requests = requests();
    for request in &mut requests {
        let answer: Answer = server.send(&read(request));
        assert!(answer.is_success(), "{request}: {answer:?}");
        request["position"] = json!(answer.position());
    }
    let (events, _) = roll::read_after(&mut server.client(), 0).expect("it serves");
    for kind in Kind::ALL {
        let name = kind.name();
        let is_there = events.iter().any(|event| event.kind == name);
        assert!(is_there, "no {name}: a golden roll has every kind of event");
    }
    let (views, callers) = (views(&server), callers(&server));
    server.stop();
    let context = golden.display().to_string();
    let expected = json!({
        "sums": sums(data, &context),
        "views": views,
        "callers": callers,
        "requests": requests,
    });
    fs::create_dir_all(golden.join("log")).expect("a new directory");
    for name in ["BOOK", "log/00000000000000000001.roll"] {
        fs::copy(data.join(name), golden.join(name)).expect("a file of the book");
    }
    let text = serde_json::to_string_pretty(&expected).expect("plain data");
    fs::write(golden.join("expected.json"), text + "\n").expect("a new file");
}

/// Opens an account by a clock that is two years ahead.
async fn stamp_ahead(data: &Path) {
    let ahead = SystemClock.now().seconds() + 2 * 365 * 24 * 3600;
    let options = OpenBookOptions {
        clock: Arc::new(ManualClock::at(Timestamp::from_seconds(ahead))),
        ..OpenBookOptions::new(data)
    };
    let book = OpenBook::open(options, |_| {}).expect("it is begun");
    let open = Command {
        at: book.handle().now(),
        occurred_at: None,
        caller: Caller::SYSTEM,
        key: None,
        action: Action::OpenAccount(OpenAccount {
            path: "golden:ahead".parse().expect("a path"),
            unit: "EUR".parse().expect("a unit"),
            kind: Some(AccountType::Asset),
            limit: None,
        }),
    };
    book.engine().submit(open).await.expect("it is recorded");
    book.close().await.expect("it closes");
}

/// A little of everything that goes onto the roll.
fn requests() -> Vec<Value> {
    let request = |method: &str, path: &str, key: Option<&str>, body: Value| json!({"method": method, "path": path, "key": key, "body": body});
    let put = |path: &str, body| request("PUT", path, None, body);
    let post = |path: &str, key, body| request("POST", path, Some(key), body);
    let stripe = |body| request("POST", "/v1/webhooks/stripe", Some("stripe"), body);
    let postings = |to: &str, from: &str, unit: &str, amount: u64| {
        json!([
            {"account": to, "unit": unit, "side": "debit", "amount": amount},
            {"account": from, "unit": unit, "side": "credit", "amount": amount},
        ])
    };
    let entry =
        |amount| json!({"postings": postings("golden:till", "golden:takings", "EUR", amount)});
    const ORDER: &str = "ord_01m84k8f79ern8vm664z74pk83";
    const OTHER: &str = "ord_01m84k8f79ern8vm664z74pk84";
    const HOLD: &str = "hld_01m84k8f79ern8vm664z74pk85";
    const MISTAKE: &str = "ent_01m84k8f79ern8vm664z74pk87";
    const VOID: &str = "hld_01m84k8f79ern8vm664z74pk86";
    let hold =
        |id| json!({"id": id, "postings": postings("golden:till", "golden:takings", "EUR", 700)});
    let event = |id: &str, kind: &str, object: Value| {
        json!({
            "id": id, "object": "event", "api_version": "2026-09-30.endive",
            "created": 1_790_000_000, "livemode": false, "type": kind, "data": {"object": object},
        })
    };
    let line = json!({
        "sku": "TEE-M", "description": "T-shirt", "quantity": 2, "unit_price": 1999,
        "tax": {"rate": "0.19", "behavior": "inclusive"},
        "seller": {"account": "acct_golden", "commission": "0.12"},
    });
    let order = |id: &str, quantity: u64| {
        let mut line = line.clone();
        line["quantity"] = json!(quantity);
        json!({
            "id": id, "channel": "web", "location": "berlin", "currency": "EUR", "lines": [line],
            "metadata": {"table": "7"},
        })
    };
    let intent = json!({
        "id": "pi_golden", "object": "payment_intent", "amount": 3998, "amount_capturable": 0,
        "amount_received": 3998, "currency": "eur", "latest_charge": "ch_golden",
        "metadata": {"order_id": ORDER}, "status": "succeeded",
    });
    let charge = json!({
        "id": "ch_golden", "object": "charge", "amount": 3998, "amount_captured": 3998,
        "amount_refunded": 0, "captured": true, "paid": true, "refunded": false,
        "currency": "eur", "payment_intent": "pi_golden", "status": "succeeded",
        "metadata": {"order_id": ORDER}, "balance_transaction": "txn_golden",
    });
    let refund = json!({
        "id": "re_golden", "object": "refund", "amount": 500, "charge": "ch_golden",
        "currency": "eur", "payment_intent": "pi_golden", "status": "succeeded", "metadata": {},
    });
    let settled = json!({
        "id": "txn_golden", "object": "balance_transaction", "amount": 3998, "fee": 146,
        "net": 3852, "currency": "eur", "source": "ch_golden", "type": "charge",
        "reporting_category": "charge", "status": "pending", "created": 1_790_000_000,
        "available_on": 1_790_200_000, "exchange_rate": null,
        "fee_details": [{"amount": 146, "currency": "eur", "type": "stripe_fee", "application": null, "description": "Stripe fees"}],
    });
    let dispute = json!({
        "id": "dp_golden", "object": "dispute", "amount": 600, "charge": "ch_golden",
        "currency": "eur", "payment_intent": "pi_golden", "status": "needs_response",
        "reason": "fraudulent", "balance_transactions": [],
    });
    // More than the seller can get: what he was overpaid is owed.
    let transfer = json!({
        "id": "tr_golden", "object": "transfer", "amount": 3000, "amount_reversed": 0,
        "reversed": false, "currency": "eur", "destination": "acct_golden",
        "source_transaction": "ch_golden", "metadata": {},
    });
    let payout = json!({
        "id": "po_golden", "object": "payout", "amount": 400, "currency": "eur",
        "status": "paid", "arrival_date": 1_790_300_000, "metadata": {},
    });
    let fee = json!({
        "id": "fee_golden", "object": "application_fee", "amount": 120, "amount_refunded": 0,
        "account": "acct_golden", "charge": "ch_golden", "currency": "eur", "refunded": false,
        "balance_transaction": null, "originating_transaction": null, "created": 1_790_000_000,
        "refunds": {"object": "list", "data": [], "has_more": false},
    });
    let mut month_end = entry(80);
    month_end["effective_date"] = json!("2026-08-31");
    let mut mistake = entry(90);
    mistake["id"] = json!(MISTAKE);
    vec![
        put(
            "/v1/accounts/golden:till",
            json!({"unit": "EUR", "type": "asset"}),
        ),
        put(
            "/v1/accounts/golden:takings",
            json!({"unit": "EUR", "type": "income"}),
        ),
        put(
            "/v1/accounts/golden:takings",
            json!({"unit": "EUR", "limit": "debits_must_not_exceed_credits"}),
        ),
        post("/v1/entries", "entry", entry(1250)),
        post("/v1/entries", "month-end", month_end),
        post("/v1/entries", "mistake", mistake),
        post(
            &format!("/v1/entries/{MISTAKE}/reverse"),
            "reverse-part",
            json!({"amount": 30, "description": "part of a mistake"}),
        ),
        post(
            &format!("/v1/entries/{MISTAKE}/reverse"),
            "reverse-rest",
            json!({}),
        ),
        post(
            "/v1/entries/bulk",
            "bulk",
            json!({"mode": "each", "entries": [
                entry(1),
                {"postings": postings("golden:takings", "golden:till", "EUR", 999_999)},
                entry(2),
            ]}),
        ),
        post("/v1/holds", "hold", hold(HOLD)),
        post(
            &format!("/v1/holds/{HOLD}/capture"),
            "capture",
            json!({"amount": 300}),
        ),
        post("/v1/holds", "hold-to-void", hold(VOID)),
        post(&format!("/v1/holds/{VOID}/void"), "void", json!({})),
        post(
            "/v1/stock/receipts",
            "stock",
            json!({
                "location": "berlin", "lines": [{"sku": "TEE-M", "quantity": 5}], "reference": "note 1",
            }),
        ),
        post("/v1/orders", "order", order(ORDER, 2)),
        post("/v1/orders", "other-order", order(OTHER, 1)),
        post(&format!("/v1/orders/{OTHER}/cancel"), "cancel", json!({})),
        stripe(event("evt_golden1", "payment_intent.succeeded", intent)),
        stripe(event("evt_golden2", "charge.succeeded", charge)),
        post(&format!("/v1/orders/{ORDER}/fulfil"), "fulfil", json!({})),
        request("POST", "/v1/stripe/balance-transactions", None, settled),
        stripe(event("evt_golden3", "refund.created", refund)),
        stripe(event("evt_golden5", "charge.dispute.created", dispute)),
        stripe(event("evt_golden6", "transfer.created", transfer)),
        stripe(event("evt_golden7", "payout.paid", payout)),
        stripe(event("evt_golden8", "application_fee.created", fee)),
        stripe(event(
            "evt_golden4",
            "some.thing_new",
            json!({"id": "x", "object": "thing"}),
        )),
    ]
}
