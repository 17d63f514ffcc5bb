//! Rows: how each section writes its own and reads it back.
//!
//! What the ledger has many of (accounts, ids) has a fixed layout. Rows beside the ledger have the
//! codec that they are declared with, in the book.

use minicbor::decode::Error;
use minicbor::{Decode, Decoder, Encode};
use tillroll_book::Book;
use tillroll_book::state::{
    BookRestore, ListedRow, RestoreRowError, RowVisitor, StateRow, encode_row,
};
use tillroll_events::{JournalEntry, cbor};
use tillroll_ledger::{
    self as ledger, Account, AccountSpec, AccountTotals, AccountType, EntryId, Hold, HoldId, Limit,
};

use tillroll_money::Unit;

use super::fixed::FixedReader;
use super::write::{BlockSink, BlockWriter};
use super::{Moment, Section, SnapshotError, SnapshotFault};
use crate::failure::in_full;

/// A hold that has not ended, as it is written.
#[derive(Encode, Decode)]
struct OpenHold {
    #[cbor(n(0), with = "cbor::hold_id")]
    id: HoldId,
    #[n(1)]
    expires_at: Option<i64>,
    #[n(2)]
    entry: JournalEntry,
}

/// Writes all sections; answers the number of blocks.
pub(super) fn write_book(
    moment: &Moment<'_>,
    sink: &mut dyn BlockSink,
) -> Result<u64, SnapshotError> {
    let mut to = BlockWriter::new(sink);
    let ledger = moment.book.ledger();
    to.section(Section::Accounts, ledger.accounts(), |(account, _), out| {
        let totals = ledger.totals(account.id).expect("it is open");
        write_account(account, ledger.unit_of(account), &totals, out);
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
        let hold = OpenHold {
            id,
            expires_at: hold.expires_at,
            entry: JournalEntry(hold.entry.clone()),
        };
        minicbor::encode(hold, out).expect("writing to memory cannot fail");
    })?;
    moment.book.visit_rows(&mut to)?;
    // Rows that could not be read back are missing from the sections.
    match moment.book.fault() {
        Some(fault) => Err(fault.clone().into()),
        None => Ok(to.blocks),
    }
}

impl RowVisitor for BlockWriter<'_> {
    type Error = SnapshotError;

    fn rows<'b, V: StateRow + 'b>(
        &mut self,
        rows: impl Iterator<Item = ListedRow<'b, V>>,
    ) -> Result<(), SnapshotError> {
        self.section(Section::Rows(V::KIND), rows, |(key, row), out| {
            encode_row(&*key, &*row, out);
        })
    }
}

/// Beside the number of a limit: the posted totals are wide.
const WIDE: u8 = 0x80;

