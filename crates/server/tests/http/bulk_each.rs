//! With mode `each` whatever is wrong with an entry refuses that entry, and no other.

use serde_json::{Value, json};

use crate::harness::{Answer, Shop, entry};

/// A text in the place of an entry, what refuses it, and the field below the entry. The last few are
/// no JSON, so that only a line can hold them.
fn table() -> Vec<(String, &'static str, &'static str)> {
    let with = |path: &str, value: Value| {
        let mut entry = entry("a", "b", 1);
        *entry.pointer_mut(path).expect("a field that is there") = value;
        entry.to_string()
    };
    let and = |name: &str, value: Value| {
        let mut entry = entry("a", "b", 1);
        entry[name] = value;
        entry.to_string()
    };
    let amount = "/postings/1/amount";
    let account = "/postings/0/account";
    let good = entry("a", "b", 1).to_string();
    vec![
        (with(amount, json!("1")), "parameter_invalid", amount),
        (with(amount, json!(1.5)), "parameter_invalid", amount),
        (with(amount, json!(0)), "parameter_invalid", amount),
        (with(amount, json!(-1)), "parameter_invalid", amount),
        (with(amount, Value::Null), "parameter_invalid", amount),
        (with(amount, json!([1])), "parameter_invalid", amount),
        (
            with(amount, json!({"minor": 1})),
            "parameter_invalid",
            amount,
        ),
        (with(amount, json!(2)), "entry_unbalanced", "/postings"),
        (
            with(amount, json!(1_u64 << 63)),
            "amount_out_of_range",
            amount,
        ),
        (with(account, json!(7)), "parameter_invalid", account),
        (with(account, json!("a:")), "parameter_invalid", account),
        (
            with(account, json!("nowhere")),
            "account_not_found",
            account,
        ),
        (
            with("/postings/1", json!([])),
            "parameter_invalid",
            "/postings/1",
        ),
        (
            with("/postings", json!("x")),
            "parameter_invalid",
            "/postings",
        ),
        (
            with("/postings", json!([])),
            "parameter_invalid",
            "/postings",
        ),
        (
            with(
                "/postings/0",
                json!({"account": "a", "unit": "EUR", "side": "debit"}),
            ),
            "parameter_missing",
            "/postings/0/amount",
        ),
        (and("memo", json!("x")), "parameter_unknown", "/memo"),
        (
            and("description", json!(5)),
            "parameter_invalid",
            "/description",
        ),
        (
            and("description", json!("")),
            "parameter_invalid",
            "/description",
        ),
        (and("id", json!("ent_1")), "parameter_invalid", "/id"),
        (
            and("metadata", json!({"k": 1})),
            "parameter_invalid",
            "/metadata/k",
        ),
        (
            and("description", json!("4242 4242 4242 4242")),
            "card_number_refused",
            "/description",
        ),
        ("{}".into(), "parameter_missing", "/postings"),
        ("[]".into(), "parameter_invalid", ""),
        ("\"x\"".into(), "parameter_invalid", ""),
        ("null".into(), "parameter_invalid", ""),
        ("5".into(), "parameter_invalid", ""),
        (
            good.replacen("\"amount\":1", "\"amount\":1,\"amount\":1", 1),
            "parameter_invalid",
            "/postings/0/amount",
        ),
        (
            format!("{}{}", "[".repeat(130), "]".repeat(130)),
            "json_malformed",
            "",
        ),
        (good[..good.len() - 1].to_owned(), "json_malformed", ""),
        (format!("{good} {good}"), "json_malformed", ""),
        ("nonsense".into(), "json_malformed", ""),
        ("{\"postings\": [}".into(), "json_malformed", ""),
    ]
}

/// So many of the table's last rows are no JSON.
const MALFORMED: usize = 4;

async fn shop() -> Shop {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    shop
}

#[track_caller]
fn assert_second_refused(view: &Value, bad: &str, code: &str, param: &str) {
    assert_eq!(
        (&view["posted"], &view["refused"]),
        (&json!(2), &json!(1)),
        "{bad}: {view}"
    );
    let refused = &view["results"][0];
    assert_eq!(
        [&refused["index"], &refused["code"], &refused["param"]],
        [
            &json!(1),
            &json!(code),
            &json!(format!("/entries/1{param}"))
        ],
        "{bad}: {view}"
    );
    let detail = refused["detail"].as_str().unwrap();
    assert!(!detail.is_empty() && detail.len() < 1300, "{bad}: {detail}");
    assert!(!detail.contains("4242"), "{detail}");
}

async fn stream(shop: &Shop, key: &str, body: Vec<u8>) -> Answer {
    let headers = [
        ("content-type", "application/x-ndjson"),
        ("idempotency-key", key),
    ];
    shop.raw("POST", "/v1/entries/bulk?mode=each", &headers, body)
        .await
}

