//! One entry: an object with postings, and whatever else it may have.

use std::borrow::Cow;

use tillroll_book::{PostEntry, PostingRequest, Words};
use tillroll_events::EntryId;
use tillroll_ledger::{MAX_POSTINGS, PathRef, Side};
use tillroll_money::Unit;

use super::{Cursor, RecentText};
use crate::new_ids::NewIds;

/// A member that may be left out. `null` is the same to the books as nothing, but not to the
/// request's fingerprint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OptionalField<T> {
    #[default]
    Absent,
    Null,
    Value(T),
}

impl<T> OptionalField<T> {
    pub(crate) fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// A posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScannedPosting<'a> {
    pub account: PathRef<'a>,
    pub unit: Unit,
    pub side: Side,
    /// 1 to the largest amount.
    pub amount: u64,
}

/// An entry whose shape and values are right. It is used again for the next one, so that its
/// lists are allocated once.
#[derive(Debug, Default)]
pub(crate) struct ScannedEntry<'a> {
    pub id: OptionalField<(&'a str, EntryId)>,
    pub description: OptionalField<Cow<'a, str>>,
    pub legs: Vec<ScannedPosting<'a>>,
    /// Keys differ. In the order of the body.
    pub metadata: OptionalField<Vec<(Cow<'a, str>, Cow<'a, str>)>>,
    /// The unit that was read last, with its quotes: nearly always the next one, too.
    unit: Option<(RecentText<'a>, Unit)>,
}

impl ScannedEntry<'_> {
    /// Whether it is nothing but postings, and perhaps an id.
    pub(crate) fn is_plain(&self) -> bool {
        self.description.value().is_none() && self.metadata.value().is_none_or(Vec::is_empty)
    }

    pub(crate) fn id_or_new(&self, new_ids: &mut NewIds) -> EntryId {
        let given = self.id.value().map(|(_, id)| *id);
        given.unwrap_or_else(|| EntryId::from_u128(new_ids.take()))
    }

    pub(crate) fn words(&self) -> Words {
        let members = self.metadata.value().into_iter().flatten();
        let metadata = members.map(|(key, value)| (key.to_string(), value.to_string()));
        Words {
            description: self.description.value().map(ToString::to_string),
            metadata: metadata.collect(),
            // Rare enough for the careful parser.
            effective_date: None,
        }
    }

    /// The entry by itself.
    pub(crate) fn to_entry(&self, new_ids: &mut NewIds) -> PostEntry {
        let Words {
            description,
            metadata,
            effective_date,
        } = self.words();
        let postings = self.legs.iter().map(|leg| PostingRequest {
            account: leg.account.into(),
            unit: leg.unit,
            side: leg.side,
            amount: leg.amount,
        });
        PostEntry {
            id: self.id_or_new(new_ids),
            postings: postings.collect(),
            description,
            metadata,
            effective_date,
        }
    }

    fn clear(&mut self) {
        self.id = OptionalField::Absent;
        self.description = OptionalField::Absent;
        self.legs.clear();
        self.metadata = OptionalField::Absent;
    }
}

/// A line that holds one entry and nothing else.
pub(crate) fn line<'a>(text: &'a str, entry: &mut ScannedEntry<'a>) -> Option<()> {
    let mut cursor = Cursor::new(text);
    cursor.space();
    cursor.entry(entry)?;
    cursor.end()
}

impl<'a> Cursor<'a> {
    pub(super) fn entry(&mut self, entry: &mut ScannedEntry<'a>) -> Option<()> {
        entry.clear();
        self.expect(b'{')?;
        self.space();
        loop {
            if self.eat(b"\"postings\"") {
                self.colon()?;
                self.postings(entry)?;
            } else if self.eat(b"\"id\"") {
                self.optional(&mut entry.id, Self::entry_id)?;
            } else if self.eat(b"\"description\"") {
                self.optional(&mut entry.description, |cursor| {
                    let (text, length) = cursor.text(500)?;
                    (length > 0).then_some(text)
                })?;
            } else if self.eat(b"\"metadata\"") {
                self.optional(&mut entry.metadata, Self::metadata)?;
            } else {
                return None;
            }
            if !self.goes_on(b'}')? {
                break;
            }
        }
        (!entry.legs.is_empty()).then_some(())
    }

