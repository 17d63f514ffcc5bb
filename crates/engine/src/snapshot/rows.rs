//! Rows: how each section writes its own and reads it back.
//!
//! What there are many of (accounts, ids) has a fixed layout. Rows beside the ledger are those
//! of [`crate::row`].

use minicbor::Decoder;
use minicbor::bytes::ByteArray;
use minicbor::decode::Error;
use tillroll_book::{Book, state};
use tillroll_events::{HoldId, JournalEntry};
use tillroll_ledger::{
    self as ledger, Account, AccountSpec, AccountType, Balances, EntryId, Hold, Limit,
};

use tillroll_money::Unit;

use super::write::Writer;
use super::{Section, SnapshotError, SnapshotFault};
use crate::cbor::{self, Out};
use crate::failure::in_full;
use crate::fixed::Fixed;
use crate::row;

/// Writes all sections of a book.
pub(super) fn write(book: &Book, to: &mut Writer<'_>) -> Result<(), SnapshotError> {
    let (ledger, state) = (book.ledger(), book.state());
    let accounts = ledger.accounts();
    to.section(Section::Accounts, accounts, |(account, balances), out| {
        write_account(account, ledger.unit_of(account), balances, out);
    })?;
    let ids = ledger.ascending_entry_ids();
    to.section(Section::AscendingEntries, ids, |id, out| {
        out.extend_from_slice(&id.as_u128().to_be_bytes());
    })?;
    let ids = ledger.scattered_entry_ids();
    to.section(Section::ScatteredEntries, ids, |id, out| {
        out.extend_from_slice(&id.as_u128().to_be_bytes());
    })?;
    to.section(Section::HoldIds, ledger.hold_ids(), |id, out| {
        out.extend_from_slice(&id.as_u128().to_be_bytes());
    })?;
    to.section(Section::OpenHolds, ledger.holds(), |(id, hold), out| {
        Out::row(out, 3)
            .value(ByteArray::from(id.as_u128().to_be_bytes()))
            .value(hold.expires_at)
            .value(JournalEntry(hold.entry.clone()));
    })?;
    to.section(Section::Keys, state.applied(), |(key, row), out| {
        row::write_key(&key, &row, out);
    })?;
    to.section(Section::Orders, state.orders(), |(_, row), out| {
        row::write_order(&row, out);
    })?;
    to.section(Section::Links, state.links(), |(id, row), out| {
        row::write_links(*id, &row, out);
    })?;
    to.section(Section::Intents, state.intents(), |(id, row), out| {
        row::write_intent(&id, &row, out);
    })?;
    to.section(Section::Charges, state.charges(), |(id, row), out| {
        row::write_charge(&id, &row, out);
    })?;
    to.section(Section::Refunds, state.refunds(), |(id, row), out| {
        row::write_refund(&id, &row, out);
    })?;
    to.section(Section::Disputes, state.disputes(), |(id, row), out| {
        row::write_dispute(&id, &row, out);
    })?;
    to.section(Section::Transfers, state.transfers(), |(id, row), out| {
        row::write_transfer(&id, &row, out);
    })?;
    to.section(Section::Payouts, state.payouts(), |(id, row), out| {
        row::write_payout(&id, &row, out);
    })?;
    let rows = state.balance_transactions();
    to.section(Section::BalanceTransactions, rows, |(id, row), out| {
        row::write_balance_transaction(&id, &row, out);
    })?;
    to.section(Section::Sources, state.by_source(), |(id, row), out| {
        row::write_source(&id, &row, out);
    })?;
    // Rows that could not be read back are missing from the sections.
    book.fault()
        .cloned()
        .map_or(Ok(()), |fault| Err(fault.into()))
}

fn write_account(account: &Account, unit: Unit, balances: &Balances, out: &mut Vec<u8>) {
    for text in [account.path.as_str(), unit.as_str()] {
        out.push(u8::try_from(text.len()).expect("paths and units are short"));
        out.extend_from_slice(text.as_bytes());
    }
    out.extend_from_slice(&[kind_number(account.kind), limit_number(account.limit)]);
    let Balances {
        debits_posted,
        credits_posted,
        debits_pending,
        credits_pending,
    } = *balances;
    for total in [
        debits_posted,
        credits_posted,
        debits_pending,
        credits_pending,
    ] {
        out.extend_from_slice(&total.to_le_bytes());
    }
}

fn kind_number(kind: AccountType) -> u8 {
    match kind {
        AccountType::Asset => 1,
        AccountType::Liability => 2,
        AccountType::Equity => 3,
        AccountType::Income => 4,
        AccountType::Expense => 5,
        AccountType::Memorandum => 6,
    }
}

fn limit_number(limit: Limit) -> u8 {
    match limit {
        Limit::None => 0,
        Limit::DebitsMustNotExceedCredits => 1,
        Limit::CreditsMustNotExceedDebits => 2,
    }
}

/// An account's row has two lengths, a letter of each text, two numbers and four totals.
const LEAST_ACCOUNT_BYTES: u64 = 38;

/// First the ledger, then what stands beside it.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one, and it is moved once"
)]
#[derive(Debug)]
enum Stage {
    Ledger(ledger::Restore),
    State(state::Restore),
}

