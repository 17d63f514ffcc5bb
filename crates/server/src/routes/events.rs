//! The roll itself, as CloudEvents: pages, lines, or a stream.

use std::io::{self, Write as _};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::event_cursor::EventCursor;
use crate::event_reader::EventReader;
use crate::event_text::EventFormat;
use crate::list::List;
use crate::problem::{Problem, headers};
use crate::query::{PAGE_DEFAULT, Parameters};
use crate::stream;

/// More than a page of another list: events are read in bulk.
const EVENTS_LIMIT: usize = 1000;

/// An event of the roll in the CloudEvents 1.0 envelope. `dataschema` says where the JSON Schema
/// of its data is.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes what the events crate writes")]
pub(crate) struct CloudEvent {
    #[schema(example = "1.0")]
    specversion: String,
    /// Of a part: the event's id, and the place of the part's first entry behind it.
    #[schema(example = "evt_01k3m8q5e5f4vb4rj2m9w7c0xa")]
    id: String,
    /// The book: `tillroll:book:` and its id.
    source: String,
    #[serde(rename = "type")]
    #[schema(example = "tillroll.order.placed")]
    kind: String,
    /// The order that it belongs to.
    subject: Option<String>,
    /// When it happened.
    #[schema(format = DateTime)]
    time: String,
    /// When the roll recorded it.
    #[schema(format = DateTime)]
    recordedtime: String,
    /// The position, padded with zeros, so that it sorts as text; of a part with the number of
    /// entries that have come until its end behind it. It is the cursor for what follows.
    #[schema(
        example = "00000000000000000017",
        pattern = "^[0-9]{20}(\\.[0-9]{10})?$"
    )]
    sequence: String,
    /// Of a part: the place of its first entry among those of the whole event, from 0.
    firstentry: Option<u64>,
    /// Of a part: how many entries the whole event has.
    entrycount: Option<u64>,
    correlationid: Option<String>,
    /// The key of the command that caused it.
    causationid: Option<String>,
    /// What kind of actor asked for it: `unauthenticated`, `api_key`, `user`, `app_user` (a
    /// seller), `service_account` (Stripe, or a device), `system`, or `unknown` for what is older
    /// than the question.
    #[schema(example = "api_key")]
    authtype: String,
    /// Which actor: its kind and its id.
    #[schema(example = "api_key:key_7")]
    authid: Option<String>,
    /// By which way in: `api`, `cli`, `console`, `stripe`, `system`, `unknown`, or the name of a
    /// channel.
    #[schema(example = "api")]
    origin: String,
    #[schema(example = "application/json")]
    datacontenttype: String,
    #[schema(example = "/schemas/order.placed.v1.json")]
    dataschema: String,
    data: Value,
}

