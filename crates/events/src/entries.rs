//! Many entries in one event, in a fixed layout.
//!
//! An event for each of a thousand plain entries would spend most of its bytes and time on
//! envelopes. Those that carry no words of their own are written here one after the other:
//!
//! | bytes | of each entry |
//! |---|---|
//! | 16 | id, little endian |
//! | 4 | number of postings |
//! | 16 each | postings: account (4), unit (2), side (1: debit, 2: credit), nought (1), minor units (8) |
//!
//! Numbers are little endian. Reading proves again that every entry balances.

use minicbor::{Decode, Encode};
use tillroll_ledger::{AccountId, Entry, EntryError, EntryRef, MAX_POSTINGS, Posting, UnitId};

use crate::{EntryId, codec};

const HEAD_BYTES: usize = 20;
const POSTING_BYTES: usize = 16;

/// Entries with nothing but their postings, in the order in which they were posted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct EntriesPosted {
    #[n(0)]
    pub entries: PostedEntries,
}

/// The entries themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostedEntries {
    bytes: Vec<u8>,
    entries: usize,
    postings: usize,
}

/// Why bytes are no entries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseEntriesError {
    #[error("entry {0} is cut short")]
    Truncated(usize),
    #[error("posting {posting} of entry {entry} has an unknown side or a byte that is not nought")]
    Posting { entry: usize, posting: usize },
    #[error("entry {entry}: {error}")]
    Entry { entry: usize, error: EntryError },
}

impl PostedEntries {
    /// None yet, and room for some.
    #[must_use]
    pub fn with_capacity(entries: usize, postings: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(Self::bytes_of(entries, postings)),
            entries: 0,
            postings: 0,
        }
    }

    /// How long so many are.
    #[must_use]
    pub fn bytes_of(entries: usize, postings: usize) -> usize {
        entries * HEAD_BYTES + postings * POSTING_BYTES
    }

    pub fn push(&mut self, id: EntryId, entry: EntryRef<'_>) {
        let postings = entry.postings();
        let count = u32::try_from(postings.len()).expect("an entry has few postings");
        self.bytes.extend_from_slice(&id.as_u128().to_le_bytes());
        self.bytes.extend_from_slice(&count.to_le_bytes());
        for posting in postings {
            let mut row = [0; POSTING_BYTES];
            row[..4].copy_from_slice(&posting.account.get().to_le_bytes());
            row[4..6].copy_from_slice(&posting.unit.get().to_le_bytes());
            row[6] = codec::side::number(&posting.side);
            row[8..].copy_from_slice(&posting.amount.to_le_bytes());
            self.bytes.extend_from_slice(&row);
        }
        self.entries += 1;
        self.postings += postings.len();
    }

    /// How many entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// How many postings, of all entries together.
    #[must_use]
    pub fn postings(&self) -> usize {
        self.postings
    }

    /// Shows each entry in order. They are lent, so that none has to be allocated.
    ///
    /// # Panics
    /// Never: the bytes were proved when they were read or pushed.
    pub fn for_each(&self, visit: impl FnMut(EntryId, EntryRef<'_>)) {
        let seen = walk(&self.bytes, visit);
        seen.expect("proved when they were read");
    }

    /// All of them, each in its own memory.
    #[must_use]
    pub fn to_vec(&self) -> Vec<(EntryId, Entry)> {
        let mut entries = Vec::with_capacity(self.entries);
        self.for_each(|id, entry| entries.push((id, entry.to_entry())));
        entries
    }

    fn parse(bytes: &[u8]) -> Result<Self, ParseEntriesError> {
        let mut counted = Self::default();
        walk(bytes, |_, entry| {
            counted.entries += 1;
            counted.postings += entry.postings().len();
        })?;
        counted.bytes = bytes.to_vec();
        Ok(counted)
    }
}

fn walk(
    mut bytes: &[u8],
    mut visit: impl FnMut(EntryId, EntryRef<'_>),
) -> Result<(), ParseEntriesError> {
    let mut postings: Vec<Posting> = Vec::with_capacity(8);
    let mut entry = 0;
    while !bytes.is_empty() {
        let cut = ParseEntriesError::Truncated(entry);
        let Some((head, rest)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
            return Err(cut);
        };
        let (id, count) = head.split_at(16);
        let id = u128::from_le_bytes(id.try_into().expect("16 bytes"));
        let count = u32::from_le_bytes(count.try_into().expect("four bytes"));
        let length = usize::try_from(count)
            .ok()
            .filter(|count| *count <= MAX_POSTINGS)
            .map(|count| count * POSTING_BYTES);
        let Some((rows, rest)) = length.and_then(|length| rest.split_at_checked(length)) else {
            return Err(cut);
        };
        postings.clear();
        for (posting, row) in rows.chunks_exact(POSTING_BYTES).enumerate() {
            let row: &[u8; POSTING_BYTES] = row.try_into().expect("16 bytes");
            let [a0, a1, a2, a3, u0, u1, side, nought, amount @ ..] = *row;
            let side = codec::side::from_number(side).ok();
            let Some(side) = side.filter(|_| nought == 0) else {
                return Err(ParseEntriesError::Posting { entry, posting });
            };
            postings.push(Posting {
                account: AccountId::new(u32::from_le_bytes([a0, a1, a2, a3])),
                unit: UnitId::new(u16::from_le_bytes([u0, u1])),
                side,
                amount: u64::from_le_bytes(amount),
            });
        }
        let proved = EntryRef::new(&postings);
        let proved = proved.map_err(|error| ParseEntriesError::Entry { entry, error })?;
        visit(EntryId::from_u128(id), proved);
        bytes = rest;
        entry += 1;
    }
    Ok(())
}

impl<C> Encode<C> for PostedEntries {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.bytes)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for PostedEntries {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::parse(d.bytes()?).map_err(minicbor::decode::Error::custom)
    }
}

// In numbers, as with single entries; `view` replaces them by paths and units.
impl serde::Serialize for PostedEntries {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Row {
            id: EntryId,
            #[serde(flatten)]
            entry: crate::JournalEntry,
        }
        let rows = self.to_vec().into_iter().map(|(id, entry)| Row {
            id,
            entry: crate::JournalEntry(entry),
        });
        serializer.collect_seq(rows)
    }
}

impl schemars::JsonSchema for PostedEntries {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PostedEntries".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<crate::view::PostedEntryView>::json_schema(generator)
    }
}
