//! Given a body, when it is translated, then this notification, this key, or this error.

mod support;

use serde_json::{Value, json};
use support::{fixture, line};
use tillroll_events::{NotificationReceived, Timestamp};
use tillroll_json::contains_card_number;
use tillroll_stripe::{BodyError, Reason, translate};

fn notification(body: &str) -> NotificationReceived {
    translate(body.as_bytes()).expect(body).1.notification
}

fn fingerprint(body: &str) -> [u8; 16] {
    translate(body.as_bytes()).expect(body).0.fingerprint
}

/// A fixture with other values: `(JSON pointer, value)`; a new member is added.
fn changed(name: &str, changes: &[(&str, Value)]) -> String {
    let mut event: Value = serde_json::from_str(&fixture(name)).expect(name);
    for (pointer, value) in changes {
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        let parent = event.pointer_mut(parent).expect(pointer);
        match parent {
            Value::Array(items) => items[member.parse::<usize>().expect(pointer)] = value.clone(),
            Value::Object(members) => {
                members.insert(member.into(), value.clone());
            }
            other => panic!("{pointer}: {other} has no members"),
        }
    }
    event.to_string()
}

#[test]
fn the_envelope_is_kept() {
    let seen = notification(&fixture("connect/account.updated"));
    assert_eq!(seen.id.as_str(), "evt_1TillrollFixture0046");
    assert_eq!(seen.kind, "account.updated");
    assert_eq!(
        seen.account.expect("an account").as_str(),
        "acct_1TillSeller0001"
    );
    assert_eq!(seen.api_version.as_deref(), Some("2026-09-30.endive"));
    assert_eq!(seen.created, Some(Timestamp::from_seconds(1_793_520_046)));
    assert!(!seen.livemode);

    let thin = notification(&fixture("other/v2.core.account.updated.thin"));
    assert_eq!(thin.kind, "v2.core.account[configuration.merchant].updated");
    assert_eq!(
        thin.account.expect("a context").as_str(),
        "acct_1TillSeller0001"
    );
    assert_eq!(thin.created, Some(Timestamp::from_seconds(1_793_520_001)));
    assert_eq!(thin.api_version, None);
    assert!(thin.livemode);

    let old = notification(&fixture("connect/charge.succeeded.2016"));
    assert_eq!(
        old.account.expect("a user id").as_str(),
        "acct_1TillSeller0001"
    );

    let ours = notification(&changed(
        "app/charge.succeeded",
        &[("/context", json!("acct_1Ours"))],
    ));
    assert_eq!((ours.account, ours.unrecognised), (None, None));
}

