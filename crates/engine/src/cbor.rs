//! Values inside the rows of tables, as CBOR.

use minicbor::data::Type;
use minicbor::decode::Error;
use minicbor::{Decoder, Encode, Encoder};
use tillroll_book::state::{Ids, Legs};
use tillroll_ledger::AccountId;
use tillroll_money::Unit;

/// Writes to memory, which cannot fail.
pub(crate) struct Out<'a>(Encoder<&'a mut Vec<u8>>);

impl<'a> Out<'a> {
    /// A row of so many values.
    pub(crate) fn row(buffer: &'a mut Vec<u8>, values: u64) -> Self {
        let mut out = Self(Encoder::new(buffer));
        out.array(values);
        out
    }

    pub(crate) fn array(&mut self, values: u64) {
        self.0.array(values).expect(IN_MEMORY);
    }

    pub(crate) fn value<T: Encode<()>>(&mut self, value: T) -> &mut Self {
        self.0.encode(value).expect(IN_MEMORY);
        self
    }

    pub(crate) fn unit(&mut self, unit: &Unit) -> &mut Self {
        self.value(unit.as_str())
    }

    pub(crate) fn set(&mut self, ids: &Ids) -> &mut Self {
        self.array(ids.len() as u64);
        for id in ids {
            self.value(id);
        }
        self
    }

    /// Account and amount in turn. Amounts of a subject are sums of many, so they may leave 64
    /// bits, and nearly never do.
    pub(crate) fn legs(&mut self, legs: &Legs) -> &mut Self {
        self.array(legs.iter().count() as u64 * 2);
        for (account, net) in legs.iter() {
            self.value(account.get());
            match i64::try_from(net) {
                Ok(net) => self.0.i64(net),
                Err(_) => self.0.bytes(&net.to_be_bytes()),
            }
            .expect(IN_MEMORY);
        }
        self
    }
}

const IN_MEMORY: &str = "writing to memory cannot fail";

/// An array of exactly so many values.
pub(crate) fn row(d: &mut Decoder<'_>, values: u64) -> Result<(), Error> {
    match array(d)? == values {
        true => Ok(()),
        false => Err(Error::message("a row has a fixed number of values")),
    }
}

/// The length of an array, which is written before it.
pub(crate) fn array(d: &mut Decoder<'_>) -> Result<u64, Error> {
    d.array()?
        .ok_or_else(|| Error::message("an array has a fixed length"))
}

pub(crate) fn unit(d: &mut Decoder<'_>) -> Result<Unit, Error> {
    d.str()?.parse().map_err(Error::custom)
}

pub(crate) fn set(d: &mut Decoder<'_>) -> Result<Ids, Error> {
    let mut ids = Ids::default();
    for _ in 0..array(d)? {
        if !ids.insert(d.decode()?) {
            return Err(Error::message("an id is there twice"));
        }
    }
    Ok(ids)
}

pub(crate) fn legs(d: &mut Decoder<'_>) -> Result<Legs, Error> {
    let values = array(d)?;
    if values % 2 != 0 {
        return Err(Error::message("each account has an amount"));
    }
    let mut legs = Legs::default();
    for _ in 0..values / 2 {
        let account = AccountId::new(d.u32()?);
        let net = match d.datatype()? {
            Type::Bytes => {
                let bytes: [u8; 16] = d
                    .bytes()?
                    .try_into()
                    .map_err(|_| Error::message("a wide amount has 16 bytes"))?;
                i128::from_be_bytes(bytes)
            }
            _ => i128::from(d.i64()?),
        };
        legs.debit(account, net);
    }
    Ok(legs)
}
