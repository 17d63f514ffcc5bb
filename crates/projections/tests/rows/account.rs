//! Accounts: totals, statements, the trial balance, limits as they were, and finding them.

use serde_json::json;
use tillroll_events::AccountLimitSet;
use tillroll_ledger::{AccountType, Limit};
use tillroll_projections::{AccountQuery, LineRange, StatementQuery, Total, TrialBalanceQuery};

use super::posted;
use crate::harness::{Cr, Dr, Models, Roll, unit};

#[test]
fn an_accounts_totals_and_statement_follow_its_postings() {
    let mut roll = Roll::default();
    posted(
        &mut roll,
        1,
        &[
            ("stripe:balance", "EUR", Dr, 500),
            ("sales:web", "EUR", Cr, 500),
        ],
    );
    posted(
        &mut roll,
        2,
        &[
            ("stripe:balance", "EUR", Cr, 30),
            ("fees:stripe", "EUR", Dr, 20),
            ("stripe:balance", "EUR", Cr, 5),
            ("sales:web", "EUR", Dr, 15),
        ],
    );
    posted(
        &mut roll,
        3,
        &[
            ("stripe:balance", "JPY", Dr, 9),
            ("sales:web", "JPY", Cr, 9),
        ],
    );
    let models = Models::of(&roll.numbered());
    let read = models.read();

    let rows = read
        .account("stripe:balance", None, None)
        .expect("rows")
        .value;
    let totals: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.unit.to_string(),
                row.debits_posted,
                row.credits_posted,
                row.balance,
            )
        })
        .collect();
    assert_eq!(
        totals,
        [
            ("EUR".into(), Total(500), Total(35), 465),
            ("JPY".into(), Total(9), Total(0), 9),
        ]
    );

    let statement = read
        .statement(&StatementQuery {
            path: "sales:web".into(),
            unit: unit("EUR"),
            range: LineRange::Start,
            limit: 10,
            newest_first: false,
            as_of: None,
        })
        .expect("an answer")
        .value
        .expect("it is open");
    let lines: Vec<_> = statement
        .lines
        .items
        .iter()
        .map(|line| {
            (
                line.cursor.to_string(),
                line.side,
                line.amount,
                line.balance_after,
                line.kind.as_str(),
                line.description.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (
                "3.1".to_owned(),
                Cr,
                500,
                500,
                "entry.posted",
                Some("sale 1")
            ),
            (
                "5.3".to_owned(),
                Dr,
                15,
                485,
                "entry.posted",
                Some("sale 2")
            ),
        ]
    );
    assert_eq!("5.3".parse().ok(), Some(statement.lines.items[1].cursor));

    let json = serde_json::to_value(&rows[0]).expect("rows are JSON");
    assert_eq!(
        json,
        json!({
            "id": 0, "path": "stripe:balance", "unit": "EUR", "type": "asset", "limit": "none",
            "code": "1000", "name": "Account stripe:balance", "opened_position": 1,
            "debits_posted": 500, "credits_posted": 35, "debits_pending": 0,
            "credits_pending": 0, "balance": 465,
        })
    );
}

#[test]
fn the_trial_balance_lists_what_was_posted_to_and_balances_in_every_unit() {
    let mut roll = Roll::default();
    posted(
        &mut roll,
        1,
        &[
            ("stripe:balance", "EUR", Dr, 500),
            ("sales:web", "EUR", Cr, 500),
        ],
    );
    posted(
        &mut roll,
        2,
        &[
            ("fees:stripe", "EUR", Dr, 20),
            ("stripe:balance", "EUR", Cr, 20),
        ],
    );
    roll.account("bank:account", "EUR");
    posted(
        &mut roll,
        3,
        &[
            ("stripe:balance", "JPY", Dr, 9),
            ("sales:web", "JPY", Cr, 9),
        ],
    );
    let models = Models::of(&roll.numbered());
    let query = TrialBalanceQuery::default();
    let units = models
        .read()
        .trial_balance(&query)
        .expect("rows")
        .value
        .units;
    let table: Vec<_> = units
        .iter()
        .flat_map(|unit| {
            unit.rows.iter().map(|row| {
                format!(
                    "{} {} {} {} {}",
                    unit.unit, row.path, row.debits.0, row.credits.0, row.balance.0
                )
            })
        })
        .collect();
    assert_eq!(
        table,
        [
            "EUR fees:stripe 20 0 20",
            "EUR sales:web 0 500 500",
            "EUR stripe:balance 500 20 480",
            "JPY sales:web 0 9 9",
            "JPY stripe:balance 9 0 9",
        ]
    );
    assert_eq!(
        (units[0].debits, units[0].credits),
        (Total(520), Total(520))
    );
    assert!(units.iter().all(|unit| unit.is_balanced()));
}

