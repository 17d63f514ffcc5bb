//! What the auditor found, and where.

use tillroll_events::{DecodeError, EntryId, EventId, HoldId, Timestamp};
use tillroll_ledger::{AccountId, AccountPath, AccountTotals, Limit};
use tillroll_log::{LogReadError, Position};
use tillroll_money::Unit;

use crate::failure::in_full;

/// The first record at which a law does not hold.
#[derive(Debug, thiserror::Error)]
#[error("at position {position}: {law}")]
pub struct AuditFinding {
    pub position: Position,
    #[source]
    pub law: AuditLaw,
}

/// The laws, by how a record breaks them.
#[derive(Debug, thiserror::Error)]
pub enum AuditLaw {
    #[error("position {expected} is missing")]
    Position { expected: Position },
    /// An entry that does not balance is among these.
    #[error("the record cannot be understood: {}", in_full(.0))]
    Readable(DecodeError),
    #[error("it was recorded at {recorded}, the record before at {before}")]
    Time {
        recorded: Timestamp,
        before: Timestamp,
    },
    #[error("what it says of the record before it, or of where times are wrong, is not so")]
    ClockClaim,
    #[error("the id {0} does not carry the time of the record")]
    IdTime(EventId),
    #[error("the id {0} was used before")]
    IdUsed(EventId),
    #[error("the idempotency key `{key}` was used before")]
    KeyUsed { key: String },
    #[error("the command before it has {missing} events less than it says")]
    CommandCut { missing: u32 },
    #[error("its command says that it has no events")]
    CommandEmpty,
    #[error("account number {} is not open", .0.get())]
    AccountOpen(AccountId),
    #[error("account number {} is opened, the next number is {next}", found.get())]
    AccountNumber { found: AccountId, next: usize },
    #[error("`{path}` in {unit} is open already")]
    AccountUsed { path: AccountPath, unit: Unit },
    #[error("a posting to `{path}` is not in {unit}, which the account counts")]
    Unit { path: AccountPath, unit: Unit },
    #[error("entry {0} was posted before")]
    EntryUsed(EntryId),
    #[error("entry {0} is reversed, which no record before has posted")]
    ReversedUnknown(EntryId),
    #[error("more of entry {0} is reversed than was left, or what it leaves is not the rest")]
    ReversedRest(EntryId),
    #[error("hold {0} was placed before")]
    HoldUsed(HoldId),
    #[error("hold {0} is not open")]
    HoldOpen(HoldId),
    #[error("more is captured of hold {0} than was held")]
    HoldCovers(HoldId),
    #[error("the balance of `{path}` in {unit} leaves the range of an amount")]
    Range { path: AccountPath, unit: Unit },
    #[error("`{path}` in {unit} breaks its limit {}: {totals:?}", limit.as_str())]
    Limit {
        path: AccountPath,
        unit: Unit,
        limit: Limit,
        totals: AccountTotals,
    },
    #[error("the book has {found:?} for `{path}` in {unit}, the postings sum to {expected:?}")]
    Balance {
        path: AccountPath,
        unit: Unit,
        expected: AccountTotals,
        found: AccountTotals,
    },
    #[error("the book has {found} accounts, {expected} were opened")]
    Accounts { expected: usize, found: usize },
    #[error("debits less credits of {unit} are {sum}, not zero")]
    UnitSum { unit: Unit, sum: i128 },
    /// The panic's own text is on standard error.
    #[error("the book cannot fold the record: this is a bug")]
    Foldable,
}

/// Why an audit did not end well.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error(transparent)]
    Broken(#[from] AuditFinding),
    /// The log failed; the books may be in order.
    #[error(transparent)]
    Read(#[from] LogReadError),
}
