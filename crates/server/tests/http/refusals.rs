//! The table of all codes: each row is provoked and holds, or says why a client cannot provoke it and
//! which test does.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use axum::body::Body;
use axum::http::Request;
use futures_util::stream;
use serde_json::{Value, json};

use crate::harness::{Answer, NOW, SECRET, Shop, entry, order, payment_succeeded, sign};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Codes that take more than a request (a race, a fault of the machine, a mistake of ours), or have a
/// suite of their own: each with the file and the name of the test that provokes it.
const ELSEWHERE: [(&str, &str, &str); 13] = [
    // They have a suite of their own.
    (
        "entry_already_reversed",
        "tests/http/reversals.rs",
        "what_is_asked_for_happens_or_is_refused_by_name",
    ),
    (
        "reversal_exceeds_entry",
        "tests/http/reversals.rs",
        "what_is_asked_for_happens_or_is_refused_by_name",
    ),
    (
        "entry_not_reversible",
        "tests/http/reversals.rs",
        "what_is_no_entry_is_not_reversed",
    ),
    (
        "reverses_refused",
        "tests/http/reversals.rs",
        "an_entry_to_post_does_not_say_what_it_reverses",
    ),
    // Two requests at once.
    (
        "idempotency_key_in_flight",
        "tests/http/idempotency.rs",
        "a_key_that_is_being_worked_on_is_in_flight",
    ),
    // A writer that is busy.
    (
        "overloaded",
        "tests/http/failures.rs",
        "more_than_can_wait_is_turned_away_at_once",
    ),
    // A log that takes nothing for a moment, and one that another writer has appended to.
    (
        "log_unavailable",
        "src/app.rs",
        "what_keeps_a_command_from_the_log_has_a_code_and_says_whether_a_retry_helps",
    ),
    (
        "writer_superseded",
        "src/app.rs",
        "what_keeps_a_command_from_the_log_has_a_code_and_says_whether_a_retry_helps",
    ),
    // A disk that takes no more.
    (
        "log_failed",
        "tests/http/failures.rs",
        "a_writer_that_has_failed_acknowledges_nothing_and_ends_the_server",
    ),
    // Read models that another process holds up.
    (
        "position_not_reached",
        "tests/http/failures.rs",
        "a_read_says_when_the_read_models_are_behind",
    ),
    // Read models that follow and have far to go.
    (
        "read_models_behind",
        "tests/http/staleness.rs",
        "read_models_that_follow_too_far_behind_are_not_asked_either",
    ),
    // A clock that leaps.
    (
        "clock_wrong",
        "tests/http/clocks.rs",
        "a_clock_that_leaps_takes_nothing_until_it_is_right",
    ),
    // A mistake of ours, of which none is known.
    (
        "internal_error",
        "src/middleware.rs",
        "a_panic_is_a_problem",
    ),
];

/// The rows of the table, and those that have been seen.
struct Table {
    rows: BTreeMap<String, Value>,
    seen: BTreeMap<String, bool>,
}

impl Table {
    async fn of(shop: &Shop) -> Self {
        let list = shop.get("/problems").await.expect(200).json();
        let rows: BTreeMap<String, Value> = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["code"].as_str().unwrap().to_owned(), row.clone()))
            .collect();
        let seen = rows.keys().map(|code| (code.clone(), false)).collect();
        Self { rows, seen }
    }

    /// The answer is what the row says.
    #[track_caller]
    fn holds(&mut self, code: &str, answer: &Answer) {
        let (status, said, _) = answer.problem();
        assert_eq!(said, code, "{}", answer.text());
        let row = &self.rows[code];
        assert_eq!(row["status"], status, "{}", answer.text());
        assert_eq!(row["retry"], answer.json()["retry"], "{}", answer.text());
        self.seen.insert(code.to_owned(), true);
    }
}

async fn shop() -> Shop {
    let shop = Shop::open();
    shop.account("bank", "asset").await;
    shop.account("wallet", "liability").await;
    let limited =
        json!({"unit": "EUR", "type": "liability", "limit": "debits_must_not_exceed_credits"});
    shop.put("/v1/accounts/gift", limited).await.expect(200);
    shop
}

/// A balance transaction in this currency and amount.
fn balance_transaction(currency: &str, amount: i64) -> Value {
    json!({
        "id": "txn_1", "object": "balance_transaction", "type": "charge", "source": "ch_1",
        "amount": amount, "fee": 0, "net": amount, "currency": currency, "description": null,
        "created": NOW - 10, "available_on": NOW, "status": "available",
        "exchange_rate": null, "fee_details": [],
    })
}

