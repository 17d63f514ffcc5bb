//! For operators: health, metrics, and the description of the interface.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tillroll_book::Refusal;
use utoipa::ToSchema;

use super::Segment;
use crate::app::{App, lag_detail};
use crate::code::{self, Code, CodeRow};
use crate::openapi;
use crate::post;
use crate::problem::{Problem, RetryHint};
use crate::query::Parameters;
use crate::schemas;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Is the process alive
#[utoipa::path(
    get, path = "/healthz", operation_id = "get_health", tag = "Operations",
    responses((status = 200, description = "It is", body = Health)),
)]
pub(crate) async fn health() -> Response {
    post::json(StatusCode::OK, &Health { status: "ok" })
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// `degraded`: commands are taken, and the read models are not asked, because they have failed
    /// or are too far behind.
    #[schema(example = "ready")]
    status: &'static str,
    /// The last durable position.
    position: u64,
    /// The last position that the read models show.
    projected_position: u64,
    /// For how long they have been behind, in seconds; 0 when they are not.
    projection_lag_seconds: u64,
    /// Why the read models do not move, when they do not.
    projection_failure: Option<String>,
    /// Why it is degraded, when it is.
    reason: Option<String>,
}

/// Can it take commands
///
/// 503 once the roll cannot be written, while the clock cannot be believed (`clock_wrong`), or while
/// the server goes down. Where only the read models do not follow, it takes commands and says
/// `degraded`, with the reason.
#[utoipa::path(
    get, path = "/readyz", operation_id = "get_readiness", tag = "Operations",
    responses((status = 200, description = "It can", body = Readiness)),
)]
pub(crate) async fn ready(State(app): State<App>) -> Result<Response, Problem> {
    if let Some(problem) = app.failure() {
        return Err(problem);
    }
    if let Some(fault) = app.book().clock_fault() {
        return Err(Refusal::ClockWrong(fault).into());
    }
    if *app.stopping().borrow() {
        return Err(Problem::new(Code::LogFailed, "the server is shutting down"));
    }
    let (lag, failure) = (app.book().lag(), app.book().read_model_failure());
    let reason = match (lag, &failure) {
        (Some(lag), Some(failure)) => Some(lag_detail(lag, Some(failure))),
        (Some(lag), None) if lag.time >= app.capacity().bounds.following_lag => {
            Some(lag_detail(lag, None))
        }
        _ => None,
    };
    let view = Readiness {
        status: match reason {
            Some(_) => "degraded",
            None => "ready",
        },
        projection_lag_seconds: lag.map_or(0, |lag| lag.time.as_secs()),
        reason,
        position: app.engine().head().get(),
        projected_position: app.checkpoint().position(),
        projection_failure: failure.map(|why| why.to_string()),
    };
    Ok(post::json(StatusCode::OK, &view))
}

/// Metrics
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "Operations",
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text")),
)]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let text = app
        .metrics()
        .encode()
        .map_err(|_| Problem::new(Code::InternalError, "the metrics cannot be written"))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// This interface as OpenAPI 3.1
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi", tag = "Operations",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = serde_json::Value)),
)]
pub(crate) async fn openapi_document() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, openapi::json()).into_response()
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct DigestView {
    #[schema(example = "digest")]
    object: &'static str,
    position: u64,
    /// Hexadecimal, over everything that the book says at the position.
    digest: String,
}

/// The digest of the books
///
/// Two servers with the same digest at the same position have the same balances, orders, splits
/// and stock.
///
/// It lists the whole state, which takes longer the larger the book is (some seconds for a million
/// orders), beside what else goes on. All who wait share one answer, and a book that stands still
/// is listed once.
#[utoipa::path(
    get, path = "/v1/digest", operation_id = "get_digest", tag = "Operations",
    responses((status = 200, description = "The digest", body = DigestView)),
)]
pub(crate) async fn digest(State(app): State<App>) -> Result<Response, Problem> {
    let (position, digest) = app.book().digest().await?;
    let view = DigestView {
        object: "digest",
        position: position.get(),
        digest: digest.to_string(),
    };
    Ok(post::read(position.get(), &view))
}

/// What a code means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CodeView {
    #[schema(example = "code")]
    object: &'static str,
    #[schema(example = "insufficient_stock")]
    code: &'static str,
    title: String,
    /// Where it is the answer to a request; within the answer to a bulk request there is none. A
    /// path, a query or a header that is wrong is always 400.
    #[schema(example = 409)]
    status: u16,
    retry: RetryHint,
    /// Why.
    description: &'static str,
    /// What to do about it.
    remedy: &'static str,
}

impl CodeView {
    fn of_row(row: CodeRow) -> Self {
        Self {
            object: "code",
            code: row.code,
            title: code::title(row.code),
            status: row.status.as_u16(),
            retry: row.retry.into(),
            description: row.cause,
            remedy: row.remedy,
        }
    }
}

/// Every code that a problem can have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CodeList {
    #[schema(example = "list")]
    object: &'static str,
    /// In order of the alphabet.
    data: Vec<CodeView>,
}

/// Every code of a problem
///
/// With its status, its cause, what to do about it, and whether the same request may succeed later.
#[utoipa::path(
    get, path = "/problems", operation_id = "list_problem_codes", tag = "Operations",
    responses((status = 200, description = "All codes", body = CodeList)),
)]
pub(crate) async fn problem_codes(parameters: Parameters) -> Result<Response, Problem> {
    parameters.finish()?;
    let data = code::all().into_iter().map(CodeView::of_row).collect();
    Ok(post::json(
        StatusCode::OK,
        &CodeList {
            object: "list",
            data,
        },
    ))
}

/// What a problem's code means
///
/// The target of every problem's `doc_url`.
#[utoipa::path(
    get, path = "/problems/{code}", operation_id = "get_problem_code", tag = "Operations",
    params(("code" = String, Path, description = "The code", example = "insufficient_stock")),
    responses((status = 200, description = "The code", body = CodeView)),
)]
pub(crate) async fn problem_code(Segment(code): Segment) -> Result<Response, Problem> {
    let Some(row) = code::describe(&code) else {
        return Err(Problem::new(Code::RouteNotFound, "there is no such code"));
    };
    Ok(post::json(StatusCode::OK, &CodeView::of_row(row)))
}

/// The JSON Schema of an event's data
#[utoipa::path(
    get, path = "/schemas/{name}", operation_id = "get_event_schema", tag = "Operations",
    params(("name" = String, Path, description = "As an event's `dataschema` says", example = "order.placed.v1.json")),
    responses((status = 200, description = "A JSON Schema (2020-12)", body = serde_json::Value, content_type = "application/schema+json")),
)]
pub(crate) async fn event_schema(Segment(name): Segment) -> Result<Response, Problem> {
    let found = schemas::all().find(|(kind, version)| schemas::file_name(*kind, *version) == name);
    let Some((kind, version)) = found else {
        return Err(Problem::new(Code::RouteNotFound, "there is no such schema"));
    };
    let text = schemas::text(kind, version);
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], text).into_response())
}
