//! An entry's id as the key of a row: the id itself is of the ledger, which knows no bytes.

use std::fmt;

use minicbor::decode::Error;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};
use tillroll_events::{EntryId, cbor};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey(pub EntryId);

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<C> Encode<C> for EntryKey {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        cbor::entry_id::encode(&self.0, e, context)
    }
}

impl<'b, C> Decode<'b, C> for EntryKey {
    fn decode(d: &mut Decoder<'b>, context: &mut C) -> Result<Self, Error> {
        cbor::entry_id::decode(d, context).map(Self)
    }
}
