//! What reads requests, for the fuzz targets and the tests that stand beside them alone.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::Request;
use bytes::Bytes;
use futures_util::FutureExt;
use tillroll_book::EntryBatch;
use tillroll_events::{HoldId, Timestamp};
use tokio::runtime::{Builder, Runtime};

use crate::HttpBounds;
use crate::bodies::{self, AccountBody, BulkMode, CaptureBody, HoldBody, OrderBody, ReceiptBody};
use crate::body::JsonText;
use crate::bulk::{self, BulkItems, CommandBatch, Lines};
use crate::capacity::Capacity;
use crate::idempotency::{self, RequestName};
use crate::new_ids::NewIds;
use crate::problem::{Problem, ProblemBody};
use crate::query::{AsOfParameter, Parameters};
use crate::scan::{self, ScannedEntry};

const NAME: RequestName<'static> = RequestName {
    method: &axum::http::Method::POST,
    route: "",
    parameters: Vec::new(),
};

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    Account,
    Bulk,
    Capture,
    Entry,
    Hold,
    Order,
    Receipt,
    Stream,
}

impl BodyKind {
    pub const ALL: [Self; 8] = [
        Self::Account,
        Self::Bulk,
        Self::Capture,
        Self::Entry,
        Self::Hold,
        Self::Order,
        Self::Receipt,
        Self::Stream,
    ];
}

/// Reads a body as its route does, up to what the book is asked.
///
/// # Errors
/// The problem that the client is told.
///
/// # Panics
/// When the quick parser of entries takes what the careful one does not, or as something else, and
/// when a stream is read otherwise for having arrived in other pieces.
pub fn body(kind: BodyKind, bytes: &[u8]) -> Result<(), ProblemBody> {
    let bytes = Bytes::copy_from_slice(bytes);
    let read = match kind {
        BodyKind::Bulk => document(&bytes),
        BodyKind::Entry => line(&bytes),
        BodyKind::Stream => stream(&bytes),
        other => single(other, bytes),
    };
    read.map_err(|problem| problem.body("req"))
}

fn single(kind: BodyKind, bytes: Bytes) -> Result<(), Problem> {
    let text = JsonText::new(bytes)?;
    let document = match kind {
        BodyKind::Capture => text.document_or_empty()?,
        _ => text.document()?,
    };
    let mut ids = new_ids();
    match kind {
        BodyKind::Account => {
            let path = "a".parse().expect("a path");
            document.read::<AccountBody>()?.into_action(path)?;
        }
        BodyKind::Capture => {
            let hold = HoldId::from_u128(0);
            document.read::<CaptureBody<'_>>()?.into_action(hold)?;
        }
        BodyKind::Hold => {
            document.read::<HoldBody<'_>>()?.into_action(&mut ids)?;
        }
        BodyKind::Order => {
            document.read::<OrderBody>()?.into_action(&mut ids)?;
        }
        BodyKind::Receipt => {
            document.read::<ReceiptBody>()?.into_action()?;
        }
        BodyKind::Bulk | BodyKind::Entry | BodyKind::Stream => {
            unreachable!("they have parsers of their own")
        }
    }
    idempotency::fingerprint(&NAME, &document);
    Ok(())
}

fn document(bytes: &Bytes) -> Result<(), Problem> {
    let ids = new_ids();
    let careful = careful_document(bytes, ids.clone());
    agree(quick_document(bytes, ids).as_ref(), &careful);
    careful.map(drop)
}

fn line(bytes: &Bytes) -> Result<(), Problem> {
    let ids = new_ids();
    let careful = careful_line(bytes, ids.clone());
    let text = std::str::from_utf8(bytes);
    let quick = text.ok().and_then(|text| quick_line(text, ids));
    agree(quick.as_ref(), &careful);
    careful.map(drop)
}

fn stream(bytes: &Bytes) -> Result<(), Problem> {
    let ids = new_ids();
    let capacity = Arc::new(Capacity::new(HttpBounds::default()));
    let read = |piece: usize| {
        let pieces = bytes.chunks(piece).map(Bytes::copy_from_slice);
        let pieces: Vec<_> = pieces.map(Ok::<_, Infallible>).collect();
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let name = Some(NAME.fingerprinter());
        let mut lines = Lines::new(body, BulkMode::Each, name, &capacity);
        let mut commands = Vec::new();
        loop {
            match runtime().block_on(lines.command(ids.clone())) {
                Ok(Some(items)) => commands.push(ReadDocument::new(items)),
                Ok(None) => return (commands, Ok(())),
                Err(problem) => return (commands, Err(problem)),
            }
        }
    };
    let whole = read(bytes.len().max(1));
    for piece in [1, 2, 7] {
        let pieces = read(piece);
        assert!(
            pieces == whole,
            "in pieces of {piece} {pieces:?} is {whole:?}"
        );
    }
    whole.1
}