#[tokio::test]
async fn every_row_of_the_table_is_provoked_or_says_where() {
    let shop = shop().await;
    let mut table = Table::of(&shop).await;
    let good = entry("bank", "wallet", 10);

    // Shapes of requests.
    let with = |name: &str, value: Value| {
        let mut entry = good.clone();
        entry[name] = value;
        entry
    };
    for (code, body) in [
        ("parameter_unknown", with("memo", json!("x"))),
        ("parameter_missing", json!({})),
        ("parameter_invalid", with("description", json!(""))),
        ("amount_out_of_range", entry("bank", "wallet", 1 << 63)),
        (
            "card_number_refused",
            with("description", json!("4242424242424242")),
        ),
        (
            "entry_unbalanced",
            json!({"postings": [good["postings"][0], entry("bank", "wallet", 9)["postings"][1]]}),
        ),
        ("account_not_found", entry("nowhere", "wallet", 1)),
        ("would_exceed_limit", entry("gift", "bank", 1)),
    ] {
        table.holds(code, &shop.post("/v1/entries", body).await);
    }
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let raw: [(&str, &str, &str, Headers<'_>, Vec<u8>); 12] = [
        (
            "json_malformed",
            "POST",
            "/v1/entries",
            &[JSON],
            b"{".to_vec(),
        ),
        (
            "body_not_utf8",
            "POST",
            "/v1/entries",
            &[JSON],
            b"\xff".to_vec(),
        ),
        (
            "body_too_large",
            "POST",
            "/v1/entries",
            &[JSON],
            vec![b' '; 2 * 1024 * 1024 + 1],
        ),
        (
            "media_type_unsupported",
            "POST",
            "/v1/entries",
            &[],
            b"{}".to_vec(),
        ),
        (
            "idempotency_key_invalid",
            "POST",
            "/v1/entries",
            &[JSON, ("idempotency-key", "a b")],
            b"{}".to_vec(),
        ),
        ("route_not_found", "GET", "/v1/nothing", &[], Vec::new()),
        (
            "method_not_allowed",
            "DELETE",
            "/v1/orders",
            &[],
            Vec::new(),
        ),
        (
            "host_not_allowed",
            "GET",
            "/v1/orders",
            &[("host", "evil.example")],
            Vec::new(),
        ),
        (
            "host_invalid",
            "GET",
            "/v1/orders",
            &[("host", "localhost"), ("host", "localhost")],
            Vec::new(),
        ),
        (
            "cross_site_request",
            "POST",
            "/v1/orders",
            &[JSON, ("origin", "https://evil.example")],
            b"{}".to_vec(),
        ),
        (
            "position_not_written",
            "GET",
            "/v1/orders?as_of=99999",
            &[],
            Vec::new(),
        ),
        (
            "entry_not_found",
            "GET",
            "/v1/entries/ent_00000000000000000000000009",
            &[],
            Vec::new(),
        ),
    ];
    for (code, method, path, headers, body) in raw {
        table.holds(code, &shop.raw(method, path, headers, body).await);
    }
    let broken = [Ok("{"), Err(std::io::Error::other("the line is cut"))];
    let request = Request::post("/v1/entries")
        .header("host", "localhost")
        .header(JSON.0, JSON.1)
        .body(Body::from_stream(stream::iter(broken)))
        .unwrap();
    table.holds("body_incomplete", &shop.send(request).await);

    let slow = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.http.bounds.body_time = std::time::Duration::from_millis(1);
    });
    let request = Request::post("/v1/entries")
        .header("host", "localhost")
        .header(JSON.0, JSON.1)
        .body(Body::from_stream(stream::pending::<std::io::Result<&str>>()))
        .unwrap();
    table.holds("body_timeout", &slow.send(request).await);

    // Keys and ids that were used.
    let text = good.to_string();
    let keyed = shop.post_keyed("/v1/entries", "k", &text).await.expect(201);
    let other = shop
        .post_keyed("/v1/entries", "k", &text.replace("10", "11"))
        .await;
    table.holds("idempotency_key_reused", &other);
    let again = with("id", keyed.json()["id"].clone());
    table.holds("entry_exists", &shop.post("/v1/entries", again).await);
    let placed = shop.post("/v1/orders", order()).await.expect(201).json();
    let mut again = order();
    again["id"] = placed["id"].clone();
    table.holds("order_exists", &shop.post("/v1/orders", again).await);

    // Orders and stock.
    let path = format!("/v1/orders/{}/cancel", placed["id"].as_str().unwrap());
    shop.post(&path, json!({})).await.expect(200);
    table.holds("order_state", &shop.post(&path, json!({})).await);
    let unknown = "/v1/orders/ord_00000000000000000000000009";
    table.holds("order_not_found", &shop.get(unknown).await);
    let mut wanting = order();
    wanting["location"] = json!("berlin");
    wanting["lines"] = json!([{"sku": "TEE", "quantity": 1, "unit_price": 5}]);
    table.holds(
        "insufficient_stock",
        &shop.post("/v1/orders", wanting).await,
    );

    // Accounts.
    let asset = json!({"unit": "EUR", "type": "asset"});
    table.holds(
        "account_path_reserved",
        &shop.put("/v1/accounts/a:%2e%2e:b", asset).await,
    );
    let other = json!({"unit": "EUR", "type": "equity"});
    table.holds(
        "account_type_conflict",
        &shop.put("/v1/accounts/bank", other).await,
    );
    let limit = json!({"unit": "EUR", "type": "asset", "limit": "debits_must_not_exceed_credits"});
    table.holds(
        "limit_already_exceeded",
        &shop.put("/v1/accounts/bank", limit).await,
    );
    if table.rows.contains_key("balance_out_of_range") {
        for _ in 0..2 {
            let most = entry("bank", "wallet", i64::MAX.unsigned_abs());
            let answer = shop.post("/v1/entries", most).await;
            if answer.status != 201 {
                table.holds("balance_out_of_range", &answer);
            }
        }
    }

    // Holds.
    let hold = shop.post("/v1/holds", entry("wallet", "bank", 5)).await;
    let hold = hold.expect(201).json();
    let mut again = entry("wallet", "bank", 5);
    again["id"] = hold["id"].clone();
    table.holds("hold_exists", &shop.post("/v1/holds", again).await);
    let path = format!("/v1/holds/{}/capture", hold["id"].as_str().unwrap());
    table.holds(
        "capture_exceeds_hold",
        &shop.post(&path, json!({"amount": 6})).await,
    );
    shop.post(&path, json!({})).await.expect(200);
    table.holds("hold_ended", &shop.post(&path, json!({})).await);
    let unknown = "/v1/holds/hld_00000000000000000000000009";
    table.holds("hold_not_found", &shop.get(unknown).await);
    let mut short = entry("wallet", "bank", 5);
    short["expires_at"] = json!("2027-01-15T08:00:10Z");
    let short = shop.post("/v1/holds", short).await.expect(201).json();
    shop.clock
        .set(tillroll_events::Timestamp::from_seconds(NOW + 11));
    let path = format!("/v1/holds/{}/void", short["id"].as_str().unwrap());
    table.holds("hold_expired", &shop.post(&path, json!({})).await);

    from_stripe(&shop, &mut table).await;
    of_a_broken_machine(&mut table).await;

    for (code, file, test) in ELSEWHERE {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(&format!("fn {test}(")), "no {test} in {file}");
        assert!(text.contains(code), "{file} says nothing of {code}");
        let before = table.seen.insert(code.to_owned(), true);
        assert_eq!(before, Some(false), "{code} is provoked, or is no code");
    }
    let unseen: Vec<_> = table.seen.iter().filter(|(_, seen)| !**seen).collect();
    assert!(unseen.is_empty(), "no test provokes {unseen:?}");
}

