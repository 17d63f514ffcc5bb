//! `PUT /v1/accounts/{path}`.

use serde::Deserialize;
use tillroll_book::OpenAccount;
use tillroll_ledger::{AccountPath, AccountType, Limit};
use utoipa::ToSchema;

use crate::findings::Findings;
use crate::problem::Problem;

/// An account to open, or a limit to set on an open one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountRequest)]
pub(crate) struct AccountBody {
    /// What the account counts: an ISO 4217 code, `sku:CODE`, `points` or `points:NAME`.
    #[schema(
        example = "EUR",
        max_length = 47,
        pattern = "^([A-Z]{3}|sku:[A-Za-z0-9._-]+|points(:[A-Za-z0-9._-]+)?)$"
    )]
    unit: String,
    /// `asset`, `liability`, `equity`, `income`, `expense` or `memorandum`; from the chart of
    /// accounts when it is left out. It never changes.
    #[serde(rename = "type")]
    #[schema(example = "asset")]
    kind: Option<String>,
    /// `none`, `debits_must_not_exceed_credits` or `credits_must_not_exceed_debits`; from the
    /// chart of accounts when a new account's is left out.
    #[schema(example = "none")]
    limit: Option<String>,
}

impl AccountBody {
    pub(crate) fn into_action(self, path: AccountPath) -> Result<OpenAccount, Problem> {
        let mut findings = Findings::default();
        let f = &mut findings;
        let unit = f.unit(&self.unit, format_args!("/unit"));
        let kind = match self.kind.as_deref() {
            None => Some(None),
            Some(text) => AccountType::parse(text).map(Some).or_else(|| {
                let known = AccountType::ALL.map(AccountType::as_str).join(", ");
                f.invalid(format_args!("/type"), format!("a type is one of {known}"));
                None
            }),
        };
        let limit = match self.limit.as_deref() {
            None => Some(None),
            Some(text) => Limit::parse(text).map(Some).or_else(|| {
                let known = Limit::ALL.map(Limit::as_str).join(", ");
                f.invalid(format_args!("/limit"), format!("a limit is one of {known}"));
                None
            }),
        };
        let account = (|| {
            Some(OpenAccount {
                path,
                unit: unit?,
                kind: kind?,
                limit: limit?,
            })
        })();
        findings.conclude(account)
    }
}
