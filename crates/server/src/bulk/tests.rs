//! The quick parser beside the careful one, on bodies of all kinds.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::fuzzed::{careful_document, careful_line, new_ids, quick_document, quick_line};

/// What takes the place of something in a body, right or wrong.
const PIECES: &[&str] = &[
    "\"",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "null",
    "true",
    "-1",
    "0",
    "01",
    "1.0",
    "1e3",
    "7",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    " ",
    "\n",
    "\t",
    "\\",
    "\\u0041",
    "\\n",
    "é",
    "\u{a0}",
    "\u{7f}",
    "\u{0}",
    "4242424242424242",
    "4242 4242 4242 4242",
    "\"4242424242424242\"",
    "\"id\":null,",
    "\"id\":\"ent_00000000000000000000000042\",",
    "\"mode\":\"all\",",
    "\"metadata\":{\"k\":\"v\",\"k\":\"w\"},",
    "\"metadata\":{\"k\":1},",
    "\"description\":\"\",",
    "\"unit\":\"EUR\",",
    "\"amount\":5,",
    "debit",
    "sku:4242424242424242",
    "a:b:c:d:e:f:g:h:i",
    "::",
    "ent_8",
    "\"memo\":1,",
];

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 1 => select(vec![" ", "\n", "\r\n\t ", "  "])]
}

fn text(longest: usize) -> impl Strategy<Value = String> {
    let characters = prop_oneof![
        8 => "[a-zA-Z0-9 .,-]".prop_map(|text| text),
        1 => select(vec!["\\n", "\\\"", "\\u00e9", "\\/", "é", "😀", "\\ud83d\\ude00", "["]).prop_map(str::to_owned),
    ];
    let text = proptest::collection::vec(characters, 0..longest).prop_map(|text| text.concat());
    prop_oneof![12 => text, 1 => Just("card 4242 4242 4242 4242".into())]
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => any::<u128>().prop_map(|id| format!("\"{}\"", tillroll_events::EntryId::from_u128(id))),
        1 => Just("null".into()),
        1 => Just("\"ent_80000000000000000000000000\"".into()),
    ]
}

