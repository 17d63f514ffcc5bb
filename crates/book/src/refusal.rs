//! Refusals: designed answers with a stable code, the field at fault, and whether trying again
//! can help.

use tillroll_events::{EntryId, HoldId, OrderId};
use tillroll_ledger::{AccountPath, EntryError, LedgerRefusal, Limit};
use tillroll_money::{MAX_MINOR, Unit};

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
    #[error("there is no open hold {0}")]
    HoldNotFound(HoldId),
    #[error("hold {0} exists already")]
    HoldExists(HoldId),
    #[error("hold {0} has expired")]
    HoldExpired(HoldId),
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

    pub(crate) fn invalid(param: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid {
            param: param.into(),
            detail: detail.into(),
        }
    }

    /// The stable code, part of the interface.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::IdempotencyConflict { .. } => "idempotency_key_reused",
            Self::Invalid { .. } => "parameter_invalid",
            Self::AmountOutOfRange { .. } => "amount_out_of_range",
            Self::Unbalanced(_) => "entry_unbalanced",
            Self::AccountNotFound { .. } => "account_not_found",
            Self::AccountTypeConflict { .. } => "account_type_conflict",
            Self::EntryExists(_) => "entry_exists",
            Self::EntryNotFound(_) => "entry_not_found",
            Self::EntryAlreadyReversed(_) => "entry_already_reversed",
            Self::ReversalExceedsEntry { .. } => "reversal_exceeds_entry",
            Self::OrderExists(_) => "order_exists",
            Self::OrderNotFound(_) => "order_not_found",
            Self::OrderState { .. } => "order_state",
            Self::HoldNotFound(_) => "hold_not_found",
            Self::HoldExists(_) => "hold_exists",
            Self::HoldExpired(_) => "hold_expired",
            Self::CaptureExceedsHold(_) => "capture_exceeds_hold",
            Self::InsufficientStock { .. } => "insufficient_stock",
            Self::WouldExceedLimit { .. } => "would_exceed_limit",
            Self::BalanceOutOfRange { .. } => "balance_out_of_range",
            Self::LimitAlreadyExceeded { .. } => "limit_already_exceeded",
            Self::ClockWrong(_) => "clock_wrong",
            Self::InBulk { refusal, .. } => refusal.code(),
        }
    }

    /// Every code there is, for the documentation.
    pub const CODES: &'static [(&'static str, &'static str)] = &[
        (
            "idempotency_key_reused",
            "The Idempotency-Key was used for another request. Use a new key.",
        ),
        (
            "parameter_invalid",
            "A field has a value that cannot be used; `param` names it.",
        ),
        (
            "amount_out_of_range",
            "An amount or a sum of amounts exceeds 9223372036854775807 minor units.",
        ),
        (
            "entry_unbalanced",
            "Debits and credits differ in a unit, or there are too few postings.",
        ),
        (
            "account_not_found",
            "No account of this path is open in this unit. PUT /v1/accounts/{path} opens it.",
        ),
        (
            "account_type_conflict",
            "The account is open with another type. Types never change.",
        ),
        (
            "entry_exists",
            "An entry with this id is on the roll already.",
        ),
        ("entry_not_found", "There is no journal entry with this id."),
        (
            "entry_already_reversed",
            "All of the entry was reversed before. An entry is reversed once, as far as amounts go; `reversed_by` of GET /v1/entries/{id} names the entries that did it.",
        ),
        (
            "reversal_exceeds_entry",
            "More was to be reversed than is left of the entry, or on an account or a side that it did not post to. A reversal has the entry's accounts on the opposite sides.",
        ),
        (
            "order_exists",
            "An order with this id is on the roll already.",
        ),
        ("order_not_found", "There is no order with this id."),
        ("order_state", "The order's state does not allow this."),
        ("hold_not_found", "There is no open hold with this id."),
        ("hold_exists", "A hold with this id was placed before."),
        ("hold_expired", "The hold's time is over."),
        (
            "capture_exceeds_hold",
            "More was to be captured than is held.",
        ),
        (
            "insufficient_stock",
            "The location does not have enough of an article available.",
        ),
        (
            "would_exceed_limit",
            "An account's limit stands against it: nothing left to draw on.",
        ),
        (
            "balance_out_of_range",
            "An account's balance, with what is pending on it, would exceed 9223372036854775807.",
        ),
        (
            "clock_wrong",
            "The server's clock is minutes behind the last event, or more than a year ahead of it, so that it would stamp events wrongly. Nothing is recorded, and commands are taken again as soon as the clock is right. If it is right and the last events were stamped wrongly, or the book has slept for longer, restart with `tillroll serve --clock-is-right`.",
        ),
        (
            "limit_already_exceeded",
            "The limit cannot be set: the balances do not keep it.",
        ),
    ];

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
            | Self::HoldExpired(_)
            | Self::ClockWrong(_) => None,
        }
    }

    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::AccountNotFound { .. }
            | Self::EntryNotFound(_)
            | Self::OrderNotFound(_)
            | Self::OrderState { .. }
            | Self::InsufficientStock { .. }
            | Self::WouldExceedLimit { .. }
            | Self::BalanceOutOfRange { .. }
            | Self::ClockWrong(_)
            | Self::LimitAlreadyExceeded { .. } => Retry::AfterChange,
            Self::InBulk { refusal, .. } => refusal.retry(),
            _ => Retry::Never,
        }
    }
}

impl From<EntryError> for Refusal {
    fn from(error: EntryError) -> Self {
        match error {
            EntryError::ZeroAmount(index) => Self::invalid(
                format!("postings[{index}].amount"),
                "an amount is at least 1 minor unit",
            ),
            error => Self::Unbalanced(error.to_string()),
        }
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
            LedgerRefusal::HoldExpired(id) => Self::HoldExpired(id),
            LedgerRefusal::CaptureExceedsHold(_) => Self::CaptureExceedsHold(refusal.to_string()),
            LedgerRefusal::EntryExists(id) => Self::EntryExists(id),
            // The book resolves names before it posts; these would be its own mistake.
            LedgerRefusal::AccountNotFound(_) | LedgerRefusal::UnitMismatch { .. } => {
                Self::invalid("postings", refusal.to_string())
            }
        }
    }
}
