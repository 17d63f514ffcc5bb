//! What Stripe sends: authentic or refused, understood or kept, never lost.

use serde_json::{Value, json};

use crate::harness::{NOW, SECRET, Shop, payment_succeeded, sign};

#[tokio::test]
async fn only_authentic_webhooks_reach_the_roll() {
    let shop = Shop::open();
    let body = payment_succeeded("evt_1", "ord_00000000000000000000000001", 100).to_string();
    let good = sign(SECRET, NOW, body.as_bytes());
    let table: &[(&str, Option<String>, &str)] = &[
        ("none", None, "signature_missing"),
        ("empty", Some(String::new()), "signature_malformed"),
        ("junk", Some("junk".into()), "signature_malformed"),
        (
            "another secret",
            Some(sign("whsec_other", NOW, body.as_bytes())),
            "signature_mismatch",
        ),
        (
            "another body",
            Some(sign(SECRET, NOW, b"{}")),
            "signature_mismatch",
        ),
        (
            "a changed time",
            Some(good.replace(&NOW.to_string(), &(NOW + 1).to_string())),
            "signature_mismatch",
        ),
        (
            "cut off",
            Some(good[..good.len() - 2].to_owned()),
            "signature_mismatch",
        ),
        (
            "another scheme",
            Some(good.replace("v1=", "v0=")),
            "signature_scheme_missing",
        ),
        (
            "301 seconds old",
            Some(sign(SECRET, NOW - 301, body.as_bytes())),
            "signature_stale",
        ),
    ];
    for (name, signature, code) in table {
        let headers: Vec<(&str, &str)> = signature
            .iter()
            .map(|value| ("stripe-signature", value.as_str()))
            .collect();
        let answer = shop
            .raw("POST", "/v1/webhooks/stripe", &headers, body.clone())
            .await;
        let param = Some("Stripe-Signature".to_owned());
        assert_eq!(answer.problem(), (400, (*code).to_owned(), param), "{name}");
        assert_eq!(shop.position(), 0, "{name}");
    }
    for (at, status) in [(NOW - 300, "recorded"), (NOW, "known")] {
        let signature = sign(SECRET, at, body.as_bytes());
        // Through a tunnel, under any host: the signature is what counts.
        let headers = [
            ("stripe-signature", &*signature),
            ("host", "tunnel.example"),
        ];
        let answer = shop
            .raw("POST", "/v1/webhooks/stripe", &headers, body.clone())
            .await
            .expect(200);
        assert_eq!(
            answer.json(),
            json!({"object": "webhook_receipt", "id": "evt_1", "status": status})
        );
    }
}

#[tokio::test]
async fn without_a_secret_no_webhook_is_taken_and_the_sender_tries_again() {
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.http.webhook_secrets.clear()
    });
    let answer = shop.webhook(&payment_succeeded("evt_1", "x", 1)).await;
    assert_eq!(answer.problem().0, 503);
    assert!(answer.text().contains("--stripe-webhook-secret"));
}

#[tokio::test]
async fn a_signed_body_that_is_no_event_is_refused() {
    let shop = Shop::open();
    for (body, code, param) in [
        ("", "json_malformed", None),
        ("{", "json_malformed", None),
        ("[]", "parameter_invalid", None),
        ("{}", "parameter_invalid", Some("/id")),
        ("{\"id\": \"evt_1\"}", "parameter_invalid", Some("/type")),
    ] {
        let signature = sign(SECRET, NOW, body.as_bytes());
        let answer = shop
            .raw(
                "POST",
                "/v1/webhooks/stripe",
                &[("stripe-signature", &signature)],
                body,
            )
            .await;
        assert_eq!(
            answer.problem(),
            (400, code.to_owned(), param.map(str::to_owned)),
            "{body}"
        );
        assert_eq!(shop.position(), 0);
    }
}

#[tokio::test]
async fn what_is_not_understood_is_kept_and_listed() {
    let shop = Shop::open();
    let odd = json!({"id": "evt_odd", "object": "event", "type": "moon.landed", "created": NOW, "livemode": false, "data": {"object": {"note": "4242424242424242"}}});
    let answer = shop.webhook(&odd).await.expect(200);
    assert_eq!(answer.json()["status"], "unrecognised");
    assert_eq!(
        shop.webhook(&odd).await.expect(200).json()["status"],
        "known"
    );
    let list = shop
        .get("/v1/webhooks/unrecognised")
        .await
        .expect(200)
        .json();
    let [item] = &list["data"].as_array().unwrap()[..] else {
        panic!("{list}")
    };
    assert_eq!(
        (&item["id"], &item["type"], &item["reason"]),
        (
            &json!("evt_odd"),
            &json!("moon.landed"),
            &json!("unknown_type")
        )
    );
    let body: Value = serde_json::from_str(item["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["data"]["object"]["note"], "[redacted]");
}

#[tokio::test]
async fn an_event_id_that_is_used_again_is_not_lost() {
    let shop = Shop::open();
    let id = "ord_00000000000000000000000001";
    let odd = |note: &str| json!({"id": "evt_1", "object": "event", "type": "moon.landed", "data": {"object": {"note": note}}});
    let table = [
        (payment_succeeded("evt_1", id, 400), "recorded"),
        // Other content that states facts: they count, once.
        (payment_succeeded("evt_1", id, 1000), "recorded"),
        (payment_succeeded("evt_1", id, 1000), "known"),
        // Other content that states none: it is kept, once.
        (odd("a"), "event_id_reused"),
        (odd("a"), "known"),
        (odd("b"), "event_id_reused"),
        (payment_succeeded("evt_1", id, 400), "known"),
    ];
    for (body, status) in table {
        let answer = shop.webhook(&body).await.expect(200);
        assert_eq!(answer.json()["status"], status, "{body}");
    }
    let list = shop.get("/v1/webhooks/unrecognised").await.json();
    let kept: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let body: Value = serde_json::from_str(item["body"].as_str().unwrap()).unwrap();
            (
                item["reason"].clone(),
                body["data"]["object"]["note"].clone(),
            )
        })
        .collect();
    let reason = json!("event_id_reused");
    assert_eq!(kept, [(reason.clone(), json!("b")), (reason, json!("a"))]);
    let mut body = crate::harness::order();
    body["id"] = json!(id);
    let placed = shop.post("/v1/orders", body).await.expect(201).json();
    assert_eq!(placed["paid"], 1000);
    let metrics = shop.get("/metrics").await.text();
    for line in [
        "{outcome=\"recorded\"} 2",
        "{outcome=\"known\"} 3",
        "{outcome=\"event_id_reused\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
}

#[tokio::test]
async fn money_that_arrives_before_its_order_finds_it() {
    let shop = Shop::open();
    let id = "ord_00000000000000000000000001";
    shop.webhook(&payment_succeeded("evt_1", id, 1000))
        .await
        .expect(200);
    let mut body = crate::harness::order();
    body["id"] = json!(id);
    let placed = shop.post("/v1/orders", body).await.expect(201).json();
    assert_eq!(
        (&placed["status"], &placed["paid"], &placed["due"]),
        (&json!("paid"), &json!(1000), &json!(0))
    );
    let got = shop
        .get(&format!("/v1/orders/{id}"))
        .await
        .expect(200)
        .json();
    assert_eq!(got, placed);
}
