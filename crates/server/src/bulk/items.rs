//! What one command of a bulk request asks for: what the book is to decide, and what was
//! refused before it.

use bytes::Bytes;
use tillroll_json::{Fingerprinter, canonical};

use super::CommandBatch;
use crate::bodies::{self, BulkBody, BulkMode, BulkRead, MOST_ENTRIES, RefusedBefore};
use crate::body::JsonText;
use crate::byte_budget::ByteLease;
use crate::idempotency::{self, RequestName};
use crate::new_ids::NewIds;
use crate::problem::Problem;
use crate::scan;

#[derive(Debug)]
pub(crate) struct BulkItems {
    pub mode: BulkMode,
    /// The place of the first entry in the request.
    pub first: usize,
    /// How many there are.
    pub count: usize,
    /// What the book is asked for, in order.
    pub batch: CommandBatch,
    /// The rest, in order. A function of the body alone, so that it is the same again when the
    /// request is repeated.
    pub refused: Vec<RefusedBefore>,
    /// Of a request with a key.
    pub fingerprint: Option<[u8; 16]>,
    /// What it is counted by, of a stream. A document's is held with its body.
    pub lease: Option<ByteLease>,
}

/// Reads a bulk request that is one JSON document; `name` is that of a request with a key.
pub(crate) fn document(
    bytes: Bytes,
    new_ids: impl Fn() -> NewIds,
    name: Option<&RequestName<'_>>,
) -> Result<BulkItems, Problem> {
    match quick(&bytes, new_ids(), name) {
        Some(items) => Ok(items),
        None => careful(bytes, new_ids(), name),
    }
}

/// The one pass that a right body takes.
pub(crate) fn quick(
    bytes: &Bytes,
    new_ids: NewIds,
    name: Option<&RequestName<'_>>,
) -> Option<BulkItems> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut batch = CommandBatch::new(new_ids);
    let (mut count, mut content) = (0, Vec::new());
    let mode = scan::document(text, |entry, left| {
        batch.push_scanned(entry);
        count += 1;
        if name.is_some() {
            scan::canonical::write(entry, &mut content);
        }
        if count == 1 {
            // Room for the rest, as far as one can tell: they may all be like the first.
            let taken = text.len().saturating_sub(left).max(1);
            let others = (left / taken).min(MOST_ENTRIES);
            batch.expect(others);
            content.reserve(others * content.len());
        }
    })?;
    // The entries, and the document around them.
    let fingerprint = name.map(|name| {
        let mut fingerprint = name.fingerprinter();
        fingerprint.add(|out| {
            canonical::object(out, 2);
            canonical::name(out, "entries");
            canonical::list(out, count);
        });
        fingerprint.add_written(&content);
        fingerprint.add(|out| {
            canonical::name(out, "mode");
            canonical::text(out, mode.as_str());
        });
        fingerprint.finish()
    });
    Some(BulkItems {
        mode,
        first: 0,
        count,
        batch,
        refused: Vec::new(),
        fingerprint,
        lease: None,
    })
}

/// The way that finds out what is wrong.
pub(crate) fn careful(
    bytes: Bytes,
    new_ids: NewIds,
    name: Option<&RequestName<'_>>,
) -> Result<BulkItems, Problem> {
    let text = JsonText::new(bytes)?;
    let mut batch = CommandBatch::new(new_ids.clone());
    let whole = whole(&text, &mut batch, name);
    let (read, fingerprint) = match whole {
        Ok(whole) => whole,
        Err(problem) => {
            batch = CommandBatch::new(new_ids);
            let mut fingerprint = name.map(RequestName::fingerprinter);
            let each = bodies::each(text.as_str(), &mut batch, fingerprint.as_mut());
            (each.ok_or(problem)?, fingerprint.map(Fingerprinter::finish))
        }
    };
    Ok(BulkItems {
        mode: read.mode,
        first: 0,
        count: read.count,
        batch,
        refused: read.refused,
        fingerprint,
        lease: None,
    })
}

/// A document every entry of which has the right shape.
fn whole(
    text: &JsonText,
    batch: &mut CommandBatch,
    name: Option<&RequestName<'_>>,
) -> Result<(BulkRead, Option<[u8; 16]>), Problem> {
    let document = text.document()?;
    let body: BulkBody<'_> = document.read()?;
    let read = body.read(batch)?;
    let fingerprint = name.map(|name| idempotency::fingerprint(name, &document));
    Ok((read, fingerprint))
}
