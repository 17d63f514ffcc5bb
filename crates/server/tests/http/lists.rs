//! Lists, both ways through.

use serde_json::{Value, json};

use crate::harness::{Shop, order, payment_succeeded};

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

#[tokio::test]
async fn the_trial_balance_folds_the_accounts_of_orders_and_comes_in_pages() {
    let shop = Shop::open();
    for number in 0..5 {
        let placed = shop.post("/v1/orders", order()).await.expect(201).json();
        let id = placed["id"].as_str().unwrap();
        let paid = payment_succeeded(&format!("evt_{number}"), id, 1000);
        shop.webhook(&paid).await.expect(200);
    }
    let whole = shop.get("/v1/trial-balance").await.expect(200).json();
    assert_eq!(whole["has_more"], false);
    let lines = |page: &Value| -> Vec<Value> {
        let units = page["units"].as_array().unwrap().iter();
        let lines = units.flat_map(|unit| unit["accounts"].as_array().unwrap().clone());
        lines.collect()
    };
    let all = lines(&whole);
    let folded = all.iter().find(|line| line["path"] == "order:*:clearing");
    let folded = folded.expect("a control account").clone();
    assert_eq!(folded["accounts"], 5, "{folded}");
    assert_eq!(folded["id"], "EUR/order:*:clearing");
    assert!(all.iter().all(|line| {
        let path = line["path"].as_str().unwrap();
        !path.starts_with("order:") || !line["accounts"].is_null()
    }));

    // Page by page, and each says the sums of all.
    let mut paged: Vec<Value> = Vec::new();
    loop {
        let after = paged.last().map_or(String::new(), |line| {
            let id = line["id"].as_str().unwrap().replace('*', "%2A");
            format!("&starting_after={id}")
        });
        let page = shop.get(&format!("/v1/trial-balance?limit=2{after}")).await;
        let page = page.expect(200).json();
        for unit in page["units"].as_array().unwrap() {
            let mut same = whole["units"].as_array().unwrap().iter();
            let same = same.find(|one| one["unit"] == unit["unit"]).unwrap();
            assert_eq!(
                (&unit["debits"], &unit["credits"]),
                (&same["debits"], &same["credits"])
            );
        }
        paged.extend(lines(&page));
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(paged, all);

    let opened = shop
        .get("/v1/trial-balance?control=order:%2A:clearing&unit=EUR")
        .await
        .expect(200)
        .json();
    assert_eq!(lines(&opened).len(), 5, "{opened}");
    let control = &opened["units"][0]["control"];
    assert_eq!(control["debits"], folded["debits"]);
    let sum: i64 = lines(&opened)
        .iter()
        .map(|line| line["debits"].as_i64().unwrap())
        .sum();
    assert_eq!(control["debits"], sum);

    for (query, param) in [
        ("starting_after=order", "starting_after"),
        ("unit=euro", "unit"),
        ("limit=101", "limit"),
        ("ending_before=EUR/a", "ending_before"),
    ] {
        let refused = shop
            .get(&format!("/v1/trial-balance?{query}"))
            .await
            .expect(400)
            .json();
        assert_eq!(refused["param"], param, "{query}");
    }
    shop.close().await;
}
