//! Parts of the way of a bulk request, for the benchmark alone.

use std::sync::Arc;

use bytes::Bytes;
use tillroll_events::Timestamp;

use crate::HttpBounds;
use crate::bodies::{BulkBody, BulkMode};
use crate::body;
use crate::bulk::{self, Lines};
use crate::capacity::Capacity;
use crate::idempotency::RequestName;
use crate::new_ids::NewIds;
use crate::scan::{self, ScannedEntry};

const NAME: RequestName<'static> = RequestName {
    method: &axum::http::Method::POST,
    route: "",
    parameters: Vec::new(),
};

fn new_ids() -> NewIds {
    NewIds::at(Timestamp::from_seconds(1_800_000_000))
}

/// How many entries a document has, read as it is for the book.
#[must_use]
pub fn document(body: &Bytes, keyed: bool) -> usize {
    let read = bulk::document(body.clone(), new_ids, keyed.then_some(&NAME));
    read.map_or(0, |items| items.count)
}

/// The same with the parser that finds what is wrong.
#[must_use]
pub fn careful(body: &Bytes) -> usize {
    bulk::careful(body.clone(), new_ids(), None).map_or(0, |items| items.count)
}

/// How many entries a document has for serde, nothing made of them.
#[must_use]
pub fn serde(body: &Bytes) -> usize {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let read = body::parse::<BulkBody<'_>>(text);
    read.map_or(0, |body| body.len())
}

/// How many entries the first command of a stream has.
///
/// # Panics
/// When the body has to be waited for.
#[must_use]
pub fn lines(body: &Bytes, keyed: bool) -> usize {
    use futures_util::FutureExt;
    let hasher = keyed.then(|| NAME.fingerprinter());
    let capacity = Arc::new(Capacity::new(HttpBounds::default()));
    let mut lines = Lines::new(body.clone().into(), BulkMode::Each, hasher, &capacity);
    let read = lines.command(new_ids()).now_or_never();
    let read = read.expect("the body is there");
    read.map_or(0, |items| items.map_or(0, |items| items.count))
}

/// How many lines are entries, nothing made of them.
#[must_use]
pub fn scanned(body: &Bytes) -> usize {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let mut scanned = ScannedEntry::default();
    let read = |line| scan::line(line, &mut scanned).is_some();
    text.lines().map(read).filter(|read| *read).count()
}
