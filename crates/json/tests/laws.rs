//! Laws that hold for every JSON text.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use tillroll_json::{Fingerprinter, Json, Numbers, contains_card_number, without_card_numbers};

/// A value that texts are written of; members in the order in which they are written, one name
/// perhaps more than once.
#[derive(Clone, Debug)]
enum Sample {
    Plain(Value),
    List(Vec<Sample>),
    Object(Vec<(String, Sample)>),
}

fn sample() -> impl Strategy<Value = Sample> {
    let text = prop_oneof![
        4 => "[a-c]{0,2}",
        1 => ".{0,8}",
        1 => prop::sample::select(vec!["4242424242424242", "4242 4242-4242 4242", "ch_4242424242424242"])
            .prop_map(str::to_owned),
    ];
    let name =
        prop_oneof![6 => "[a-c]{0,1}", 1 => "\\PC{0,3}", 1 => Just("4242424242424242".to_owned())];
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_u64).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3..3_i32).prop_map(|number| Value::from(f64::from(number))),
        Just(Value::from(4_242_424_242_424_242_u64)),
        text.prop_map(Value::from),
    ];
    plain
        .prop_map(Sample::Plain)
        .prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Sample::List),
                prop::collection::vec((name.clone(), inner), 0..5).prop_map(Sample::Object),
            ]
        })
}

impl Sample {
    /// What a reader is told: of members with one name the last.
    fn meaning(&self) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::List(items) => items.iter().map(Self::meaning).collect(),
            Self::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), value.meaning()))
                .collect::<BTreeMap<_, _>>()
                .into_iter()
                .collect(),
        }
    }

    /// One of the texts that mean it; `choices` say which.
    fn write(&self, choices: &mut impl Iterator<Item = u8>, out: &mut String) {
        let space = |choices: &mut dyn Iterator<Item = u8>, out: &mut String| {
            out.push_str(["", "", "", " ", "\n\t"][usize::from(choices.next().unwrap_or(0)) % 5]);
        };
        space(choices, out);
        match self {
            Self::Plain(Value::String(text)) => write_text(text, choices, out),
            Self::Plain(Value::Number(number)) if number.is_f64() => {
                let number = number.as_f64().expect("it is one");
                let choice = choices.next().unwrap_or(0) % 3;
                let short = format!("{number:e}");
                let (digits, exponent) = short.split_once('e').expect("an exponent");
                let exponent: i32 = exponent.parse().expect("a number");
                match choice {
                    0 => out.push_str(&Value::from(number).to_string()),
                    1 => out.push_str(&short),
                    _ => {
                        let point = if digits.contains('.') { "" } else { ".0" };
                        out.push_str(&format!("{digits}{point}00E{exponent:+}"));
                    }
                }
            }
            Self::Plain(value) => out.push_str(&value.to_string()),
            Self::List(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    item.write(choices, out);
                }
                space(choices, out);
                out.push(']');
            }
            Self::Object(members) => {
                // Members of different names may stand in any order.
                let mut order: Vec<usize> = (0..members.len()).collect();
                for place in 1..order.len() {
                    let (left, right) = (&members[order[place - 1]], &members[order[place]]);
                    if left.0 != right.0 && choices.next().unwrap_or(0).is_multiple_of(2) {
                        order.swap(place - 1, place);
                    }
                }
                out.push('{');
                for (place, index) in order.into_iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    space(choices, out);
                    write_text(&members[index].0, choices, out);
                    space(choices, out);
                    out.push(':');
                    members[index].1.write(choices, out);
                }
                space(choices, out);
                out.push('}');
            }
        }
        space(choices, out);
    }
}

fn write_text(text: &str, choices: &mut impl Iterator<Item = u8>, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        let escape = choices.next().unwrap_or(0).is_multiple_of(4);
        if escape || letter.is_control() || letter == '"' || letter == '\\' {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(letter);
        }
    }
    out.push('"');
}

fn written(sample: &Sample, choices: &[u8]) -> String {
    let mut text = String::new();
    sample.write(&mut choices.iter().copied(), &mut text);
    text
}

fn canonical(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Json::parse(text).expect(text).write_canonical(&mut out);
    out
}

fn fingerprint(text: &str) -> [u8; 16] {
    let mut fingerprint = Fingerprinter::new();
    fingerprint.add_json(&Json::parse(text).expect(text));
    fingerprint.finish()
}

/// A value as the tree has it, without what is hidden.
fn plain(json: &Json<'_>, float: fn(f64) -> Value) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Truth(truth) => (*truth).into(),
        Json::Whole(number) => (*number).into(),
        Json::Negative(number) => (*number).into(),
        Json::Float(number) => float(*number),
        Json::Text(text) => text.as_ref().into(),
        Json::List(items) => items.iter().map(|item| plain(item, float)).collect(),
        Json::Object(members) => members
            .iter()
            .map(|(name, value)| (name.as_ref().to_owned(), plain(value, float)))
            .collect(),
    }
}

/// The same, with floats by their bits: 0.0 and -0.0 are equal and are told apart.
fn exactly(text: &str) -> Value {
    let json = Json::parse(text).expect(text);
    plain(&json, |number| {
        Value::from(format!("bits {}", number.to_bits()))
    })
}

/// What serde derives for bodies like ours.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow)]
    a: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    b: Vec<Inner>,
    c: Option<BTreeMap<String, String>>,
    #[serde(default)]
    d: Option<Mode>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Inner {
    a: u64,
    b: Option<f64>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    A,
    B,
}

