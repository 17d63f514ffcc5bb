//! One effect and one answer for each key.

use serde_json::{Value, json};

use crate::harness::{Answer, Shop, entry, order};

const REPLAYED: &str = "idempotent-replayed";

/// The same answer, told to be the first one again.
#[track_caller]
fn assert_replayed(first: &Answer, again: &Answer) {
    assert_eq!(first.header(REPLAYED), None);
    assert_eq!(again.header(REPLAYED), Some("true"));
    assert_eq!(first.status, again.status);
    assert_eq!(first.position(), again.position());
    assert_eq!(first.text(), again.text());
}

/// Every kind of POST with a key: path and body, in an order in which they succeed.
async fn requests(shop: &Shop) -> Vec<(String, Value)> {
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    let place = |id: &str| {
        let mut body = order();
        body["id"] = json!(id);
        body
    };
    let hold = |id: &str| {
        let mut body = entry("a", "b", 10);
        body["id"] = json!(id);
        body
    };
    let (one, two) = (
        "ord_00000000000000000000000001",
        "ord_00000000000000000000000002",
    );
    let (three, four) = (
        "hld_00000000000000000000000003",
        "hld_00000000000000000000000004",
    );
    let five = "ent_00000000000000000000000005";
    let mut numbered = entry("a", "b", 7);
    numbered["id"] = json!(five);
    let bulk = json!({"mode": "each", "entries": [entry("a", "b", 1), entry("a", "x", 2), entry("a", "b", 0)]});
    let transaction = json!({"id": "txn_1", "object": "balance_transaction", "amount": 1000, "created": 1_799_999_000, "currency": "eur", "fee": 0, "fee_details": [], "net": 1000, "reporting_category": "topup", "source": "tu_1", "type": "topup"});
    let list = [
        ("/v1/orders".to_owned(), order()),
        ("/v1/orders".to_owned(), place(one)),
        ("/v1/orders".to_owned(), place(two)),
        (format!("/v1/orders/{one}/cancel"), json!({})),
        (format!("/v1/orders/{two}/fulfil"), json!({})),
        ("/v1/entries".to_owned(), entry("a", "b", 7)),
        ("/v1/entries".to_owned(), numbered),
        (format!("/v1/entries/{five}/reverse"), json!({"amount": 3})),
        (format!("/v1/entries/{five}/reverse"), json!({})),
        ("/v1/entries/bulk".to_owned(), bulk),
        ("/v1/holds".to_owned(), hold(three)),
        ("/v1/holds".to_owned(), hold(four)),
        (format!("/v1/holds/{three}/capture"), json!({"amount": 4})),
        (format!("/v1/holds/{four}/void"), json!({})),
        (
            "/v1/stock/receipts".to_owned(),
            json!({"location": "l", "lines": [{"sku": "S", "quantity": 1}]}),
        ),
        ("/v1/stripe/balance-transactions".to_owned(), transaction),
    ];
    list.into()
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_also_after_a_restart() {
    let shop = Shop::open();
    let requests = requests(&shop).await;
    let mut answers = Vec::new();
    for (index, (path, body)) in requests.iter().enumerate() {
        let answer = shop
            .post_keyed(path, &format!("k{index}"), &body.to_string())
            .await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        answers.push(answer);
    }
    let after = shop.position();
    for (index, (path, body)) in requests.iter().enumerate() {
        // Spacing is not what a request means.
        let body = serde_json::to_string_pretty(body).unwrap();
        let again = shop.post_keyed(path, &format!("k{index}"), &body).await;
        assert_replayed(&answers[index], &again);
    }
    let shop = shop.restart().await;
    for (index, (path, body)) in requests.iter().enumerate() {
        let again = shop
            .post_keyed(path, &format!("k{index}"), &body.to_string())
            .await;
        assert_replayed(&answers[index], &again);
    }
    assert_eq!(shop.position(), after, "a repeated request changes nothing");
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    let shop = Shop::open();
    let body = order().to_string();
    shop.post_keyed("/v1/orders", "k", &body).await.expect(201);
    let before = shop.position();
    let mut other = order();
    other["lines"][0]["quantity"] = json!(3);
    let conflict = (
        422,
        "idempotency_key_reused".to_owned(),
        Some("Idempotency-Key".to_owned()),
    );
    let answer = shop.post_keyed("/v1/orders", "k", &other.to_string()).await;
    assert_eq!(answer.problem(), conflict, "another body");
    let receipt = json!({"location": "l", "lines": [{"sku": "S", "quantity": 1}]}).to_string();
    let answer = shop.post_keyed("/v1/stock/receipts", "k", &receipt).await;
    assert_eq!(answer.problem(), conflict, "another route");
    for id in [
        "ord_00000000000000000000000001",
        "ord_00000000000000000000000002",
    ] {
        let mut place = order();
        place["id"] = json!(id);
        shop.post("/v1/orders", place).await.expect(201);
    }
    let cancel = |id: &str| format!("/v1/orders/{id}/cancel");
    shop.post_keyed(&cancel("ord_00000000000000000000000001"), "c", "")
        .await
        .expect(200);
    let answer = shop
        .post_keyed(&cancel("ord_00000000000000000000000002"), "c", "")
        .await;
    assert_eq!(answer.problem(), conflict, "another thing");
    assert!(shop.position() > before);
}

#[tokio::test]
async fn a_refused_key_may_be_used_again() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    let refused = shop
        .post_keyed("/v1/entries", "k", &entry("a", "x", 1).to_string())
        .await;
    assert_eq!(refused.problem().1, "account_not_found");
    shop.post_keyed("/v1/entries", "k", &entry("a", "b", 1).to_string())
        .await
        .expect(201);
}

#[tokio::test]
async fn a_key_that_is_being_worked_on_is_in_flight() {
    let shop = Shop::open();
    let router = shop.router.clone();
    // A request whose body has arrived reserves its key until its answer is ready: it is held
    // up here by a writer that is busy.
    let (busy, release) = std::sync::mpsc::channel::<()>();
    let engine = shop.book().engine().clone();
    let (started, running) = tokio::sync::oneshot::channel();
    let writer = tokio::spawn(async move {
        engine
            .inspect(move |_| {
                started.send(()).unwrap();
                release.recv().unwrap();
            })
            .await
            .unwrap();
    });
    running.await.unwrap();
    let first = tokio::spawn({
        let body = order().to_string();
        let request = axum::http::Request::post("/v1/orders")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("idempotency-key", "k")
            .body(axum::body::Body::from(body))
            .unwrap();
        async move { tower::ServiceExt::oneshot(router, request).await.unwrap() }
    });
    // The first one is in the queue as soon as the queue is not empty.
    while shop.book().engine().metrics().queue_depth == 0 {
        tokio::task::yield_now().await;
    }
    let second = shop
        .post_keyed("/v1/orders", "k", &order().to_string())
        .await;
    assert_eq!(
        second.problem(),
        (
            409,
            "idempotency_key_in_flight".into(),
            Some("Idempotency-Key".into())
        )
    );
    assert_eq!(second.header("retry-after"), Some("1"));
    busy.send(()).unwrap();
    writer.await.unwrap();
    assert_eq!(first.await.unwrap().status().as_u16(), 201);
    let third = shop
        .post_keyed("/v1/orders", "k", &order().to_string())
        .await
        .expect(201);
    assert_eq!(third.header(REPLAYED), Some("true"));
}
