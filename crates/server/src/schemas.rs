//! The JSON Schemas of the events' data, as they are served and as they lie in `schemas/`.

use serde_json::Value;
use tillroll_events::Kind;

/// Every version of every kind: events are shown in the newest, and a reader that has kept one that was
/// shown in an older one still finds its schema.
pub fn all() -> impl Iterator<Item = (Kind, u8)> {
    Kind::ALL.iter().flat_map(|kind| {
        let versions = kind.versions().iter();
        versions.map(|version| (*kind, *version))
    })
}

/// `order.placed.v1.json`: the last part of the schema's `$id`.
#[must_use]
pub fn file_name(kind: Kind, version: u8) -> String {
    format!("{}.v{version}.json", kind.name())
}

/// The schema of a version of an event's data, with its `$id` and title.
///
/// # Panics
/// When the kind never had that version.
#[must_use]
pub fn value(kind: Kind, version: u8) -> Value {
    let mut schema = kind.schema(version).expect("a version of the kind");
    let id = format!("/schemas/{}", file_name(kind, version));
    schema.insert("$id".into(), id.into());
    schema.insert("title".into(), kind.name().into());
    schema.to_value()
}

/// The schema as text, members in order of the alphabet, so that it is the same in every build.
#[must_use]
pub fn text(kind: Kind, version: u8) -> String {
    let mut text =
        serde_json::to_string_pretty(&value(kind, version)).expect("a schema is plain data");
    text.push('\n');
    text
}
