//! Many entries in one event, in a fixed layout.
//!
//! An event for each of a thousand plain entries would spend most of its bytes and time on
//! envelopes. Those that carry no words of their own are written here one after the other:
//!
//! | bytes | of an entry |
//! |---|---|
//! | 16 | id |
//! | 4 | number of postings |
//! | 16 each | postings: account (4), unit (2), side (1: debit, 2: credit), zero (1), minor units (8) |
//!
//! Nearly all have two postings of one amount. Those say it once:
//!
//! | bytes | of a transfer |
//! |---|---|
//! | 16 | id |
//! | 4 | unit (2), side of the first posting (1), 0x80 |
//! | 16 | accounts of the first and the second posting (4 each), minor units (8) |
//!
//! Numbers are little endian. Reading proves again that every entry balances. Rolls of before
//! there were transfers have them as entries, and are read as ever.

use minicbor::{Decode, Encode};
use tillroll_ledger::{AccountId, Entry, EntryError, EntryRef, MAX_POSTINGS, Posting, UnitId};

use crate::payload::Payload;
use crate::{EntryId, codec};

const HEAD_BYTES: usize = 20;
const POSTING_BYTES: usize = 16;
/// The last byte of the head of a transfer. Of an entry it is zero: it has few postings.
const TRANSFER: u8 = 0x80;

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

/// Some of the entries of an event, by their places in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRange {
    /// The place of the first, from 0.
    pub first: usize,
    /// The place behind the last.
    pub end: usize,
}

