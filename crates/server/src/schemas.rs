//! The JSON Schemas of the events' data, as they are served and as they lie in `schemas/`.

use serde_json::Value;
use tillroll_events::Kind;

/// `order.placed.v1.json`: the last part of the schema's `$id`.
#[must_use]
pub fn file_name(kind: Kind) -> String {
    format!("{}.v{}.json", kind.name(), kind.version())
}

/// The schema of the newest version of an event's data, with its `$id` and title.
#[must_use]
pub fn value(kind: Kind) -> Value {
    let mut schema = kind.schema();
    schema.insert("$id".into(), format!("/schemas/{}", file_name(kind)).into());
    schema.insert("title".into(), kind.name().into());
    schema.to_value()
}

/// The schema as text, members in order of the alphabet, so that it is the same in every build.
#[must_use]
pub fn text(kind: Kind) -> String {
    let mut text = serde_json::to_string_pretty(&value(kind)).expect("a schema is plain data");
    text.push('\n');
    text
}
