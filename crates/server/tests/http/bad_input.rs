//! Bad input: a problem that names the field, nothing on the roll, and never a 5xx.

use serde_json::{Value, json};

use crate::harness::{Shop, entry, order};

/// Method, path, body => status, code, param.
type Case<'a> = (&'a str, &'a str, Value, u16, &'a str, Option<&'a str>);

/// `base` with the value at a JSON Pointer replaced or added.
fn with(mut base: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = base.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        parent => parent[name] = value,
    }
    base
}

fn without(mut base: Value, name: &str) -> Value {
    base.as_object_mut().unwrap().remove(name);
    base
}

/// An order with one taxed line of a seller.
fn full() -> Value {
    let line = json!({
        "sku": "TEE", "description": "d", "quantity": 1, "unit_price": 100,
        "tax": {"rate": "0.2", "behavior": "inclusive"},
        "seller": {"account": "acct_1", "commission": "0.1"},
    });
    json!({"channel": "web", "location": "l", "currency": "EUR", "lines": [line]})
}

fn metadata(keys: usize) -> Value {
    (0..keys)
        .map(|key| (format!("k{key}"), json!("v")))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn orders() -> Vec<Case<'static>> {
    let bad = |pointer: &str, value: Value| with(full(), pointer, value);
    let post = |body: Value, code: &'static str, param: &'static str| -> Case<'static> {
        ("POST", "/v1/orders", body, 422, code, Some(param))
    };
    let invalid = "parameter_invalid";
    vec![
        post(json!([]), invalid, ""),
        post(json!("x"), invalid, ""),
        post(json!(null), invalid, ""),
        post(json!({}), "parameter_missing", "/channel"),
        post(without(full(), "lines"), "parameter_missing", "/lines"),
        post(bad("/chanel", json!("web")), "parameter_unknown", "/chanel"),
        post(
            bad("/lines/0/price", json!(1)),
            "parameter_unknown",
            "/lines/0/price",
        ),
        post(
            bad("/lines/0/tax/kind", json!(1)),
            "parameter_unknown",
            "/lines/0/tax/kind",
        ),
        post(bad("/id", json!("ord_1")), invalid, "/id"),
        post(
            bad("/id", json!("ent_00000000000000000000000001")),
            invalid,
            "/id",
        ),
        post(bad("/id", json!(7)), invalid, "/id"),
        post(bad("/channel", json!("")), invalid, "/channel"),
        post(bad("/channel", json!("a:b")), invalid, "/channel"),
        post(bad("/channel", json!("é")), invalid, "/channel"),
        post(bad("/location", json!("a:b")), invalid, "/location"),
        post(bad("/location", json!(null)), invalid, "/location"),
        post(bad("/currency", json!("EURO")), invalid, "/currency"),
        post(bad("/currency", json!("eur")), invalid, "/currency"),
        post(bad("/currency", json!("XXQ")), invalid, "/currency"),
        post(bad("/currency", json!("points")), invalid, "/currency"),
        post(bad("/currency", json!("sku:TEE")), invalid, "/currency"),
        post(
            bad("/occurred_at", json!("yesterday")),
            invalid,
            "/occurred_at",
        ),
        post(
            bad("/occurred_at", json!("2026-01-01")),
            invalid,
            "/occurred_at",
        ),
        post(bad("/offline", json!("yes")), invalid, "/offline"),
        post(bad("/lines", json!([])), invalid, "/lines"),
        post(bad("/lines", json!({})), invalid, "/lines"),
        post(bad("/lines/0", json!(5)), invalid, "/lines/0"),
        post(
            bad("/lines/0/sku", json!("two words")),
            invalid,
            "/lines/0/sku",
        ),
        post(
            bad("/lines/0/quantity", json!(0)),
            invalid,
            "/lines/0/quantity",
        ),
        post(
            bad("/lines/0/quantity", json!(-1)),
            invalid,
            "/lines/0/quantity",
        ),
        post(
            bad("/lines/0/quantity", json!(1.5)),
            invalid,
            "/lines/0/quantity",
        ),
        post(
            bad("/lines/0/quantity", json!("1")),
            invalid,
            "/lines/0/quantity",
        ),
        post(
            bad("/lines/0/unit_price", json!(-100)),
            invalid,
            "/lines/0/unit_price",
        ),
        post(
            bad("/lines/0/unit_price", json!(19.99)),
            invalid,
            "/lines/0/unit_price",
        ),
        post(
            bad("/lines/0/unit_price", json!(9_223_372_036_854_775_808_u64)),
            "amount_out_of_range",
            "/lines/0/unit_price",
        ),
        post(
            bad("/lines/0/unit_price", json!(1e30)),
            "amount_out_of_range",
            "/lines/0/unit_price",
        ),
        post(
            bad("/lines/0/tax/rate", json!("20%")),
            invalid,
            "/lines/0/tax/rate",
        ),
        post(
            bad("/lines/0/tax/rate", json!("-0.2")),
            invalid,
            "/lines/0/tax/rate",
        ),
        post(
            bad("/lines/0/tax/rate", json!("0.1234567")),
            invalid,
            "/lines/0/tax/rate",
        ),
        post(
            bad("/lines/0/tax/rate", json!(0.2)),
            invalid,
            "/lines/0/tax/rate",
        ),
        post(
            bad("/lines/0/tax/behavior", json!("both")),
            invalid,
            "/lines/0/tax/behavior",
        ),
        post(
            bad("/lines/0/seller/account", json!("")),
            invalid,
            "/lines/0/seller/account",
        ),
        post(
            bad("/lines/0/seller/commission", json!("x")),
            invalid,
            "/lines/0/seller/commission",
        ),
        post(bad("/metadata", json!({"a": 1})), invalid, "/metadata/a"),
        post(bad("/metadata", metadata(51)), invalid, "/metadata"),
        post(
            bad("/metadata", json!({"a/b": "v".repeat(501)})),
            invalid,
            "/metadata/a~1b",
        ),
        post(
            bad("/metadata", json!({"k".repeat(41): "v"})),
            invalid,
            &*format!("/metadata/{}", "k".repeat(41)).leak(),
        ),
        post(
            bad("/metadata", json!({"note": "4242 4242 4242 4242"})),
            "card_number_refused",
            "/metadata/note",
        ),
        post(
            bad("/lines/0/description", json!("5555555555554444")),
            "card_number_refused",
            "/lines/0/description",
        ),
        post(
            bad("/metadata", json!({"4000000000000002": "v"})),
            "card_number_refused",
            "/metadata",
        ),
        post(
            bad("/id", json!("4242424242424242")),
            "card_number_refused",
            "/id",
        ),
    ]
}

