//! Refusals: designed answers with a stable code, the field at fault, and whether trying again
//! can help.

use tillroll_events::{EntryId, HoldId, OrderId, Timestamp};
use tillroll_ledger::{AccountPath, EntryError, LedgerRefusal, Limit, UnitId};
use tillroll_money::{MAX_MINOR, Unit};

use crate::RefusalKind;
use crate::clock::ClockFault;

/// Whether the same command may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Never, unless the command changes.
    Never,
    /// When the books have changed: stock arrived, points were earned.
    AfterChange,
}

/// Why the book will not do it, in order of precedence: idempotency first, then what is wrong
/// with the command itself, then what it speaks of, then limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the idempotency key was used for another request")]
    IdempotencyConflict { key: String },
    /// `param` is a JSON path such as `lines[2].quantity`.
    #[error("{param}: {detail}")]
    Invalid { param: String, detail: String },
    #[error("{param}: {detail}")]
    AmountOutOfRange { param: String, detail: String },
    #[error("the postings do not balance: {0}")]
    Unbalanced(String),
    #[error("no account `{path}` in {unit} is open: PUT /v1/accounts/{path} opens it")]
    AccountNotFound {
        param: String,
        path: AccountPath,
        unit: Unit,
    },
    #[error("`{path}` has a name `.` or `..`, which an address resolves to another account")]
    AccountPathReserved { path: AccountPath },
    #[error("account `{path}` in {unit} is open as {open}, not {asked}")]
    AccountTypeConflict {
        path: AccountPath,
        unit: Unit,
        open: &'static str,
        asked: &'static str,
    },
    #[error("entry {0} exists already")]
    EntryExists(EntryId),
    #[error("there is no entry {0}")]
    EntryNotFound(EntryId),
    #[error("all of entry {0} was reversed already: `reversed_by` of the entry names what did")]
    EntryAlreadyReversed(EntryId),
    #[error("{param}: {detail}")]
    ReversalExceedsEntry { param: String, detail: String },
    #[error("order {0} exists already")]
    OrderExists(OrderId),
    #[error("there is no order {0}")]
    OrderNotFound(OrderId),
    #[error("order {order} is {status}: {detail}")]
    OrderState {
        order: OrderId,
        status: &'static str,
        detail: String,
    },
    #[error("there is no hold {0}")]
    HoldNotFound(HoldId),
    #[error("hold {0} exists already")]
    HoldExists(HoldId),
    /// Captured, voided or expired: the end is on the roll, which says which it was.
    #[error("hold {0} has ended: it was captured or voided, or it expired")]
    HoldEnded(HoldId),
    /// Whether the end is on the roll already or not.
    #[error("hold {id} expired at {at}")]
    HoldExpired { id: HoldId, at: Timestamp },
    #[error("{0}")]
    CaptureExceedsHold(String),
    #[error("{location} has {available} of {sku} available, {asked} are asked for")]
    InsufficientStock {
        param: String,
        sku: String,
        location: String,
        available: u64,
        asked: u64,
    },
    #[error("`{path}` has {available} {unit} left, {amount} more are asked for")]
    WouldExceedLimit {
        path: AccountPath,
        unit: Unit,
        limit: Limit,
        available: u64,
        amount: u64,
    },
    #[error(
        "the balance of `{path}` in {unit}, with what is pending on it, would leave the range of \
         an amount: {MAX_MINOR} minor units"
    )]
    BalanceOutOfRange { path: AccountPath, unit: Unit },
    #[error("balances of `{path}` in {unit} do not keep this limit")]
    LimitAlreadyExceeded { path: AccountPath, unit: Unit },
    /// The clock that the command's time comes from is not believed.
    #[error("{0}: nothing is recorded until it is right, or confirmed")]
    ClockWrong(ClockFault),
    /// A bulk request that stands or falls together fell with this item.
    #[error("entries[{index}]: {refusal}")]
    InBulk { index: usize, refusal: Box<Refusal> },
}

impl Refusal {
    /// Of the posting with this index.
    pub(crate) fn amount_out_of_range(posting: usize) -> Self {
        Self::AmountOutOfRange {
            param: format!("postings[{posting}].amount"),
            detail: format!("at most {MAX_MINOR} minor units"),
        }
    }

    /// Of the posting with this index.
    ///
    /// # Panics
    /// When the path is none.
    pub(crate) fn account_not_found(posting: usize, path: &str, unit: Unit) -> Self {
        Self::AccountNotFound {
            param: format!("postings[{posting}].account"),
            path: path.parse().expect("a command names accounts by paths"),
            unit,
        }
    }

    /// Of postings that are no entry; `unit` names the units that they count.
    pub(crate) fn of_entry(error: EntryError, unit: impl FnOnce(UnitId) -> Option<Unit>) -> Self {
        match error {
            EntryError::ZeroAmount(index) => Self::invalid(
                format!("postings[{index}].amount"),
                "an amount is at least 1 minor unit",
            ),
            EntryError::Unbalanced {
                unit: id,
                debits,
                credits,
            } => {
                let unit = unit(id).expect("a posting counts the unit of an open account");
                Self::Unbalanced(format!(
                    "debits are {debits} {unit}, credits are {credits} {unit}"
                ))
            }
            EntryError::TooFewPostings(_) | EntryError::TooManyPostings(_) => {
                Self::Unbalanced(error.to_string())
            }
        }
    }

