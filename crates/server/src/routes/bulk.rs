//! Many journal entries in one request.

use axum::extract::{Extension, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::{App, blocking};
use crate::bodies::{BulkBody, BulkMode};
use crate::body::{self, BULK_BYTES};
use crate::bulk::{self, BulkContext, Lines, Stream};
use crate::idempotency::{self, RequestName};
use crate::middleware::RequestId;
use crate::post;
use crate::problem::{Problem, StreamProblem};
use crate::query::Parameters;
use crate::sender::Sender;
use crate::views::{BulkView, Results};

/// Longer bodies are parsed aside, so that other requests do not wait behind them.
const LONG: usize = 64 * 1024;
/// And from here on also by the quick parser, which takes some 100 us for as much: the way to
/// another thread and back takes as long where all are busy.
const LONG_FOR_QUICK: usize = 256 * 1024;

pub(crate) const ROUTE: &str = "/v1/entries/bulk";

/// Post many journal entries
///
/// Up to 10,000 in one document, made durable with one sync. With mode `all` one refusal refuses
/// the request; with `each` every entry stands on its own, whatever is wrong with it (a limit, a
/// wrong type, a field that is unknown or not there, a line that is no JSON), and those that are
/// refused say why.
/// The answer holds a result for each entry that was refused; with `results=all` one for each
/// entry, with the ids of those that came without.
///
/// With `Content-Type: application/x-ndjson` the body is a stream: one entry to a line, of any
/// number, and the mode in the query. The stream is cut into commands of 10,000 entries (or of
/// 8 MiB, where that is less), which are applied in order and answered as they become durable, a
/// line for each, `first_index` saying where in the stream it began. Mode `all` then holds for
/// each command by itself. A line of more than 2 MiB ends the stream in either mode. The first command that cannot be applied ends the stream with a
/// problem as its last line, and nothing after it is applied; when it is the very first command,
/// the whole answer is that problem, with its status. Read the answer while you send. Of a stream
/// at least 10 KiB arrive in each 20 s, and 32 of them may be open.
///
/// An `Idempotency-Key` covers every command of the stream, the later ones as the key, a space
/// and their number (from 1): the same stream sent again finds what was applied, and goes on
/// where it ended.
#[utoipa::path(
    post, path = "/v1/entries/bulk", operation_id = "post_entries", tag = "Entries",
    params(
        ("results" = Option<String>, Query, description = "`refused` when it is left out, or `all`", pattern = "^(refused|all)$"),
        ("mode" = Option<String>, Query, description = "`all` or `each`: of a stream, which has no other place to say it", pattern = "^(all|each)$"),
    ),
    request_body(content(
        (BulkBody = "application/json"),
        (crate::bodies::EntryBody = "application/x-ndjson"),
    )),
    responses(
        (status = 200, description = "What became of the entries", content(
            (BulkView = "application/json"),
            (inline(BulkLine) = "application/x-ndjson"),
        )),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Extension(id): Extension<RequestId>,
    mut parameters: Parameters,
    request: Request,
) -> Result<Response, Problem> {
    let results = parameters.parse("results")?.unwrap_or_default();
    let mode: Option<BulkMode> = parameters.parse("mode")?;
    parameters.finish()?;
    let (parts, content) = request.into_parts();
    if body::is(&parts.headers, "application/x-ndjson") {
        let mode = mode.ok_or_else(|| {
            Problem::parameter("mode", "a stream of entries needs `mode`: `all` or `each`")
        })?;
        return stream(app, id, &parts, content, mode, results).await;
    }
    if mode.is_some() {
        let detail = "a JSON document says its mode in the body";
        return Err(Problem::parameter("mode", detail));
    }
    let bytes = body::read_json(app.capacity(), &parts.headers, content, BULK_BYTES).await?;
    let context = bulk_context(&app, &parts, results)?;
    let keyed = context.reservation.is_some();
    let name = || name(Vec::new());
    let mut read = None;
    if bytes.len() < LONG_FOR_QUICK {
        read = bulk::quick(&bytes, app.new_ids(), keyed.then(name).as_ref());
    }
    let items = match read {
        Some(items) => items,
        None => {
            let is_long = bytes.len() >= LONG;
            let app = app.clone();
            let read = move || bulk::document(bytes, || app.new_ids(), keyed.then(name).as_ref());
            match is_long {
                true => blocking(read).await??,
                false => read()?,
            }
        }
    };
    let (outcome, view) = bulk::answer(&app, &context, 0, items).await?;
    Ok(match outcome {
        Some(outcome) => post::applied(StatusCode::OK, &outcome, &view),
        None => post::read(app.engine().head().get(), &view),
    })
}

/// A line of an answer to a stream.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what a stream is answered")]
enum BulkLine {
    Command(BulkView),
    Problem(StreamProblem),
}

async fn stream(
    app: App,
    id: RequestId,
    parts: &Parts,
    content: axum::body::Body,
    mode: BulkMode,
    results: Results,
) -> Result<Response, Problem> {
    let context = bulk_context(&app, parts, results)?;
    let fingerprint = context.reservation.is_some().then(|| {
        let said = [("format", "ndjson"), ("mode", mode.as_str())];
        let said = said.map(|(name, value)| (name.to_owned(), value.to_owned()));
        name(said.into()).fingerprinter()
    });
    let open = app.capacity().bulk_streams.try_take()?;
    let lines = Lines::new(content, mode, fingerprint, app.shared_capacity());
    let mut stream = Stream::new(app.clone(), context, id, lines, open);
    let first = stream.next().await;
    let Some((outcome, view)) = first.inspect_err(|_| stream.drain())? else {
        return Err(super::no_record("entry of a stream"));
    };
    let body = stream.body(bulk::line(&view));
    let kind = (header::CONTENT_TYPE, "application/x-ndjson");
    let mut response = ([kind], body).into_response();
    let position = outcome.map_or_else(|| app.engine().head(), |outcome| outcome.last);
    let headers = response.headers_mut();
    headers.insert(
        crate::problem::headers::POSITION,
        post::position_header(position),
    );
    Ok(response)
}

fn name(parameters: Vec<(String, String)>) -> RequestName<'static> {
    RequestName {
        method: &Method::POST,
        route: ROUTE,
        parameters,
    }
}

fn bulk_context(app: &App, parts: &Parts, results: Results) -> Result<BulkContext, Problem> {
    Ok(BulkContext {
        results,
        caller: Sender::ANONYMOUS.caller,
        reservation: idempotency::reserve(
            app.in_flight(),
            &Sender::ANONYMOUS.scope,
            &parts.headers,
        )?,
    })
}
