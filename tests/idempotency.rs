//! Promise: one effect for each idempotency key, however many clients send it at once, and the
//! same answer for all of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tillroll_events::Timestamp;
use tillroll_runtime::ManualClock;
use tillroll_tests::shop;
use tower::ServiceExt;

const CLIENTS: usize = 64;

async fn send(
    router: axum::Router,
    method: Method,
    path: &str,
    key: &str,
    body: &Value,
) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(Body::from(body.to_string()))
        .expect("a request");
    let answer = router
        .oneshot(request)
        .await
        .expect("the router always answers");
    let status = answer.status().as_u16();
    let bytes = answer
        .into_body()
        .collect()
        .await
        .expect("a whole body")
        .to_bytes();
    (status, serde_json::from_slice(&bytes).expect("JSON"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_clients_have_one_effect_for_each_key() {
    let rounds: usize = std::env::var("TILLROLL_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_790_000_000)));
    let book = shop::open(directory.path(), &clock);
    let router = book.router();
    for (path, kind, limit) in [
        (
            "customer:c1:points",
            "liability",
            "debits_must_not_exceed_credits",
        ),
        ("points:issued", "expense", "none"),
    ] {
        let body = json!({ "type": kind, "unit": "points", "limit": limit });
        let path = format!("/v1/accounts/{path}");
        let (status, answer) = send(router.clone(), Method::PUT, &path, "open", &body).await;
        assert!(status < 300, "{status}: {answer}");
    }
    for round in 0..rounds {
        let key = format!("race-{round}");
        let body = json!({ "postings": [
            { "account": "customer:c1:points", "unit": "points", "side": "credit", "amount": 1 },
            { "account": "points:issued", "unit": "points", "side": "debit", "amount": 1 },
        ] });
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (router, key, body) = (router.clone(), key.clone(), body.clone());
                tokio::spawn(async move {
                    loop {
                        let (status, answer) =
                            send(router.clone(), Method::POST, "/v1/entries", &key, &body).await;
                        match status {
                            201 => return answer.to_string(),
                            // The same key is being answered to another client: ask again.
                            409 => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
                            _ => panic!("{status}: {answer}"),
                        }
                    }
                })
            })
            .collect();
        let mut answers = BTreeSet::new();
        for client in clients {
            answers.insert(client.await.expect("no client panics"));
        }
        assert_eq!(answers.len(), 1, "round {round}: one key, one answer");
    }
    let spent = json!({ "postings": [
        { "account": "customer:c1:points", "unit": "points", "side": "debit", "amount": rounds + 1 },
        { "account": "points:issued", "unit": "points", "side": "credit", "amount": rounds + 1 },
    ] });
    let (status, answer) = send(router.clone(), Method::POST, "/v1/entries", "all", &spent).await;
    assert_eq!(answer["code"], "would_exceed_limit", "{status}: {answer}");
    assert!(
        answer["detail"]
            .as_str()
            .is_some_and(|text| text.contains(&format!(" {rounds} points"))),
        "each key was to count once: {answer}"
    );
    book.close().await.expect("it stops well");
}
