//! Bodies of webhooks, and lists of balance transactions.

use tillroll_json::{contains_card_number, redact};
use tillroll_stripe::{Reason, balance_transactions, translate};

/// No body makes it panic. An event states facts, or it says why it does not
/// and keeps its body, in which there is no card number and which can be read
/// again; and a delivery that differs only in spacing has the same key.
pub fn webhook_body(data: &[u8]) {
    card_numbers(&String::from_utf8_lossy(data));
    if let Ok(read) = balance_transactions(data) {
        for facts in read {
            assert_eq!(facts.amount.checked_sub(facts.fee), Some(facts.net));
            let fees: i128 = facts.fees.iter().map(|fee| i128::from(fee.amount)).sum();
            assert_eq!(fees, i128::from(facts.fee));
        }
    }
    let Ok((key, observe)) = translate(data) else {
        return;
    };
    let seen = observe.notification;
    assert_eq!(key.key, format!("stripe:{}", seen.id));
    match (&seen.unrecognised, &seen.detail, &seen.body) {
        (None, None, None) => assert!(!observe.facts.is_empty()),
        (Some(reason), Some(_), Some(kept)) => {
            assert!(Reason::ALL.iter().any(|known| known.code() == reason));
            assert!(observe.facts.is_empty());
            assert!(!contains_card_number(kept));
            let (again, _) = translate(kept.as_bytes()).expect("it was read before");
            assert_eq!(again.key, key.key);
        }
        other => panic!("half understood: {other:?}"),
    }
    let spaced = [b" \r\n", data, b"\n"].concat();
    let (retried, _) = translate(&spaced).expect("spaces change nothing");
    assert_eq!(retried, key);
}

fn card_numbers(text: &str) {
    let clean = redact(text);
    assert!(!contains_card_number(&clean));
    assert_eq!(clean == text, !contains_card_number(text));
}
