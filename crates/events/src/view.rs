//! Events as JSON shows them: account numbers become paths, unit numbers become units.

use serde_json::{Value, json};
use tillroll_ledger::{AccountId, EntryRef};
use tillroll_money::Unit;

use crate::{Event, HoldPlaced, Record};

/// Who can say which account a number is.
pub trait AccountNames {
    fn name(&self, account: AccountId) -> Option<(String, Unit)>;
}

impl AccountNames for tillroll_ledger::Ledger {
    fn name(&self, account: AccountId) -> Option<(String, Unit)> {
        self.account(account)
            .map(|account| (account.path.to_string(), self.unit_of(account)))
    }
}

/// The JSON form of an entry.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[schemars(rename = "EntryView")]
pub struct EntryData {
    pub postings: Vec<PostingData>,
}

/// The JSON form of a posting: an integer number of minor units on one side of one account.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[schemars(rename = "PostingView")]
pub struct PostingData {
    pub account: String,
    pub unit: String,
    /// `debit` or `credit`.
    pub side: String,
    pub amount: u64,
}

/// The JSON form of one of many entries.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[schemars(rename = "PostedEntryView")]
pub struct PostedEntryData {
    pub id: String,
    pub postings: Vec<PostingData>,
}

impl EntryData {
    #[must_use]
    pub fn of<'e>(entry: impl Into<EntryRef<'e>>, names: &dyn AccountNames) -> Self {
        let postings = entry.into().postings().iter().map(|posting| {
            let (account, unit) = names.name(posting.account).map_or_else(
                || {
                    (
                        format!("#{}", posting.account.get()),
                        format!("#{}", posting.unit.get()),
                    )
                },
                |(path, unit)| (path, unit.to_string()),
            );
            PostingData {
                account,
                unit,
                side: posting.side.as_str().into(),
                amount: posting.amount,
            }
        });
        Self {
            postings: postings.collect(),
        }
    }
}

impl Event {
    /// The event's data with names in place of numbers.
    #[must_use]
    pub fn to_json(&self, names: &dyn AccountNames) -> Value {
        let mut data = serde_json::to_value(self).expect("events have string keys only");
        let pending = match self {
            Self::HoldPlaced(hold) => {
                let HoldPlaced { entry, .. } = &**hold;
                Some(&entry.0)
            }
            _ => None,
        };
        if let Self::EntriesPosted(event) = self {
            let mut entries = Vec::with_capacity(event.entries.len());
            event.entries.for_each(|id, entry| {
                let EntryData { postings } = EntryData::of(entry, names);
                let id = id.to_string();
                entries.push(PostedEntryData { id, postings });
            });
            data["entries"] = serde_json::to_value(entries).expect("views are plain data");
        }
        if let Self::EntryReversed(event) = self
            && let Some(left) = &event.left
        {
            data["left"] = serde_json::to_value(EntryData::of(&left.0, names))
                .expect("an entry's view is plain data");
        }
        if let Some(entry) = self.posted_entry().or(pending) {
            data["entry"] = serde_json::to_value(EntryData::of(entry, names))
                .expect("an entry's view is plain data");
        }
        data
    }
}

impl Record {
    /// The record as a CloudEvent 1.0 with the official extensions `sequence`, `correlationid`,
    /// `causationid`, `recordedtime`, `authtype` and `authid` (see [`crate::Actor::auth_type`]), and one
    /// of our own, `origin`: by which way in the command came. `source` names the book.
    #[must_use]
    pub fn to_cloud_event(&self, position: u64, source: &str, names: &dyn AccountNames) -> Value {
        let kind = self.event.kind();
        let mut event = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": source,
            "type": format!("tillroll.{}", kind.name()),
            "time": self.occurred_at,
            "recordedtime": self.recorded_at,
            // Sorts as text.
            "sequence": format!("{position:020}"),
            "datacontenttype": "application/json",
            "dataschema": format!("/schemas/{}.v{}.json", kind.name(), kind.version()),
            "authtype": self.caller.actor.auth_type(),
            "origin": self.caller.origin.as_str(),
            "data": self.event.to_json(names),
        });
        if let Some(id) = self.caller.actor.auth_id() {
            event["authid"] = json!(id);
        }
        if let Some(order) = self.order {
            event["subject"] = json!(order);
            event["correlationid"] = json!(order);
        }
        if let Some(command) = &self.command {
            event["causationid"] = json!(command.key);
        }
        event
    }
}