/// Why bytes are no entries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseEntriesError {
    #[error("entry {0} is cut short")]
    Truncated(usize),
    #[error("posting {posting} of entry {entry} has an unknown side or a byte that is not zero")]
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

    /// How long so many are at most.
    #[must_use]
    pub fn bytes_of(entries: usize, postings: usize) -> usize {
        entries * HEAD_BYTES + postings * POSTING_BYTES
    }

    pub fn push(&mut self, id: EntryId, entry: EntryRef<'_>) {
        let postings = entry.postings();
        self.bytes.extend_from_slice(&id.as_u128().to_le_bytes());
        match transfer(postings) {
            Some(rest) => self.bytes.extend_from_slice(&rest),
            None => {
                let count = u32::try_from(postings.len()).expect("an entry has few postings");
                self.bytes.extend_from_slice(&count.to_le_bytes());
                for posting in postings {
                    self.bytes.extend_from_slice(&row(posting));
                }
            }
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

    /// Shows the entries of a part in order, as [`PostedEntries::for_each`] shows all of them.
    ///
    /// # Panics
    /// Never: the bytes were proved when they were read or pushed.
    pub fn for_each_in(&self, part: EntryRange, mut visit: impl FnMut(EntryId, EntryRef<'_>)) {
        let mut lengths = lengths(&self.bytes).map(|(bytes, _)| bytes);
        let before: usize = lengths.by_ref().take(part.first).sum();
        let inside: usize = lengths.take(part.end.saturating_sub(part.first)).sum();
        let seen = walk(&self.bytes[before..before + inside], |id, entry| {
            visit(id, entry);
        });
        seen.expect("proved when they were read");
    }

    /// The entries from `first` on, up to the one that makes it so many postings.
    #[must_use]
    pub fn range_from(&self, first: usize, postings: usize) -> EntryRange {
        let (mut end, mut counted) = (first, 0);
        for (_, of_entry) in lengths(&self.bytes).skip(first) {
            end += 1;
            counted += of_entry;
            if counted >= postings {
                break;
            }
        }
        EntryRange { first, end }
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

fn row(posting: &Posting) -> [u8; POSTING_BYTES] {
    let mut row = [0; POSTING_BYTES];
    row[..4].copy_from_slice(&posting.account.get().to_le_bytes());
    row[4..6].copy_from_slice(&posting.unit.get().to_le_bytes());
    row[6] = codec::side::number(&posting.side);
    row[8..].copy_from_slice(&posting.amount.to_le_bytes());
    row
}

/// What comes after the id of an entry that is a transfer.
fn transfer(postings: &[Posting]) -> Option<[u8; 4 + POSTING_BYTES]> {
    let [first, second] = postings else {
        return None;
    };
    if first.unit != second.unit || first.amount != second.amount || first.side == second.side {
        return None;
    }
    let mut bytes = [0; 4 + POSTING_BYTES];
    bytes[..2].copy_from_slice(&first.unit.get().to_le_bytes());
    bytes[2] = codec::side::number(&first.side);
    bytes[3] = TRANSFER;
    bytes[4..8].copy_from_slice(&first.account.get().to_le_bytes());
    bytes[8..12].copy_from_slice(&second.account.get().to_le_bytes());
    bytes[12..].copy_from_slice(&first.amount.to_le_bytes());
    Some(bytes)
}

/// The postings of a transfer, from the bytes after its id.
fn both_postings(head: [u8; 4], row: &[u8; POSTING_BYTES]) -> Option<[Posting; 2]> {
    let [u0, u1, side, TRANSFER] = head else {
        return None;
    };
    let [a0, a1, a2, a3, b0, b1, b2, b3, amount @ ..] = *row;
    let first = Posting {
        account: AccountId::new(u32::from_le_bytes([a0, a1, a2, a3])),
        unit: UnitId::new(u16::from_le_bytes([u0, u1])),
        side: codec::side::from_number(side).ok()?,
        amount: u64::from_le_bytes(amount),
    };
    let second = Posting {
        account: AccountId::new(u32::from_le_bytes([b0, b1, b2, b3])),
        side: first.side.opposite(),
        ..first
    };
    Some([first, second])
}

fn posting(row: &[u8; POSTING_BYTES]) -> Option<Posting> {
    let [a0, a1, a2, a3, u0, u1, side, 0, amount @ ..] = *row else {
        return None;
    };
    Some(Posting {
        account: AccountId::new(u32::from_le_bytes([a0, a1, a2, a3])),
        unit: UnitId::new(u16::from_le_bytes([u0, u1])),
        side: codec::side::from_number(side).ok()?,
        amount: u64::from_le_bytes(amount),
    })
}

/// Bytes and postings of each entry, of bytes that were proved: nothing of them is read but where
/// the next begins.
fn lengths(mut bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    std::iter::from_fn(move || {
        let head = *bytes.get(HEAD_BYTES - 4..)?.first_chunk::<4>()?;
        let (length, postings) = if head[3] == TRANSFER {
            (HEAD_BYTES + POSTING_BYTES, 2)
        } else {
            let postings = usize::try_from(u32::from_le_bytes(head)).ok()?;
            (HEAD_BYTES + postings * POSTING_BYTES, postings)
        };
        bytes = bytes.get(length..)?;
        Some((length, postings))
    })
}

fn walk(
    mut bytes: &[u8],
    mut visit: impl FnMut(EntryId, EntryRef<'_>),
) -> Result<(), ParseEntriesError> {
    let mut postings: Vec<Posting> = Vec::new();
    let mut entry = 0;
    while !bytes.is_empty() {
        let cut = ParseEntriesError::Truncated(entry);
        let unknown = |posting| ParseEntriesError::Posting { entry, posting };
        let Some((id, rest)) = bytes.split_first_chunk() else {
            return Err(cut);
        };
        let id = EntryId::from_u128(u128::from_le_bytes(*id));
        let Some((head, rest)) = rest.split_first_chunk() else {
            return Err(cut);
        };
        let prove = |postings| {
            let proved = EntryRef::new(postings);
            proved.map_err(|error| ParseEntriesError::Entry { entry, error })
        };
        if head[3] == TRANSFER {
            let Some((row, rest)) = rest.split_first_chunk() else {
                return Err(cut);
            };
            let both = both_postings(*head, row).ok_or_else(|| unknown(0))?;
            visit(id, prove(&both)?);
            bytes = rest;
        } else {
            let count = usize::try_from(u32::from_le_bytes(*head)).ok();
            let length = count
                .filter(|count| *count <= MAX_POSTINGS)
                .map(|count| count * POSTING_BYTES);
            let Some((rows, rest)) = length.and_then(|length| rest.split_at_checked(length)) else {
                return Err(cut);
            };
            postings.clear();
            for (index, row) in rows.chunks_exact(POSTING_BYTES).enumerate() {
                let row = row.try_into().expect("16 bytes");
                postings.push(posting(row).ok_or_else(|| unknown(index))?);
            }
            visit(id, prove(&postings)?);
            bytes = rest;
        }
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
        struct EntryLine {
            #[serde(serialize_with = "codec::json::text")]
            id: EntryId,
            #[serde(flatten)]
            entry: crate::JournalEntry,
        }
        let rows = self.to_vec().into_iter().map(|(id, entry)| EntryLine {
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
        Vec::<crate::view::PostedEntryData>::json_schema(generator)
    }
}

impl Payload for EntriesPosted {}