    pub(crate) fn invalid(param: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid {
            param: param.into(),
            detail: detail.into(),
        }
    }

    /// Which of all refusals it is; of an item in a bulk request, that of the item.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::IdempotencyConflict { .. } => RefusalKind::IdempotencyConflict,
            Self::Invalid { .. } => RefusalKind::Invalid,
            Self::AmountOutOfRange { .. } => RefusalKind::AmountOutOfRange,
            Self::Unbalanced(_) => RefusalKind::Unbalanced,
            Self::AccountNotFound { .. } => RefusalKind::AccountNotFound,
            Self::AccountPathReserved { .. } => RefusalKind::AccountPathReserved,
            Self::AccountTypeConflict { .. } => RefusalKind::AccountTypeConflict,
            Self::EntryExists(_) => RefusalKind::EntryExists,
            Self::EntryNotFound(_) => RefusalKind::EntryNotFound,
            Self::EntryAlreadyReversed(_) => RefusalKind::EntryAlreadyReversed,
            Self::ReversalExceedsEntry { .. } => RefusalKind::ReversalExceedsEntry,
            Self::OrderExists(_) => RefusalKind::OrderExists,
            Self::OrderNotFound(_) => RefusalKind::OrderNotFound,
            Self::OrderState { .. } => RefusalKind::OrderState,
            Self::HoldNotFound(_) => RefusalKind::HoldNotFound,
            Self::HoldExists(_) => RefusalKind::HoldExists,
            Self::HoldEnded(_) => RefusalKind::HoldEnded,
            Self::HoldExpired { .. } => RefusalKind::HoldExpired,
            Self::CaptureExceedsHold(_) => RefusalKind::CaptureExceedsHold,
            Self::InsufficientStock { .. } => RefusalKind::InsufficientStock,
            Self::WouldExceedLimit { .. } => RefusalKind::WouldExceedLimit,
            Self::BalanceOutOfRange { .. } => RefusalKind::BalanceOutOfRange,
            Self::LimitAlreadyExceeded { .. } => RefusalKind::LimitAlreadyExceeded,
            Self::ClockWrong(_) => RefusalKind::ClockWrong,
            Self::InBulk { refusal, .. } => refusal.kind(),
        }
    }

    /// The stable code, part of the interface.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind().code()
    }

    /// The field that the refusal is about, as the caller wrote it.
    #[must_use]
    pub fn param(&self) -> Option<String> {
        match self {
            Self::Invalid { param, .. }
            | Self::AmountOutOfRange { param, .. }
            | Self::ReversalExceedsEntry { param, .. }
            | Self::AccountNotFound { param, .. }
            | Self::InsufficientStock { param, .. } => Some(param.clone()),
            Self::IdempotencyConflict { .. } => Some("Idempotency-Key".into()),
            Self::Unbalanced(_) | Self::CaptureExceedsHold(_) => Some("postings".into()),
            Self::EntryExists(_) | Self::OrderExists(_) | Self::HoldExists(_) => Some("id".into()),
            Self::AccountPathReserved { .. } => Some("path".into()),
            Self::AccountTypeConflict { .. } => Some("type".into()),
            Self::LimitAlreadyExceeded { .. } => Some("limit".into()),
            Self::InBulk { index, refusal } => Some(match refusal.param() {
                Some(param) => format!("entries[{index}].{param}"),
                None => format!("entries[{index}]"),
            }),
            Self::WouldExceedLimit { .. }
            | Self::BalanceOutOfRange { .. }
            | Self::EntryNotFound(_)
            | Self::EntryAlreadyReversed(_)
            | Self::OrderNotFound(_)
            | Self::OrderState { .. }
            | Self::HoldNotFound(_)
            | Self::HoldEnded(_)
            | Self::HoldExpired { .. }
            | Self::ClockWrong(_) => None,
        }
    }

    #[must_use]
    pub fn retry(&self) -> Retry {
        self.kind().retry()
    }
}

impl From<LedgerRefusal> for Refusal {
    fn from(refusal: LedgerRefusal) -> Self {
        match refusal {
            LedgerRefusal::WouldExceedLimit {
                path,
                unit,
                limit,
                available,
                amount,
            } => Self::WouldExceedLimit {
                path,
                unit,
                limit,
                available,
                amount,
            },
            LedgerRefusal::BalanceOutOfRange { path, unit } => {
                Self::BalanceOutOfRange { path, unit }
            }
            LedgerRefusal::LimitAlreadyExceeded { path, unit } => {
                Self::LimitAlreadyExceeded { path, unit }
            }
            LedgerRefusal::HoldNotFound(id) => Self::HoldNotFound(id),
            LedgerRefusal::HoldExists(id) => Self::HoldExists(id),
            LedgerRefusal::HoldEnded(id) => Self::HoldEnded(id),
            LedgerRefusal::HoldExpired { id, at } => Self::HoldExpired {
                id,
                at: Timestamp::from_micros(at),
            },
            LedgerRefusal::CaptureExceedsHold(_) => Self::CaptureExceedsHold(refusal.to_string()),
            LedgerRefusal::EntryExists(id) => Self::EntryExists(id),
            // The book resolves names before it posts; these would be its own mistake.
            LedgerRefusal::AccountNotFound(_) | LedgerRefusal::UnitMismatch { .. } => {
                Self::invalid("postings", refusal.to_string())
            }
        }
    }
}