    /// A member that may be null, and stands there once.
    #[inline]
    fn optional<T>(
        &mut self,
        member: &mut OptionalField<T>,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<()> {
        if !member.is_absent() {
            return None;
        }
        self.colon()?;
        *member = match self.null() {
            true => OptionalField::Null,
            false => OptionalField::Value(read(self)?),
        };
        Some(())
    }

    fn postings(&mut self, entry: &mut ScannedEntry<'a>) -> Option<()> {
        if !entry.legs.is_empty() {
            return None;
        }
        self.expect(b'[')?;
        self.space();
        loop {
            let leg = self.posting(&mut entry.unit)?;
            entry.legs.push(leg);
            if !self.goes_on(b']')? {
                break;
            }
        }
        (2..=MAX_POSTINGS).contains(&entry.legs.len()).then_some(())
    }

    #[inline]
    fn posting(
        &mut self,
        last_unit: &mut Option<(RecentText<'a>, Unit)>,
    ) -> Option<ScannedPosting<'a>> {
        let start = self.at;
        self.usual_posting(last_unit).or_else(|| {
            self.at = start;
            self.any_posting(last_unit)
        })
    }

    /// A posting as most programs write it, without space and with its members in the order in
    /// which they are documented: a few long comparisons.
    #[inline]
    fn usual_posting(
        &mut self,
        last_unit: &mut Option<(RecentText<'a>, Unit)>,
    ) -> Option<ScannedPosting<'a>> {
        self.step(b"{\"account\":")?;
        let account = self.path()?;
        self.step(b",\"unit\":")?;
        let unit = self.unit(last_unit)?;
        let side = if self.eat(b",\"side\":\"debit\",\"amount\":") {
            Side::Debit
        } else {
            self.step(b",\"side\":\"credit\",\"amount\":")?;
            Side::Credit
        };
        let amount = self.amount()?;
        self.expect(b'}')?;
        Some(ScannedPosting {
            account,
            unit,
            side,
            amount,
        })
    }

    fn any_posting(
        &mut self,
        last_unit: &mut Option<(RecentText<'a>, Unit)>,
    ) -> Option<ScannedPosting<'a>> {
        let (mut account, mut unit, mut side, mut amount) = (None, None, None, None);
        self.expect(b'{')?;
        self.space();
        loop {
            // A member that stands there twice is for the careful parser.
            if account.is_none() && self.eat(b"\"account\"") {
                self.colon()?;
                account = Some(self.path()?);
            } else if unit.is_none() && self.eat(b"\"unit\"") {
                self.colon()?;
                unit = Some(self.unit(last_unit)?);
            } else if side.is_none() && self.eat(b"\"side\"") {
                self.colon()?;
                side = if self.eat(b"\"debit\"") {
                    Some(Side::Debit)
                } else if self.eat(b"\"credit\"") {
                    Some(Side::Credit)
                } else {
                    return None;
                };
            } else if amount.is_none() && self.eat(b"\"amount\"") {
                self.colon()?;
                amount = Some(self.amount()?);
            } else {
                return None;
            }
            if !self.goes_on(b'}')? {
                break;
            }
        }
        Some(ScannedPosting {
            account: account?,
            unit: unit?,
            side: side?,
            amount: amount?,
        })
    }

    #[inline]
    fn unit(&mut self, last: &mut Option<(RecentText<'a>, Unit)>) -> Option<Unit> {
        if let Some((known, unit)) = last
            && self.eat_known(known)
        {
            return Some(*unit);
        }
        let start = self.at;
        let unit = self.quoted()?.parse().ok()?;
        *last = Some((RecentText::new(&self.text[start..self.at]), unit));
        Some(unit)
    }

    fn metadata(&mut self) -> Option<Vec<(Cow<'a, str>, Cow<'a, str>)>> {
        let mut members: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        self.expect(b'{')?;
        self.space();
        if self.expect(b'}').is_some() {
            return Some(members);
        }
        loop {
            let (key, length) = self.text(40)?;
            let is_new = members.iter().all(|(known, _)| *known != key);
            if length == 0 || key.contains(['[', ']']) || !is_new || members.len() == 50 {
                return None;
            }
            self.colon()?;
            let (value, _) = self.text(500)?;
            members.push((key, value));
            if !self.goes_on(b'}')? {
                break;
            }
        }
        Some(members)
    }
}