async fn from_stripe(shop: &Shop, table: &mut Table) {
    let body = payment_succeeded("evt_1", "ord_00000000000000000000000001", 100).to_string();
    let now = NOW + 11;
    let good = sign(SECRET, now, body.as_bytes());
    for (code, signature) in [
        ("signature_missing", None),
        ("signature_malformed", Some("junk".to_owned())),
        ("signature_scheme_missing", Some(good.replace("v1=", "v0="))),
        (
            "signature_mismatch",
            Some(sign("whsec_other", now, body.as_bytes())),
        ),
        (
            "signature_stale",
            Some(sign(SECRET, now - 301, body.as_bytes())),
        ),
    ] {
        let headers: Vec<(&str, &str)> = signature
            .iter()
            .map(|value| ("stripe-signature", value.as_str()))
            .collect();
        let answer = shop
            .raw("POST", "/v1/webhooks/stripe", &headers, body.clone())
            .await;
        table.holds(code, &answer);
    }
    let many: Vec<Value> = vec![balance_transaction("eur", 1); 1001];
    for (code, body) in [
        ("balance_transactions_missing", json!("x")),
        (
            "too_many_balance_transactions",
            json!({"object": "list", "data": many}),
        ),
        ("unsupported_currency", balance_transaction("xxq", 1)),
        ("amount_precision", balance_transaction("isk", 150)),
    ] {
        let answer = shop.post("/v1/stripe/balance-transactions", body).await;
        table.holds(code, &answer);
    }
    let without = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.http.webhook_secrets.clear();
    });
    table.holds("webhook_secret_missing", &without.webhook(&json!({})).await);
}

/// What a client sees when files are damaged under a running server.
async fn of_a_broken_machine(table: &mut Table) {
    let shop = shop().await;
    shop.get("/v1/accounts").await.expect(200);
    let segment = shop.directory().join("log/00000000000000000001.roll");
    let damaged = fs::read(&segment).unwrap().len().min(4096);
    let file = fs::File::options().write(true).open(&segment).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &vec![0xff; damaged - 64], 64).unwrap();
    table.holds("roll_unreadable", &shop.get("/v1/events").await);
    // The file and what SQLite keeps beside it, of which it would be made again.
    let file = |name: &str| shop.directory().join(name);
    for suffix in ["-wal", "-shm"] {
        let beside = format!("read-models.sqlite{suffix}");
        fs::rename(file(&beside), file(&format!("other{suffix}"))).unwrap();
    }
    fs::write(file("other"), "no database").unwrap();
    fs::rename(file("other"), file("read-models.sqlite")).unwrap();
    table.holds("read_models_failed", &shop.get("/v1/accounts").await);
}
