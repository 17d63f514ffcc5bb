//! Read models that do not follow the roll are not asked in silence.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Shop, entry};

/// Read models that show the first two positions and will follow no more: their disk is full.
async fn stuck(change: impl FnOnce(&mut tillroll_server::HttpBounds)) -> Shop {
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        // A read waits until it is known that they do not follow.
        change(&mut settings.http.bounds);
    });
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    let path = shop.directory().join("read-models.sqlite");
    let sql = rusqlite::Connection::open(path).unwrap();
    let fault = "CREATE TRIGGER full BEFORE INSERT ON events
                 BEGIN SELECT RAISE(ABORT, 'the disk is full'); END;";
    sql.execute_batch(fault).unwrap();
    shop.post("/v1/entries", entry("a", "b", 5))
        .await
        .expect(201);
    shop
}

fn lag(answer: &Answer) -> (Option<&str>, bool) {
    let seconds = answer.header("tillroll-lag-seconds");
    let is_number = seconds.is_some_and(|seconds| seconds.parse::<u64>().is_ok());
    (answer.header("tillroll-lag-positions"), is_number)
}

#[tokio::test]
async fn reads_of_read_models_that_have_failed_are_refused_with_the_reason() {
    let shop = stuck(|bounds| bounds.failed_lag = Duration::ZERO).await;
    let position = shop.position();
    for path in [
        "/v1/accounts/a",
        "/v1/accounts",
        "/v1/accounts/a/statement",
        "/v1/trial-balance",
        "/v1/orders",
        "/v1/stock",
        "/v1/splits",
        "/v1/webhooks/unrecognised",
        // Waiting would be in vain, and is over at once.
        &format!("/v1/accounts/a?min_position={position}"),
        &format!("/v1/accounts/a?as_of={position}"),
    ] {
        let answer = shop.get(path).await;
        assert_eq!(
            answer.problem(),
            (503, "read_models_failed".into(), None),
            "{path}"
        );
        assert_eq!(answer.header("retry-after"), Some("5"), "{path}");
        assert!(
            answer.text().contains("the disk is full"),
            "{}",
            answer.text()
        );
    }
    // What they have is still true of its moment.
    let old = shop.get("/v1/accounts/a?as_of=2").await.expect(200);
    assert_eq!(old.json()["data"][0]["debits_posted"], 0);
    assert_eq!(lag(&old), (None, false));
    // The roll does not need them.
    let events = shop.get("/v1/events").await.expect(200);
    assert_eq!(
        events.json()["data"].as_array().unwrap().len() as u64,
        position
    );
    assert_eq!(lag(&events), (None, false));
    shop.post("/v1/entries", entry("a", "b", 6))
        .await
        .expect(201);

    let ready = shop.get("/readyz").await.expect(200).json();
    assert_eq!(ready["status"], "degraded");
    let reason = ready["reason"].as_str().unwrap();
    assert!(
        reason.contains("2 events") && reason.contains("the disk is full"),
        "{reason}"
    );
    assert_eq!(ready["projected_position"], 2);

    // Mended, and started again.
    let path = shop.directory().join("read-models.sqlite");
    let sql = rusqlite::Connection::open(path).unwrap();
    sql.execute_batch("DROP TRIGGER full").unwrap();
    drop(sql);
    let shop = shop.restart().await;
    let now = shop.get("/v1/accounts/a").await.expect(200);
    assert_eq!(now.json()["data"][0]["debits_posted"], 11);
    assert_eq!(lag(&now), (None, false));
    assert_eq!(shop.get("/readyz").await.json()["status"], "ready");
}

#[tokio::test]
async fn an_answer_that_is_behind_says_by_how_much() {
    // As long as the failure is young.
    let shop = stuck(|bounds| bounds.failed_lag = Duration::from_secs(86_400)).await;
    let old = shop.get("/v1/accounts/a").await.expect(200);
    assert_eq!(old.json()["data"][0]["debits_posted"], 0);
    assert_eq!(lag(&old), (Some("1"), true));
    shop.post("/v1/entries", entry("a", "b", 5))
        .await
        .expect(201);
    let missing = shop.get("/v1/accounts/nobody").await;
    assert_eq!(missing.problem().1, "account_not_found");
    assert_eq!(lag(&missing), (Some("2"), true));
    let ready = shop.get("/readyz").await.expect(200).json();
    assert_eq!(ready["status"], "degraded");
}

#[tokio::test]
async fn after_a_restart_the_log_says_since_when_they_are_behind() {
    let shop = stuck(|_| {}).await;
    // By the book's clock nothing has passed since, until the next start.
    let directory = shop.close().await;
    let mut clock = None;
    let shop = Shop::open_with(directory, |settings| {
        let later = tillroll_runtime::ManualClock::at(tillroll_events::Timestamp::from_seconds(
            crate::harness::NOW + 86_400,
        ));
        let later = std::sync::Arc::new(later);
        settings.book.clock = later.clone();
        clock = Some(later);
    });
    let answer = shop.get("/v1/accounts/a").await;
    assert_eq!(answer.problem().1, "read_models_failed");
    let ready: Value = shop.get("/readyz").await.expect(200).json();
    assert_eq!(ready["status"], "degraded");
    assert!(
        ready["projection_lag_seconds"].as_u64() >= Some(86_400),
        "{ready}"
    );
}

#[tokio::test]
async fn read_models_that_follow_too_far_behind_are_not_asked_either() {
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.http.courtesy = Duration::ZERO;
        settings.http.patience = Duration::ZERO;
        settings.http.bounds.following_lag = Duration::ZERO;
    });
    let checkpoint = shop.book().checkpoint().clone();
    shop.put("/v1/accounts/a", json!({"unit": "EUR", "type": "asset"}))
        .await;
    let waiting = move || checkpoint.wait_for(1, Duration::from_secs(600));
    assert!(tokio::task::spawn_blocking(waiting).await.unwrap());
    shop.get("/v1/accounts/a").await.expect(200);
    // Nobody else writes while this is open, and it is not known yet that it stays so.
    let lock = rusqlite::Connection::open(shop.directory().join("read-models.sqlite")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    shop.put("/v1/accounts/b", json!({"unit": "EUR", "type": "asset"}))
        .await;
    let behind = shop.get("/v1/accounts/a").await;
    let (status, code, _) = behind.problem();
    // On a machine that stood still for seconds meanwhile it is a failure.
    let codes = ["read_models_behind", "read_models_failed"];
    assert!(
        status == 503 && codes.contains(&&*code),
        "{}",
        behind.text()
    );
    assert_eq!(lag(&behind), (Some("1"), true));
    lock.execute_batch("ROLLBACK").unwrap();
}
