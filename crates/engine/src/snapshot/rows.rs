//! Rows: how each section writes its own and reads it back.
//!
//! What there are many of (accounts, ids, keys) has a fixed layout; the tables are CBOR, with
//! the codec of the events for what events are made of.

use minicbor::Decoder;
use minicbor::decode::Error;
use tillroll_book::state::{
    self, Applied, BalanceTransaction, Charge, Dispute, Goods, Intent, Order, OrderLinks, Payout,
    Refund, Transfer,
};
use tillroll_book::{Book, Chart};
use tillroll_events::{ExternalId, HoldId, JournalEntry, OrderId};
use tillroll_ledger::{
    self as ledger, Account, AccountSpec, AccountType, Balances, EntryId, Hold, Limit,
};

use tillroll_money::Unit;

use super::cbor::{self, Out};
use super::write::Writer;
use super::{Section, SnapshotError, SnapshotFault};
use crate::failure::in_full;

/// Writes all sections of a book.
pub(super) fn write(book: &Book, to: &mut Writer<'_>) -> Result<(), SnapshotError> {
    let (ledger, state) = (book.ledger(), book.state());
    let accounts = ledger.accounts();
    to.section(Section::Accounts, accounts, |(account, balances), out| {
        write_account(account, ledger.unit_of(account), balances, out);
    })?;
    to.section(Section::Entries, ledger.entry_ids(), |id, out| {
        out.extend_from_slice(&id.0.to_be_bytes());
    })?;
    to.section(Section::HoldIds, ledger.hold_ids(), |id, out| {
        out.extend_from_slice(&id.0.to_be_bytes());
    })?;
    to.section(Section::OpenHolds, ledger.holds(), |(id, hold), out| {
        Out::row(out, 3)
            .value(HoldId::from_u128(id.0))
            .value(hold.expires_at)
            .value(JournalEntry(hold.entry.clone()));
    })?;
    to.section(Section::Keys, state.applied(), |(key, applied), out| {
        let length = u32::try_from(key.len()).expect("a key fits into a record");
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(&applied.fingerprint);
        out.extend_from_slice(&applied.first.to_le_bytes());
        out.extend_from_slice(&applied.events.to_le_bytes());
    })?;
    to.section(Section::Orders, state.orders(), write_order)?;
    to.section(Section::Links, state.links(), |(id, row), out| {
        Out::row(out, 3)
            .value(id)
            .set(&row.intents)
            .set(&row.charges);
    })?;
    to.section(Section::Intents, state.intents(), |(id, row), out| {
        Out::row(out, 6)
            .value(id)
            .value(&row.facts)
            .value(row.order)
            .set(&row.charges)
            .set(&row.refunds)
            .set(&row.disputes);
    })?;
    to.section(Section::Charges, state.charges(), |(id, row), out| {
        Out::row(out, 5)
            .value(id)
            .value(&row.facts)
            .value(&row.intent)
            .set(&row.refunds)
            .set(&row.disputes);
    })?;
    to.section(Section::Refunds, state.refunds(), |(id, row), out| {
        Out::row(out, 2).value(id).value(&row.facts);
    })?;
    to.section(Section::Disputes, state.disputes(), |(id, row), out| {
        Out::row(out, 3)
            .value(id)
            .value(&row.facts)
            .legs(&row.booked);
    })?;
    to.section(Section::Transfers, state.transfers(), |(id, row), out| {
        Out::row(out, 3)
            .value(id)
            .value(&row.facts)
            .legs(&row.booked);
    })?;
    to.section(Section::Payouts, state.payouts(), |(id, row), out| {
        Out::row(out, 3)
            .value(id)
            .value(&row.facts)
            .legs(&row.booked);
    })?;
    let rows = state.balance_transactions();
    to.section(Section::BalanceTransactions, rows, |(id, row), out| {
        Out::row(out, 4)
            .value(id)
            .value(&row.facts)
            .value(row.order)
            .legs(&row.booked);
    })?;
    to.section(Section::Sources, state.by_source(), |(id, row), out| {
        Out::row(out, 2).value(id).set(row);
    })
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

fn write_order(order: &Order, out: &mut Vec<u8>) {
    let mut out = Out::row(out, 7);
    out.value(order.id)
        .value(&order.channel)
        .value(&order.location)
        .unit(&order.currency);
    out.array(order.goods.len() as u64 * 3);
    for goods in &order.goods {
        out.unit(&goods.sku)
            .value(goods.quantity)
            .value(goods.short);
    }
    out.value(&order.standing).legs(&order.booked);
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
    /// The unit of the account before. Most have the same, and a lookup in the list of all
    /// currencies takes longer than all the rest of an account.
    unit: Option<Unit>,
}

impl Rebuild {
    /// A book with so many accounts, in a file of so many bytes.
    pub(super) fn new(accounts: u64, bytes: u64) -> Self {
        // A header that was damaged with care must not take all memory.
        let accounts = accounts.min(bytes / LEAST_ACCOUNT_BYTES);
        let accounts = usize::try_from(accounts).unwrap_or(0);
        Self {
            stage: Stage::Ledger(ledger::Restore::of(accounts)),
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
            // The chart decides how accounts are opened, and no account that is open.
            self.stage = Stage::State(state::Restore::new(Chart::default(), ledger));
        }
        Ok(())
    }

    /// Takes the row at the start of `bytes`; answers its length.
    fn row(&mut self, section: Section, bytes: &[u8]) -> Result<usize, RowError> {
        match &mut self.stage {
            Stage::Ledger(ledger) => ledger_row(ledger, &mut self.unit, section, bytes),
            Stage::State(state) if section == Section::Keys => key_row(state, bytes),
            Stage::State(state) => {
                let mut d = Decoder::new(bytes);
                table_row(state, section, &mut d)?;
                Ok(d.position())
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

/// Reads fixed layouts, and notes how far.
struct Fixed<'a> {
    bytes: &'a [u8],
    used: usize,
}

impl<'a> Fixed<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let end = self.used.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.used..end));
        self.used = self.used.saturating_add(length);
        taken.ok_or_else(|| Error::message("the row ends too early"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn text(&mut self, length: usize) -> Result<&'a str, Error> {
        std::str::from_utf8(self.take(length)?).map_err(Error::custom)
    }

    fn short_text(&mut self) -> Result<&'a str, Error> {
        let [length] = self.array()?;
        self.text(usize::from(length))
    }

    fn total(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }
}

fn ledger_row(
    ledger: &mut ledger::Restore,
    before: &mut Option<Unit>,
    section: Section,
    bytes: &[u8],
) -> Result<usize, RowError> {
    let mut from = Fixed { bytes, used: 0 };
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
        Section::Entries => ledger.entry(EntryId(u128::from_be_bytes(from.array()?)))?,
        Section::HoldIds => {
            ledger.hold_id(ledger::HoldId(u128::from_be_bytes(from.array()?)))?;
        }
        _ => {
            let mut d = Decoder::new(bytes);
            cbor::row(&mut d, 3)?;
            let id: HoldId = d.decode()?;
            let expires_at = d.decode()?;
            let JournalEntry(entry) = d.decode()?;
            ledger.open_hold(ledger::HoldId(id.as_u128()), Hold { entry, expires_at })?;
            return Ok(d.position());
        }
    }
    Ok(from.used)
}

fn key_row(state: &mut state::Restore, bytes: &[u8]) -> Result<usize, RowError> {
    let mut from = Fixed { bytes, used: 0 };
    let length = u32::from_le_bytes(from.array()?);
    let key = from.text(usize::try_from(length).map_err(Error::custom)?)?;
    let applied = Applied {
        fingerprint: from.array()?,
        first: from.total()?,
        events: u32::from_le_bytes(from.array()?),
    };
    state.applied(key, applied)?;
    Ok(from.used)
}

fn table_row(
    state: &mut state::Restore,
    section: Section,
    d: &mut Decoder<'_>,
) -> Result<(), RowError> {
    match section {
        Section::Orders => {
            let order = read_order(d)?;
            state.orders(order)?;
        }
        Section::Links => {
            cbor::row(d, 3)?;
            let id: OrderId = d.decode()?;
            let row = OrderLinks {
                intents: cbor::set(d)?,
                charges: cbor::set(d)?,
            };
            state.links(id, row)?;
        }
        Section::Intents => {
            let id = keyed(d, 6)?;
            let row = Intent {
                facts: d.decode()?,
                order: d.decode()?,
                charges: cbor::set(d)?,
                refunds: cbor::set(d)?,
                disputes: cbor::set(d)?,
            };
            state.intents(id, row)?;
        }
        Section::Charges => {
            let id = keyed(d, 5)?;
            let row = Charge {
                facts: d.decode()?,
                intent: d.decode()?,
                refunds: cbor::set(d)?,
                disputes: cbor::set(d)?,
            };
            state.charges(id, row)?;
        }
        Section::Refunds => {
            let id = keyed(d, 2)?;
            let row = Refund { facts: d.decode()? };
            state.refunds(id, row)?;
        }
        Section::Disputes => {
            let id = keyed(d, 3)?;
            let (facts, booked) = (d.decode()?, cbor::legs(d)?);
            state.disputes(id, Dispute { facts, booked })?;
        }
        Section::Transfers => {
            let id = keyed(d, 3)?;
            let (facts, booked) = (d.decode()?, cbor::legs(d)?);
            state.transfers(id, Transfer { facts, booked })?;
        }
        Section::Payouts => {
            let id = keyed(d, 3)?;
            let (facts, booked) = (d.decode()?, cbor::legs(d)?);
            state.payouts(id, Payout { facts, booked })?;
        }
        Section::BalanceTransactions => {
            let id = keyed(d, 4)?;
            let row = BalanceTransaction {
                facts: d.decode()?,
                order: d.decode()?,
                booked: cbor::legs(d)?,
            };
            state.balance_transactions(id, row)?;
        }
        Section::Sources => {
            let id = keyed(d, 2)?;
            state.by_source(id, cbor::set(d)?)?;
        }
        Section::Accounts
        | Section::Entries
        | Section::HoldIds
        | Section::OpenHolds
        | Section::Keys => unreachable!("these are no tables"),
    }
    Ok(())
}

fn keyed(d: &mut Decoder<'_>, values: u64) -> Result<ExternalId, Error> {
    cbor::row(d, values)?;
    d.decode()
}

fn read_order(d: &mut Decoder<'_>) -> Result<Order, Error> {
    cbor::row(d, 7)?;
    let (id, channel, location) = (d.decode()?, d.decode()?, d.decode()?);
    let currency = cbor::unit(d)?;
    let values = cbor::array(d)?;
    if values % 3 != 0 {
        return Err(Error::message("goods have three values each"));
    }
    let mut goods = Vec::new();
    for _ in 0..values / 3 {
        goods.push(Goods {
            sku: cbor::unit(d)?,
            quantity: d.u64()?,
            short: d.u64()?,
        });
    }
    Ok(Order {
        id,
        channel,
        location,
        currency,
        goods,
        standing: d.decode()?,
        booked: cbor::legs(d)?,
    })
}