/// A book that is being read.
#[derive(Debug)]
pub(super) struct Rebuild {
    stage: Stage,
    /// What the state is put together on.
    blank: Option<Book>,
    /// The unit of the account before. Most have the same, and a lookup in the list of all
    /// currencies takes longer than all the rest of an account.
    unit: Option<Unit>,
}

impl Rebuild {
    /// A book with so many accounts, in a file of so many bytes. It goes on as `blank` does.
    pub(super) fn new(accounts: u64, bytes: u64, blank: Book) -> Self {
        // A header that was damaged with care must not take all memory.
        let accounts = accounts.min(bytes / LEAST_ACCOUNT_BYTES);
        let accounts = usize::try_from(accounts).unwrap_or(0);
        Self {
            stage: Stage::Ledger(ledger::Restore::of(accounts)),
            blank: Some(blank),
            unit: None,
        }
    }

    /// Takes the rows of a block. The bytes were written by us or by chance: nothing that they
    /// say may panic.
    pub(super) fn block(
        &mut self,
        section: Section,
        rows: u32,
        bytes: &[u8],
    ) -> Result<(), SnapshotFault> {
        self.enter(section)?;
        let mut rest = bytes;
        for row in 0..rows {
            let used = self.row(section, rest).map_err(|error| match error {
                RowError::Shape(error) => SnapshotFault::Row {
                    row,
                    detail: in_full(&error),
                },
                RowError::Fault(fault) => fault,
            })?;
            rest = rest.get(used..).unwrap_or_default();
        }
        match rest.len() {
            0 => Ok(()),
            left => Err(SnapshotFault::RowBytes(left)),
        }
    }

    /// The book, once all sections were read.
    pub(super) fn finish(mut self) -> Result<Book, SnapshotFault> {
        self.enter(Section::Sources)?;
        match self.stage {
            Stage::State(state) => Ok(state.finish()),
            Stage::Ledger(_) => unreachable!("the last section is beside the ledger"),
        }
    }

    /// Completes the ledger before the first row that refers to it from outside.
    fn enter(&mut self, section: Section) -> Result<(), SnapshotFault> {
        if section > Section::OpenHolds
            && let Stage::Ledger(ledger) = &mut self.stage
        {
            let ledger = std::mem::take(ledger).finish()?;
            let blank = self.blank.take().expect("a ledger is completed once");
            self.stage = Stage::State(state::Restore::new(blank, ledger));
        }
        Ok(())
    }

    /// Takes the row at the start of `bytes`; answers its length.
    fn row(&mut self, section: Section, bytes: &[u8]) -> Result<usize, RowError> {
        match &mut self.stage {
            Stage::Ledger(ledger) => ledger_row(ledger, &mut self.unit, section, bytes),
            Stage::State(state) => {
                let (row, used) = row::read(section, bytes)?;
                state.row(row)?;
                Ok(used)
            }
        }
    }
}

pub(super) enum RowError {
    Shape(Error),
    Fault(SnapshotFault),
}

impl From<Error> for RowError {
    fn from(error: Error) -> Self {
        Self::Shape(error)
    }
}

impl From<ledger::RestoreError> for RowError {
    fn from(error: ledger::RestoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<state::RestoreError> for RowError {
    fn from(error: state::RestoreError) -> Self {
        Self::Fault(error.into())
    }
}

fn ledger_row(
    ledger: &mut ledger::Restore,
    before: &mut Option<Unit>,
    section: Section,
    bytes: &[u8],
) -> Result<usize, RowError> {
    let mut from = Fixed::new(bytes);
    match section {
        Section::Accounts => {
            let path = from.short_text()?.parse().map_err(Error::custom)?;
            let text = from.short_text()?;
            let unit = match before {
                Some(unit) if unit.as_str() == text => *unit,
                _ => *before.insert(text.parse().map_err(Error::custom)?),
            };
            let [kind, limit] = from.array()?;
            let unknown = || Error::message("the account's type or limit is not known");
            let kinds = AccountType::ALL.into_iter();
            let mut kinds = kinds.filter(|known| kind_number(*known) == kind);
            let limits = Limit::ALL.into_iter();
            let mut limits = limits.filter(|known| limit_number(*known) == limit);
            let spec = AccountSpec {
                path,
                unit,
                kind: kinds.next().ok_or_else(unknown)?,
                limit: limits.next().ok_or_else(unknown)?,
            };
            let balances = Balances {
                debits_posted: from.total()?,
                credits_posted: from.total()?,
                debits_pending: from.total()?,
                credits_pending: from.total()?,
            };
            ledger.account(spec, balances)?;
        }
        Section::AscendingEntries => {
            ledger.ascending_entry(EntryId::from_u128(u128::from_be_bytes(from.array()?)))?;
        }
        Section::ScatteredEntries => {
            ledger.scattered_entry(EntryId::from_u128(u128::from_be_bytes(from.array()?)))?;
        }
        Section::HoldIds => {
            ledger.hold_id(HoldId::from_u128(u128::from_be_bytes(from.array()?)))?;
        }
        _ => {
            let mut d = Decoder::new(bytes);
            cbor::row(&mut d, 3)?;
            let id: ByteArray<16> = d.decode()?;
            let id = HoldId::from_u128(u128::from_be_bytes(*id));
            let expires_at = d.decode()?;
            let JournalEntry(entry) = d.decode()?;
            ledger.open_hold(id, Hold { entry, expires_at })?;
            return Ok(d.position());
        }
    }
    Ok(from.used())
}
