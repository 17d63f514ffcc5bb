//! `chart.toml` in the data directory: what the accountant calls the accounts.
//!
//! ```toml
//! [[account]]
//! pattern = "stripe:balance"     # `*` stands for one name: "sales:*"
//! type = "asset"                 # asset, liability, equity, income, expense, memorandum
//! limit = "none"                 # or debits_must_not_exceed_credits, credits_must_not_exceed_debits
//! code = "512"
//! name = "Stripe balance"        # {1} is what the first `*` matched
//! ```
//!
//! Rules come before the built-in ones. What the book posts to by itself may be renamed, and
//! keeps its type and limit.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;
use tillroll_book::{Chart, ChartRule};
use tillroll_ledger::{AccountType, Limit};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChartFile {
    #[serde(default)]
    account: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    pattern: String,
    #[serde(rename = "type")]
    kind: String,
    limit: Option<String>,
    code: String,
    name: String,
}

/// The chart of a data directory: its `chart.toml`, or the built-in chart when there is none.
///
/// # Errors
/// What is wrong with the file, in one sentence.
pub(crate) fn read(path: &Path) -> Result<Chart, String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Chart::default()),
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
    };
    parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn parse(text: &str) -> Result<Chart, String> {
    let file: ChartFile =
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let rules = file.account.into_iter().map(rule);
    let rules: Vec<ChartRule> = rules.collect::<Result<_, _>>()?;
    Chart::with_rules(rules).map_err(|error| error.to_string())
}

fn rule(rule: Rule) -> Result<ChartRule, String> {
    let Rule {
        pattern,
        kind,
        limit,
        code,
        name,
    } = rule;
    check_pattern(&pattern)?;
    let kind = AccountType::parse(&kind).ok_or_else(|| {
        let known = AccountType::ALL.map(AccountType::as_str).join(", ");
        format!("`{pattern}`: `{kind}` is no type of account: {known}")
    })?;
    let limit = match limit {
        None => Limit::None,
        Some(word) => Limit::parse(&word).ok_or_else(|| {
            let known = Limit::ALL.map(Limit::as_str).join(", ");
            format!("`{pattern}`: `{word}` is no limit: {known}")
        })?,
    };
    Ok(ChartRule {
        pattern,
        kind,
        limit,
        code,
        name,
    })
}

/// A pattern is a path in which whole names may be `*`.
fn check_pattern(pattern: &str) -> Result<(), String> {
    let mut names = pattern.split(':');
    let plain = pattern.split(':').map(|name| match name {
        "*" => "x",
        name => name,
    });
    let path = plain.collect::<Vec<_>>().join(":");
    if names.all(|name| name == "*") || path.parse::<tillroll_ledger::AccountPath>().is_err() {
        return Err(format!(
            "`{pattern}` is no pattern: names as in `sales:web`, where `*` stands for one whole name"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_renames_accounts() {
        let chart = parse(
            r#"
            [[account]]
            pattern = "stripe:balance"
            type = "asset"
            code = "512"
            name = "Compte Stripe"

            [[account]]
            pattern = "rent:*"
            type = "expense"
            limit = "credits_must_not_exceed_debits"
            code = "613"
            name = "Loyer {1}"
            "#,
        )
        .unwrap();
        for (path, code, name) in [
            ("stripe:balance", "512", "Compte Stripe"),
            ("rent:berlin", "613", "Loyer berlin"),
            ("sales:web", "4000", "Sales, web"),
        ] {
            let rule = chart.rule(&path.parse().unwrap()).unwrap();
            assert_eq!((rule.code.as_str(), rule.name.as_str()), (code, name));
        }
        assert_eq!(
            parse("").unwrap().rules().len(),
            Chart::default().rules().len()
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let account = |lines: &str| format!("[[account]]\ncode = \"1\"\nname = \"x\"\n{lines}");
        for (text, part) in [
            ("[[acount]]".to_owned(), "acount"),
            (account("pattern = \"a\""), "type"),
            (
                account("pattern = \"a\"\ntype = \"asset\"\nlimits = 3"),
                "limits",
            ),
            (account("pattern = \"a\"\ntype = \"debt\""), "debt"),
            (
                account("pattern = \"a\"\ntype = \"asset\"\nlimit = \"low\""),
                "low",
            ),
            (account("pattern = \"a b\"\ntype = \"asset\""), "a b"),
            (account("pattern = \"*\"\ntype = \"asset\""), "no pattern"),
            (account("pattern = \"a:b*\"\ntype = \"asset\""), "a:b*"),
            (
                account("pattern = \"stripe:balance\"\ntype = \"income\""),
                "stripe:balance",
            ),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