fn entries() -> Vec<Case<'static>> {
    let base = || entry("a", "b", 5);
    let bad = |pointer: &str, value: Value| with(base(), pointer, value);
    let post = |body: Value, code: &'static str, param: &'static str| -> Case<'static> {
        let status = if code == "account_not_found" {
            404
        } else {
            422
        };
        ("POST", "/v1/entries", body, status, code, Some(param))
    };
    let invalid = "parameter_invalid";
    vec![
        post(bad("/postings", json!([])), invalid, "/postings"),
        post(
            bad("/postings/0/account", json!("a b")),
            invalid,
            "/postings/0/account",
        ),
        post(
            bad("/postings/0/account", json!("nowhere")),
            "account_not_found",
            "/postings/0/account",
        ),
        post(
            bad("/postings/1/unit", json!("USD")),
            "account_not_found",
            "/postings/1/account",
        ),
        post(
            bad("/postings/1/unit", json!("Euro")),
            invalid,
            "/postings/1/unit",
        ),
        post(
            bad("/postings/0/side", json!("left")),
            invalid,
            "/postings/0/side",
        ),
        post(
            bad("/postings/0/amount", json!(0)),
            invalid,
            "/postings/0/amount",
        ),
        post(
            bad("/postings/0/amount", json!(-5)),
            invalid,
            "/postings/0/amount",
        ),
        post(
            bad("/postings/0/amount", json!(0.5)),
            invalid,
            "/postings/0/amount",
        ),
        post(
            bad("/postings/0/amount", json!(u64::MAX)),
            "amount_out_of_range",
            "/postings/0/amount",
        ),
        post(
            bad("/postings/0/amount", json!(6)),
            "entry_unbalanced",
            "/postings",
        ),
        post(
            bad("/postings/0/memo", json!("x")),
            "parameter_unknown",
            "/postings/0/memo",
        ),
        post(bad("/reverses", json!("x")), invalid, "/reverses"),
        post(bad("/description", json!("")), invalid, "/description"),
        (
            "POST",
            "/v1/entries/bulk",
            json!({"mode": "some", "entries": [base()]}),
            422,
            invalid,
            Some("/mode"),
        ),
        (
            "POST",
            "/v1/entries/bulk",
            json!({"mode": "all", "entries": []}),
            422,
            invalid,
            Some("/entries"),
        ),
        (
            "POST",
            "/v1/entries/bulk",
            json!({"mode": "all", "entries": [base(), bad("/postings/0/side", json!("x"))]}),
            422,
            invalid,
            Some("/entries/1/postings/0/side"),
        ),
        (
            "POST",
            "/v1/entries/bulk",
            json!({"mode": "each", "entries": [base(), bad("/extra", json!("x"))]}),
            422,
            "parameter_unknown",
            Some("/entries/1/extra"),
        ),
        (
            "POST",
            "/v1/holds",
            bad("/expires_at", json!("soon")),
            422,
            invalid,
            Some("/expires_at"),
        ),
        (
            "POST",
            "/v1/holds",
            bad("/expires_at", json!("2000-01-01T00:00:00Z")),
            422,
            invalid,
            Some("/expires_at"),
        ),
        (
            "POST",
            "/v1/holds/hld_00000000000000000000000001/capture",
            json!({}),
            404,
            "hold_not_found",
            None,
        ),
        (
            "POST",
            "/v1/holds/hld_00000000000000000000000001/void",
            json!({"x": 1}),
            422,
            "parameter_unknown",
            Some("/x"),
        ),
        (
            "POST",
            "/v1/holds/hld_00000000000000000000000001/capture",
            json!({"amount": 0}),
            422,
            invalid,
            Some("/amount"),
        ),
        (
            "POST",
            "/v1/holds/hld_00000000000000000000000001/capture",
            json!({"amount": 1, "postings": []}),
            422,
            invalid,
            Some("/postings"),
        ),
        (
            "POST",
            "/v1/holds/hld_1/capture",
            json!({}),
            400,
            invalid,
            Some("id"),
        ),
    ]
}

