//! The chart of accounts: which accounts there may be, and what the accountant calls them.
//!
//! An account's type, code and name are written down when it opens, so a later change of the
//! chart never changes the past.

use tillroll_ledger::{AccountPath, AccountType, Limit};

use AccountType::{Asset, Equity, Expense, Income, Liability, Memorandum};
use Limit::{CreditsMustNotExceedDebits as KeepDebit, DebitsMustNotExceedCredits as KeepCredit};

/// What the accountant calls the accounts of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartRule {
    /// A path in which `*` stands for one name: `order:*:due`.
    pub pattern: String,
    pub kind: AccountType,
    pub limit: Limit,
    /// The number in the chart: `1200`.
    pub code: String,
    /// `{1}` stands for what the first `*` matched.
    pub name: String,
}

/// Pattern, type, limit, code, name. The book opens these by itself; the posting rules depend
/// on their types and limits, so a chart of one's own may rename but not retype them.
const BUILT_IN: &[(&str, AccountType, Limit, &str, &str)] = &[
    (
        "stripe:balance",
        Asset,
        Limit::None,
        "1010",
        "Stripe balance",
    ),
    (
        "stripe:reserve",
        Asset,
        Limit::None,
        "1015",
        "Stripe reserve",
    ),
    (
        "bank:transit",
        Asset,
        Limit::None,
        "1020",
        "Payouts in transit",
    ),
    ("bank:account", Asset, Limit::None, "1030", "Bank account"),
    (
        "order:*:clearing",
        Asset,
        Limit::None,
        "1100",
        "Clearing of order {1}",
    ),
    (
        "order:*:refunds",
        Asset,
        Limit::None,
        "1110",
        "Refund clearing of order {1}",
    ),
    (
        "clearing:unmatched",
        Asset,
        Limit::None,
        "1120",
        "Payments without a known order",
    ),
    (
        "clearing:transfers",
        Asset,
        Limit::None,
        "1130",
        "Transfers to sellers in clearing",
    ),
    (
        "disputes:held",
        Asset,
        Limit::None,
        "1140",
        "Held by open disputes",
    ),
    (
        "seller:*:receivable",
        Asset,
        Limit::None,
        "1200",
        "Owed by seller {1}",
    ),
    ("tax:input", Asset, Limit::None, "1300", "Input tax"),
    (
        "stock:*:available",
        Asset,
        KeepDebit,
        "1400",
        "Stock available at {1}",
    ),
    (
        "stock:*:reserved",
        Asset,
        KeepDebit,
        "1410",
        "Stock reserved at {1}",
    ),
    (
        "stock:*:shortage",
        Asset,
        Limit::None,
        "1420",
        "Sold offline beyond the stock of {1}",
    ),
    (
        "seller:*:pending",
        Liability,
        Limit::None,
        "2010",
        "Owed to seller {1} once fulfilled",
    ),
    (
        "seller:*:available",
        Liability,
        KeepCredit,
        "2020",
        "Owed to seller {1}",
    ),
    ("tax:payable", Liability, Limit::None, "2100", "Tax payable"),
    (
        "customer:*:points",
        Liability,
        KeepCredit,
        "2200",
        "Points of customer {1}",
    ),
    (
        "suspense:overpaid",
        Liability,
        Limit::None,
        "2900",
        "Paid beyond what was due",
    ),
    (
        "suspense:unknown",
        Liability,
        Limit::None,
        "2910",
        "Balance transactions of unknown kind",
    ),
    (
        "stock:suppliers",
        Equity,
        Limit::None,
        "3100",
        "Stock received from suppliers",
    ),
    (
        "sales:returns",
        Income,
        Limit::None,
        "4090",
        "Sales returned",
    ),
    ("sales:*", Income, Limit::None, "4000", "Sales, {1}"),
    (
        "commission:earned",
        Income,
        Limit::None,
        "4100",
        "Commission on sellers' sales",
    ),
    (
        "commission:returned",
        Income,
        Limit::None,
        "4190",
        "Commission returned",
    ),
    (
        "income:application_fees",
        Income,
        Limit::None,
        "4200",
        "Application fees",
    ),
    ("stock:sold", Expense, Limit::None, "5100", "Stock sold"),
    (
        "points:issued",
        Expense,
        Limit::None,
        "5200",
        "Points issued",
    ),
    ("fees:stripe", Expense, Limit::None, "6010", "Stripe fees"),
    (
        "fees:disputes",
        Expense,
        Limit::None,
        "6020",
        "Dispute fees",
    ),
    (
        "fees:application",
        Expense,
        Limit::None,
        "6030",
        "Application fees paid",
    ),
    (
        "fees:other",
        Expense,
        Limit::None,
        "6090",
        "Other processing fees",
    ),
    (
        "chargebacks:lost",
        Expense,
        Limit::None,
        "6100",
        "Disputes lost",
    ),
    (
        "exchange",
        Expense,
        Limit::None,
        "6200",
        "Currency exchange",
    ),
    (
        "orders:placed",
        Memorandum,
        Limit::None,
        "9000",
        "Orders placed",
    ),
    (
        "order:*:due",
        Memorandum,
        KeepDebit,
        "9010",
        "Due on order {1}",
    ),
    (
        "order:*:paid",
        Memorandum,
        KeepDebit,
        "9020",
        "Paid on order {1}",
    ),
    (
        "order:*:refunded",
        Memorandum,
        KeepDebit,
        "9030",
        "Refunded on order {1}",
    ),
    (
        "connected:*:balance",
        Memorandum,
        Limit::None,
        "9100",
        "Stripe balance of seller {1}",
    ),
    (
        "connected:*:activity",
        Memorandum,
        Limit::None,
        "9110",
        "Stripe activity of seller {1}",
    ),
];