#[test]
fn sums_beyond_64_bits_are_shown_digit_by_digit() {
    let largest = u64::try_from(i64::MAX).expect("positive");
    let mut roll = Roll::default();
    for (number, path) in [(1, "stripe:balance"), (2, "bank:account")] {
        let sales = format!("sales:{number}");
        posted(
            &mut roll,
            number,
            &[(path, "EUR", Dr, largest), (&sales, "EUR", Cr, largest)],
        );
    }
    let models = Models::of(&roll.numbered());
    let query = TrialBalanceQuery::default();
    let units = models
        .read()
        .trial_balance(&query)
        .expect("rows")
        .value
        .units;
    assert_eq!(units[0].debits, Total(2 * i128::from(largest)));
    let json = serde_json::to_value(&units[0]).expect("rows are JSON");
    assert_eq!(json["debits"], json!("18446744073709551614"));
    assert_eq!(json["rows"][0]["debits"], json!(largest));
    assert_eq!(
        serde_json::to_value(Total(-7)).expect("a number"),
        json!(-7)
    );
}

#[test]
fn a_limit_is_shown_as_it_was() {
    let mut roll = Roll::default();
    let account = roll.account("stripe:balance", "EUR");
    let mut positions = Vec::new();
    for limit in [
        Limit::CreditsMustNotExceedDebits,
        Limit::DebitsMustNotExceedCredits,
    ] {
        positions.push(roll.push(AccountLimitSet { account, limit }));
    }
    let models = Models::of(&roll.numbered());
    let read = models.read();
    let limit = |as_of| {
        let rows = read
            .account("stripe:balance", None, as_of)
            .expect("rows")
            .value;
        rows[0].limit
    };
    assert_eq!(limit(Some(1)), Limit::None);
    assert_eq!(limit(Some(positions[0])), Limit::CreditsMustNotExceedDebits);
    assert_eq!(limit(Some(positions[1])), Limit::DebitsMustNotExceedCredits);
    assert_eq!(limit(None), Limit::DebitsMustNotExceedCredits);
}

#[test]
fn accounts_are_found_by_prefix_unit_and_type() {
    let mut roll = Roll::default();
    for (path, unit) in [
        ("seller:acct_1:pending", "EUR"),
        ("seller:acct_1:pending", "JPY"),
        ("seller:acct_10:pending", "EUR"),
        ("seller:acct_1:receivable", "EUR"),
        ("sales:web", "EUR"),
    ] {
        roll.account(path, unit);
    }
    let models = Models::of(&roll.numbered());
    let read = models.read();
    let found = |query: AccountQuery| -> Vec<String> {
        let page = read.accounts(&query).expect("rows").value;
        page.items
            .iter()
            .map(|row| format!("{} {}", row.path, row.unit))
            .collect()
    };
    let with = |prefix: &str| AccountQuery {
        prefix: Some(prefix.into()),
        ..AccountQuery::default()
    };
    assert_eq!(
        found(with("seller:acct_1:")),
        [
            "seller:acct_1:pending EUR",
            "seller:acct_1:pending JPY",
            "seller:acct_1:receivable EUR"
        ]
    );
    assert_eq!(found(with("seller:acct_1")).len(), 4);
    assert_eq!(found(with("nobody")), [""; 0]);
    let query = AccountQuery {
        unit: Some(unit("EUR")),
        kind: Some(AccountType::Liability),
        ..AccountQuery::default()
    };
    assert_eq!(
        found(query),
        ["seller:acct_10:pending EUR", "seller:acct_1:pending EUR"]
    );
}
