//! Commands that read: their tables, their JSON, and that both say the same.

use serde_json::Value;
use tillroll_money::{Amount, Unit};

use crate::support::{head, on, story, tillroll_on_a_terminal};

fn list(document: &Value) -> &Vec<Value> {
    document["data"]
        .as_array()
        .unwrap_or_else(|| panic!("no list: {document}"))
}

fn major(minor: &Value, unit: &Value) -> String {
    let unit: Unit = unit.as_str().unwrap().parse().unwrap();
    Amount::major_of(minor.as_i64().unwrap().into(), unit)
}

#[test]
fn every_table_has_its_columns() {
    for (args, titles) in [
        (
            &["balances"][..],
            &[
                "account", "type", "debits", "credits", "held", "balance", "unit",
            ][..],
        ),
        (
            &["trial-balance"],
            &[
                "unit",
                "accounts",
                "debits",
                "credits",
                "debits less credits",
            ],
        ),
        (
            &["trial-balance", "--accounts"],
            &[
                "unit", "code", "account", "type", "debits", "credits", "balance",
            ],
        ),
        (
            &["orders"],
            &[
                "order", "channel", "status", "total", "paid", "refunded", "due", "unit",
            ],
        ),
        (
            &["events"],
            &["position", "event", "order", "occurred", "recorded"],
        ),
    ] {
        let ran = on(story(), args).done();
        let mut lines = ran.out.lines();
        let header = lines.next().unwrap();
        let mut rest = header;
        for title in titles {
            let at = rest.find(title);
            let at = at.unwrap_or_else(|| panic!("{args:?}: no {title} in {header:?}"));
            rest = &rest[at + title.len()..];
        }
        assert!(lines.next().unwrap().chars().all(|c| c == '─'), "{args:?}");
        assert!(lines.next().is_some(), "{args:?}: no rows");
    }
}

#[test]
fn balances_are_integers_in_json_and_major_units_in_the_table() {
    let document = on(story(), &["balances", "--json"]).done().json();
    let table = on(story(), &["balances"]).done();
    assert_eq!(document["position"], head());
    let accounts = list(&document);
    assert!(accounts.len() > 50, "{}", accounts.len());
    for account in accounts {
        let (path, unit) = (account["path"].as_str().unwrap(), &account["unit"]);
        let balance = major(&account["balance"], unit);
        let ending = format!(" {balance}   {}", unit.as_str().unwrap());
        let shown = table
            .out
            .lines()
            .any(|line| line.trim_start().starts_with(path) && line.ends_with(&ending));
        assert!(shown, "{path} {ending} is not in the table");
    }
    assert!(
        table.err.contains("at zero not shown: --all"),
        "{}",
        table.err
    );
}

#[test]
fn balances_are_chosen_by_prefix_and_unit() {
    let document = on(
        story(),
        &[
            "balances", "--prefix", "sales:", "--unit", "EUR", "--json", "--all",
        ],
    );
    let document = document.done().json();
    let paths: Vec<&str> = list(&document)
        .iter()
        .map(|account| account["path"].as_str().unwrap())
        .collect();
    assert!(
        paths.contains(&"sales:app") && paths.contains(&"sales:pos"),
        "{paths:?}"
    );
    for account in list(&document) {
        assert!(account["path"].as_str().unwrap().starts_with("sales:"));
        assert_eq!(
            (&account["unit"], &account["type"]),
            (&"EUR".into(), &"income".into())
        );
    }
    let none = on(story(), &["balances", "--prefix", "nobody:"]).done();
    assert_eq!(none.out, "no accounts\n");
}

#[test]
fn the_trial_balance_is_zero_in_every_unit_at_every_moment() {
    let head = head();
    for position in [0, 1, head / 3, head / 2, head - 1, head] {
        let at = position.to_string();
        let document = on(story(), &["trial-balance", "--json", "--as-of", &at])
            .done()
            .json();
        assert_eq!(document["position"], position);
        assert_eq!(document["balanced"], true, "at {position}");
        for unit in document["units"].as_array().unwrap() {
            assert_eq!(
                unit["debits"], unit["credits"],
                "at {position}: {}",
                unit["unit"]
            );
            let sum: i64 = unit["accounts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|account| {
                    account["debits"].as_i64().unwrap() - account["credits"].as_i64().unwrap()
                })
                .sum();
            assert_eq!(sum, 0, "at {position}: {}", unit["unit"]);
        }
    }
}