/// The rules, the first that matches wins.
#[derive(Clone, Debug)]
pub struct Chart {
    rules: Vec<ChartRule>,
    built_in: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}`: the book posts to this account as {expected}, the chart says {found}")]
pub struct ChartError {
    pub pattern: String,
    pub expected: String,
    pub found: String,
}

impl Default for Chart {
    fn default() -> Self {
        let rules = BUILT_IN
            .iter()
            .map(|&(pattern, kind, limit, code, name)| ChartRule {
                pattern: pattern.into(),
                kind,
                limit,
                code: code.into(),
                name: name.into(),
            });
        Self {
            rules: rules.collect(),
            built_in: 0,
        }
    }
}

impl Chart {
    /// These rules before the built-in ones. A rule for a built-in pattern gives it another
    /// code and name; another type or limit is an error.
    pub fn with_rules(own: Vec<ChartRule>) -> Result<Self, ChartError> {
        let mut rules = own;
        let built_in = rules.len();
        rules.extend(Self::default().rules);
        for rule in &rules[..built_in] {
            let says = |rule: &ChartRule| {
                format!("{} with limit {}", rule.kind.as_str(), rule.limit.as_str())
            };
            let same = rules[built_in..]
                .iter()
                .find(|known| known.pattern == rule.pattern);
            if let Some(known) = same.filter(|known| says(known) != says(rule)) {
                return Err(ChartError {
                    pattern: rule.pattern.clone(),
                    expected: says(known),
                    found: says(rule),
                });
            }
        }
        Ok(Self { rules, built_in })
    }

    /// The rule for a path, with its name filled in.
    #[must_use]
    pub fn rule(&self, path: &AccountPath) -> Option<ChartRule> {
        self.rules.iter().find_map(|rule| {
            let matched = captures(&rule.pattern, path.as_str())?;
            let name = matched
                .iter()
                .enumerate()
                .fold(rule.name.clone(), |name, (index, part)| {
                    name.replace(&format!("{{{}}}", index + 1), part)
                });
            Some(ChartRule {
                name,
                ..rule.clone()
            })
        })
    }

    /// The rule that the posting rules rely on, whatever the accountant calls the account.
    #[must_use]
    pub(crate) fn is_built_in(&self, path: &AccountPath) -> bool {
        self.rules[self.built_in..]
            .iter()
            .any(|rule| captures(&rule.pattern, path.as_str()).is_some())
    }

    #[must_use]
    pub fn rules(&self) -> &[ChartRule] {
        &self.rules
    }
}

/// What each `*` of the pattern matched.
fn captures<'a>(pattern: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut names = path.split(':');
    let mut matched = Vec::new();
    for expected in pattern.split(':') {
        match (expected, names.next()?) {
            ("*", name) => matched.push(name),
            (expected, name) if expected == name => {}
            _ => return None,
        }
    }
    names.next().is_none().then_some(matched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_their_rule() {
        let chart = Chart::default();
        for (path, expected) in [
            ("sales:web", Some(("4000", "Sales, web"))),
            ("sales:returns", Some(("4090", "Sales returned"))),
            ("order:ord_1:due", Some(("9010", "Due on order ord_1"))),
            ("order:ord_1", None),
            ("order:ord_1:due:more", None),
            ("rent", None),
        ] {
            let rule = chart.rule(&path.parse().unwrap());
            let seen = rule
                .as_ref()
                .map(|rule| (rule.code.as_str(), rule.name.as_str()));
            assert_eq!(seen, expected, "{path}");
        }
    }

    #[test]
    fn a_chart_may_rename_what_the_book_posts_to_but_not_retype_it() {
        let rule = |kind| ChartRule {
            pattern: "stripe:balance".into(),
            kind,
            limit: Limit::None,
            code: "512".into(),
            name: "Compte Stripe".into(),
        };
        let chart = Chart::with_rules(vec![rule(Asset)]).unwrap();
        assert_eq!(
            chart.rule(&"stripe:balance".parse().unwrap()).unwrap().code,
            "512"
        );
        assert!(Chart::with_rules(vec![rule(Income)]).is_err());
    }
}