fn body() -> impl Strategy<Value = Sample> {
    let text = prop_oneof![
        4 => "[ab]".prop_map(|text| Sample::Plain(text.into())),
        1 => Just(Sample::Plain(Value::Null)),
        1 => sample(),
    ];
    let number = prop_oneof![
        3 => (0..3_u64).prop_map(|number| Sample::Plain(number.into())),
        1 => Just(Sample::Plain(Value::from(1.0))),
        1 => sample(),
    ];
    let inner = prop::collection::vec((prop::sample::select(vec!["a", "b", "x"]), number), 0..3)
        .prop_map(named);
    let map = prop::collection::vec((prop::sample::select(vec!["k", "l"]), text.clone()), 0..3)
        .prop_map(named);
    let list = prop::collection::vec(inner, 0..3).prop_map(Sample::List);
    let member = prop_oneof![
        2 => text.clone().prop_map(|value| ("a", value)),
        2 => list.prop_map(|value| ("b", value)),
        2 => map.prop_map(|value| ("c", value)),
        2 => text.prop_map(|value| ("d", value)),
        1 => sample().prop_map(|value| ("x", value)),
    ];
    prop_oneof![
        8 => prop::collection::vec(member, 0..5).prop_map(named),
        1 => sample(),
    ]
}

fn named(members: Vec<(&str, Sample)>) -> Sample {
    let members = members.into_iter();
    Sample::Object(
        members
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

proptest! {
    #[test]
    fn one_body_in_any_spelling_has_one_canonical_form_and_one_fingerprint(
        sample in sample(), one: Vec<u8>, other: Vec<u8>,
    ) {
        let (one, other) = (written(&sample, &one), written(&sample, &other));
        prop_assert_eq!(canonical(&one), canonical(&other), "{} and {}", one, other);
        prop_assert_eq!(fingerprint(&one), fingerprint(&other));
        // And so has what is left of it without hidden members, written by another program.
        let meaning = sample.meaning().to_string();
        prop_assert_eq!(canonical(&one), canonical(&meaning), "{} and {}", one, meaning);
    }

    #[test]
    fn different_bodies_differ(left in sample(), right in sample(), choices: Vec<u8>) {
        let (left, right) = (written(&left, &choices), written(&right, &choices));
        let same = exactly(&left) == exactly(&right);
        prop_assert_eq!(canonical(&left) == canonical(&right), same, "{} and {}", left, right);
    }

    #[test]
    fn what_is_stored_is_json_without_a_card_number(sample in sample(), choices: Vec<u8>) {
        let text = written(&sample, &choices);
        let json = Json::parse(&text).expect("JSON");
        let stored = without_card_numbers(&text, &json);
        prop_assert!(!contains_card_number(&stored), "{} became {}", text, stored);
        let again = Json::parse(&stored).expect("it is still JSON");
        prop_assert_eq!(again.find_card_number(Numbers::Kept), None, "{} became {}", text, stored);
        prop_assert_eq!(without_card_numbers(&stored, &again), stored.as_ref());
        if json.find_card_number(Numbers::Kept).is_some() {
            prop_assert!(stored.contains("[redacted]"), "{} became {}", text, stored);
        }
        // Numbers that are amounts are the only difference between the two searches.
        if json.find_card_number(Numbers::Amounts).is_some() {
            prop_assert!(json.find_card_number(Numbers::Kept).is_some());
        }
    }

    #[test]
    fn a_typed_body_is_the_same_from_the_tree_as_from_the_text(sample in body(), choices: Vec<u8>) {
        let text = written(&sample, &choices);
        let json = Json::parse(&text).expect("JSON");
        let typed = serde_json::from_str::<Body<'_>>(&text);
        prop_assert_eq!(json.read::<Body<'_>>(), typed.ok(), "{}", text);
    }

    #[test]
    fn the_tree_takes_what_serde_takes_and_no_text_makes_it_panic(text in "[\\[\\]{}:,\"0-9eE.+\\-aturefalsn\\\\ ]{0,24}") {
        let json = Json::parse(&text);
        prop_assert_eq!(json.is_ok(), serde_json::from_str::<Value>(&text).is_ok());
        if let Ok(json) = json {
            prop_assert_eq!(plain(&json, Value::from), serde_json::from_str::<Value>(&text).expect("JSON"));
        }
    }
}

/// Otherwise the law about typed bodies would hold of a reader that takes nothing.
#[test]
fn typed_bodies_are_read() {
    let text = r#"{"a":"\u0061","b":[{"a":1,"b":1.5},{"a":2,"b":null}],"c":{"k":"v"},"d":"b"}"#;
    let json = Json::parse(text).expect("JSON");
    let body: Body<'_> = json.read().expect("a body");
    assert_eq!(body, serde_json::from_str(text).expect("a body"));
    assert_eq!(body.b.len(), 2);
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let deep = nested(127);
    let json = Json::parse(&deep).expect("so deep is allowed");
    let mut out = Vec::new();
    json.write_canonical(&mut out);
    assert_eq!(json.find_card_number(Numbers::Kept), None);
    assert_eq!(without_card_numbers(&deep, &json), deep);
    for levels in [128, 100_000] {
        assert!(Json::parse(&nested(levels)).is_err());
        let objects = "{\"a\":".repeat(levels);
        assert!(Json::parse(&objects).is_err());
    }
}