fn object(members: Vec<Option<String>>) -> impl Strategy<Value = String> {
    let members: Vec<String> = members.into_iter().flatten().collect();
    (Just(members).prop_shuffle(), space(), space()).prop_map(|(members, before, after)| {
        let members: Vec<_> = members
            .iter()
            .map(|member| format!("{before}{member}{after}"))
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

fn posting() -> impl Strategy<Value = String> {
    let account = prop_oneof![
        8 => "[a-c]{1,3}(:[a-z0-9._-]{1,9}){0,2}",
        1 => select(vec!["", "a:", "card:4242424242424242", "a:b:c:d:e:f:g:h", "a:b:c:d:e:f:g:h:i", "é"]).prop_map(str::to_owned),
    ];
    let unit = select(vec![
        "EUR",
        "EUR",
        "JPY",
        "points",
        "sku:TEE-M",
        "sku:1234567890123",
        "ABC",
    ]);
    let side = select(vec!["debit", "credit", "debit", "credit", "Debit"]);
    let amount = prop_oneof![8 => 1..=u64::MAX / 2, 1 => any::<u64>()];
    (account, unit, side, amount, space()).prop_flat_map(|(account, unit, side, amount, space)| {
        object(vec![
            Some(format!("\"account\"{space}:\"{account}\"")),
            Some(format!("\"unit\":{space}\"{unit}\"")),
            Some(format!("\"side\":\"{side}\"")),
            Some(format!("\"amount\":{space}{amount}")),
        ])
    })
}

fn metadata() -> impl Strategy<Value = String> {
    let member = (text(12), text(30)).prop_map(|(key, value)| format!("\"{key}\":\"{value}\""));
    let members = proptest::collection::vec(member, 0..4);
    prop_oneof![
        6 => members.prop_map(|members| format!("{{{}}}", members.join(", "))),
        1 => Just("null".into()),
    ]
}

fn entry() -> impl Strategy<Value = String> {
    let postings = proptest::collection::vec(posting(), 1..4);
    (
        proptest::option::of(id()),
        proptest::option::weighted(0.2, text(40)),
        proptest::option::weighted(0.2, metadata()),
        proptest::option::weighted(0.1, id()),
        postings,
    )
        .prop_flat_map(|(id, description, metadata, reverses, postings)| {
            object(vec![
                id.map(|id| format!("\"id\":{id}")),
                description.map(|text| format!("\"description\":\"{text}\"")),
                metadata.map(|metadata| format!("\"metadata\": {metadata}")),
                reverses.map(|id| format!("\"reverses\": {id}")),
                Some(format!("\"postings\":[{}]", postings.join(" ,"))),
            ])
        })
}

fn document() -> impl Strategy<Value = String> {
    let entries = proptest::collection::vec(entry(), 0..4);
    let mode = select(vec!["all", "each", "each", "none"]);
    (entries, mode, space()).prop_flat_map(|(entries, mode, space)| {
        object(vec![
            Some(format!("\"mode\":\"{mode}\"")),
            Some(format!("\"entries\":{space}[{space}{}]", entries.join(","))),
        ])
    })
}

/// Pieces put over parts of a text, or between them.
fn mutated(text: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<u8>> {
    let mutation = (any::<Index>(), 0..12_usize, select(PIECES));
    let mutations = prop_oneof![
        1 => Just(Vec::new()),
        3 => proptest::collection::vec(mutation, 0..3),
    ];
    let broken = proptest::option::weighted(0.02, any::<Index>());
    (text, mutations, broken).prop_map(|(text, mutations, broken)| {
        let mut bytes = text.into_bytes();
        for (place, length, piece) in mutations {
            let start = place.index(bytes.len() + 1);
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, piece.bytes());
        }
        if let Some(place) = broken {
            let place = place.index(bytes.len() + 1);
            bytes.insert(place, 0xff);
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn what_the_quick_parser_takes_the_careful_one_takes_as_the_same(body in mutated(document())) {
        let (bytes, ids) = (Bytes::from(body), new_ids());
        if let Some(quick) = quick_document(&bytes, ids.clone()) {
            prop_assert_eq!(Ok(quick), careful_document(&bytes, ids));
        }
    }

    #[test]
    fn a_line_is_the_same_to_both(line in mutated(entry())) {
        let (bytes, ids) = (Bytes::from(line), new_ids());
        let text = std::str::from_utf8(&bytes);
        if let Some(quick) = text.ok().and_then(|text| quick_line(text, ids.clone())) {
            prop_assert_eq!(Ok(quick), careful_line(&bytes, ids));
        }
    }
}

/// Otherwise the laws above would hold of a parser that takes nothing.
#[test]
fn the_quick_parser_takes_what_clients_send() {
    let plain = r#"{"postings":[{"account":"a","unit":"EUR","side":"debit","amount":1},{"account":"b:c","unit":"EUR","side":"credit","amount":1}]}"#;
    let spaced = "{ \"id\" : \"ent_01k3m8q5e5f4vb4rj2m9w7c0xa\",\r\n \"postings\" : [ { \"amount\" : 9223372036854775807 , \"side\" : \"debit\", \"unit\":\"sku:T-1\", \"account\":\"a.b-c_d:E9\" },\t{\"account\":\"b\",\"unit\":\"points\",\"side\":\"credit\",\"amount\":2} ] }";
    let full = r#"{"id":null,"description":"Grüße \u00e9\n","metadata":{"a":"b","c":"\"d\""},"postings":[{"account":"a","unit":"EUR","side":"debit","amount":1},{"account":"b","unit":"EUR","side":"credit","amount":1}]}"#;
    let digits = plain.replace(
        "\"postings\"",
        "\"id\":\"ent_00000000000000000000004242\",\"postings\"",
    );
    for line in [plain, spaced, full, &digits] {
        let (bytes, ids) = (Bytes::copy_from_slice(line.as_bytes()), new_ids());
        let alone = quick_line(line, ids.clone()).expect(line);
        assert_eq!(Ok(alone), careful_line(&bytes, ids), "{line}");
        for mode in ["all", "each"] {
            let body = format!("{{\"mode\":\"{mode}\",\"entries\":[{line}, {plain}]}}\n");
            let (bytes, ids) = (Bytes::from(body), new_ids());
            let quick = quick_document(&bytes, ids.clone()).expect(line);
            assert_eq!(Ok(quick), careful_document(&bytes, ids), "{line}");
        }
    }
}

/// Every single change that a slip of the pen makes: a piece put in, or put over up to thirty
/// bytes, or those bytes left out, anywhere in a body.
#[test]
fn every_small_change_of_a_body_is_read_the_same_or_left_to_the_careful_parser() {
    let entry = r#"{"id":"ent_01k3m8q5e5f4vb4rj2m9w7c0xa","description":"d","metadata":{"a":"b"},"postings":[{"account":"a:1","unit":"EUR","side":"debit","amount":12},{"account":"b","unit":"EUR","side":"credit","amount":12}]}"#;
    let body = format!(r#"{{"mode":"each","entries":[{entry}]}}"#);
    let (mut taken, mut left) = (0, 0);
    let pieces = PIECES.iter().chain(&[
        "",
        "\"a\":\"c\",",
        "\"account\":\"b\",",
        "\"side\":\"debit\",",
    ]);
    for piece in pieces {
        for start in 0..=body.len() {
            for length in [0, 1, 2, 4, 6, 13, 30] {
                let end = (start + length).min(body.len());
                let changed = [&body[..start], piece, &body[end..]].concat();
                let (bytes, ids) = (Bytes::from(changed.clone()), new_ids());
                let Some(quick) = quick_document(&bytes, ids.clone()) else {
                    left += 1;
                    continue;
                };
                taken += 1;
                assert_eq!(Ok(quick), careful_document(&bytes, ids), "{changed}");
            }
        }
    }
    assert!(taken > 1000 && left > taken, "{taken} taken, {left} left");
}
