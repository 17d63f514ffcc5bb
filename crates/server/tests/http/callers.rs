//! Who asked, and by which way in: every event says it.

use serde_json::{Value, json};

use crate::harness::{Shop, entry, payment_succeeded};

/// The events after a position: type, `authtype`, `authid`, `origin`.
async fn told(shop: &Shop, after: u64) -> Vec<Value> {
    let answer = shop.get(&format!("/v1/events?after={after}")).await;
    let events = answer.expect(200).json();
    let events = events["data"].as_array().unwrap().iter();
    let told = events.map(|event| {
        json!([
            event["type"],
            event["authtype"],
            event["authid"],
            event["origin"]
        ])
    });
    told.collect()
}

#[tokio::test]
async fn events_say_who_asked_and_by_which_way_in() {
    let shop = Shop::open();
    shop.account("cash", "asset").await.expect(200);
    let opened = shop.account("capital", "equity").await.expect(200);
    let after = opened.position();
    shop.post("/v1/entries", entry("cash", "capital", 700))
        .await
        .expect(201);
    let mut hold = entry("cash", "capital", 5);
    hold["expires_at"] = json!("2027-01-15T08:00:01Z");
    shop.post("/v1/holds", hold).await.expect(201);
    let body = payment_succeeded("evt_1", "ord_00000000000000000000000001", 100);
    shop.webhook(&body).await.expect(200);
    let anonymous = |kind: &str| json!([kind, "unauthenticated", null, "api"]);
    let stripe = |kind: &str| json!([kind, "service_account", "stripe", "stripe"]);
    shop.clock.set("2027-01-15T08:00:02Z".parse().unwrap());
    shop.book().handle().expire_holds().await.unwrap();
    let mut told = told(&shop, after).await;
    let ended = json!(["tillroll.hold.ended", "system", "system", "system"]);
    assert_eq!(told.pop(), Some(ended));
    assert_eq!(
        told[..2],
        [
            anonymous("tillroll.entry.posted"),
            anonymous("tillroll.hold.placed"),
        ]
    );
    assert_eq!(told[2], stripe("tillroll.notification.received"));
    assert!(
        told[2..].iter().all(|event| event[2] == "stripe"),
        "{told:?}"
    );
}

/// Books are closed by months: what belongs to the one before says so, and everywhere it is shown.
#[tokio::test]
async fn an_entry_may_belong_to_another_day() {
    let shop = Shop::open();
    shop.account("cash", "asset").await.expect(200);
    shop.account("capital", "equity").await.expect(200);
    let mut late = entry("cash", "capital", 700);
    late["effective_date"] = json!("2026-08-31");
    let posted = shop.post("/v1/entries", late.clone()).await.expect(201);
    assert_eq!(posted.json()["effective_date"], "2026-08-31");
    let id = posted.json()["id"].as_str().unwrap().to_owned();
    let got = shop.get(&format!("/v1/entries/{id}")).await.expect(200);
    assert_eq!(got.json(), posted.json());

    // Among many it is an event of its own, and the same is known of it.
    late["id"] = json!("ent_00000000000000000000000007");
    let plain = entry("cash", "capital", 1);
    let many = json!({"mode": "all", "entries": [plain, late]});
    shop.post("/v1/entries/bulk", many).await.expect(200);
    let got = shop
        .get("/v1/entries/ent_00000000000000000000000007")
        .await
        .expect(200);
    assert_eq!(got.json()["effective_date"], "2026-08-31");

    let answer = shop
        .get(&format!("/v1/events?after={}", posted.position() - 1))
        .await;
    let events = answer.expect(200).json();
    let events = events["data"].as_array().unwrap();
    assert_eq!(events[0]["dataschema"], "/schemas/entry.posted.v2.json");
    let dates: Vec<_> = events
        .iter()
        .map(|event| &event["data"]["effective_date"])
        .collect();
    let day = json!("2026-08-31");
    assert_eq!(dates, [&day, &Value::Null, &day, &Value::Null]);
    for version in ["v1", "v2"] {
        let path = format!("/schemas/entry.posted.{version}.json");
        shop.get(&path).await.expect(200);
    }
    shop.get("/schemas/entry.posted.v3.json").await.expect(404);
}