fn others() -> Vec<Case<'static>> {
    let invalid = "parameter_invalid";
    let euros = json!({"unit": "EUR", "type": "asset"});
    let none = || Value::Null;
    vec![
        (
            "PUT",
            "/v1/accounts/a%20b",
            euros.clone(),
            400,
            invalid,
            Some("path"),
        ),
        (
            "PUT",
            "/v1/accounts/%ff",
            euros.clone(),
            400,
            invalid,
            Some("path"),
        ),
        (
            "PUT",
            "/v1/accounts/x",
            json!({"unit": "eur"}),
            422,
            invalid,
            Some("/unit"),
        ),
        (
            "PUT",
            "/v1/accounts/x",
            json!({"unit": "EUR"}),
            422,
            invalid,
            Some("/type"),
        ),
        (
            "PUT",
            "/v1/accounts/x",
            json!({"unit": "EUR", "type": "money"}),
            422,
            invalid,
            Some("/type"),
        ),
        (
            "PUT",
            "/v1/accounts/x",
            json!({"unit": "EUR", "type": "asset", "limit": "5"}),
            422,
            invalid,
            Some("/limit"),
        ),
        (
            "PUT",
            "/v1/accounts/a",
            json!({"unit": "EUR", "type": "equity"}),
            409,
            "account_type_conflict",
            Some("/type"),
        ),
        (
            "POST",
            "/v1/stock/receipts",
            json!({"location": "a:b", "lines": [{"sku": "S", "quantity": 1}]}),
            422,
            invalid,
            Some("/location"),
        ),
        (
            "POST",
            "/v1/stock/receipts",
            json!({"location": "l", "lines": []}),
            422,
            invalid,
            Some("/lines"),
        ),
        (
            "POST",
            "/v1/stock/receipts",
            json!({"location": "l", "lines": [{"sku": "", "quantity": 1}]}),
            422,
            invalid,
            Some("/lines/0/sku"),
        ),
        (
            "POST",
            "/v1/stock/receipts",
            json!({"location": "l", "lines": [{"sku": "S", "quantity": 0}]}),
            422,
            invalid,
            Some("/lines/0/quantity"),
        ),
        (
            "POST",
            "/v1/stripe/balance-transactions",
            json!("x"),
            422,
            "balance_transactions_missing",
            None,
        ),
        (
            "POST",
            "/v1/orders/ord_00000000000000000000000009/fulfil",
            json!({}),
            404,
            "order_not_found",
            None,
        ),
        (
            "POST",
            "/v1/orders/ord_9/cancel",
            json!({}),
            400,
            invalid,
            Some("id"),
        ),
        (
            "GET",
            "/v1/orders/ord_00000000000000000000000009",
            none(),
            404,
            "order_not_found",
            None,
        ),
        (
            "GET",
            "/v1/orders/ord_00000000000000000000000009/timeline",
            none(),
            404,
            "order_not_found",
            None,
        ),
        (
            "GET",
            "/v1/orders/nonsense",
            none(),
            400,
            invalid,
            Some("id"),
        ),
        (
            "GET",
            "/v1/orders?limit=0",
            none(),
            400,
            invalid,
            Some("limit"),
        ),
        (
            "GET",
            "/v1/orders?limit=101",
            none(),
            400,
            invalid,
            Some("limit"),
        ),
        (
            "GET",
            "/v1/orders?limit=x",
            none(),
            400,
            invalid,
            Some("limit"),
        ),
        (
            "GET",
            "/v1/orders?starting_after=x",
            none(),
            400,
            invalid,
            Some("starting_after"),
        ),
        (
            "GET",
            "/v1/orders?starting_after=ord_00000000000000000000000009",
            none(),
            400,
            invalid,
            Some("starting_after"),
        ),
        (
            "GET",
            "/v1/orders?ending_before=ord_00000000000000000000000009",
            none(),
            400,
            invalid,
            Some("ending_before"),
        ),
        (
            "GET",
            "/v1/orders?starting_after=a&ending_before=b",
            none(),
            400,
            invalid,
            Some("ending_before"),
        ),
        (
            "GET",
            "/v1/orders?status=lost",
            none(),
            400,
            invalid,
            Some("status"),
        ),
        (
            "GET",
            "/v1/orders?page=2",
            none(),
            400,
            "parameter_unknown",
            Some("page"),
        ),
        (
            "GET",
            "/v1/orders?as_of=yesterday",
            none(),
            400,
            invalid,
            Some("as_of"),
        ),
        (
            "GET",
            "/v1/orders?as_of=-1",
            none(),
            400,
            invalid,
            Some("as_of"),
        ),
        (
            "GET",
            "/v1/orders?as_of=99999",
            none(),
            412,
            "position_not_written",
            Some("as_of"),
        ),
        (
            "GET",
            "/v1/orders?min_position=99999",
            none(),
            412,
            "position_not_written",
            Some("min_position"),
        ),
        (
            "GET",
            "/v1/orders?min_position=99999999999999999999",
            none(),
            400,
            invalid,
            Some("min_position"),
        ),
        (
            "GET",
            "/v1/accounts?type=money",
            none(),
            400,
            invalid,
            Some("type"),
        ),
        (
            "GET",
            "/v1/accounts?unit=money",
            none(),
            400,
            invalid,
            Some("unit"),
        ),
        (
            "GET",
            "/v1/accounts?starting_after=7",
            none(),
            400,
            invalid,
            Some("starting_after"),
        ),
        (
            "GET",
            "/v1/accounts?starting_after=acc_999",
            none(),
            400,
            invalid,
            Some("starting_after"),
        ),
        (
            "GET",
            "/v1/accounts/nowhere",
            none(),
            404,
            "account_not_found",
            Some("path"),
        ),
        (
            "GET",
            "/v1/accounts/nowhere/statement",
            none(),
            404,
            "account_not_found",
            Some("path"),
        ),
        (
            "GET",
            "/v1/accounts/a/statement?starting_after=5",
            none(),
            400,
            invalid,
            Some("starting_after"),
        ),
        (
            "GET",
            "/v1/accounts/a/statement?order=up",
            none(),
            400,
            invalid,
            Some("order"),
        ),
        (
            "GET",
            "/v1/entries/ent_00000000000000000000000009",
            none(),
            404,
            "entry_not_found",
            None,
        ),
        (
            "GET",
            "/v1/holds/hld_00000000000000000000000009",
            none(),
            404,
            "hold_not_found",
            None,
        ),
        (
            "GET",
            "/v1/stock?starting_after=l:X",
            none(),
            400,
            invalid,
            Some("starting_after"),
        ),
        (
            "GET",
            "/v1/splits?ending_before=x",
            none(),
            400,
            invalid,
            Some("ending_before"),
        ),
        (
            "GET",
            "/v1/events?after=x",
            none(),
            400,
            invalid,
            Some("after"),
        ),
        (
            "GET",
            "/v1/events?limit=1001",
            none(),
            400,
            invalid,
            Some("limit"),
        ),
        (
            "GET",
            "/v1/events?stream=maybe",
            none(),
            400,
            invalid,
            Some("stream"),
        ),
        (
            "GET",
            "/v1/events?stream=true&after=99999",
            none(),
            412,
            "position_not_written",
            Some("after"),
        ),
        (
            "GET",
            "/v1/webhooks/unrecognised?starting_after=evt_1",
            none(),
            400,
            invalid,
            Some("starting_after"),
        ),
        ("GET", "/v1/nothing", none(), 404, "route_not_found", None),
        ("GET", "/", none(), 404, "route_not_found", None),
        (
            "GET",
            "/problems/nonsense",
            none(),
            404,
            "route_not_found",
            None,
        ),
        (
            "GET",
            "/schemas/nonsense.json",
            none(),
            404,
            "route_not_found",
            None,
        ),
        (
            "DELETE",
            "/v1/orders",
            none(),
            405,
            "method_not_allowed",
            None,
        ),
        (
            "GET",
            "/v1/webhooks/stripe",
            none(),
            405,
            "method_not_allowed",
            None,
        ),
    ]
}

