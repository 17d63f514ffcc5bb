//! `tillroll demo`: the story, its summary, and that a seed means one digest.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::support::{SEED, head, on, story, tell};

#[test]
fn a_seed_means_one_digest() {
    let (again, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = on(story(), &["digest"]).done();
    let made = again.path().join("a/shop");
    let again = tell(&made, SEED).done();
    assert_eq!(again.digest(), expected.digest(), "seed {SEED}");
    let mode = fs::metadata(&made).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "the books are for their owner only");
    let other = tell(other.path(), "8").done();
    assert_ne!(other.digest(), expected.digest());
}

#[test]
fn the_summary_shows_what_the_story_is_about() {
    let directory = tempfile::tempdir().unwrap();
    let ran = tell(directory.path(), SEED).done();
    for part in [
        "Orders by channel and status",
        "Trial balance",
        "Sellers",
        "Stock",
        "store-paris",
        "acct_",
        "KWD",
        "JPY",
        "insufficient_stock",
        "signature_mismatch",
        "would_exceed_limit",
        "twice",
        "out of order",
        "a second",
        "40 orders compared with Stripe, 0 disagree",
    ] {
        assert!(ran.out.contains(part), "no {part:?} in\n{}", ran.out);
    }
    let last = ran.out.lines().last().unwrap();
    assert_eq!(last, format!("digest  {}", ran.digest()));
    assert!(!ran.out.contains("whsec_") && !ran.err.contains("whsec_"));
    on(directory.path(), &["verify"]).done();
}

#[test]
fn a_book_that_is_there_is_not_told_again() {
    let directory = crate::support::copy();
    let before = on(directory.path(), &["digest", "--json"]).done().json();
    let ran = on(
        directory.path(),
        &["demo", "--once", "--json", "--listen", "127.0.0.1:0"],
    )
    .done();
    let view = ran.json();
    assert!(ran.err.contains("holds a book already"), "{}", ran.err);
    assert_eq!(view["story"], serde_json::Value::Null);
    assert_eq!(
        (&view["digest"], &view["position"]),
        (&before["digest"], &head().into())
    );
    assert_eq!(
        on(directory.path(), &["digest", "--json"]).done().json(),
        before
    );
}

#[test]
fn the_json_summary_holds_the_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let ran = on(
        directory.path(),
        &[
            "demo",
            "--once",
            "--json",
            "--orders",
            "40",
            "--listen",
            "127.0.0.1:0",
        ],
    );
    let view = ran.done().json();
    assert_eq!(view["balanced"], true);
    let orders = view["orders"].as_array().unwrap();
    let orders: u64 = orders
        .iter()
        .map(|row| row["orders"].as_u64().unwrap())
        .sum();
    assert_eq!(orders, 40);
    let events = view["events"].as_array().unwrap();
    let events: u64 = events
        .iter()
        .map(|row| row["events"].as_u64().unwrap())
        .sum();
    assert_eq!(view["position"], events);
    assert_eq!(view["story"]["audited_orders"], 40);
    assert!(view["story"]["webhooks"]["duplicates"].as_u64().unwrap() > 0);
    assert_eq!(
        view["story"]["refused_as_expected"]["insufficient_stock"],
        1
    );
}

#[test]
fn a_taken_port_is_said_and_the_next_one_used() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let ran = on(
        crate::support::copy().path(),
        &["demo", "--once", "--listen", &address.to_string()],
    );
    let ran = ran.done();
    let said = format!("port {} is taken: listening on ", address.port());
    assert!(ran.err.contains(&said), "{}", ran.err);
}

#[test]
fn a_chart_gives_accounts_their_codes_and_names() {
    let directory = tempfile::tempdir().unwrap();
    let chart = "[[account]]\npattern = \"stripe:balance\"\ntype = \"asset\"\ncode = \"512\"\nname = \"Compte Stripe\"\n";
    fs::write(directory.path().join("chart.toml"), chart).unwrap();
    tell(directory.path(), SEED).done();
    let accounts = on(
        directory.path(),
        &["balances", "--json", "--all", "--prefix", "stripe:balance"],
    );
    let accounts = accounts.done().json();
    for account in accounts["data"].as_array().unwrap() {
        assert_eq!(
            (&account["code"], &account["name"]),
            (&"512".into(), &"Compte Stripe".into())
        );
    }
    assert_eq!(
        on(directory.path(), &["digest"]).done().digest(),
        on(story(), &["digest"]).done().digest(),
        "names are no part of the digest"
    );

    fs::write(directory.path().join("chart.toml"), "[[acount]]\n").unwrap();
    let ran = on(
        directory.path(),
        &["demo", "--once", "--listen", "127.0.0.1:0"],
    )
    .failed();
    assert!(
        ran.err.contains("chart.toml") && ran.err.contains("acount"),
        "{}",
        ran.err
    );
}