/// One event of a stream, as a client's parser hands it over. On the wire it is `id: 17`, then
/// `data: {…}` on one line, and an empty line; between events there may be comments, which keep the
/// connection alive.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes what a stream sends")]
pub(crate) struct ServerSentEvent {
    /// The cursor, for `Last-Event-ID`: a position, or `17.500` within an event that comes in parts.
    #[schema(example = "17", pattern = "^[1-9][0-9]*([.][0-9]+)?$")]
    id: String,
    /// Always `message`, which is what it is where the wire says nothing.
    #[schema(example = "message", pattern = "^message$")]
    event: String,
    /// A `CloudEvent` as JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// Read events
///
/// In the order of the roll, from after a cursor: a position, or the `sequence` of an event. With
/// `Accept: application/x-ndjson` one event to a line; with `Accept: text/event-stream` (or
/// `stream=true`) an endless stream of server-sent events, whose `id` is a cursor: a client that
/// comes back with `Last-Event-ID` misses nothing. Only what is durable is ever shown.
///
/// An event with more than 1,000 postings comes in parts: each has some of its entries in `data`,
/// says with `firstentry` and `entrycount` which, and counts as an event. Each entry is in exactly
/// one part, and a cursor can be between two.
///
/// A page ends before it is longer than 4 MiB, with `has_more`, and is written as it is read. 64
/// streams may be open; a client that takes nothing for 30 s is cut off.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "list_events", tag = "Events",
    params(
        ("after" = Option<String>, Query, description = "From after this position, or the event with this `sequence`; 0 is before the first", pattern = "^[0-9]+(\\.[0-9]+)?$"),
        ("starting_after" = Option<String>, Query, description = "The same, as other lists call it", pattern = "^[0-9]+(\\.[0-9]+)?$"),
        ("limit" = Option<u32>, Query, description = "1 to 1000, 20 when it is left out", minimum = 1, maximum = 1000),
        ("stream" = Option<bool>, Query, description = "As server-sent events"),
        ("Last-Event-ID" = Option<String>, Header, description = "Resume a stream after the event with this `id`; a page needs none", pattern = "^[0-9]+(\\.[0-9]+)?$"),
        crate::openapi::WhenParameters,
    ),
    responses(
        (status = 200, description = "A page of events", content(
            (List<CloudEvent> = "application/json"),
            (CloudEvent = "application/x-ndjson"),
            (ServerSentEvent = "text/event-stream"),
        )),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    request_headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let after = parameters.event_cursor("after")?;
    let starting_after = parameters.event_cursor("starting_after")?;
    if after.is_some() && starting_after.is_some() {
        let detail = "`after` and `starting_after` mean the same: give one";
        return Err(Problem::parameter("starting_after", detail));
    }
    let after = after.or(starting_after);
    let limit = parameters.limit(PAGE_DEFAULT, EVENTS_LIMIT)?;
    let streaming = parameters.flag("stream")?;
    let when = parameters.when()?;
    parameters.finish()?;
    let last = last_event_id(&request_headers)?;
    if streaming || accepts(&request_headers, "text/event-stream") {
        let after = last.or(after).unwrap_or_default();
        return stream::events(app, after, when).await;
    }
    let until = app.event_bound(when).await?;
    let format = match accepts(&request_headers, "application/x-ndjson") {
        true => EventFormat::Lines,
        false => EventFormat::List,
    };
    let most = (limit, app.capacity().bounds.page_bytes);
    let after = after.unwrap_or_default();
    page(
        EventReader::new(app, format, after, until, most),
        format,
        until,
    )
    .await
}

/// A page, which is written as it is read where it is long.
async fn page(
    mut reader: EventReader,
    format: EventFormat,
    position: u64,
) -> Result<Response, Problem> {
    // What cannot be read is a problem, as long as nothing was answered.
    let first = reader.chunk().await?;
    let mut text = Vec::new();
    if format == EventFormat::List {
        text.extend_from_slice(b"{\"object\":\"list\",\"data\":[");
    }
    let mut lease = None;
    if let Some(chunk) = first {
        text.extend_from_slice(&chunk.text);
        lease = chunk.lease;
    }
    let body: axum::body::Body = if reader.is_over() {
        end_page(&reader, format, &mut text);
        match lease {
            Some(lease) => lease.hold(text).into(),
            None => text.into(),
        }
    } else {
        let rest = PageRest { reader, format };
        let rest = futures_util::stream::try_unfold(Some(rest), |rest| async move {
            match rest {
                None => Ok(None),
                Some(rest) => rest.next().await.map(Some),
            }
        });
        let first = futures_util::stream::iter([Ok(Bytes::from(text))]);
        axum::body::Body::from_stream(first.chain(rest))
    };
    let mut response = Response::new(body);
    let kind = match format {
        EventFormat::Lines => "application/x-ndjson",
        EventFormat::List | EventFormat::ServerSent => "application/json",
    };
    let answer_headers = response.headers_mut();
    answer_headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer_headers.insert(headers::POSITION, HeaderValue::from(position));
    Ok(response)
}

/// What is behind the last event of a page.
fn end_page(reader: &EventReader, format: EventFormat, text: &mut Vec<u8>) {
    if format == EventFormat::List {
        let more = reader.has_more();
        write!(text, "],\"has_more\":{more},\"url\":\"/v1/events\"}}")
            .expect("writing to memory cannot fail");
    }
}

/// A page of which something was written.
struct PageRest {
    reader: EventReader,
    format: EventFormat,
}

impl PageRest {
    /// The next bytes, and what is behind them.
    async fn next(mut self) -> io::Result<(Bytes, Option<Self>)> {
        let chunk = self.reader.chunk().await.map_err(|problem| {
            // What was answered cannot be taken back; that it is not all is told by its end.
            let Problem { code, detail, .. } = &problem;
            tracing::warn!(code, detail, "a page of events breaks off");
            io::Error::other(problem.detail)
        })?;
        let mut chunk = chunk.unwrap_or_default();
        if !self.reader.is_over() {
            return Ok((chunk.into_bytes(), Some(self)));
        }
        end_page(&self.reader, self.format, &mut chunk.text);
        Ok((chunk.into_bytes(), None))
    }
}

/// Whether the client asks for this kind of answer by name.
fn accepts(request_headers: &HeaderMap, kind: &str) -> bool {
    request_headers.get_all(header::ACCEPT).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value.split(',').any(|range| {
                let essence = range.split(';').next().unwrap_or(range).trim();
                essence.eq_ignore_ascii_case(kind)
            })
        })
    })
}

fn last_event_id(request_headers: &HeaderMap) -> Result<Option<EventCursor>, Problem> {
    let Some(value) = request_headers.get(headers::LAST_EVENT_ID) else {
        return Ok(None);
    };
    let cursor = value.to_str().ok().and_then(|text| text.parse().ok());
    cursor.map(Some).ok_or_else(|| {
        Problem::parameter(
            "Last-Event-ID",
            "the id of an event is its position on the roll, and of a part how many of its entries came before its end",
        )
    })
}
