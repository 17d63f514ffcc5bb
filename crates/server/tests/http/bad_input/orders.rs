//! What no order may be.

use serde_json::{Value, json};

use super::case::{Case, changes, with};

/// An order with one taxed line of a seller.
fn full() -> Value {
    let line = json!({
        "sku": "TEE", "description": "d", "quantity": 1, "unit_price": 100,
        "tax": {"rate": "0.2", "behavior": "inclusive"},
        "seller": {"account": "acct_1", "commission": "0.1"},
    });
    json!({"channel": "web", "location": "l", "currency": "EUR", "lines": [line]})
}

/// What is set in it, status, code, param, and to what.
const CHANGES: &str = r#"
/chanel                    422 parameter_unknown   /chanel                    "web"
/lines/0/price             422 parameter_unknown   /lines/0/price             1
/lines/0/tax/kind          422 parameter_unknown   /lines/0/tax/kind          1
/id                        422 parameter_invalid   /id                        "ord_1"
/id                        422 parameter_invalid   /id                        "ent_00000000000000000000000001"
/id                        422 parameter_invalid   /id                        7
/channel                   422 parameter_invalid   /channel                   ""
/channel                   422 parameter_invalid   /channel                   "a:b"
/channel                   422 parameter_invalid   /channel                   "é"
/location                  422 parameter_invalid   /location                  "a:b"
/location                  422 parameter_invalid   /location                  null
/currency                  422 parameter_invalid   /currency                  "EURO"
/currency                  422 parameter_invalid   /currency                  "eur"
/currency                  422 parameter_invalid   /currency                  "XXQ"
/currency                  422 parameter_invalid   /currency                  "points"
/currency                  422 parameter_invalid   /currency                  "sku:TEE"
/occurred_at               422 parameter_invalid   /occurred_at               "yesterday"
/occurred_at               422 parameter_invalid   /occurred_at               "2026-01-01"
/offline                   422 parameter_invalid   /offline                   "yes"
/lines                     422 parameter_invalid   /lines                     []
/lines                     422 parameter_invalid   /lines                     {}
/lines/0                   422 parameter_invalid   /lines/0                   5
/lines/0/sku               422 parameter_invalid   /lines/0/sku               "two words"
/lines/0/quantity          422 parameter_invalid   /lines/0/quantity          0
/lines/0/quantity          422 parameter_invalid   /lines/0/quantity          -1
/lines/0/quantity          422 parameter_invalid   /lines/0/quantity          1.5
/lines/0/quantity          422 parameter_invalid   /lines/0/quantity          "1"
/lines/0/unit_price        422 parameter_invalid   /lines/0/unit_price        -100
/lines/0/unit_price        422 parameter_invalid   /lines/0/unit_price        19.99
/lines/0/unit_price        422 amount_out_of_range /lines/0/unit_price        9223372036854775808
/lines/0/unit_price        422 amount_out_of_range /lines/0/unit_price        1e30
/lines/0/tax/rate          422 parameter_invalid   /lines/0/tax/rate          "20%"
/lines/0/tax/rate          422 parameter_invalid   /lines/0/tax/rate          "-0.2"
/lines/0/tax/rate          422 parameter_invalid   /lines/0/tax/rate          "0.1234567"
/lines/0/tax/rate          422 parameter_invalid   /lines/0/tax/rate          0.2
/lines/0/tax/behavior      422 parameter_invalid   /lines/0/tax/behavior      "both"
/lines/0/seller/account    422 parameter_invalid   /lines/0/seller/account    ""
/lines/0/seller/commission 422 parameter_invalid   /lines/0/seller/commission "x"
/metadata                  422 parameter_invalid   /metadata/a                {"a": 1}
/metadata                  422 card_number_refused /metadata/note             {"note": "4242 4242 4242 4242"}
/lines/0/description       422 card_number_refused /lines/0/description       "5555555555554444"
/metadata                  422 card_number_refused /metadata                  {"4000000000000002": "v"}
/id                        422 card_number_refused /id                        "4242424242424242"
"#;

pub(super) fn cases() -> Vec<Case> {
    let post =
        |body: Value, code: &'static str, param: &str| Case::post("/v1/orders", body, code, param);
    let invalid = "parameter_invalid";
    let metadata = |value: Value| with(&full(), "/metadata", value);
    let many: Value = (0..51)
        .map(|key| (format!("k{key}"), json!("v")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let long = "k".repeat(41);
    let mut no_lines = full();
    no_lines.as_object_mut().unwrap().remove("lines");
    let mut cases = vec![
        post(json!([]), invalid, ""),
        post(json!("x"), invalid, ""),
        post(json!(null), invalid, ""),
        post(json!({}), "parameter_missing", "/channel"),
        post(no_lines, "parameter_missing", "/lines"),
        post(metadata(many), invalid, "/metadata"),
        post(
            metadata(json!({"a/b": "v".repeat(501)})),
            invalid,
            "/metadata/a~1b",
        ),
        post(
            metadata(json!({&*long: "v"})),
            invalid,
            &format!("/metadata/{long}"),
        ),
    ];
    cases.extend(changes("/v1/orders", &full(), CHANGES));
    cases
}
