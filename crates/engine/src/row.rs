//! How a row beside the ledger is written down, and read back: in a snapshot, and in the file of
//! rows that nobody has touched for long.
//!
//! Keys, of which there are many, have a fixed layout; the others are CBOR, with the codec of
//! the events for what events are made of. `SNAPSHOT.md` says it in prose. It knows no file and
//! no checksum.

use minicbor::Decoder;
use minicbor::decode::Error;
use tillroll_book::Row;
use tillroll_book::state::{
    Applied, BalanceTransaction, Charge, Dispute, Goods, Ids, Intent, Order, OrderLinks, Payout,
    Refund, Transfer,
};
use tillroll_events::{ExternalId, OrderId};

use crate::Section;
use crate::cbor::{self, Out};
use crate::fixed::Fixed;

/// Writes a row; answers the section of a snapshot that it belongs to.
pub(crate) fn write(row: &Row, out: &mut Vec<u8>) -> Section {
    match row {
        Row::Key(key, row) => {
            write_key(key, row, out);
            Section::Keys
        }
        Row::Order(_, row) => {
            write_order(row, out);
            Section::Orders
        }
        Row::Links(id, row) => {
            write_links(*id, row, out);
            Section::Links
        }
        Row::Intent(id, row) => {
            write_intent(id, row, out);
            Section::Intents
        }
        Row::Charge(id, row) => {
            write_charge(id, row, out);
            Section::Charges
        }
        Row::Refund(id, row) => {
            write_refund(id, row, out);
            Section::Refunds
        }
        Row::Dispute(id, row) => {
            write_dispute(id, row, out);
            Section::Disputes
        }
        Row::Transfer(id, row) => {
            write_transfer(id, row, out);
            Section::Transfers
        }
        Row::Payout(id, row) => {
            write_payout(id, row, out);
            Section::Payouts
        }
        Row::BalanceTransaction(id, row) => {
            write_balance_transaction(id, row, out);
            Section::BalanceTransactions
        }
        Row::Source(id, row) => {
            write_source(id, row, out);
            Section::Sources
        }
    }
}

pub(crate) fn write_key(key: &str, applied: &Applied, out: &mut Vec<u8>) {
    let length = u32::try_from(key.len()).expect("a key fits into a record");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&applied.fingerprint);
    out.extend_from_slice(&applied.first.to_le_bytes());
    out.extend_from_slice(&applied.events.to_le_bytes());
}

pub(crate) fn write_order(order: &Order, out: &mut Vec<u8>) {
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

pub(crate) fn write_links(id: OrderId, row: &OrderLinks, out: &mut Vec<u8>) {
    let mut out = Out::row(out, 3);
    out.value(id).set(&row.intents).set(&row.charges);
}

pub(crate) fn write_intent(id: &ExternalId, row: &Intent, out: &mut Vec<u8>) {
    Out::row(out, 6)
        .value(id)
        .value(&row.facts)
        .value(row.order)
        .set(&row.charges)
        .set(&row.refunds)
        .set(&row.disputes);
}

pub(crate) fn write_charge(id: &ExternalId, row: &Charge, out: &mut Vec<u8>) {
    Out::row(out, 5)
        .value(id)
        .value(&row.facts)
        .value(&row.intent)
        .set(&row.refunds)
        .set(&row.disputes);
}

pub(crate) fn write_refund(id: &ExternalId, row: &Refund, out: &mut Vec<u8>) {
    Out::row(out, 2).value(id).value(&row.facts);
}

pub(crate) fn write_dispute(id: &ExternalId, row: &Dispute, out: &mut Vec<u8>) {
    let mut out = Out::row(out, 3);
    out.value(id).value(&row.facts).legs(&row.booked);
}

pub(crate) fn write_transfer(id: &ExternalId, row: &Transfer, out: &mut Vec<u8>) {
    let mut out = Out::row(out, 3);
    out.value(id).value(&row.facts).legs(&row.booked);
}

pub(crate) fn write_payout(id: &ExternalId, row: &Payout, out: &mut Vec<u8>) {
    let mut out = Out::row(out, 3);
    out.value(id).value(&row.facts).legs(&row.booked);
}

pub(crate) fn write_balance_transaction(
    id: &ExternalId,
    row: &BalanceTransaction,
    out: &mut Vec<u8>,
) {
    Out::row(out, 4)
        .value(id)
        .value(&row.facts)
        .value(row.order)
        .legs(&row.booked);
}

pub(crate) fn write_source(id: &ExternalId, row: &Ids, out: &mut Vec<u8>) {
    Out::row(out, 2).value(id).set(row);
}

/// Reads the row at the start of `bytes`; answers it and its length. Whoever wrote the bytes,
/// nothing that they say may panic.
pub(crate) fn read(section: Section, bytes: &[u8]) -> Result<(Row, usize), Error> {
    if section == Section::Keys {
        return read_key(bytes);
    }
    let mut d = Decoder::new(bytes);
    let row = read_table(section, &mut d)?;
    Ok((row, d.position()))
}

fn read_key(bytes: &[u8]) -> Result<(Row, usize), Error> {
    let mut from = Fixed::new(bytes);
    let length = u32::from_le_bytes(from.array()?);
    let key = from.text(usize::try_from(length).map_err(Error::custom)?)?;
    let applied = Applied {
        fingerprint: from.array()?,
        first: from.total()?,
        events: u32::from_le_bytes(from.array()?),
    };
    Ok((Row::Key(key.into(), applied), from.used()))
}

fn read_table(section: Section, d: &mut Decoder<'_>) -> Result<Row, Error> {
    Ok(match section {
        Section::Orders => {
            let order = read_order(d)?;
            Row::Order(order.id, order)
        }
        Section::Links => {
            cbor::row(d, 3)?;
            let id: OrderId = d.decode()?;
            let row = OrderLinks {
                intents: cbor::set(d)?,
                charges: cbor::set(d)?,
            };
            Row::Links(id, row)
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
            Row::Intent(id, row)
        }
        Section::Charges => {
            let id = keyed(d, 5)?;
            let row = Charge {
                facts: d.decode()?,
                intent: d.decode()?,
                refunds: cbor::set(d)?,
                disputes: cbor::set(d)?,
            };
            Row::Charge(id, row)
        }
        Section::Refunds => {
            let id = keyed(d, 2)?;
            Row::Refund(id, Refund { facts: d.decode()? })
        }
        Section::Disputes => {
            let id = keyed(d, 3)?;
            let (facts, booked) = (d.decode()?, cbor::legs(d)?);
            Row::Dispute(id, Dispute { facts, booked })
        }
        Section::Transfers => {
            let id = keyed(d, 3)?;
            let (facts, booked) = (d.decode()?, cbor::legs(d)?);
            Row::Transfer(id, Transfer { facts, booked })
        }
        Section::Payouts => {
            let id = keyed(d, 3)?;
            let (facts, booked) = (d.decode()?, cbor::legs(d)?);
            Row::Payout(id, Payout { facts, booked })
        }
        Section::BalanceTransactions => {
            let id = keyed(d, 4)?;
            let row = BalanceTransaction {
                facts: d.decode()?,
                order: d.decode()?,
                booked: cbor::legs(d)?,
            };
            Row::BalanceTransaction(id, row)
        }
        Section::Sources => {
            let id = keyed(d, 2)?;
            Row::Source(id, cbor::set(d)?)
        }
        Section::Accounts
        | Section::AscendingEntries
        | Section::ScatteredEntries
        | Section::HoldIds
        | Section::OpenHolds
        | Section::Keys => return Err(Error::message("no table has such rows")),
    })
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