#[test]
fn replay_and_read_models_open_the_same_accounts_at_every_moment() {
    let head = head();
    for position in [1, head / 4, head / 2, head] {
        let at = position.to_string();
        let replay = on(story(), &["replay", "--json", "--as-of", &at])
            .done()
            .json();
        let balances = on(story(), &["balances", "--all", "--json", "--as-of", &at])
            .done()
            .json();
        assert_eq!(replay["position"], position);
        assert_eq!(
            replay["accounts"].as_u64(),
            Some(list(&balances).len() as u64),
            "{at}"
        );
    }
}

#[test]
fn a_time_means_everything_that_was_recorded_by_then() {
    let events = on(story(), &["events", "--json", "--limit", "1000000"]).done();
    let events: Vec<Value> = events
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len() as u64, head());
    let chosen = &events[events.len() / 2]["recordedtime"];
    let last = events
        .iter()
        .rposition(|event| event["recordedtime"] == *chosen)
        .unwrap()
        + 1;
    let (time, last) = (chosen.as_str().unwrap(), last.to_string());
    for command in ["digest", "balances", "trial-balance", "orders"] {
        let by_time = on(story(), &[command, "--json", "--as-of", time])
            .done()
            .json();
        let by_position = on(story(), &[command, "--json", "--as-of", &last])
            .done()
            .json();
        assert_eq!(by_time, by_position, "{command} at {time} and {last}");
    }
}

#[test]
fn orders_are_chosen_and_counted_off() {
    let all = on(story(), &["orders", "--json", "--limit", "1000"])
        .done()
        .json();
    assert_eq!((list(&all).len(), &all["has_more"]), (40, &false.into()));
    let pos = on(
        story(),
        &["orders", "--json", "--limit", "1000", "--channel", "pos"],
    );
    let pos = pos.done().json();
    let expected: Vec<&Value> = list(&all)
        .iter()
        .filter(|order| order["channel"] == "pos")
        .collect();
    assert_eq!(list(&pos).iter().collect::<Vec<_>>(), expected);
    assert!(!expected.is_empty());
    let status = list(&all)[0]["status"].as_str().unwrap();
    let chosen = on(
        story(),
        &["orders", "--json", "--limit", "1000", "--status", status],
    );
    assert!(
        list(&chosen.done().json())
            .iter()
            .all(|order| order["status"] == status)
    );

    let mut seen = Vec::new();
    let mut page = on(story(), &["orders", "--json", "--limit", "15"])
        .done()
        .json();
    loop {
        seen.extend(list(&page).clone());
        let Some(last) = list(&page).last().filter(|_| page["has_more"] == true) else {
            break;
        };
        let last = last["id"].as_str().unwrap();
        page = on(
            story(),
            &[
                "orders",
                "--json",
                "--limit",
                "15",
                "--starting-after",
                last,
            ],
        )
        .done()
        .json();
    }
    assert_eq!(&seen, list(&all), "pages make the list");

    let table = on(story(), &["orders", "--limit", "3"]).done();
    assert_eq!(table.out.lines().count(), 5, "{}", table.out);
    assert!(table.err.contains("--starting-after ord_"), "{}", table.err);
}