#[tokio::test]
async fn bad_input_is_a_problem_that_names_the_field_and_changes_nothing() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    shop.post("/v1/entries", entry("a", "b", 5))
        .await
        .expect(201);
    let before = shop.position();
    for (method, path, body, status, code, param) in
        orders().into_iter().chain(entries()).chain(others())
    {
        let text = body.to_string();
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
        let expected = (status, code.to_owned(), param.map(str::to_owned));
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
            422,
            "parameter_invalid",
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

#[tokio::test]
async fn limits_of_length_differ_by_route() {
    let shop = Shop::open();
    let json_type = [("content-type", "application/json")];
    let blank = |length: usize| " ".repeat(length);
    for (path, longest) in [
        ("/v1/webhooks/stripe", 1024 * 1024),
        ("/v1/orders", 2 * 1024 * 1024),
        ("/v1/entries/bulk", 8 * 1024 * 1024),
    ] {
        let most = shop.raw("POST", path, &json_type, blank(longest)).await;
        assert_eq!(most.problem().0, 400, "{path} takes {longest} bytes");
        let more = shop.raw("POST", path, &json_type, blank(longest + 1)).await;
        assert_eq!(more.problem().1, "body_too_large", "{path}");
    }
    // Announced and not sent: refused before anything is read.
    let headers = [
        ("content-type", "application/json"),
        ("content-length", "99999999999"),
    ];
    let answer = shop.raw("POST", "/v1/orders", &headers, "").await;
    assert_eq!(answer.problem().1, "body_too_large");
}

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
