//! Goods that arrive.

use std::borrow::Cow;

use minicbor::{Decode, Encode};

use crate::JournalEntry;
use crate::payload::Payload;

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct StockLine {
    #[n(0)]
    pub sku: String,
    #[n(1)]
    pub quantity: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct StockReceived {
    #[n(0)]
    pub location: String,
    #[n(1)]
    pub lines: Vec<StockLine>,
    /// The delivery note, as the caller names it.
    #[n(2)]
    pub reference: Option<String>,
    #[n(3)]
    pub entry: JournalEntry,
}

impl Payload for StockReceived {
    fn entry(&self) -> Option<&JournalEntry> {
        Some(&self.entry)
    }

    fn subject(&self) -> Option<Cow<'_, str>> {
        self.reference.as_deref().map(Cow::Borrowed)
    }
}
