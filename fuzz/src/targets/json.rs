//! JSON texts: the tree, its canonical form, the search for card numbers and redaction.

use serde_json::Value;
use tillroll_json::{Fingerprinter, Json, Numbers, contains_card_number, without_card_numbers};

/// The tree takes the texts that `serde_json` takes. What it takes has one canonical form and one
/// fingerprint, also when its meaning is written by another program (a number with a point or an
/// exponent may be read as its neighbour then, and is left out); and what may be stored of it
/// is JSON without a card number, and stays as it is when it is looked at again.
pub fn json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let value = serde_json::from_str::<Value>(text);
    let Ok(json) = Json::parse(text) else {
        assert!(value.is_err(), "only the tree refuses {text}");
        return;
    };
    let value = value.expect("the tree took it");
    if !has_float(&value) {
        let value = value.to_string();
        let meaning = Json::parse(&value).expect("it was written by serde_json");
        assert_eq!(canonical(&json), canonical(&meaning), "{text} and {value}");
        assert_eq!(fingerprint(&json), fingerprint(&meaning));
    }

    let stored = without_card_numbers(text, &json);
    assert!(!contains_card_number(&stored), "{text} became {stored}");
    let again = Json::parse(&stored).expect("what is stored is JSON");
    assert_eq!(again.find_card_number(Numbers::Kept), None, "{stored}");
    assert_eq!(without_card_numbers(&stored, &again), stored);
    if json.find_card_number(Numbers::Amounts).is_some() {
        assert!(json.find_card_number(Numbers::Kept).is_some(), "{text}");
    }
}

fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_float),
        Value::Object(members) => members.values().any(has_float),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn canonical(json: &Json<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    json.write_canonical(&mut bytes);
    bytes
}

fn fingerprint(json: &Json<'_>) -> [u8; 16] {
    let mut fingerprinter = Fingerprinter::new();
    fingerprinter.add_json(json);
    fingerprinter.finish()
}