#[test]
fn what_is_no_event_is_an_error() {
    let table: &[(&[u8], BodyError)] = &[
        (b"{\"id\":\"evt_1\xff\"}", BodyError::NotUtf8),
        (b"[]", BodyError::NotAnObject),
        (b"17", BodyError::NotAnObject),
        (b"null", BodyError::NotAnObject),
        (b"{}", BodyError::Id),
        (br#"{"id":null,"type":"charge.updated"}"#, BodyError::Id),
        (br#"{"id":"","type":"charge.updated"}"#, BodyError::Id),
        (br#"{"id":17,"type":"charge.updated"}"#, BodyError::Id),
        (br#"{"id":"evt 1","type":"charge.updated"}"#, BodyError::Id),
        (
            br#"{"id":{"id":"evt_1"},"type":"charge.updated"}"#,
            BodyError::Id,
        ),
        (br#"{"id":"evt_1"}"#, BodyError::Type),
        (br#"{"id":"evt_1","type":""}"#, BodyError::Type),
        (
            br#"{"id":"evt_1","type":["charge.updated"]}"#,
            BodyError::Type,
        ),
        (
            br#"{"id":"evt_1","type":"charge updated"}"#,
            BodyError::Type,
        ),
    ];
    for (body, expected) in table {
        assert_eq!(
            translate(body).expect_err("an error"),
            *expected,
            "{body:?}"
        );
    }
    for body in [
        &b""[..],
        b"{",
        b"{\"id\":\"evt_1\"",
        b"id=evt_1",
        b"{\"id\":\"evt_1\",}",
        b"\"\\ud800\"",
    ] {
        let error = translate(body).expect_err("an error");
        assert!(matches!(error, BodyError::NotJson(_)), "{body:?}: {error}");
        assert_eq!((error.code(), error.param()), ("body_not_json", None));
    }
    assert_eq!(
        (BodyError::Id.code(), BodyError::Id.param()),
        ("event_id_missing", Some("id"))
    );
}

#[test]
fn what_is_wrong_with_an_object_is_named() {
    const OBJECT: &str = "/data/object";
    let table: &[(&str, &str, Value, Reason, &str)] = &[
        (
            "app/charge.succeeded",
            "amount",
            json!(null),
            Reason::Malformed,
            "data.object.amount is missing",
        ),
        (
            "app/charge.succeeded",
            "amount",
            json!(42.0),
            Reason::Malformed,
            "data.object.amount is not an integer",
        ),
        (
            "app/charge.succeeded",
            "amount",
            json!("42.00"),
            Reason::Malformed,
            "data.object.amount is not an integer",
        ),
        (
            "app/charge.succeeded",
            "amount",
            json!(-1),
            Reason::Malformed,
            "data.object.amount is negative",
        ),
        (
            "app/charge.succeeded",
            "amount",
            json!(u64::MAX),
            Reason::Malformed,
            "data.object.amount is above what an amount can hold",
        ),
        (
            "app/charge.succeeded",
            "amount_refunded",
            json!([1]),
            Reason::Malformed,
            "data.object.amount_refunded is not an integer",
        ),
        (
            "app/charge.succeeded",
            "captured",
            json!("yes"),
            Reason::Malformed,
            "data.object.captured is not true or false",
        ),
        (
            "app/charge.succeeded",
            "status",
            json!("teleported"),
            Reason::Malformed,
            "data.object.status `teleported` is not known",
        ),
        (
            "app/charge.succeeded",
            "status",
            json!(1),
            Reason::Malformed,
            "data.object.status is not a text",
        ),
        (
            "app/charge.succeeded",
            "id",
            json!(null),
            Reason::Malformed,
            "data.object.id is missing",
        ),
        (
            "app/charge.succeeded",
            "id",
            json!("ch 1"),
            Reason::Malformed,
            "data.object.id is not an id",
        ),
        (
            "app/charge.succeeded",
            "payment_intent",
            json!({"object": "payment_intent"}),
            Reason::Malformed,
            "data.object.payment_intent is an object without an id",
        ),
        (
            "app/charge.succeeded",
            "object",
            json!("refund"),
            Reason::Malformed,
            "data.object.object is not `charge`",
        ),
        (
            "app/charge.succeeded",
            "currency",
            json!(null),
            Reason::Malformed,
            "data.object.currency is missing",
        ),
        (
            "app/charge.succeeded",
            "currency",
            json!("usdc"),
            Reason::UnsupportedCurrency,
            "data.object.currency is not supported: `usdc` is not a currency that can be counted here",
        ),
        (
            "currency/charge.succeeded.isk",
            "amount",
            json!(250_050),
            Reason::AmountPrecision,
            "data.object.amount cannot be counted: 250050 is not a multiple of 100, as amounts of ISK are at Stripe",
        ),
        (
            "currency/charge.succeeded.kwd",
            "amount_captured",
            json!(12_345),
            Reason::AmountPrecision,
            "data.object.amount_captured cannot be counted: 12345 is not a multiple of 10, as amounts of KWD are at Stripe",
        ),
        (
            "currency/charge.succeeded.mga",
            "amount",
            json!(i64::MAX),
            Reason::Malformed,
            "data.object.amount cannot be counted: 9223372036854775807 of Stripe's minor units of MGA is above what an amount can hold",
        ),
        (
            "refund/charge.refunded.2018",
            "refunds",
            json!({"data": [{"id": "re_1", "currency": "eur"}]}),
            Reason::Malformed,
            "data.object.refunds[0].amount is missing",
        ),
        (
            "app/payment_intent.succeeded.expanded",
            "latest_charge",
            json!({"id": "ch_1", "amount": 1}),
            Reason::Malformed,
            "data.object.latest_charge.currency is missing",
        ),
        (
            "app/payment_intent.succeeded.2019",
            "charges",
            json!({"data": [{"id": "ch_1", "currency": "eur", "amount": 1.5}]}),
            Reason::Malformed,
            "data.object.charges[0].amount is not an integer",
        ),
        (
            "web/checkout.session.completed",
            "amount_total",
            json!(-5),
            Reason::Malformed,
            "data.object.amount_total is negative",
        ),
        (
            "payout/payout.paid",
            "amount",
            json!(-5),
            Reason::Malformed,
            "data.object.amount is negative",
        ),
        (
            "payout/payout.paid",
            "status",
            json!(null),
            Reason::Malformed,
            "data.object.status is missing",
        ),
        (
            "connect/transfer.created",
            "destination",
            json!(null),
            Reason::Malformed,
            "data.object.status is missing",
        ),
        (
            "payout/payout.created",
            "balance_transaction",
            json!({"id": "txn_1", "currency": "eur", "amount": 5, "fee": 1, "net": 5, "type": "payout"}),
            Reason::Malformed,
            "data.object.balance_transaction.net is 5, which is not 5 less a fee of 1",
        ),
        (
            "dispute/charge.dispute.created",
            "balance_transactions",
            json!([{"id": "txn_1", "currency": "eur", "amount": 5, "fee": 1, "net": 4, "type": "adjustment"}]),
            Reason::Malformed,
            "data.object.balance_transactions[0].fee_details add up to 0, the fee is 1",
        ),
    ];
    for (name, field, value, reason, detail) in table {
        let body = changed(name, &[(&format!("{OBJECT}/{field}"), value.clone())]);
        let (_, observe) = translate(body.as_bytes()).expect(name);
        let seen = observe.notification;
        assert_eq!(
            seen.detail.as_deref(),
            Some(*detail),
            "{name}: {field} = {value}"
        );
        assert_eq!(
            seen.unrecognised.as_deref(),
            Some(reason.code()),
            "{name}: {field} = {value}"
        );
        assert_eq!(seen.body, Some(body), "{name}: {field} = {value}");
        assert_eq!(observe.facts, [], "{name}: {field} = {value}");
    }
    let table = [
        (json!(null), "data.object is missing"),
        (json!({}), "data.object is missing"),
        (json!({"object": "ch_1"}), "data.object is not an object"),
        (json!({"object": [1]}), "data.object is not an object"),
    ];
    for (data, detail) in table {
        let seen = notification(&changed("app/charge.succeeded", &[("/data", data.clone())]));
        assert_eq!(seen.detail.as_deref(), Some(detail), "{data}");
        assert_eq!(seen.unrecognised.as_deref(), Some("malformed"), "{data}");
    }
    let seen = notification(&changed(
        "app/charge.succeeded",
        &[("/account", json!([1]))],
    ));
    assert_eq!(
        seen.detail.as_deref(),
        Some("account is not an id"),
        "whose it is must be known"
    );
}

#[test]
fn fields_that_nothing_hangs_on_may_be_anything() {
    let expected = fixture("app/charge.failed");
    let expected = translate(expected.as_bytes()).expect("a fixture").1.facts;
    for (field, value) in [
        ("/data/object/failure_code", json!({"code": 1})),
        ("/data/object/metadata/other", json!([1.5])),
        ("/data/object/created", json!("yesterday")),
        ("/data/object/refunds", json!("none")),
        ("/data/object/receipt_email", json!(1)),
        ("/data/object/exchange_rate", json!(1.0731)),
        ("/livemode", json!("no")),
        ("/created", json!(1.5)),
        ("/api_version", json!(20)),
        ("/pending_webhooks", json!(null)),
    ] {
        let body = changed("app/charge.failed", &[(field, value.clone())]);
        let (_, observe) = translate(body.as_bytes()).expect(field);
        assert_eq!(observe.notification.unrecognised, None, "{field} = {value}");
        let seen = observe
            .facts
            .iter()
            .map(line)
            .collect::<Vec<_>>()
            .join("\n");
        let without_code = line(&expected[0]).replace(" (card_declined)", "");
        assert!(
            seen == line(&expected[0]) || seen == without_code,
            "{field} = {value}: {seen}"
        );
    }
}

/// With a charge of 100.00 and 70.00 captured, 30.00 may count as refunded, or not.
#[test]
fn what_was_never_captured_is_never_refunded() {
    let refund = |id: &str, amount: u64, created: u64, status: &str| json!({"id": id, "object": "refund", "amount": amount, "currency": "eur", "created": created, "status": status});
    let list = |refunds: &[Value], more: bool| json!({"object": "list", "data": refunds, "has_more": more});
    let small = refund("re_s", 1000, 20, "succeeded");
    let like_rest = refund("re_r", 3000, 20, "succeeded");
    let release = refund("re_x", 3000, 10, "succeeded");
    let failed = refund("re_f", 3000, 20, "failed");
    //  reported, `refunded`, embedded refunds, then refunded, refunds stated
    let table: &[(u64, bool, Value, u64, &[&str])] = &[
        // Only what is certain, without a list: the refund's own events say the rest.
        (0, false, json!(null), 0, &[]),
        (1000, false, json!(null), 1000, &[]),
        (2999, false, json!(null), 2999, &[]),
        (3000, false, json!(null), 0, &[]),
        (4000, false, json!(null), 1000, &[]),
        (6999, false, json!(null), 3999, &[]),
        (7000, true, json!(null), 7000, &[]),
        (7000, false, json!(null), 4000, &[]),
        (8000, false, json!(null), 5000, &[]),
        (10000, true, json!(null), 7000, &[]),
        // The list has the release.
        (
            3000,
            false,
            list(std::slice::from_ref(&release), false),
            0,
            &[],
        ),
        (
            4000,
            false,
            list(&[small.clone(), release.clone()], false),
            1000,
            &["re_s"],
        ),
        (
            6000,
            false,
            list(&[like_rest.clone(), release.clone()], false),
            3000,
            &["re_r"],
        ),
        (
            6000,
            false,
            list(&[release.clone(), like_rest.clone()], false),
            3000,
            &["re_r"],
        ),
        (
            4000,
            false,
            list(&[failed.clone(), small.clone(), release.clone()], false),
            1000,
            &["re_f", "re_s"],
        ),
        // It counts as refunded and is in no list.
        (
            4000,
            false,
            list(std::slice::from_ref(&small), false),
            1000,
            &["re_s"],
        ),
        // It does not count as refunded.
        (
            1000,
            false,
            list(std::slice::from_ref(&small), false),
            1000,
            &["re_s"],
        ),
        (
            4000,
            false,
            list(&[refund("re_b", 4000, 20, "succeeded")], false),
            4000,
            &["re_b"],
        ),
        (
            4000,
            false,
            list(
                &[
                    small.clone(),
                    refund("re_b", 2999, 20, "succeeded"),
                    refund("re_c", 1, 20, "succeeded"),
                ],
                false,
            ),
            4000,
            &["re_s", "re_b", "re_c"],
        ),
        // Not all of the list is there.
        (
            5000,
            false,
            list(std::slice::from_ref(&small), true),
            2000,
            &["re_s"],
        ),
        (
            5000,
            false,
            list(&[small.clone(), like_rest.clone()], true),
            2000,
            &["re_s"],
        ),
    ];
    for (reported, all, refunds, expected, stated) in table {
        let body = changed(
            "capture/charge.captured",
            &[
                ("/data/object/amount_refunded", json!(reported)),
                ("/data/object/refunded", json!(all)),
                ("/data/object/refunds", refunds.clone()),
            ],
        );
        let (_, observe) = translate(body.as_bytes()).expect("an event");
        let seen: Vec<String> = observe.facts.iter().map(line).collect();
        let what = format!("{reported} reported, refunded: {all}, {refunds}: {seen:?}");
        let refunded = if *expected == 0 {
            String::new()
        } else {
            format!(" refunded={expected}")
        };
        assert!(
            seen[0].ends_with(&format!(" captured=7000{refunded}")),
            "{what}"
        );
        let refunds: Vec<&str> = seen[1..]
            .iter()
            .filter_map(|line| line.split(' ').nth(1))
            .collect();
        assert_eq!(refunds, *stated, "{what}");
    }
}

#[test]
fn a_card_number_is_never_kept() {
    for (pointer, value) in [
        ("/data/object/note", json!("card 4242 4242 4242 4242")),
        ("/data/object/number", json!(4_242_424_242_424_242_u64)),
        ("/data/object/metadata", json!({"5555-5555-5555-4444": "x"})),
    ] {
        for name in ["other/invoice.paid", "connect/payment.created"] {
            let body = changed(name, &[(pointer, value.clone())]);
            let kept = notification(&body).body.expect("a body");
            assert!(
                kept.contains("[redacted]") && !contains_card_number(&kept),
                "{kept}"
            );
            let again: Value = serde_json::from_str(&kept).expect("it is still JSON");
            assert_eq!(
                again["id"],
                serde_json::from_str::<Value>(&body).expect("JSON")["id"]
            );
        }
    }
    let escaped = fixture("other/invoice.paid").replace("\"paid\"", "\"\\u0034242424242424242\"");
    let kept = notification(&escaped).body.expect("a body");
    assert!(kept.contains("[redacted]"), "{kept}");

    let body = changed(
        "app/charge.succeeded",
        &[("/data/object/status", json!("4242424242424242"))],
    );
    let detail = notification(&body).detail.expect("a detail");
    assert_eq!(detail, "data.object.status `[redacted]` is not known");

    let body = changed(
        "connect/transfer.created",
        &[("/data/object/transfer_group", json!("4242424242424242"))],
    );
    let (_, observe) = translate(body.as_bytes()).expect("an event");
    assert!(line(&observe.facts[0]).ends_with("([redacted])"));
}

#[test]
fn a_retry_is_the_same_command_and_another_event_is_not() {
    let name = "app/charge.updated";
    let body = fixture(name);
    let (key, _) = translate(body.as_bytes()).expect(name);
    assert_eq!(key.key, "stripe:evt_1TillrollFixture0005");
    // Stored with every event: a change here would make each retry a conflict.
    assert_eq!(
        hex::encode(key.fingerprint),
        "010d2e5765b792253cce94761953a953"
    );

    let compact: Value = serde_json::from_str(&body).expect(name);
    for same in [
        compact.to_string(),
        body.replace('\n', "\r\n"),
        changed(name, &[("/pending_webhooks", json!(3))]),
        changed(name, &[("/request", json!(null))]),
        changed(name, &[("/created", json!(1))]),
        changed(name, &[("/data/previous_attributes", json!({}))]),
        changed(name, &[("/api_version", json!("2026-10-28.endive"))]),
    ] {
        assert_eq!(fingerprint(&same), key.fingerprint, "{same}");
    }
    let thin = fixture("other/v1.charge.updated.thin");
    for (one, other) in [
        (
            body.clone(),
            changed(name, &[("/type", json!("charge.captured"))]),
        ),
        (
            body.clone(),
            changed(name, &[("/account", json!("acct_1"))]),
        ),
        (
            body.clone(),
            changed(name, &[("/data/object/amount_refunded", json!(1))]),
        ),
        (
            body.clone(),
            changed(name, &[("/data/object/metadata", json!([]))]),
        ),
        (body, changed(name, &[("/data", json!(null))])),
        (
            thin.clone(),
            thin.replace("ch_3TillAppGoods0001", "ch_3TillAppGoods0002"),
        ),
    ] {
        assert_ne!(fingerprint(&one), fingerprint(&other), "{other}");
    }
}

#[test]
fn reasons_have_distinct_codes() {
    let mut codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Reason::ALL.len());
}
