//! Which records belong to an order, and why.

mod support;

use std::collections::BTreeMap;

use support::{ORDER, OTHER, key, pack_of, story, story_pack};

#[test]
fn an_order_has_all_that_its_facts_lead_to() {
    let roll = story();
    let found = roll.find(ORDER);
    for (position, label) in (1..).zip(&roll.labels) {
        assert_eq!(
            found.contains(&position),
            !label.starts_with('-'),
            "{label}"
        );
    }
}

#[test]
fn the_pack_says_why_each_is_there() {
    let roll = story();
    let table = String::from_utf8(story_pack()["contents.csv"].clone()).unwrap();
    let mut why = BTreeMap::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        why.insert(
            roll.label(cells[0].parse().unwrap()),
            (cells[2], cells[3].to_owned()),
        );
    }
    let position = |label| {
        roll.labels
            .iter()
            .position(|other| *other == label)
            .unwrap()
            + 1
    };
    let order = ORDER.to_string();
    let due = format!("order:{ORDER}:due");
    let expected: &[(&str, &str, &str)] = &[
        ("balance", "opens", "stripe:balance"),
        ("due", "opens", &due),
        ("placed", "order", &order),
        ("early line", "link", "re_9"),
        ("intent", "order", &order),
        ("notification", "command", &position("charge").to_string()),
        ("charge", "link", "ch_1"),
        ("line", "order", &order),
        ("dispute", "link", "ch_1"),
        ("dispute's line", "link", "dp_1"),
        ("late refund", "link", "ch_1"),
        ("transfer", "link", "ch_1"),
        (
            "transfer's notification",
            "command",
            &position("transfer").to_string(),
        ),
        (
            "seller's debt",
            "command",
            &position("transfer").to_string(),
        ),
        ("transfer's line", "link", "tr_1"),
        ("transfer by group", "order", &order),
        ("fee", "link", "ch_1"),
        ("fee's line", "link", "txn_6"),
        ("fee refund's line", "link", "txn_7"),
        ("entry by hand", "account", &due),
        (
            "reversal elsewhere",
            "link",
            "ent_00000000000000000000000001",
        ),
        ("hold", "account", &due),
        ("hold's end", "link", "hld_00000000000000000000000005"),
        ("bulk", "account", &due),
    ];
    for (label, word, by) in expected {
        assert_eq!(why[label], (*word, (*by).to_owned()), "{label}");
    }
}

/// A pack may be made of what a search finds, for any order of any log.
#[test]
fn what_is_found_is_a_pack_without_findings() {
    let roll = story();
    let log = roll.encoded();
    for order in [ORDER, OTHER] {
        let files = pack_of(&log, roll.find(order), order, &[key(1)]);
        assert_eq!(support::found(&files), [""; 0], "{order}");
        if support::has_python() {
            assert_eq!(support::found_by_python(&files), [""; 0], "{order}");
        }
    }
}
