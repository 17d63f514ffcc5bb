//! What a hold that has ended answers to a request to end it again.

use serde_json::{Value, json};
use tillroll_book::Action;
use tillroll_events::{Caller, Timestamp};

use crate::harness::{NOW, Shop, entry};

async fn shop() -> Shop {
    let shop = Shop::open();
    shop.account("bank", "asset").await;
    shop.account("wallet", "liability").await;
    shop
}

async fn hold(shop: &Shop, expires_at: Option<&str>) -> String {
    let mut body = entry("bank", "wallet", 10);
    body["expires_at"] = json!(expires_at);
    let placed = shop.post("/v1/holds", body).await.expect(201).json();
    placed["id"].as_str().unwrap().to_owned()
}

/// Both ways to end a hold that ended are refused alike, and change nothing.
async fn refused(shop: &Shop, id: &str) -> (String, String) {
    let before = shop.position();
    let mut said = Vec::new();
    for (end, body) in [
        ("void", json!({})),
        ("capture", json!({})),
        ("capture", json!({"amount": 5})),
        // More than was held: that it has ended comes first.
        ("capture", json!({"amount": 11})),
        (
            "capture",
            json!({"postings": entry("bank", "wallet", 1)["postings"]}),
        ),
    ] {
        let answer = shop.post(&format!("/v1/holds/{id}/{end}"), body).await;
        let (status, code, param) = answer.problem();
        assert_eq!((status, param), (409, None), "{end} {id}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        said.push((code, detail));
    }
    assert_eq!(shop.position(), before);
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    said.remove(0)
}

#[tokio::test]
async fn what_ended_a_hold_is_said_with_time_and_position() {
    for (end, word) in [("capture", "captured"), ("void", "voided")] {
        let shop = shop().await;
        let id = hold(&shop, None).await;
        shop.clock.set(Timestamp::from_seconds(NOW + 60));
        let ended = shop.post(&format!("/v1/holds/{id}/{end}"), json!({})).await;
        let position = ended.expect(200).position();
        let (code, detail) = refused(&shop, &id).await;
        assert_eq!(code, "hold_ended");
        let at = format!("hold {id} was {word} at 2027-01-15T08:01:00Z by position {position}");
        assert_eq!(detail, at);
        // The same after a start, which has forgotten how.
        let shop = shop.restart().await;
        assert_eq!(refused(&shop, &id).await, (code, detail));
    }
}

#[tokio::test]
async fn an_expired_hold_says_so_before_its_end_is_on_the_roll_and_after() {
    let shop = shop().await;
    let id = hold(&shop, Some("2027-01-15T08:01:00Z")).await;
    shop.clock.set(Timestamp::from_seconds(NOW + 61));
    let (code, detail) = refused(&shop, &id).await;
    assert_eq!(code, "hold_expired");
    let expired = format!("hold {id} expired at 2027-01-15T08:01:00Z");
    // The server's own timer may have been first.
    assert!(detail.starts_with(&expired), "{detail}");
    let sweep = shop.book().handle().submit(tillroll_book::Command {
        at: Timestamp::from_seconds(NOW + 62),
        occurred_at: None,
        caller: Caller::SYSTEM,
        key: None,
        action: Action::ExpireHolds,
    });
    sweep.await.unwrap();
    let view: Value = shop
        .get(&format!("/v1/holds/{id}"))
        .await
        .expect(200)
        .json();
    let position = &view["ended_position"];
    let (code, detail) = refused(&shop, &id).await;
    assert_eq!(code, "hold_expired");
    assert_eq!(detail, format!("{expired}: position {position} ends it"));
}

#[tokio::test]
async fn a_hold_that_never_was_is_not_found() {
    let shop = shop().await;
    for end in ["capture", "void"] {
        let path = format!("/v1/holds/hld_00000000000000000000000001/{end}");
        let answer = shop.post(&path, json!({})).await;
        assert_eq!(answer.problem(), (404, "hold_not_found".into(), None));
    }
}