fn write_account(account: &Account, unit: Unit, totals: &AccountTotals, out: &mut Vec<u8>) {
    for text in [account.path.as_str(), unit.as_str()] {
        out.push(u8::try_from(text.len()).expect("paths and units are short"));
        out.extend_from_slice(text.as_bytes());
    }
    let posted = [totals.debits_posted, totals.credits_posted];
    let [debits, credits] = posted.map(|total| u64::try_from(total).ok());
    let (kind, limit) = (kind_number(account.kind), limit_number(account.limit));
    match (debits, credits) {
        (Some(debits), Some(credits)) => {
            out.extend_from_slice(&[kind, limit]);
            out.extend_from_slice(&debits.to_le_bytes());
            out.extend_from_slice(&credits.to_le_bytes());
        }
        _ => {
            out.extend_from_slice(&[kind, limit | WIDE]);
            for total in posted {
                out.extend_from_slice(&total.to_le_bytes());
            }
        }
    }
    for total in [totals.debits_pending, totals.credits_pending] {
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
    Ledger(ledger::LedgerRestore),
    Rows(BookRestore),
}

/// A book that is being read.
#[derive(Debug)]
pub(super) struct SnapshotRestore {
    stage: Stage,
    /// What the book is put together on.
    empty: Option<Book>,
    /// The unit of the account before. Most have the same, and a lookup in the list of all
    /// currencies takes longer than all the rest of an account.
    unit: Option<Unit>,
}

impl SnapshotRestore {
    /// A book with so many accounts, in a file of so many bytes. It goes on as `empty` does.
    pub(super) fn new(accounts: u64, bytes: u64, empty: Book) -> Self {
        // A header that was damaged with care must not take all memory.
        let accounts = accounts.min(bytes / LEAST_ACCOUNT_BYTES);
        let accounts = usize::try_from(accounts).unwrap_or(0);
        Self {
            stage: Stage::Ledger(ledger::LedgerRestore::of(accounts)),
            empty: Some(empty),
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
        let mut rest = bytes;
        for row in 0..rows {
            let used = self.row(section, rest).map_err(|error| match error {
                RowError::Malformed(error) => SnapshotFault::Row {
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
        self.beside_ledger()?;
        match self.stage {
            Stage::Rows(rows) => Ok(rows.finish()),
            Stage::Ledger(_) => unreachable!("the ledger is complete"),
        }
    }

    /// Completes the ledger before the first row that refers to it from outside.
    fn beside_ledger(&mut self) -> Result<&mut BookRestore, SnapshotFault> {
        if let Stage::Ledger(ledger) = &mut self.stage {
            let ledger = std::mem::take(ledger).finish()?;
            let empty = self.empty.take().expect("a ledger is completed once");
            self.stage = Stage::Rows(BookRestore::new(empty, ledger));
        }
        match &mut self.stage {
            Stage::Rows(rows) => Ok(rows),
            Stage::Ledger(_) => unreachable!("the ledger is complete"),
        }
    }

    /// Takes the row at the start of `bytes`; answers its length.
    fn row(&mut self, section: Section, bytes: &[u8]) -> Result<usize, RowError> {
        match (section, &mut self.stage) {
            (Section::Rows(kind), _) => Ok(self.beside_ledger()?.row(kind, bytes)?),
            (_, Stage::Ledger(ledger)) => ledger_row(ledger, &mut self.unit, section, bytes),
            (_, Stage::Rows(_)) => Err(SnapshotFault::Order.into()),
        }
    }
}

#[derive(Debug)]
enum RowError {
    Malformed(Error),
    Fault(SnapshotFault),
}

impl From<Error> for RowError {
    fn from(error: Error) -> Self {
        Self::Malformed(error)
    }
}

impl From<SnapshotFault> for RowError {
    fn from(fault: SnapshotFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ledger::LedgerRestoreError> for RowError {
    fn from(error: ledger::LedgerRestoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<RestoreRowError> for RowError {
    fn from(error: RestoreRowError) -> Self {
        match error {
            RestoreRowError::Malformed(error) => Self::Malformed(error),
            RestoreRowError::Contradiction(error) => Self::Fault(error.into()),
        }
    }
}

fn ledger_row(
    ledger: &mut ledger::LedgerRestore,
    before: &mut Option<Unit>,
    section: Section,
    bytes: &[u8],
) -> Result<usize, RowError> {
    let mut from = FixedReader::new(bytes);
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
            let mut limits = limits.filter(|known| limit_number(*known) == limit & !WIDE);
            let spec = AccountSpec {
                path,
                unit,
                kind: kinds.next().ok_or_else(unknown)?,
                limit: limits.next().ok_or_else(unknown)?,
            };
            let is_wide = limit & WIDE != 0;
            let totals = AccountTotals {
                debits_posted: from.posted(is_wide)?,
                credits_posted: from.posted(is_wide)?,
                debits_pending: from.total()?,
                credits_pending: from.total()?,
            };
            let posted = totals.debits_posted.max(totals.credits_posted);
            if is_wide && u64::try_from(posted).is_ok() {
                return Err(Error::message("totals are wide and need not be").into());
            }
            ledger.account(spec, totals)?;
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
            let OpenHold {
                id,
                expires_at,
                entry: JournalEntry(entry),
            } = d.decode()?;
            ledger.open_hold(id, Hold { entry, expires_at })?;
            return Ok(d.position());
        }
    }
    Ok(from.used())
}
