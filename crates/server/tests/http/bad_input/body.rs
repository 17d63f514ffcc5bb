//! Bodies that are no JSON, and headers that do not go with one.

use crate::harness::{Shop, order};

#[tokio::test]
async fn bodies_that_are_no_json_are_named_for_what_they_are() {
    let shop = Shop::open();
    let json_type = ("content-type", "application/json");
    let before = shop.position();
    let long = format!("{{\"channel\": \"{}\"}}", "x".repeat(3 * 1024 * 1024));
    let table: &[(&str, &[(&str, &str)], Vec<u8>, u16, &str)] = &[
        (
            "broken",
            &[json_type],
            b"{\"channel\": ".to_vec(),
            400,
            "json_malformed",
        ),
        (
            "trailing",
            &[json_type],
            format!("{} {{}}", order()).into_bytes(),
            400,
            "json_malformed",
        ),
        ("empty", &[json_type], Vec::new(), 400, "json_malformed"),
        (
            "not UTF-8",
            &[json_type],
            b"{\"channel\": \"\xff\"}".to_vec(),
            400,
            "body_not_utf8",
        ),
        (
            "deeply nested",
            &[json_type],
            "{\"lines\": ".repeat(100_000).into_bytes(),
            400,
            "json_malformed",
        ),
        (
            "a lone surrogate",
            &[json_type],
            br#"{"channel": "\ud800"}"#.to_vec(),
            400,
            "json_malformed",
        ),
        (
            "too long",
            &[json_type],
            long.into_bytes(),
            413,
            "body_too_large",
        ),
        (
            "no type",
            &[],
            b"{}".to_vec(),
            415,
            "media_type_unsupported",
        ),
        (
            "a form",
            &[("content-type", "application/x-www-form-urlencoded")],
            b"a=b".to_vec(),
            415,
            "media_type_unsupported",
        ),
        (
            "text",
            &[("content-type", "text/plain")],
            b"{}".to_vec(),
            415,
            "media_type_unsupported",
        ),
        (
            "two keys",
            &[
                json_type,
                ("idempotency-key", "a"),
                ("idempotency-key", "b"),
            ],
            b"{}".to_vec(),
            400,
            "idempotency_key_invalid",
        ),
        (
            "a key with a space",
            &[json_type, ("idempotency-key", "a b")],
            b"{}".to_vec(),
            400,
            "idempotency_key_invalid",
        ),
        (
            "a foreign host",
            &[json_type, ("host", "evil.example")],
            b"{}".to_vec(),
            421,
            "host_not_allowed",
        ),
    ];
    for (name, headers, body, status, code) in table {
        let answer = shop.raw("POST", "/v1/orders", headers, body.clone()).await;
        let (got, said, _) = answer.problem();
        assert_eq!((got, &*said), (*status, *code), "{name}: {}", answer.text());
        assert_eq!(shop.position(), before, "{name}");
    }
    let charset = [
        ("content-type", "Application/JSON; charset=utf-8"),
        ("host", "LOCALHOST:7878"),
    ];
    let answer = shop
        .raw("POST", "/v1/orders", &charset, order().to_string())
        .await;
    answer.expect(201);
}
