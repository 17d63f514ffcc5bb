//! Small building blocks of Stripe's JSON.
//!
//! Objects are written from structs, never from maps of values: the order of
//! members is then part of the source, and the same seed gives the same bytes
//! whatever features other crates turn on in `serde_json`.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Key-value pairs that a merchant attaches to an object.
pub type StripeMetadata = BTreeMap<String, String>;

/// A member that is always `null` here.
pub(crate) const NULL: Null = None;
pub(crate) type Null = Option<()>;

/// A member that is always `{}` here.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct EmptyObject {}
pub(crate) const EMPTY: EmptyObject = EmptyObject {};

/// Stripe's list object.
#[derive(Debug, Serialize)]
pub(crate) struct ListObject<T> {
    object: &'static str,
    data: Vec<T>,
    has_more: bool,
    url: String,
}

impl<T> ListObject<T> {
    pub(crate) fn page(data: Vec<T>, has_more: bool, url: impl Into<String>) -> Self {
        Self {
            object: "list",
            data,
            has_more,
            url: url.into(),
        }
    }
}

/// One member of `previous_attributes`.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum PreviousValue {
    Null,
    Truth(bool),
    Count(u64),
    Text(&'static str),
}

/// The `previous_attributes` of an event, in the order given.
#[derive(Debug, Clone, Default)]
pub(crate) struct PreviousAttributes(pub(crate) Vec<(&'static str, PreviousValue)>);

impl Serialize for PreviousAttributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Serialises one of this crate's own views.
pub(crate) fn raw<T: Serialize>(view: &T) -> Box<RawValue> {
    serde_json::value::to_raw_value(view).expect("views have string keys and finite numbers")
}
