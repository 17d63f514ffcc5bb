//! A day in a shop: what is asked for is on the books afterwards.

use serde_json::{Value, json};

use crate::harness::{Shop, entry, order, payment_succeeded};

fn pick<'a>(value: &'a Value, names: &[&str]) -> Vec<&'a Value> {
    names.iter().map(|name| &value[*name]).collect()
}

#[tokio::test]
async fn an_order_is_placed_paid_and_fulfilled() {
    let shop = Shop::open();
    let receipt = json!({"location": "berlin", "lines": [{"sku": "TEE-M", "quantity": 3}], "reference": "note 1"});
    let received = shop.post("/v1/stock/receipts", receipt).await.expect(201);
    assert_eq!(received.json()["object"], "stock_receipt");

    let body = json!({
        "channel": "pos", "location": "berlin", "currency": "EUR",
        "lines": [
            {"sku": "TEE-M", "quantity": 2, "unit_price": 1000, "tax": {"rate": "0.25", "behavior": "inclusive"}},
            {"description": "Print", "quantity": 1, "unit_price": 500,
             "seller": {"account": "acct_1", "commission": "0.1"}},
        ],
        "metadata": {"till": "4"},
    });
    let placed = shop.post("/v1/orders", body).await.expect(201);
    let view = placed.json();
    assert_eq!(
        pick(
            &view,
            &[
                "object", "status", "channel", "location", "currency", "offline"
            ]
        ),
        ["order", "placed", "pos", "berlin", "EUR"]
            .map(|text| json!(text))
            .iter()
            .chain([&json!(false)])
            .collect::<Vec<_>>(),
    );
    assert_eq!(
        pick(&view, &["total", "due", "paid", "refunded"]),
        [2500, 2500, 0, 0]
    );
    assert_eq!(
        view["lines"][0]["tax"],
        json!({"rate": "0.25", "behavior": "inclusive", "amount": 400})
    );
    assert_eq!(
        view["lines"][1]["seller"],
        json!({"account": "acct_1", "commission": "0.1", "commission_amount": 50})
    );
    assert_eq!(view["metadata"], json!({"till": "4"}));
    let id = view["id"].as_str().unwrap().to_owned();

    let got = shop
        .get(&format!(
            "/v1/orders/{id}?min_position={}",
            placed.position()
        ))
        .await
        .expect(200);
    assert_eq!(got.json(), view, "what is read is what was answered");

    let stock = shop
        .get("/v1/stock?location=berlin")
        .await
        .expect(200)
        .json();
    assert_eq!(
        pick(
            &stock["data"][0],
            &["sku", "available", "reserved", "short"]
        ),
        [&json!("TEE-M"), &json!(1), &json!(2), &json!(0)]
    );

    let paid = shop
        .webhook(&payment_succeeded("evt_1", &id, 2500))
        .await
        .expect(200);
    assert_eq!(paid.json()["status"], "recorded");
    let view = shop
        .get(&format!("/v1/orders/{id}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        pick(&view, &["status", "due", "paid"]),
        [&json!("paid"), &json!(0), &json!(2500)]
    );

    let fulfilled = shop
        .post(&format!("/v1/orders/{id}/fulfil"), json!({}))
        .await
        .expect(200);
    assert_eq!(
        pick(&fulfilled.json(), &["fulfilled", "id"]),
        [&json!(true), &json!(id)]
    );
    let splits = shop.get("/v1/splits").await.expect(200).json();
    assert_eq!(
        pick(&splits["data"][0], &["seller", "pending", "available"]),
        [&json!("acct_1"), &json!(0), &json!(450)]
    );

    let timeline = shop
        .get(&format!("/v1/orders/{id}/timeline"))
        .await
        .expect(200)
        .json();
    let kinds: Vec<&str> = timeline["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"tillroll.order.placed"), "{kinds:?}");
    assert_eq!(kinds.last(), Some(&"tillroll.order.fulfilled"));

    let balance = shop.get("/v1/trial-balance").await.expect(200).json();
    assert_eq!(balance["balanced"], true);
    for unit in balance["units"].as_array().unwrap() {
        assert_eq!(unit["debits"], unit["credits"]);
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_sold_but_by_a_till_that_was_offline() {
    let shop = Shop::open();
    let mut body = order();
    body["location"] = json!("berlin");
    body["lines"][0]["sku"] = json!("TEE-M");
    let refused = shop.post("/v1/orders", body.clone()).await;
    assert_eq!(
        refused.problem(),
        (
            409,
            "insufficient_stock".into(),
            Some("/lines/0/quantity".into())
        )
    );
    assert_eq!(refused.json()["retry"], "after_change");
    body["offline"] = json!(true);
    body["occurred_at"] = json!("2027-01-15T07:00:00Z");
    let view = shop.post("/v1/orders", body).await.expect(201).json();
    assert_eq!(view["lines"][0]["short"], 2);
    assert_eq!(view["occurred_at"], "2027-01-15T07:00:00Z");
    let stock = shop.get("/v1/stock").await.json();
    assert_eq!(stock["data"][0]["short"], 2);
}

#[tokio::test]
async fn a_cancelled_order_gives_back_what_it_reserved() {
    let shop = Shop::open();
    let receipt = json!({"location": "b", "lines": [{"sku": "X", "quantity": 5}]});
    shop.post("/v1/stock/receipts", receipt).await.expect(201);
    let mut body = order();
    body["location"] = json!("b");
    body["lines"][0]["sku"] = json!("X");
    let id = shop.post("/v1/orders", body).await.expect(201).json()["id"].clone();
    let id = id.as_str().unwrap();
    let cancelled = shop
        .raw(
            "POST",
            &format!("/v1/orders/{id}/cancel"),
            &[("content-type", "application/json")],
            "",
        )
        .await
        .expect(200);
    assert_eq!(
        pick(&cancelled.json(), &["status", "cancelled"]),
        [&json!("cancelled"), &json!(true)]
    );
    let again = shop
        .post(&format!("/v1/orders/{id}/cancel"), json!({}))
        .await;
    assert_eq!(again.problem(), (409, "order_state".into(), None));
    let stock = shop.get("/v1/stock").await.json();
    assert_eq!(pick(&stock["data"][0], &["available", "reserved"]), [5, 0]);
}

#[tokio::test]
async fn accounts_are_opened_posted_to_and_read_as_of_any_position() {
    let shop = Shop::open();
    shop.account("cash", "asset").await;
    shop.account("capital", "equity").await;
    let first = shop
        .post("/v1/entries", entry("cash", "capital", 700))
        .await
        .expect(201);
    let second = shop
        .post("/v1/entries", entry("cash", "capital", 55))
        .await
        .expect(201);
    let posted = second.json();
    assert_eq!(
        pick(&posted, &["object", "description", "reverses"]),
        [&json!("entry"), &Value::Null, &Value::Null]
    );
    assert_eq!(
        posted["postings"][0],
        json!({"account": "cash", "unit": "EUR", "side": "debit", "amount": 55})
    );
    let got = shop
        .get(&format!("/v1/entries/{}", posted["id"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(got.json(), posted);

    for (query, debits) in [
        ("", 755),
        (&*format!("?as_of={}", first.position()), 700),
        (&*format!("?as_of={}", first.position() - 1), 0),
        (&*format!("?min_position={}", second.position()), 755),
        ("?as_of=2030-01-01T00:00:00Z&unit=EUR", 755),
    ] {
        let answer = shop
            .get(&format!("/v1/accounts/cash{query}"))
            .await
            .expect(200);
        let account = &answer.json()["data"][0];
        assert_eq!(account["debits_posted"], debits, "{query}");
        assert_eq!(
            pick(account, &["path", "type", "limit"]),
            ["cash", "asset", "none"]
                .map(|t| json!(t))
                .iter()
                .collect::<Vec<_>>()
        );
    }
    let before = shop
        .get("/v1/accounts/cash?as_of=2020-01-01T00:00:00Z")
        .await;
    assert_eq!(
        before.problem(),
        (404, "account_not_found".into(), Some("path".into()))
    );

    let beyond = shop.position() + 1;
    for name in ["as_of", "min_position"] {
        let answer = shop
            .get(&format!("/v1/accounts/cash?{name}={beyond}"))
            .await;
        assert_eq!(
            answer.problem(),
            (412, "position_not_written".into(), Some(name.into()))
        );
    }

    let lines = shop
        .get("/v1/accounts/cash/statement")
        .await
        .expect(200)
        .json();
    let amounts: Vec<_> = lines["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["amount"].clone(), line["balance_after"].clone()))
        .collect();
    assert_eq!(amounts, [(json!(700), json!(700)), (json!(55), json!(755))]);
    let newest = shop
        .get("/v1/accounts/cash/statement?order=desc&limit=1")
        .await
        .json();
    assert_eq!(
        (
            newest["data"][0]["amount"].clone(),
            newest["has_more"].clone()
        ),
        (json!(55), json!(true))
    );
}

#[tokio::test]
async fn a_limit_stands_against_what_would_exceed_it() {
    let shop = Shop::open();
    shop.account("shop", "asset").await;
    let limited =
        json!({"unit": "EUR", "type": "liability", "limit": "debits_must_not_exceed_credits"});
    shop.put("/v1/accounts/gift", limited).await.expect(200);
    shop.post("/v1/entries", entry("shop", "gift", 100))
        .await
        .expect(201);
    let refused = shop.post("/v1/entries", entry("gift", "shop", 101)).await;
    assert_eq!(refused.problem().0, 409);
    assert_eq!(refused.problem().1, "would_exceed_limit");

    let mut hold = entry("gift", "shop", 60);
    hold["expires_at"] = json!("2027-01-15T08:00:10Z");
    let held = shop.post("/v1/holds", hold).await.expect(201).json();
    assert_eq!(
        pick(&held, &["object", "status"]),
        ["hold", "pending"]
            .map(|t| json!(t))
            .iter()
            .collect::<Vec<_>>()
    );
    assert_eq!(
        shop.post("/v1/entries", entry("gift", "shop", 41))
            .await
            .problem()
            .1,
        "would_exceed_limit"
    );
    let id = held["id"].as_str().unwrap();
    let captured = shop
        .post(&format!("/v1/holds/{id}/capture"), json!({"amount": 25}))
        .await
        .expect(200)
        .json();
    assert_eq!(captured["status"], "captured");
    assert_eq!(captured["captured"][0]["amount"], 25);
    assert_eq!(captured["postings"][0]["amount"], 60);
    let again = shop
        .post(&format!("/v1/holds/{id}/capture"), json!({}))
        .await;
    assert_eq!(again.problem(), (409, "hold_ended".into(), None));

    let second = shop
        .post("/v1/holds", entry("gift", "shop", 75))
        .await
        .expect(201)
        .json();
    let id = second["id"].as_str().unwrap();
    let voided = shop
        .post(&format!("/v1/holds/{id}/void"), json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(voided["status"], "voided");
    shop.post("/v1/entries", entry("gift", "shop", 75))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_hold_ends_by_itself_when_its_time_is_over() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    let mut hold = entry("a", "b", 5);
    hold["expires_at"] = json!("2027-01-15T08:00:10Z");
    let id = shop.post("/v1/holds", hold).await.expect(201).json()["id"].clone();
    let id = id.as_str().unwrap();
    let before = shop.position();
    shop.book().handle().expire_holds().await.unwrap();
    assert_eq!(shop.position(), before, "its time is not over yet");
    let shop = shop.restart().await;
    shop.clock.set("2027-01-15T08:00:11Z".parse().unwrap());
    shop.book().handle().expire_holds().await.unwrap();
    let view = shop
        .get(&format!("/v1/holds/{id}"))
        .await
        .expect(200)
        .json();
    assert_eq!(view["status"], "expired");
}

#[tokio::test]
async fn a_bulk_request_answers_for_each_entry() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    let good = |amount: u64| entry("a", "b", amount);
    let mut negative = good(1);
    negative["postings"][1]["amount"] = json!(-1);
    let entries = json!([good(1), negative, entry("a", "nowhere", 2), good(3)]);
    let answer = shop
        .post(
            "/v1/entries/bulk?results=all",
            json!({"mode": "each", "entries": entries}),
        )
        .await
        .expect(200);
    let view = answer.json();
    assert_eq!(
        pick(&view, &["object", "mode", "posted", "refused"]),
        [&json!("bulk"), &json!("each"), &json!(2), &json!(2)]
    );
    let results = view["results"].as_array().unwrap();
    let told: Vec<_> = results
        .iter()
        .map(|result| {
            (
                result["index"].as_u64().unwrap(),
                result["status"].as_str().unwrap(),
                result["code"].as_str(),
                result["param"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (0, "posted", None, None),
            (
                1,
                "refused",
                Some("parameter_invalid"),
                Some("/entries/1/postings/1/amount")
            ),
            (
                2,
                "refused",
                Some("account_not_found"),
                Some("/entries/2/postings/1/account")
            ),
            (3, "posted", None, None),
        ]
    );
    let id = results[3]["id"].as_str().unwrap();
    let third = shop
        .get(&format!("/v1/entries/{id}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&third["postings"][0]["amount"], &third["position"]),
        (&json!(3), &results[3]["position"])
    );

    let before = shop.position();
    let entries = json!([good(1), entry("a", "nowhere", 2)]);
    let refused = shop
        .post(
            "/v1/entries/bulk",
            json!({"mode": "all", "entries": entries}),
        )
        .await;
    assert_eq!(
        refused.problem(),
        (
            404,
            "account_not_found".into(),
            Some("/entries/1/postings/1/account".into())
        )
    );
    assert_eq!(shop.position(), before);
    let entries = json!([good(1), good(2)]);
    shop.post(
        "/v1/entries/bulk",
        json!({"mode": "all", "entries": entries}),
    )
    .await
    .expect(200);
    // Unless it is asked for, there is no result for what was posted.
    let entries = json!([good(1), entry("a", "nowhere", 2), good(3)]);
    let view = shop
        .post(
            "/v1/entries/bulk",
            json!({"mode": "each", "entries": entries}),
        )
        .await
        .expect(200)
        .json();
    assert_eq!((&view["posted"], &view["refused"]), (&json!(2), &json!(1)));
    assert_eq!(view["results"].as_array().unwrap().len(), 1);
    assert_eq!(view["results"][0]["index"], 1);
    let head = json!(shop.position());
    assert_eq!(
        (&view["first_position"], &view["last_position"]),
        (&json!(shop.position() - 1), &head)
    );
}

#[tokio::test]
async fn balance_transactions_are_recorded_once() {
    let shop = Shop::open();
    let transaction = |id: &str| {
        json!({
            "id": id, "object": "balance_transaction", "amount": 1000, "available_on": 1_800_100_000,
            "created": 1_799_999_000, "currency": "eur", "description": null, "exchange_rate": null,
            "fee": 39, "fee_details": [{"amount": 39, "application": null, "currency": "eur", "description": "Stripe processing fees", "type": "stripe_fee"}],
            "net": 961, "reporting_category": "charge", "source": "ch_1", "status": "pending", "type": "charge",
        })
    };
    let list = json!({"object": "list", "data": [transaction("txn_1"), transaction("txn_2")], "has_more": false, "url": "/v1/balance_transactions"});
    for (body, recorded, known) in [
        (list.clone(), 2, 0),
        (list, 0, 2),
        (transaction("txn_3"), 1, 0),
    ] {
        let view = shop
            .post("/v1/stripe/balance-transactions", body)
            .await
            .expect(200)
            .json();
        assert_eq!(
            view,
            json!({"object": "import", "recorded": recorded, "known": known})
        );
    }
    let refused = shop
        .post(
            "/v1/stripe/balance-transactions",
            json!({"data": [{"id": "txn_4"}]}),
        )
        .await;
    assert_eq!(refused.problem().0, 422);
    assert!(refused.problem().2.unwrap().starts_with("/data/0"));
}
