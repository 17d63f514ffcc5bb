//! Balance transactions as a poller got them: Stripe sends no webhook for them.

use tillroll_events::BalanceTransactionFacts;
use tillroll_json::Json;

use crate::error::Reason;
use crate::fields::Fields;
use crate::object::balance_transaction;

/// The most in one import: ten of Stripe's largest pages.
pub const MAX_BALANCE_TRANSACTIONS: usize = 1000;

/// Why an import is refused. All of it is: the same page can be sent again when it is mended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("the body is not UTF-8")]
    NotUtf8,
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("the body is neither a list of balance transactions nor one of them")]
    NotAList,
    #[error("{count} balance transactions are more than {MAX_BALANCE_TRANSACTIONS}")]
    TooMany { count: usize },
    /// `index` counts from 0; `field` is a path in the balance transaction, empty for all of it.
    #[error("balance transaction {index}: {field} {detail}")]
    BalanceTransaction {
        index: usize,
        reason: Reason,
        field: String,
        detail: String,
    },
}

impl ImportError {
    /// The stable code, part of the interface.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "body_not_utf8",
            Self::NotJson(_) => "body_not_json",
            Self::NotAList => "balance_transactions_missing",
            Self::TooMany { .. } => "too_many_balance_transactions",
            Self::BalanceTransaction { reason, .. } => reason.code(),
        }
    }

    /// The field at fault: `data[3].net`.
    #[must_use]
    pub fn param(&self) -> Option<String> {
        match self {
            Self::TooMany { .. } => Some("data".into()),
            Self::BalanceTransaction { index, field, .. } if field.is_empty() => {
                Some(format!("data[{index}]"))
            }
            Self::BalanceTransaction { index, field, .. } => Some(format!("data[{index}].{field}")),
            Self::NotUtf8 | Self::NotJson(_) | Self::NotAList => None,
        }
    }
}

/// Reads Stripe's list object, a bare array, or a single balance transaction. The account is
/// ours: a list names no other.
pub fn balance_transactions(body: &[u8]) -> Result<Vec<BalanceTransactionFacts>, ImportError> {
    let text = std::str::from_utf8(body).map_err(|_| ImportError::NotUtf8)?;
    let json = Json::parse(text).map_err(|error| ImportError::NotJson(error.to_string()))?;
    balance_transactions_in(&json)
}

/// [`balance_transactions`] of a body that was parsed before.
///
/// # Errors
/// As [`balance_transactions`].
pub fn balance_transactions_in(
    json: &Json<'_>,
) -> Result<Vec<BalanceTransactionFacts>, ImportError> {
    let items = match json {
        Json::List(items) => items.as_slice(),
        Json::Object(_) => match Fields::of(json).and_then(|fields| fields.get("data")) {
            Some(Json::List(items)) => items.as_slice(),
            Some(_) => return Err(ImportError::NotAList),
            None => std::slice::from_ref(json),
        },
        _ => return Err(ImportError::NotAList),
    };
    if items.len() > MAX_BALANCE_TRANSACTIONS {
        return Err(ImportError::TooMany { count: items.len() });
    }
    items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            balance_transaction(item).map_err(|problem| ImportError::BalanceTransaction {
                index,
                reason: problem.reason,
                field: problem.path,
                detail: problem.detail,
            })
        })
        .collect()
}
