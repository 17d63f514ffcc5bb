//! What can be asked of every event, answered beside the type of each.

use std::borrow::Cow;

use crate::{JournalEntry, OrderId};

pub(crate) trait Payload {
    /// The one entry that it posts: none for those that post nothing, or many.
    fn entry(&self) -> Option<&JournalEntry> {
        None
    }

    /// The order that it names itself.
    fn order(&self) -> Option<OrderId> {
        None
    }

    /// One line on what it is about.
    fn subject(&self) -> Option<Cow<'_, str>> {
        None
    }
}