#[test]
fn an_order_shows_its_lines_its_parts_and_its_timeline() {
    let orders = on(story(), &["orders", "--json", "--limit", "1"])
        .done()
        .json();
    let order = &list(&orders)[0];
    let id = order["id"].as_str().unwrap();
    let document = on(story(), &["order", id, "--json"]).done().json();
    assert_eq!(document["splits"], order["splits"]);
    let timeline = document["timeline"].as_array().unwrap();
    assert_eq!(timeline[0]["kind"], "order.placed");
    let table = on(story(), &["order", id]).done().out;
    let total = major(&order["total"], &order["currency"]);
    for part in [id, &format!("total {total}"), "share", "order.placed"] {
        assert!(table.contains(part), "{part} is missing:\n{table}");
    }
    for event in timeline {
        let line = format!(" {}   ", event["kind"].as_str().unwrap());
        assert!(table.contains(&line), "{line}");
    }

    let other = "ord_00000000000000000000000000";
    let missing = on(story(), &["order", other]).failed();
    assert!(
        missing.err.contains(other) && missing.err.contains("try: tillroll orders"),
        "{missing:?}"
    );
}

#[test]
fn an_entry_shows_its_postings() {
    let ran = on(story(), &["events", "--json", "--limit", "100000"]).done();
    let mut events = ran
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let posted = events
        .find(|event| event["type"] == "tillroll.entry.posted")
        .unwrap();
    let id = posted["data"]["id"].as_str().unwrap();
    let document = on(story(), &["entry", id, "--json"]).done().json();
    assert_eq!(document["postings"], posted["data"]["entry"]["postings"]);
    assert_eq!(
        (&document["reversal"], &document["reversed_by"]),
        (&"none".into(), &serde_json::json!([]))
    );
    let table = on(story(), &["entry", id]).done().out;
    for posting in list_of(&document["postings"]) {
        let account = posting["account"].as_str().unwrap();
        assert!(table.contains(account), "{account} is missing:\n{table}");
    }
    let other = "ent_00000000000000000000000000";
    let missing = on(story(), &["entry", other]).failed();
    assert!(missing.err.contains(other), "{missing:?}");
}

fn list_of(value: &Value) -> &Vec<Value> {
    value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"))
}

#[test]
fn events_are_cloud_events_one_per_line() {
    let ran = on(
        story(),
        &["events", "--json", "--after", "3", "--limit", "5"],
    )
    .done();
    let events: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len(), 5);
    for (event, position) in events.iter().zip(4..) {
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["sequence"], format!("{position:020}"));
        let source = event["source"].as_str().unwrap();
        assert!(
            source.starts_with("tillroll:book:") && source.len() == 46,
            "{source}"
        );
    }
    assert!(ran.err.contains("more events: --after 8"), "{}", ran.err);

    let order = events_of_an_order();
    let booked = order
        .iter()
        .find(|event| event["type"] == "tillroll.order.placed")
        .unwrap();
    let postings = booked["data"]["entry"]["postings"].as_array().unwrap();
    for posting in postings {
        let account = posting["account"].as_str().unwrap();
        assert!(
            !account.starts_with('#'),
            "{account} is a number and no name"
        );
    }
}

fn events_of_an_order() -> Vec<Value> {
    let orders = on(story(), &["orders", "--json", "--limit", "1"])
        .done()
        .json();
    let id = list(&orders)[0]["id"].as_str().unwrap();
    let ran = on(story(), &["events", "--json", "--order", id]).done();
    let events: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        events.iter().all(|event| event["subject"] == id),
        "{events:?}"
    );
    events
}

#[test]
fn a_narrow_terminal_gets_a_narrow_table() {
    let data = story().to_str().unwrap();
    let wide = on(story(), &["orders"]).done();
    assert!(wide.out.lines().any(|line| line.chars().count() > 100));
    let narrow = tillroll_on_a_terminal(72, &["orders", "--data", data]).done();
    for line in narrow.out.lines() {
        assert!(line.chars().count() <= 72, "{line:?}");
    }
}

#[test]
fn looking_changes_nothing() {
    let before = snapshot();
    for args in [
        &["balances"][..],
        &["trial-balance"],
        &["orders"],
        &["events"],
        &["replay"],
        &["digest"],
        &["verify"],
    ] {
        on(story(), args).done();
    }
    assert_eq!(snapshot(), before);
}

fn snapshot() -> Vec<(String, Vec<u8>)> {
    [
        "log/00000000000000000001.roll",
        "BOOK",
        "read-models.sqlite",
    ]
    .map(|name| (name.to_owned(), std::fs::read(story().join(name)).unwrap()))
    .into()
}