/// With a clock, which the reader of a stream needs.
fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let runtime = Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime without threads")
    });
    &RUNTIME
}

/// What the quick parser takes, the careful one takes as the same.
fn agree<T: fmt::Debug + PartialEq>(quick: Option<&T>, careful: &Result<T, Problem>) {
    assert!(
        quick.is_none() || quick == careful.as_ref().ok(),
        "{quick:?} became {careful:?}"
    );
}

/// All that is made of a document.
#[derive(Debug, PartialEq)]
pub(crate) struct ReadDocument {
    mode: BulkMode,
    count: usize,
    entries: EntryBatch,
    refused: usize,
    fingerprint: Option<[u8; 16]>,
}

impl ReadDocument {
    fn new(items: BulkItems) -> Self {
        Self {
            mode: items.mode,
            count: items.count,
            entries: items.batch.entries().clone(),
            refused: items.refused.len(),
            fingerprint: items.fingerprint,
        }
    }
}

pub(crate) fn new_ids() -> NewIds {
    NewIds::at(Timestamp::from_seconds(1_800_000_000))
}

pub(crate) fn quick_document(bytes: &Bytes, ids: NewIds) -> Option<ReadDocument> {
    bulk::quick(bytes, ids, Some(&NAME)).map(ReadDocument::new)
}

pub(crate) fn careful_document(bytes: &Bytes, ids: NewIds) -> Result<ReadDocument, Problem> {
    bulk::careful(bytes.clone(), ids, Some(&NAME)).map(ReadDocument::new)
}

/// An entry, and what its fingerprint is of.
pub(crate) type ReadLine = (EntryBatch, Vec<u8>);

pub(crate) fn quick_line(text: &str, ids: NewIds) -> Option<ReadLine> {
    let mut scanned = ScannedEntry::default();
    scan::line(text, &mut scanned)?;
    let mut batch = CommandBatch::new(ids);
    batch.push_scanned(&scanned);
    let mut content = Vec::new();
    scan::canonical::write(&scanned, &mut content);
    Some((batch.entries().clone(), content))
}

pub(crate) fn careful_line(bytes: &Bytes, ids: NewIds) -> Result<ReadLine, Problem> {
    let text = JsonText::new(bytes.clone())?;
    let mut batch = CommandBatch::new(ids);
    bodies::entry_at(0, text.as_str(), &mut batch, None)?;
    let document = text.document()?;
    let mut content = Vec::new();
    document.json().write_canonical(&mut content);
    Ok((batch.entries().clone(), content))
}

/// What stands behind a question mark, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Names and values of what was asked for, one spelling each.
    pub parameters: Vec<(&'static str, String)>,
}

/// Reads the query of a list; `None` where no address can have it.
///
/// # Errors
/// The problem that the client is told.
///
/// # Panics
/// When reading it would have to wait.
#[must_use]
pub fn question(text: &str) -> Option<Result<Question, ProblemBody>> {
    let request = Request::get(format!("/v1/accounts?{text}")).body(()).ok()?;
    let (mut parts, ()) = request.into_parts();
    let parameters = Parameters::from_request_parts(&mut parts, &()).now_or_never();
    let read = parameters.expect("it is all there").and_then(asked);
    Some(read.map_err(|problem| problem.body("req")))
}

fn asked(mut given: Parameters) -> Result<Question, Problem> {
    let when = given.when()?;
    let after = given.position("after")?;
    let stream = given.flag("stream")?;
    let page = given.page()?;
    given.finish()?;
    let as_of = when.as_of.map(|as_of| match as_of {
        AsOfParameter::Position(position) => position.to_string(),
        AsOfParameter::Time(time) => time.to_string(),
    });
    let parameters = [
        ("as_of", as_of),
        ("min_position", when.min_position.map(|p| p.to_string())),
        ("after", after.map(|p| p.to_string())),
        ("stream", Some(stream.to_string())),
        ("limit", Some(page.limit.to_string())),
        ("starting_after", page.starting_after),
        ("ending_before", page.ending_before),
    ];
    let given = |(name, value): (_, Option<String>)| Some((name, value?));
    Ok(Question {
        parameters: parameters.into_iter().filter_map(given).collect(),
    })
}
