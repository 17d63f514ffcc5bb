//! When the server cannot do its work it says so, at once, and acknowledges nothing.

use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;
use tillroll_server::{ServeError, bind};
use tokio::task::JoinHandle;

use crate::harness::{Shop, entry, order};

/// Keeps the writer busy until the sender is used.
async fn hold_up(shop: &Shop) -> (mpsc::Sender<()>, JoinHandle<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (start, started) = tokio::sync::oneshot::channel();
    let engine = shop.book().engine().clone();
    let writer = tokio::spawn(async move {
        let look = move |_: &_| {
            start.send(()).unwrap();
            released.recv().unwrap();
        };
        engine.inspect(look).await.unwrap();
    });
    started.await.unwrap();
    (release, writer)
}

#[tokio::test]
async fn more_than_can_wait_is_turned_away_at_once() {
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.book.queue = 1
    });
    let (release, writer) = hold_up(&shop).await;
    let waiting = tokio::spawn({
        let request = axum::http::Request::post("/v1/orders")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(axum::body::Body::from(order().to_string()))
            .unwrap();
        tower::ServiceExt::oneshot(shop.router.clone(), request)
    });
    while shop.book().engine().metrics().queue_depth == 0 {
        tokio::task::yield_now().await;
    }
    let refused = shop.post("/v1/orders", order()).await;
    assert_eq!(refused.problem(), (503, "overloaded".into(), None));
    assert_eq!(refused.header("retry-after"), Some("1"));
    release.send(()).unwrap();
    writer.await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().status().as_u16(), 201);
    shop.post("/v1/orders", order()).await.expect(201);
}

#[tokio::test]
async fn a_writer_that_has_failed_acknowledges_nothing_and_ends_the_server() {
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.book.segment_bytes = 1;
    });
    shop.account("a", "asset").await;
    shop.get("/readyz").await.expect(200);
    let listener = bind("127.0.0.1:0".parse().unwrap(), false).await.unwrap();
    let head = shop.position();
    // Every append needs a new file, and there is no place for one any more.
    let log = shop.directory().join("log");
    std::fs::rename(&log, shop.directory().join("elsewhere")).unwrap();
    let refused = shop.post("/v1/orders", order()).await;
    assert_eq!(refused.problem(), (503, "log_failed".into(), None));
    assert_eq!(shop.position(), head);
    let refused = shop.post("/v1/orders", order()).await;
    assert_eq!(refused.problem(), (503, "log_failed".into(), None));
    assert_eq!(shop.get("/readyz").await.problem().1, "log_failed");
    shop.get("/healthz").await.expect(200);
    // What was acknowledged can still be read.
    shop.get("/v1/accounts/a").await.expect(200);
    std::fs::rename(shop.directory().join("elsewhere"), &log).unwrap();
    let events = shop.get("/v1/events").await.expect(200).json();
    assert_eq!(events["data"].as_array().unwrap().len() as u64, head);
    let ended = shop.server.serve(listener, std::future::pending()).await;
    assert!(matches!(ended, Err(ServeError::Failed(_))), "{ended:?}");
}

#[tokio::test]
async fn a_read_says_when_the_read_models_are_behind() {
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.http.patience = Duration::ZERO;
        settings.http.courtesy = Duration::ZERO;
    });
    let checkpoint = shop.book().checkpoint().clone();
    let wait = |position: u64| {
        let checkpoint = checkpoint.clone();
        async move {
            let waiting = move || checkpoint.wait_for(position, Duration::from_secs(600));
            assert!(tokio::task::spawn_blocking(waiting).await.unwrap());
        }
    };
    let opened = |path: &'static str| {
        let shop = &shop;
        async move {
            // The answer of a PUT is read from the read models, which may not be there yet.
            let body = json!({"unit": "EUR", "type": "asset"});
            shop.put(&format!("/v1/accounts/{path}"), body).await;
        }
    };
    opened("a").await;
    opened("b").await;
    wait(2).await;
    // Nobody else writes while this is open.
    let path = shop.directory().join("read-models.sqlite");
    let lock = rusqlite::Connection::open(path).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let posted = shop
        .post("/v1/entries", entry("a", "b", 5))
        .await
        .expect(201);
    let position = posted.position();
    let behind = shop
        .get(&format!("/v1/accounts/a?min_position={position}"))
        .await;
    assert_eq!(behind.problem(), (503, "position_not_reached".into(), None));
    assert_eq!(behind.header("retry-after"), Some("1"));
    let put = json!({"unit": "EUR", "type": "asset"});
    let unseen = shop.put("/v1/accounts/c", put).await;
    assert_eq!(unseen.problem().1, "position_not_reached");
    let recorded = format!("is recorded at position {}", shop.position());
    assert!(unseen.text().contains(&recorded), "{}", unseen.text());
    let old = shop.get("/v1/accounts/a?min_position=2").await.expect(200);
    assert_eq!(old.json()["data"][0]["debits_posted"], 0);
    lock.execute_batch("ROLLBACK").unwrap();
    wait(position).await;
    let seen = shop
        .get(&format!("/v1/accounts/a?min_position={position}"))
        .await
        .expect(200);
    assert_eq!(seen.json()["data"][0]["debits_posted"], 5);
}
