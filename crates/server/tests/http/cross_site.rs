//! What a web page of another origin sends through a visitor's browser changes nothing.

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;

use crate::harness::{Shop, entry, order};

type Headers<'a> = &'a [(&'a str, &'a str)];

const JSON: (&str, &str) = ("content-type", "application/json");

/// Whatever of the documented interface changes something, without the webhooks, which are signed.
async fn mutating_routes(shop: &Shop) -> Vec<(String, String)> {
    let api = shop.get("/openapi.json").await.expect(200).json();
    let mut routes = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if method != "get" && path != "/v1/webhooks/stripe" {
                let path = path.replace("{id}", "hld_00000000000000000000000001");
                routes.push((method.to_uppercase(), path.replace("{path}", "till")));
            }
        }
    }
    assert!(routes.len() >= 11, "{routes:?}");
    routes
}

#[tokio::test]
async fn no_route_that_changes_something_takes_a_request_of_a_foreign_page() {
    let shop = Shop::open();
    // With and without what only a script may set: the answer is the same.
    let table: &[(Headers<'_>, &str)] = &[
        (&[("origin", "https://evil.example")], "Origin"),
        (&[("origin", "https://evil.example"), JSON], "Origin"),
        (&[("origin", "http://localhost:3000"), JSON], "Origin"),
        (&[("origin", "null"), JSON], "Origin"),
        (&[("origin", "\u{e9}"), JSON], "Origin"),
        (
            &[
                ("origin", "http://localhost"),
                ("origin", "http://a.example"),
                JSON,
            ],
            "Origin",
        ),
        (&[("sec-fetch-site", "cross-site"), JSON], "Sec-Fetch-Site"),
        (&[("sec-fetch-site", "same-site"), JSON], "Sec-Fetch-Site"),
        (
            &[
                ("origin", "http://localhost"),
                ("sec-fetch-site", "cross-site"),
                JSON,
            ],
            "Sec-Fetch-Site",
        ),
    ];
    let routes = mutating_routes(&shop).await;
    for (method, path) in &routes {
        for (headers, param) in table {
            for body in ["", "{}"] {
                let answer = shop.raw(method, path, headers, body).await;
                let expected = (403, "cross_site_request".into(), Some((*param).into()));
                assert_eq!(answer.problem(), expected, "{method} {path} {headers:?}");
            }
        }
    }
    assert_eq!(shop.position(), 0);
}

#[tokio::test]
async fn no_route_that_changes_something_takes_what_a_form_can_send() {
    let shop = Shop::open();
    let table: &[Headers<'_>] = &[
        &[],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "multipart/form-data; boundary=x")],
        &[("content-type", "text/plain; application/json")],
        &[("content-type", "")],
    ];
    for (method, path) in mutating_routes(&shop).await {
        for headers in table {
            for body in ["", "{}"] {
                let answer = shop.raw(&method, &path, headers, body).await;
                let expected = (
                    415,
                    "media_type_unsupported".into(),
                    Some("Content-Type".into()),
                );
                assert_eq!(answer.problem(), expected, "{method} {path} {headers:?}");
            }
        }
    }
    assert_eq!(shop.position(), 0);
    // Which method a path takes comes before how a body is written.
    for path in ["/v1/trial-balance", "/v1/events", "/healthz"] {
        for method in ["POST", "PUT"] {
            let answer = shop.raw(method, path, &[], "").await;
            assert_eq!(answer.problem().1, "method_not_allowed", "{method} {path}");
        }
    }
}

/// The way in that a page had: an action that needs no body, on something whose id it knows.
#[tokio::test]
async fn a_page_neither_captures_voids_cancels_nor_fulfils() {
    let shop = Shop::open();
    shop.account("till", "asset").await;
    shop.account("sales", "income").await;
    let hold = shop.post("/v1/holds", entry("till", "sales", 10)).await;
    let hold = hold.expect(201).json()["id"].as_str().unwrap().to_owned();
    let sale = shop.post("/v1/orders", order()).await.expect(201).json();
    let sale = sale["id"].as_str().unwrap().to_owned();
    let actions = [
        format!("/v1/holds/{hold}/capture"),
        format!("/v1/holds/{hold}/void"),
        format!("/v1/orders/{sale}/cancel"),
        format!("/v1/orders/{sale}/fulfil"),
    ];
    let before = shop.position();
    let page = [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "no-cors"),
    ];
    for path in &actions {
        assert_eq!(shop.raw("POST", path, &page, "").await.problem().0, 403);
        assert_eq!(shop.raw("POST", path, &[], "").await.problem().0, 415);
    }
    assert_eq!(shop.position(), before);
    // The same from a program, and from a page of this server, with the body left out.
    let own = [
        JSON,
        ("host", "localhost:7878"),
        ("origin", "http://localhost:7878"),
        ("sec-fetch-site", "same-origin"),
    ];
    shop.raw("POST", &actions[0], &[JSON], "").await.expect(200);
    shop.raw("POST", &actions[2], &own, "").await.expect(200);
}

#[tokio::test]
async fn a_request_has_exactly_one_host() {
    let shop = Shop::open();
    let table: [(&str, Headers<'_>); 4] = [
        ("none", &[]),
        ("two", &[("host", "localhost"), ("host", "evil.example")]),
        ("two alike", &[("host", "localhost"), ("host", "localhost")]),
        ("an empty one more", &[("host", "localhost"), ("host", "")]),
    ];
    for (method, path) in [
        ("GET", "/v1/orders"),
        ("GET", "/healthz"),
        ("POST", "/v1/orders"),
        ("POST", "/v1/webhooks/stripe"),
        ("GET", "/v1/nothing"),
    ] {
        for (name, headers) in table {
            let mut request = Request::builder().method(method).uri(path);
            request = request.header(JSON.0, JSON.1);
            for (header, value) in headers {
                request = request.header(*header, *value);
            }
            let answer = shop.send(request.body(Body::empty()).unwrap()).await;
            let expected = (400, "host_invalid".into(), Some("Host".into()));
            assert_eq!(answer.problem(), expected, "{name}: {method} {path}");
        }
    }
}

/// What is only read needs no content type; a foreign page gets no permission to see it.
#[tokio::test]
async fn a_read_is_answered_and_shared_with_no_page() {
    let shop = Shop::open();
    let page = [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    let answer = shop.raw("GET", "/v1/orders", &page, "").await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(
        answer.header("cross-origin-resource-policy"),
        Some("same-origin")
    );
    let ask = [
        page[0],
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let answer = shop.raw("OPTIONS", "/v1/orders", &ask, "").await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_ne!(answer.json(), Value::Null);
}
