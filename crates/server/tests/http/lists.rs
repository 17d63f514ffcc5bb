//! Lists, both ways through.

use serde_json::{Value, json};

use crate::harness::{Shop, order};

fn ids(list: &Value) -> Vec<String> {
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn pages_of_orders_follow_each_other_both_ways() {
    let shop = Shop::open();
    for _ in 0..5 {
        shop.post("/v1/orders", order()).await.expect(201);
    }
    let all = shop.get("/v1/orders").await.expect(200).json();
    assert_eq!(
        (&all["object"], &all["url"], &all["has_more"]),
        (&json!("list"), &json!("/v1/orders"), &json!(false))
    );
    let all = ids(&all);
    assert_eq!(all.len(), 5);
    let (mut forward, mut after) = (Vec::new(), String::new());
    loop {
        let page = shop
            .get(&format!("/v1/orders?limit=2{after}"))
            .await
            .expect(200)
            .json();
        forward.extend(ids(&page));
        if page["has_more"] == false {
            break;
        }
        after = format!("&starting_after={}", forward.last().unwrap());
    }
    assert_eq!(forward, all);
    let back = shop
        .get(&format!("/v1/orders?limit=2&ending_before={}", all[4]))
        .await
        .json();
    assert_eq!(
        (ids(&back), &back["has_more"]),
        (all[2..4].to_vec(), &json!(true))
    );
    let back = shop
        .get(&format!("/v1/orders?limit=2&ending_before={}", all[2]))
        .await
        .json();
    assert_eq!(
        (ids(&back), &back["has_more"]),
        (all[..2].to_vec(), &json!(false))
    );
}

#[tokio::test]
async fn lists_of_every_kind_page_by_the_ids_of_their_items() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    shop.account("c", "asset").await;
    for amount in [1, 2, 3] {
        shop.post("/v1/entries", crate::harness::entry("a", "b", amount))
            .await
            .expect(201);
    }
    let lines = json!([{"sku": "X", "quantity": 1}, {"sku": "Y", "quantity": 1}, {"sku": "Z", "quantity": 1}]);
    shop.post(
        "/v1/stock/receipts",
        json!({"location": "l", "lines": lines}),
    )
    .await
    .expect(201);
    for (path, filter) in [
        ("/v1/accounts", "unit=EUR"),
        ("/v1/stock", "location=l"),
        ("/v1/accounts/a/statement", "order=desc"),
    ] {
        let all = ids(&shop
            .get(&format!("{path}?{filter}"))
            .await
            .expect(200)
            .json());
        assert_eq!(all.len(), 3, "{path}");
        let first = shop.get(&format!("{path}?{filter}&limit=1")).await.json();
        assert_eq!(
            (ids(&first), &first["has_more"]),
            (all[..1].to_vec(), &json!(true)),
            "{path}"
        );
        let rest = shop
            .get(&format!("{path}?{filter}&starting_after={}", all[0]))
            .await
            .json();
        assert_eq!(
            (ids(&rest), &rest["has_more"]),
            (all[1..].to_vec(), &json!(false)),
            "{path}"
        );
        let back = shop
            .get(&format!("{path}?{filter}&limit=1&ending_before={}", all[2]))
            .await
            .json();
        assert_eq!(
            (ids(&back), &back["has_more"]),
            (all[1..2].to_vec(), &json!(true)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn events_are_read_in_order_from_any_position() {
    let shop = Shop::open();
    for path in ["a", "b", "c"] {
        shop.account(path, "asset").await;
    }
    let page = shop
        .get("/v1/events?after=1&limit=1")
        .await
        .expect(200)
        .json();
    assert_eq!(page["has_more"], true);
    let event = &page["data"][0];
    assert_eq!(event["sequence"], "00000000000000000002");
    assert_eq!(event["type"], "tillroll.account.opened");
    assert_eq!(event["data"]["path"], "b");
    assert_eq!(event["source"], shop.book().handle().source());
    let schema = shop
        .get(event["dataschema"].as_str().unwrap())
        .await
        .expect(200);
    assert_eq!(schema.json()["$id"], event["dataschema"]);

    let last = shop.get("/v1/events?after=2").await.json();
    assert_eq!(
        (last["data"].as_array().unwrap().len(), &last["has_more"]),
        (1, &json!(false))
    );
    let old = shop.get("/v1/events?as_of=1").await.json();
    assert_eq!(old["data"].as_array().unwrap().len(), 1);

    let lines = shop
        .raw(
            "GET",
            "/v1/events",
            &[("accept", "application/x-ndjson")],
            "",
        )
        .await
        .expect(200);
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let events: Vec<Value> = lines
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len(), 3);
    assert_eq!(events[1], *event);
}
