//! Laws that hold for every body, authentic or not.

mod support;

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;
use support::{fixtures, json_files};
use tillroll_book::Fact;
use tillroll_json::contains_card_number;
use tillroll_stripe::{Reason, balance_transactions, translate};

static BODIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    json_files(&fixtures())
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a fixture"))
        .collect()
});

static EVENTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    BODIES
        .iter()
        .map(|body| serde_json::from_str(body).expect("JSON"))
        .filter(|event: &Value| event["type"].is_string() && event.get("object").is_some())
        .collect()
});

/// What must hold of every body, and of what is said of it.
fn check(body: &[u8]) {
    let _unused = balance_transactions(body);
    let Ok((key, observe)) = translate(body) else {
        return;
    };
    let notification = observe.notification;
    assert_eq!(key.key, format!("stripe:{}", notification.id));
    for stored in [
        Some(&key.key),
        Some(&notification.kind),
        notification.api_version.as_ref(),
        notification.detail.as_ref(),
    ] {
        assert!(
            !stored.is_some_and(|text| contains_card_number(text)),
            "{stored:?}"
        );
    }
    assert_eq!(
        observe.facts.is_empty(),
        notification.unrecognised.is_some()
    );
    assert_eq!(
        notification.unrecognised.is_some(),
        notification.detail.is_some()
    );
    assert_eq!(
        notification.unrecognised.is_some(),
        notification.body.is_some()
    );
    if let Some(reason) = &notification.unrecognised {
        assert!(
            Reason::ALL.iter().any(|known| known.code() == reason),
            "{reason}"
        );
    }
    if let Some(kept) = &notification.body {
        assert!(!contains_card_number(kept), "{kept}");
        let (again, second) = translate(kept.as_bytes()).expect("what is kept can be read again");
        assert_eq!(again.key, key.key);
        assert_eq!(second.facts, []);
        if kept.as_bytes() == body {
            assert_eq!(again, key);
        }
    }
    for fact in &observe.facts {
        match fact {
            Fact::Charge(charge) => {
                assert!(charge.captured == 0 || charge.authorised, "{charge:?}");
                assert!(charge.refunded <= charge.captured, "{charge:?}");
            }
            Fact::BalanceTransaction(facts) => {
                assert_eq!(
                    facts.amount.checked_sub(facts.fee),
                    Some(facts.net),
                    "{facts:?}"
                );
                let fees: i128 = facts.fees.iter().map(|fee| i128::from(fee.amount)).sum();
                assert_eq!(fees, i128::from(facts.fee), "{facts:?}");
            }
            _ => {}
        }
        if notification.account.is_some() {
            let kept = matches!(fact, Fact::Payout(_) | Fact::BalanceTransaction(_));
            assert!(kept, "a seller's {fact:?}");
        }
    }
}

/// JSON that a careless or hostile sender might put in any place.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "eur",
            "jpy",
            "isk",
            "usdc",
            "succeeded",
            "failed",
            "pending",
            "paid",
            "charge",
            "refund",
            "dispute",
            "payment_intent",
            "transfer",
            "payout",
            "acct_1",
            "ch_1",
            "4242424242424242",
            "balance_transaction",
            "adjustment",
        ])
        .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(
                prop::sample::select(vec![
                    "id", "object", "data", "amount", "currency", "status", "fee", "net", "type",
                    "refunds", "has_more",
                ]),
                inner,
                0..5
            )
            .prop_map(|members| {
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}

/// Every place in a value, as JSON pointers.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{here}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(member, &format!("{here}/{name}"), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>) {
        check(&body);
    }

    #[test]
    fn no_edit_of_an_events_bytes_makes_it_panic(
        which: prop::sample::Index,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut body = which.get(&BODIES).clone().into_bytes();
        for (place, byte, edit) in edits {
            let place = place.index(body.len().max(1));
            match edit {
                0 if place < body.len() => body[place] = byte,
                1 => body.truncate(place),
                _ => body.insert(place.min(body.len()), byte),
            }
        }
        check(&body);
    }

    #[test]
    fn no_other_value_in_any_place_of_an_event_makes_it_panic(
        which: prop::sample::Index,
        changes in prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..5),
    ) {
        let mut event = which.get(&EVENTS).clone();
        for (place, value) in changes {
            let mut found = Vec::new();
            places(&event, "", &mut found);
            if let Some(target) = event.pointer_mut(place.get(&found).as_str()) {
                *target = value;
            }
        }
        check(event.to_string().as_bytes());
    }

    #[test]
    fn an_event_under_another_type_is_kept_or_stated(which: prop::sample::Index, other: prop::sample::Index) {
        let mut event = which.get(&EVENTS).clone();
        event["type"] = other.get(&EVENTS)["type"].clone();
        let body = event.to_string();
        check(body.as_bytes());
        prop_assert!(translate(body.as_bytes()).is_ok());
    }

    /// However a sum is reported, no more is refunded than was captured, and no more than is
    /// reported; and of what Stripe says later never less than of what it said before.
    #[test]
    fn a_charge_never_overstates_its_refunds(
        amount in 1..9_u64, captured in 0..9_u64, given_back in 0..9_u64, old: bool, embedded: bool,
    ) {
        let captured = captured.min(amount);
        let given_back = given_back.min(captured);
        let rest = amount - captured;
        let reported = given_back + if old { rest } else { 0 };
        let mut event = EVENTS
            .iter()
            .find(|event| event["type"] == "charge.captured")
            .expect("a fixture")
            .clone();
        let object = &mut event["data"]["object"];
        object["amount"] = amount.into();
        object["amount_captured"] = captured.into();
        object["captured"] = (captured > 0).into();
        object["amount_refunded"] = reported.into();
        let all = if old { reported == amount } else { captured > 0 && given_back == captured };
        object["refunded"] = all.into();
        let refund = |id: &str, amount: u64, created: u64| {
            serde_json::json!({"id": id, "object": "refund", "amount": amount, "currency": "eur", "created": created, "status": "succeeded"})
        };
        let mut refunds = Vec::new();
        if given_back > 0 {
            refunds.push(refund("re_genuine", given_back, 2));
        }
        if old && rest > 0 {
            refunds.push(refund("re_release", rest, 1));
        }
        object["refunds"] = if embedded { serde_json::json!({"object": "list", "data": refunds, "has_more": false}) } else { Value::Null };
        let (_, observe) = translate(event.to_string().as_bytes()).expect("an event");
        let mut stated = 0;
        for fact in &observe.facts {
            match fact {
                Fact::Charge(charge) => {
                    prop_assert!(charge.refunded <= given_back, "{:?}", charge);
                    if old || embedded && given_back != rest {
                        prop_assert_eq!(charge.refunded, given_back);
                    }
                }
                Fact::Refund(refund) => {
                    prop_assert_eq!(refund.id.as_str(), "re_genuine");
                    stated += refund.amount;
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        if embedded && old {
            prop_assert_eq!(stated, given_back);
        }
    }
}