#[tokio::test]
async fn a_bad_entry_of_a_document_refuses_itself() {
    let shop = shop().await;
    let table = table();
    for (row, (bad, code, param)) in table.iter().take(table.len() - MALFORMED).enumerate() {
        let good = entry("a", "b", 1);
        let text = format!("{{\"mode\":\"each\",\"entries\":[{good},\n{bad}\n,{good}]}}");
        let key = format!("d{row}");
        let first = shop.post_keyed("/v1/entries/bulk", &key, &text).await;
        let first = first.expect(200);
        assert_second_refused(&first.json(), bad, code, param);
        // The same request again finds what it did.
        let head = shop.position();
        let again = shop.post_keyed("/v1/entries/bulk", &key, &text).await;
        assert_eq!(again.header("idempotent-replayed"), Some("true"), "{bad}");
        assert_eq!(again.expect(200).json(), first.json(), "{bad}");
        assert_eq!(shop.position(), head);
        // With mode `all` it refuses the request.
        let all = text.replacen("each", "all", 1);
        let answer = shop.post_keyed("/v1/entries/bulk", "a", &all).await;
        assert!(answer.status.is_client_error(), "{bad}: {}", answer.text());
        assert_eq!(shop.position(), head);
    }
}

#[tokio::test]
async fn a_bad_line_of_a_stream_refuses_itself() {
    let shop = shop().await;
    let mut rows: Vec<(Vec<u8>, &str, &str)> = table()
        .into_iter()
        .map(|(bad, code, param)| (bad.into_bytes(), code, param))
        .collect();
    rows.push((b"{\"description\":\"\xff\"}".to_vec(), "body_not_utf8", ""));
    rows.push((b"\xff\xfe".to_vec(), "body_not_utf8", ""));
    let good = entry("a", "b", 1).to_string();
    for (row, (bad, code, param)) in rows.iter().enumerate() {
        let shown = String::from_utf8_lossy(bad);
        let body = [good.as_bytes(), bad, good.as_bytes()].join(&b'\n');
        let key = format!("s{row}");
        let first = stream(&shop, &key, body.clone()).await.expect(200);
        assert_second_refused(&first.json(), &shown, code, param);
        let head = shop.position();
        let mut again = stream(&shop, &key, body.clone()).await.expect(200).json();
        assert_eq!(again["replayed"], true, "{shown}");
        again.as_object_mut().unwrap().remove("replayed");
        assert_eq!(again, first.json(), "{shown}");
        // Another stream under the same key.
        let other = [good.as_bytes(), b"{}x", bad].join(&b'\n');
        let answer = stream(&shop, &key, other).await;
        assert_eq!(answer.problem().1, "idempotency_key_reused", "{shown}");
        assert_eq!(shop.position(), head);
    }
}

#[tokio::test]
async fn a_thousand_bad_lines_between_good_ones_are_each_named() {
    let shop = shop().await;
    let good = entry("a", "b", 1).to_string();
    let name = "x".repeat(2000);
    let bad = format!("{{\"{name}\":1}}");
    let lines: String = (0..2000)
        .map(|place| format!("{}\n", if place % 2 == 0 { &good } else { &bad }))
        .collect();
    let answer = stream(&shop, "k", lines.into_bytes()).await.expect(200);
    let view = answer.json();
    assert_eq!(
        (&view["posted"], &view["refused"]),
        (&json!(1000), &json!(1000))
    );
    for (place, result) in view["results"].as_array().unwrap().iter().enumerate() {
        assert_eq!(result["index"], 2 * place + 1);
        assert_eq!(result["code"], "parameter_unknown");
    }
    // What was sent is not sent back.
    assert!(answer.bytes.len() < 1_000_000, "{}", answer.bytes.len());
}

#[tokio::test]
async fn a_document_that_cannot_be_taken_apart_is_refused_whole() {
    let shop = shop().await;
    let good = entry("a", "b", 1);
    for (text, code) in [
        (
            format!("{{\"mode\":\"each\",\"entries\":[{good},{{]}}"),
            "json_malformed",
        ),
        (
            format!("{{\"mode\":\"each\",\"entries\":[{good},{{}}],\"x\":1}}"),
            "parameter_missing",
        ),
        (
            "{\"mode\":\"each\",\"entries\":[]}".into(),
            "parameter_invalid",
        ),
        (
            "{\"mode\":\"each\",\"entries\":{}}".into(),
            "parameter_invalid",
        ),
        (
            format!("{{\"mode\":\"some\",\"entries\":[{good}]}}"),
            "parameter_invalid",
        ),
        (format!("{{\"entries\":[{good}, 5]}}"), "parameter_invalid"),
    ] {
        let answer = shop.post_keyed("/v1/entries/bulk", "k", &text).await;
        assert_eq!(answer.problem().1, code, "{text}");
    }
    assert_eq!(shop.position(), 2);
}
