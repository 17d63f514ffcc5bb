//! Nothing that came from outside acts on the terminal that it is shown on.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::serve::Server;
use crate::support::{Ran, path, tillroll, tillroll_on_a_terminal};

/// Colours, a window's title, a bell, C1, a line that turns around, and lines that were never said.
const NASTY: &str =
    "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J\u{7f}\u{202e}\u{2066}\u{feff}\r\u{8}\nok faked";
/// The same without what no file's name may have on a line.
const NAME: &str = "\u{1b}[31m\u{1b}]0;t\u{7}\u{9b}2J\u{202e}";

/// What a name within metadata may have: no brackets.
const KEY: &str = "\u{1b}c\u{7}\u{9b}2J\u{202e}";

fn acts(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[track_caller]
fn assert_harmless(ran: &Ran, what: &[&str]) {
    for stream in [&ran.out, &ran.err] {
        let found = stream.chars().find(|character| acts(*character));
        assert_eq!(found, None, "{what:?}: {stream:?}");
        let faked = stream.lines().any(|line| line.starts_with("ok faked"));
        assert!(!faked, "{what:?}: {stream:?}");
    }
}

/// A book that says nasty things wherever a book may, in a directory of such a name.
fn tell(data: &Path) -> String {
    let server = Server::start(data);
    let created = |answer: String| -> Value {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 20"), "{head} {body}");
        serde_json::from_str(body).unwrap()
    };
    let order = json!({
        "channel": "web", "currency": "EUR",
        "lines": [{"description": NASTY, "quantity": 1, "unit_price": 100}],
        "metadata": {KEY: NASTY},
    });
    let placed = created(server.post("/v1/orders", &order.to_string()));
    for account in ["till", "shop"] {
        let opened = server.send(
            "PUT",
            &format!("/v1/accounts/{account}"),
            r#"{"type":"asset","unit":"EUR"}"#,
        );
        created(opened);
    }
    let legs = json!([
        {"account": "till", "unit": "EUR", "side": "debit", "amount": 5},
        {"account": "shop", "unit": "EUR", "side": "credit", "amount": 5},
    ]);
    let entry = json!({"description": NASTY, "metadata": {KEY: NASTY}, "postings": legs});
    created(server.post("/v1/entries", &entry.to_string()));
    created(server.post("/v1/holds", &entry.to_string()));
    let receipt = json!({
        "location": "berlin", "reference": NASTY, "lines": [{"sku": "TEE", "quantity": 1}],
    });
    created(server.post("/v1/stock/receipts", &receipt.to_string()));
    let (code, said) = server.stop("-TERM");
    assert_eq!(code, Some(0), "{said}");
    // The log is standard error of a process, without colours here.
    let found = said.chars().find(|character| acts(*character));
    assert_eq!(found, None, "{said:?}");
    placed["id"].as_str().unwrap().to_owned()
}

#[test]
fn no_command_prints_what_a_terminal_would_obey() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join(format!("books-{NAME}"));
    let order = tell(&data);
    let chart = format!(
        "[[account]]\npattern = \"till\"\ntype = \"asset\"\ncode = \"1\"\nname = {}\n",
        json!(NASTY).to_string().replace('\u{7f}', "\\u007f")
    );
    fs::write(data.join("chart.toml"), chart).unwrap();
    let data = path(&data);
    let elsewhere = directory.path().join(format!("out-{NAME}"));
    let elsewhere = path(&elsewhere);
    let backup = directory.path().join(format!("backup-{NAME}"));
    let backup = path(&backup);
    let missing = format!("{data}-missing");
    let lines: Vec<Vec<&str>> = vec![
        vec!["order", &order, "--data", data],
        vec!["order", &order, "--json", "--data", data],
        vec!["orders", "--data", data],
        vec!["orders", "--json", "--data", data],
        vec!["balances", "--all", "--data", data],
        vec!["balances", "--all", "--json", "--data", data],
        vec!["trial-balance", "--data", data],
        vec!["trial-balance", "--json", "--data", data],
        vec!["events", "--data", data],
        vec!["events", "--json", "--data", data],
        vec!["replay", "--data", data],
        vec!["digest", "--data", data],
        vec!["verify", "--data", data],
        vec!["verify", "--json", "--data", data],
        vec!["doctor", "--data", data],
        vec!["doctor", "--json", "--data", data],
        vec!["checkpoint", "--data", data],
        vec!["prove", "--event", "1", "--data", data],
        vec!["prove", "--event", "1", "--out", elsewhere, "--data", data],
        vec!["verify", "--proof", elsewhere, "--key", NAME],
        vec!["verify", "--proof", NAME, "--key", NAME],
        vec!["verify", "--checkpoint", NAME, "--data", data],
        vec!["verify", "--backup", NAME],
        vec!["backup", backup, "--data", data],
        vec!["verify", "--backup", backup],
        vec!["restore", backup, "--data", &missing],
        vec!["restore", NAME, "--data", NAME],
        vec!["projections", "rebuild", "--data", data],
        vec!["export", "--help"],
        // What is wrong with a command line is said with its words.
        vec!["order", NAME, "--data", data],
        vec!["orders", NAME],
        vec![NAME],
        vec!["balances", NAME, "--data", data],
        vec!["balances", "--as-of", NAME, "--data", data],
        vec!["events", "--after", NAME],
        vec!["verify", "--data", NAME],
        vec!["doctor", "--data", NAME],
        vec!["serve", "--listen", NAME],
    ];
    for line in &lines {
        assert_harmless(&tillroll_on_a_terminal(100, line), line);
    }
    // In a pipe, too, what is for people is escaped; what is for programs says what it said.
    for line in &lines[..14] {
        let ran = tillroll(line).done();
        assert_harmless(&ran, line);
        if !line.contains(&"--json") {
            assert!(!ran.out.is_empty(), "{line:?}");
        }
    }
    let shown = tillroll(&lines[0]).done();
    assert!(shown.out.contains("\\u001b[31mred"), "{}", shown.out);
    let view = tillroll(&lines[1]).done().json();
    assert_eq!(view["lines"][0]["description"], NASTY, "{view}");
    let events = tillroll(&lines[9]).done();
    let mut events = events
        .out
        .lines()
        .map(|line| -> Value { serde_json::from_str(line).expect("a line is an event") });
    let placed = events.find(|event| event["type"] == "tillroll.order.placed");
    let placed = placed.expect("the order is on the roll");
    assert_eq!(placed["data"]["metadata"][KEY], NASTY, "{placed}");
    // A chart that cannot be read is quoted.
    fs::write(Path::new(data).join("chart.toml"), format!("x = \"{NASTY}")).unwrap();
    let line = ["balances", "--data", data];
    assert_harmless(&tillroll_on_a_terminal(100, &line), &line);
}
