//! What no path, method or key may be.

use serde_json::json;

use crate::harness::{Shop, order};

#[tokio::test]
async fn card_numbers_do_not_enter_by_the_path_or_the_key_either() {
    let shop = Shop::open();
    let euros = json!({"unit": "EUR", "type": "asset"});
    let answer = shop
        .put("/v1/accounts/card:4242-4242-4242-4242", euros)
        .await;
    assert_eq!(
        answer.problem(),
        (422, "card_number_refused".into(), Some("path".into()))
    );
    let answer = shop
        .post_keyed("/v1/orders", "4242424242424242", &order().to_string())
        .await;
    assert_eq!(
        answer.problem(),
        (
            422,
            "card_number_refused".into(),
            Some("Idempotency-Key".into())
        )
    );
    assert_eq!(shop.position(), 0);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let shop = Shop::open();
    let answer = shop.raw("PATCH", "/v1/orders", &[], "").await;
    assert_eq!(answer.problem().1, "method_not_allowed");
    let allow = answer.header("allow").unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}
