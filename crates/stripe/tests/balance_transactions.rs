//! Given what a poller got, when it is read, then these balance transactions or this refusal.

mod support;

use serde_json::{Value, json};
use support::{balance_transaction_line, fixture};
use tillroll_stripe::{ImportError, MAX_BALANCE_TRANSACTIONS, balance_transactions};

#[test]
fn pages_arrays_and_single_objects_are_read() {
    let table: &[(&str, &[&str])] = &[
        (
            "page",
            &[
                "balance_transaction txn_1TillPage0006 payout/payout -2000000 less 0 is -2000000 EUR of po_1TillFixture0001",
                "balance_transaction txn_1TillPage0005 refund/partial_capture_reversal -3000 less 0 is -3000 EUR of re_3TillHeldRelease",
                "balance_transaction txn_1TillPage0004 stripe_fee/fee -200 less 0 is -200 EUR",
                "balance_transaction txn_1TillPage0003 adjustment/dispute -4200 less 1500 is -5700 EUR of du_1TillFixture0001 stripe_fee=1500",
                "balance_transaction txn_1TillPage0002 charge/charge 12000 less 450 is 11550 USD of ch_3TillAppGoods0002 stripe_fee=400 tax=50",
                "balance_transaction txn_1TillPage0001 charge/charge 4200 less 88 is 4112 EUR of ch_3TillAppGoods0001 stripe_fee=88",
            ],
        ),
        (
            "array.2015",
            &[
                "balance_transaction txn_15TillOldPage02 adjustment/dispute -2500 less 1500 is -4000 USD of dp_15TillOldShop01 stripe_fee=1500",
                "balance_transaction txn_15TillOldPage01 charge/charge 2500 less 103 is 2397 USD of ch_15TillOldShop01 stripe_fee=103",
            ],
        ),
        (
            "single",
            &[
                "balance_transaction txn_1TillSingle0001 charge/charge 3700 less 120 is 3580 UGX of ch_3TillUganda00001 stripe_fee=120",
            ],
        ),
    ];
    for (name, expected) in table {
        let body = fixture(&format!("balance_transactions/{name}"));
        let read = balance_transactions(body.as_bytes()).expect(name);
        let seen: Vec<String> = read.iter().map(balance_transaction_line).collect();
        assert_eq!(seen, *expected, "{name}");
    }
    assert_eq!(
        balance_transactions(br#"{"object":"list","data":[]}"#),
        Ok(vec![])
    );
    assert_eq!(balance_transactions(b"[]"), Ok(vec![]));
    let read =
        balance_transactions(fixture("balance_transactions/page").as_bytes()).expect("a page");
    assert_eq!(
        read[5].created.expect("a time").to_string(),
        "2026-11-01T08:01:00Z"
    );
    assert_eq!(
        read[5].available_on.expect("a time").to_string(),
        "2026-11-05T00:00:00Z"
    );
}

#[test]
fn what_does_not_add_up_is_refused_by_name_and_place() {
    let good: Value = serde_json::from_str(&fixture("balance_transactions/page")).expect("JSON");
    //  field of the last item, its value, then code, param, message
    let table: &[(&str, Value, &str, &str, &str)] = &[
        (
            "net",
            json!(4111),
            "malformed",
            "data[5].net",
            "balance transaction 5: net is 4111, which is not 4200 less a fee of 88",
        ),
        (
            "fee",
            json!(87),
            "malformed",
            "data[5].net",
            "balance transaction 5: net is 4112, which is not 4200 less a fee of 87",
        ),
        (
            "fee_details",
            json!([]),
            "malformed",
            "data[5].fee_details",
            "balance transaction 5: fee_details add up to 0, the fee is 88",
        ),
        (
            "fee_details",
            json!([{"type": "tax", "amount": 8.8}]),
            "malformed",
            "data[5].fee_details[0].amount",
            "balance transaction 5: fee_details[0].amount is not an integer",
        ),
        (
            "fee_details",
            json!([{"amount": 88}]),
            "malformed",
            "data[5].fee_details[0].type",
            "balance transaction 5: fee_details[0].type is missing",
        ),
        (
            "amount",
            json!(42.0),
            "malformed",
            "data[5].amount",
            "balance transaction 5: amount is not an integer",
        ),
        (
            "amount",
            json!(null),
            "malformed",
            "data[5].amount",
            "balance transaction 5: amount is missing",
        ),
        (
            "id",
            json!(null),
            "malformed",
            "data[5].id",
            "balance transaction 5: id is missing",
        ),
        (
            "type",
            json!(null),
            "malformed",
            "data[5].type",
            "balance transaction 5: type is missing",
        ),
        (
            "object",
            json!("charge"),
            "malformed",
            "data[5].object",
            "balance transaction 5: object is not `balance_transaction`",
        ),
        (
            "currency",
            json!("usdc"),
            "unsupported_currency",
            "data[5].currency",
            "balance transaction 5: currency is not supported: `usdc` is not a currency that can be counted here",
        ),
        (
            "currency",
            json!("isk"),
            "amount_precision",
            "data[5].fee",
            "balance transaction 5: fee cannot be counted: 88 is not a multiple of 100, as amounts of ISK are at Stripe",
        ),
    ];
    for (field, value, code, param, message) in table {
        let mut page = good.clone();
        page["data"][5][field] = value.clone();
        let error = balance_transactions(page.to_string().as_bytes()).expect_err(message);
        assert_eq!(error.to_string(), *message);
        assert_eq!(
            (error.code(), error.param().as_deref()),
            (*code, Some(*param)),
            "{message}"
        );
    }
    let table: &[(&[u8], &str)] = &[
        (b"\xff", "body_not_utf8"),
        (b"", "body_not_json"),
        (b"[", "body_not_json"),
        (b"17", "balance_transactions_missing"),
        (b"null", "balance_transactions_missing"),
        (br#"{"data":{}}"#, "balance_transactions_missing"),
        (b"[17]", "malformed"),
        (b"{}", "malformed"),
    ];
    for (body, code) in table {
        let error = balance_transactions(body).expect_err(code);
        assert_eq!(error.code(), *code, "{body:?}: {error}");
    }
}

#[test]
fn an_import_has_a_largest_size() {
    let one = fixture("balance_transactions/single");
    let of = |count: usize| format!("[{}]", vec![one.as_str(); count].join(","));
    let most = balance_transactions(of(MAX_BALANCE_TRANSACTIONS).as_bytes()).expect("the most");
    assert_eq!(most.len(), MAX_BALANCE_TRANSACTIONS);
    let count = MAX_BALANCE_TRANSACTIONS + 1;
    let error = balance_transactions(of(count).as_bytes()).expect_err("one too many");
    assert_eq!(error, ImportError::TooMany { count });
}
