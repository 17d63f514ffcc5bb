//! A card number never reaches the log, the read models, a snapshot, the scratch file, an answer
//! or the program's own log, by whatever way it comes in.
//!
//! Every request that is right is sent again with a card number in each of its places: as a text,
//! as a number, as a name, nested, and in a member that a later one of the same name hides.
//! Afterwards every byte that was stored, answered or logged is searched for its digits.

mod search;
mod tainted;

use serde_json::{Value, json};

use self::search::SearchedShop;
use self::tainted::{NUMBER, is_amount, tainted};
use crate::harness::{NOW, SECRET, Shop, entry, order, payment_succeeded, sign};

const JSON: (&str, &str) = ("content-type", "application/json");
const LINES: (&str, &str) = ("content-type", "application/x-ndjson");

/// With mode `each` the entry with a card number is refused by itself: as what it is in a text, as
/// something of the wrong type in the place of another value.
fn assert_one_refused(sent: &str, text: &str) {
    let answer: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let mut codes = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["code"].as_str().unwrap());
    let is_text = sent.contains("\"4242424242424242\"");
    let is_refused = codes.any(|code| !is_text || code == "card_number_refused");
    assert!(is_refused, "{sent}: {text}");
}

fn full_entry() -> Value {
    let mut body = entry("a", "b", 5);
    body["id"] = json!("ent_00000000000000000000000077");
    body["description"] = json!("d");
    body["metadata"] = json!({"k": "v"});
    body["reverses"] = json!("ent_00000000000000000000000001");
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_brings_a_card_number_in() {
    let searched = SearchedShop::open();
    let shop = &searched.shop;
    shop.account("a", "asset").await;
    shop.account("b", "asset").await;
    let placed = shop.post("/v1/orders", order()).await.expect(201).json();
    let id = placed["id"].as_str().unwrap().to_owned();
    let hold = shop
        .post("/v1/holds", entry("a", "b", 5))
        .await
        .expect(201)
        .json();
    let hold = hold["id"].as_str().unwrap().to_owned();

    let full_order = json!({
        "id": "ord_00000000000000000000000077", "channel": "web", "location": "berlin",
        "currency": "EUR", "occurred_at": "2026-01-01T00:00:00Z", "offline": true,
        "lines": [{
            "sku": "TEE", "description": "d", "quantity": 1, "unit_price": 5,
            "tax": {"rate": "0.19", "behavior": "inclusive"},
            "seller": {"account": "acct_1", "commission": "0.1"},
        }],
        "metadata": {"k": "v"},
    });
    let mut full_hold = entry("a", "b", 5);
    full_hold["id"] = json!("hld_00000000000000000000000077");
    full_hold["description"] = json!("d");
    full_hold["metadata"] = json!({"k": "v"});
    full_hold["expires_at"] = json!("2030-01-01T00:00:00Z");
    let balance_transaction = json!({"object": "list", "has_more": false, "data": [{
        "id": "txn_1", "object": "balance_transaction", "amount": 100, "fee": 10, "net": 90,
        "currency": "eur", "type": "charge", "reporting_category": "charge", "source": "ch_1",
        "description": "d", "created": NOW - 10, "available_on": NOW, "status": "available",
        "exchange_rate": null, "fee_details": [{"amount": 10, "currency": "eur", "type": "stripe_fee", "description": "d"}],
    }]});
    let receipt = json!({
        "location": "berlin", "reference": "r", "occurred_at": "2026-01-01T00:00:00Z",
        "lines": [{"sku": "TEE", "quantity": 1}],
    });
    let capture = json!({"postings": entry("a", "b", 5)["postings"].clone()});
    let bodies = [
        ("POST", "/v1/orders".to_owned(), full_order),
        ("POST", format!("/v1/orders/{id}/cancel"), json!({})),
        ("POST", format!("/v1/orders/{id}/fulfil"), json!({})),
        ("POST", "/v1/entries".to_owned(), full_entry()),
        (
            "POST",
            "/v1/entries/bulk".to_owned(),
            json!({"mode": "each", "entries": [full_entry(), entry("a", "b", 1)]}),
        ),
        (
            "POST",
            "/v1/entries/bulk?results=all".to_owned(),
            json!({"mode": "all", "entries": [full_entry()]}),
        ),
        ("POST", "/v1/holds".to_owned(), full_hold),
        ("POST", format!("/v1/holds/{hold}/capture"), capture),
        ("POST", format!("/v1/holds/{hold}/void"), json!({})),
        ("POST", "/v1/stock/receipts".to_owned(), receipt),
        (
            "POST",
            "/v1/stripe/balance-transactions".to_owned(),
            balance_transaction,
        ),
        (
            "PUT",
            "/v1/accounts/new".to_owned(),
            json!({"unit": "EUR", "type": "asset", "limit": "none"}),
        ),
    ];
    let mut sent = 0;
    for (method, path, body) in &bodies {
        let before = shop.position();
        // Numbers of Stripe's objects that are no amounts are not kept.
        let lenient = path.contains("/stripe/");
        let each = body["mode"] == "each";
        for tainted in tainted(body, is_amount) {
            let key = format!("key-{sent}");
            let headers = [JSON, ("idempotency-key", &*key)];
            for headers in [&headers[..], &headers[..1]] {
                let (status, text) = searched.send(method, path, headers, &tainted).await;
                sent += 1;
                match (status, lenient) {
                    (200, true) => {}
                    (200, _) if each => assert_one_refused(&tainted, &text),
                    (400..=422, _) => {}
                    _ => panic!("{method} {path} {tainted}: {status} {text}"),
                }
            }
            if !lenient && !each {
                assert_eq!(shop.position(), before, "{method} {path} {tainted}");
            }
        }
    }
    let line = full_entry();
    for mode in ["each", "all"] {
        let after = shop.position();
        let path = format!("/v1/entries/bulk?mode={mode}");
        for tainted in tainted(&line, is_amount) {
            let lines = format!("{tainted}\n{}\n", entry("a", "b", 1));
            let (status, text) = searched.send("POST", &path, &[LINES], &lines).await;
            sent += 1;
            if mode == "each" {
                assert_eq!(status, 200, "{tainted}: {text}");
                assert_one_refused(&tainted, &text);
                continue;
            }
            assert!((400..=422).contains(&status), "{tainted}: {status} {text}");
            assert_eq!(shop.position(), after, "{tainted}");
        }
    }
    // Malformed: nothing is known of them but that they are no JSON.
    for (method, path, body) in &bodies {
        let text = body.to_string();
        for broken in [
            format!("{},\"x\":4242424242424242", &text[..text.len() - 1]),
            format!("{{\"4242424242424242\":{text}"),
            "4242424242424242 4".to_owned(),
            "\"4242424242424242".to_owned(),
            "{4242424242424242:1}".to_owned(),
        ] {
            let (status, text) = searched.send(method, path, &[JSON], &broken).await;
            assert!((400..=422).contains(&status), "{broken}: {status} {text}");
        }
    }
    assert!(sent > 5_000, "{sent}");
    searched.search().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_query_or_header_brings_a_card_number_in() {
    let searched = SearchedShop::open();
    let shop = &searched.shop;
    shop.account("a", "asset").await;
    let before = shop.position();
    let number = "4242424242424242";
    let account = r#"{"unit":"EUR","type":"asset"}"#;
    let paths = [
        ("GET", format!("/{number}"), ""),
        ("GET", format!("/v1/{number}"), ""),
        ("DELETE", format!("/v1/orders/{number}"), ""),
        ("GET", format!("/v1/orders/{number}"), ""),
        ("GET", format!("/v1/orders/{number}/timeline"), ""),
        ("POST", format!("/v1/orders/{number}/cancel"), "{}"),
        ("POST", format!("/v1/orders/{number}/fulfil"), "{}"),
        ("GET", format!("/v1/entries/{number}"), ""),
        ("GET", format!("/v1/holds/{number}"), ""),
        ("POST", format!("/v1/holds/{number}/capture"), "{}"),
        ("POST", format!("/v1/holds/{number}/void"), "{}"),
        ("PUT", format!("/v1/accounts/{number}"), account),
        ("PUT", format!("/v1/accounts/card:{number}"), account),
        (
            "PUT",
            "/v1/accounts/card:4242-4242-4242-4242".into(),
            account,
        ),
        (
            "PUT",
            "/v1/accounts/card:%3424242424242424-2".into(),
            account,
        ),
        ("GET", format!("/v1/accounts/{number}"), ""),
        ("GET", format!("/v1/accounts/{number}/statement"), ""),
        ("GET", format!("/problems/{number}"), ""),
        ("GET", format!("/schemas/{number}.json"), ""),
    ];
    for (method, path, body) in &paths {
        let (status, text) = searched.send(method, path, &[JSON], body).await;
        assert!((400..=422).contains(&status), "{path}: {status} {text}");
    }
    let lists = [
        "/v1/orders",
        "/v1/accounts",
        "/v1/accounts/a",
        "/v1/accounts/a/statement",
        "/v1/trial-balance",
        "/v1/stock",
        "/v1/splits",
        "/v1/events",
        "/v1/webhooks/unrecognised",
        "/v1/digest",
    ];
    let names = [
        "as_of",
        "min_position",
        "limit",
        "starting_after",
        "ending_before",
        "channel",
        "status",
        "seller",
        "prefix",
        "unit",
        "type",
        "order",
        "after",
        "stream",
        "location",
        "sku",
        number,
    ];
    for path in lists {
        for name in names {
            for value in [number, "4242%204242%204242%204242", "4242-4242-4242-4242"] {
                let (status, text) = searched
                    .send("GET", &format!("{path}?{name}={value}"), &[], "")
                    .await;
                assert!(
                    (200..=422).contains(&status),
                    "{path} {name}: {status} {text}"
                );
            }
        }
    }
    for value in [
        number,
        "k-4242-4242-4242-4242",
        "order:4242424242424242",
        "4242 4242 4242 4242",
    ] {
        for (method, path, name, body) in [
            ("POST", "/v1/orders", "idempotency-key", order().to_string()),
            (
                "POST",
                "/v1/entries",
                "idempotency-key",
                entry("a", "b", 1).to_string(),
            ),
            (
                "POST",
                "/v1/stripe/balance-transactions",
                "idempotency-key",
                "[]".into(),
            ),
            ("POST", "/v1/orders", "content-type", "{}".into()),
            (
                "POST",
                "/v1/webhooks/stripe",
                "stripe-signature",
                "{}".into(),
            ),
            (
                "GET",
                "/v1/events?stream=true",
                "last-event-id",
                String::new(),
            ),
            ("GET", "/v1/orders", "host", String::new()),
        ] {
            let mut headers = vec![(name, value)];
            if name != "content-type" {
                headers.push(JSON);
            }
            let (status, text) = searched.send(method, path, &headers, &body).await;
            assert!(
                (400..=422).contains(&status),
                "{path} {name}: {status} {text}"
            );
        }
        for path in ["/v1/entries/bulk?mode=each", "/v1/entries/bulk"] {
            let kind = if path.contains('?') { LINES } else { JSON };
            let headers = [kind, ("idempotency-key", value)];
            let (status, text) = searched.send("POST", path, &headers, "{}").await;
            assert!((400..=422).contains(&status), "{path}: {status} {text}");
        }
    }
    assert_eq!(shop.position(), before);
    searched.search().await;
}

fn transfer(event: &str, destination: &str) -> Value {
    json!({
        "id": event, "object": "event", "api_version": "2026-09-30.endive", "created": NOW - 10,
        "livemode": false, "type": "transfer.created", "data": {"object": {
            "id": format!("tr_{event}"), "object": "transfer", "amount": 100, "amount_reversed": 0,
            "currency": "eur", "created": NOW - 10, "destination": destination,
            "transfer_group": "group", "source_transaction": "ch_1", "description": "d",
            "metadata": {"k": "v"},
        }},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_webhook_brings_a_card_number_in() {
    let searched = SearchedShop::open();
    let id = "ord_00000000000000000000000001";
    let odd = json!({
        "id": "evt_odd", "object": "event", "type": "moon.landed", "created": NOW, "account": "acct_1",
        "livemode": false, "data": {"object": {"id": "moon_1", "metadata": {"k": "v"}, "list": [1]}},
    });
    let thin = json!({
        "id": "evt_thin", "object": "v2.core.event", "type": "v2.core.account.updated",
        "created": "2026-01-01T00:00:00Z", "context": "acct_1",
        "related_object": {"id": "acct_2", "type": "v2.core.account", "url": "/v2/core/accounts/acct_2"},
        "data": {"k": "v"},
    });
    let not_understood = json!({
        "id": "evt_half", "object": "event", "type": "charge.succeeded",
        "data": {"object": {"id": "ch_half", "object": "charge", "status": "odd", "amount": 5, "currency": "eur"}},
    });
    // What each says, as it is.
    let table = [
        (payment_succeeded("evt_paid", id, 1000), "recorded"),
        (transfer("evt_transfer", "acct_1"), "recorded"),
        // The book has no account of such a name, and refuses what the event states.
        (transfer("evt_refused", "acct_a/1"), "unrecognised"),
        (odd, "unrecognised"),
        (thin, "unrecognised"),
        (not_understood, "unrecognised"),
    ];
    let mut sent = 0_u32;
    for (body, status) in &table {
        let receipt = searched.shop.webhook(body).await.expect(200).json();
        assert_eq!(receipt["status"], *status, "{body}");
        for (place, tainted) in tainted(body, is_amount).into_iter().enumerate() {
            // With an id of its own, and with the one that came before.
            let event = body["id"].as_str().unwrap();
            let own = tainted.replace(&format!("\"{event}\""), &format!("\"{event}_{place}\""));
            for text in [&own, &tainted] {
                let signature = sign(SECRET, NOW, text.as_bytes());
                let headers = [("stripe-signature", &*signature)];
                let path = "/v1/webhooks/stripe";
                let (status, answer) = searched.send("POST", path, &headers, text).await;
                assert!(matches!(status, 200 | 400), "{text}: {status} {answer}");
                sent += u32::from(status == 200);
            }
        }
    }
    assert!(sent > 1_000, "{sent}");
    let list = searched
        .shop
        .get("/v1/webhooks/unrecognised?limit=100")
        .await;
    let list = list.json();
    let reasons: std::collections::BTreeSet<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["reason"].as_str().unwrap().to_owned())
        .collect();
    assert!(!reasons.is_empty(), "{list}");
    for broken in [
        "{\"id\":4242424242424242",
        "4242424242424242",
        "[\"4242424242424242\"]",
    ] {
        let signature = sign(SECRET, NOW, broken.as_bytes());
        let headers = [("stripe-signature", &*signature)];
        let (status, answer) = searched
            .send("POST", "/v1/webhooks/stripe", &headers, broken)
            .await;
        assert_eq!(status, 400, "{answer}");
    }
    searched.search().await;
}

/// What is refused by the book is kept as it came, but for the card number.
#[tokio::test]
async fn a_refused_webhook_is_kept_without_its_card_numbers() {
    let shop = Shop::open();
    let body = transfer("evt_refused", "acct_a/1").to_string();
    let members = [
        ("\"n\":4242424242424242", "\"n\":\"[redacted]\""),
        ("\"n\":4.242424242424242e15", "\"n\":\"[redacted]\""),
        (
            "\"n\":{\"m\":[4242424242424242]}",
            "\"n\":{\"m\":[\"[redacted]\"]}",
        ),
        (
            "\"n\":4242424242424242,\"n\":1",
            "\"n\":\"[redacted]\",\"n\":1",
        ),
        (
            "\"n\":\"4242424242424242\",\"n\":1",
            "\"n\":\"[redacted]\",\"n\":1",
        ),
        ("\"4242424242424242\":true", "\"[redacted]\":true"),
        ("\"n\":\"\\u0034242424242424242\"", "\"n\":\"[redacted]\""),
    ];
    for (number, (member, expected)) in members.into_iter().enumerate() {
        let event = format!("evt_refused_{number}");
        let body = body.replace("evt_refused", &event);
        let body = body.replace("\"metadata\":{", &format!("\"metadata\":{{{member},"));
        let signature = sign(SECRET, NOW, body.as_bytes());
        let headers = [("stripe-signature", &*signature)];
        let receipt = shop
            .raw("POST", "/v1/webhooks/stripe", &headers, body)
            .await
            .expect(200);
        assert_eq!(receipt.json()["status"], "unrecognised");
        let list = shop.get("/v1/webhooks/unrecognised?limit=1").await.json();
        let item = &list["data"][0];
        assert_eq!(
            (&item["id"], &item["reason"]),
            (&json!(event), &json!("refused"))
        );
        let kept = item["body"].as_str().unwrap();
        assert!(kept.contains(expected), "{member}: {kept}");
        assert!(!kept.contains("4242"), "{member}: {kept}");
    }
}

/// Stripe's ids, other long numbers and amounts are no card numbers.
#[tokio::test]
async fn long_ids_and_amounts_come_in() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    shop.account("b", "asset").await;
    for (number, text) in [
        "ch_000000000000000000000000",
        "pi_4242424242424242",
        "acct_1032D82eZvKYlo2C",
        "cs_test_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v2w3x4y5z6",
        "4006381333931",
        "0000000000000000",
        "42424242-4242-4242-9a3c-0e02b2c3d479",
        "4242424242424241",
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = order();
        let name: String = text.chars().take(40).collect();
        body["metadata"] = json!({ name.as_str(): text });
        body["lines"][0]["description"] = json!(text);
        let (key, body) = (format!("{number}:{text}"), body.to_string());
        let placed = shop.post_keyed("/v1/orders", &key, &body).await;
        let placed = placed.expect(201).json();
        assert_eq!(placed["metadata"][&name], text);
        let mut body = entry("a", "b", NUMBER);
        body["description"] = json!(text);
        // An amount may be any number; in one pass and with care it is the same one.
        for body in [
            body.to_string(),
            body.to_string().replace(":4242", ": 4242"),
        ] {
            let posted = shop
                .raw("POST", "/v1/entries", &[JSON], body)
                .await
                .expect(201);
            assert_eq!(posted.json()["postings"][0]["amount"], NUMBER);
        }
        let odd = json!({"id": format!("evt_{number}"), "type": "moon.landed", "data": {"object": {"id": text}}});
        shop.webhook(&odd).await.expect(200);
        let list = shop.get("/v1/webhooks/unrecognised?limit=1").await.json();
        assert_eq!(list["data"][0]["body"], odd.to_string());
    }
}
