//! The roll itself, as CloudEvents: pages, lines, or a stream.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tillroll_engine::Position;
use tillroll_events::Record;
use utoipa::ToSchema;

use crate::app::App;
use crate::list::List;
use crate::post;
use crate::problem::{Problem, headers};
use crate::query::{PAGE_DEFAULT, Parameters, position};
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
    /// The position, padded with zeros, so that it sorts as text.
    #[schema(example = "00000000000000000017")]
    sequence: String,
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

/// The records as CloudEvents, with the names of their accounts.
pub(crate) async fn cloud_events(app: &App, records: &[(Position, Record)]) -> Vec<Value> {
    let names = app.names(records).await;
    records
        .iter()
        .map(|(position, record)| record.to_cloud_event(position.get(), app.source(), &names))
        .collect()
}

/// Read events
///
/// In the order of the roll, from after a position. With `Accept: application/x-ndjson` one
/// event to a line; with `Accept: text/event-stream` (or `stream=true`) an endless stream of
/// server-sent events, whose `id` is the position: a client that comes back with `Last-Event-ID`
/// misses nothing. Only what is durable is ever shown.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "list_events", tag = "Events",
    params(
        ("after" = Option<u64>, Query, description = "From after this position; 0 is before the first"),
        ("starting_after" = Option<u64>, Query, description = "The same, as other lists call it"),
        ("limit" = Option<u32>, Query, description = "1 to 1000, 20 when it is left out", minimum = 1, maximum = 1000),
        ("stream" = Option<bool>, Query, description = "As server-sent events"),
        ("Last-Event-ID" = Option<u64>, Header, description = "Resume a stream after this position; a page needs none"),
        crate::openapi::WhenParameters,
    ),
    responses(
        (status = 200, description = "A page of events", content(
            (List<CloudEvent> = "application/json"),
            (CloudEvent = "application/x-ndjson"),
            (String = "text/event-stream"),
        )),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    request_headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let after = parameters.position("after")?;
    let starting_after = parameters.position("starting_after")?;
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
        let after = last.or(after).unwrap_or(0);
        return stream::events(app, after, when).await;
    }
    let until = app.event_bound(when).await?;
    let after = after.unwrap_or(0);
    let records = app.records(after.saturating_add(1), until, limit).await?;
    let events = cloud_events(&app, &records).await;
    let last = records.last().map_or(after, |(position, _)| position.get());
    if accepts(&request_headers, "application/x-ndjson") {
        let mut lines = Vec::new();
        for event in &events {
            serde_json::to_writer(&mut lines, event).expect("an event is plain data");
            lines.push(b'\n');
        }
        let answer_headers = [
            (header::CONTENT_TYPE, "application/x-ndjson".to_owned()),
            (headers::POSITION, until.to_string()),
        ];
        return Ok((StatusCode::OK, answer_headers, lines).into_response());
    }
    let list = List::new("/v1/events", events, last < until);
    Ok(post::read(until, &list))
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

fn last_event_id(request_headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = request_headers.get(headers::LAST_EVENT_ID) else {
        return Ok(None);
    };
    let position = value.to_str().ok().and_then(position);
    position.map(Some).ok_or_else(|| {
        Problem::parameter(
            "Last-Event-ID",
            "the id of an event is its position on the roll",
        )
    })
}
