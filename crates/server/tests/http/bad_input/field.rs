//! The field that is wrong is named, every one of them, and nothing changes.

use serde_json::json;

use super::case::Case;
use super::{entries, orders, others};
use crate::harness::{Shop, entry};

#[tokio::test]
async fn bad_input_is_a_problem_that_names_the_field_and_changes_nothing() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    shop.post("/v1/entries", entry("a", "b", 5))
        .await
        .expect(201);
    let before = shop.position();
    let cases = orders::cases().into_iter();
    for case in cases.chain(entries::cases()).chain(others::cases()) {
        let Case { method, path, .. } = case;
        let text = case.body.to_string();
        let answer = match method {
            "GET" | "DELETE" => shop.raw(method, path, &[], "").await,
            _ => {
                shop.raw(
                    method,
                    path,
                    &[("content-type", "application/json")],
                    text.clone(),
                )
                .await
            }
        };
        let expected = (case.status, case.code.to_owned(), case.param);
        assert_eq!(
            answer.problem(),
            expected,
            "{method} {path} {text}: {}",
            answer.text()
        );
        assert_eq!(
            shop.position(),
            before,
            "{method} {path} {text} is on the roll"
        );
        assert!(!answer.text().contains("42424242"), "{}", answer.text());
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let shop = Shop::open();
    let body =
        json!({"channel": "", "currency": "EURO", "lines": [{"quantity": 0, "unit_price": -1}]});
    let answer = shop.post("/v1/orders", body).await;
    let pointers: Vec<_> = answer.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        pointers,
        [
            "/channel",
            "/currency",
            "/lines/0/quantity",
            "/lines/0/unit_price"
        ]
    );
    assert_eq!(answer.problem().2.as_deref(), Some("/channel"));
}
