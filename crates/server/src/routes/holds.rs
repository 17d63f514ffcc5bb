//! Holds: reserve now, take later.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tillroll_book::{Action, CommandKey, Refusal};
use tillroll_events::{Caller, HoldId};

use super::{Segment, no_record, path_parameter};
use crate::app::App;
use crate::bodies::{CaptureBody, HoldBody};
use crate::post::{self, Post};
use crate::problem::Problem;
use crate::query::{AsOfParameter, Parameters, When};
use crate::routes::orders::Empty;
use crate::views::HoldView;

/// Place a hold
///
/// An entry that is pending: it counts against limits, and posts nothing until it is captured.
#[utoipa::path(
    post, path = "/v1/holds", operation_id = "place_hold", tag = "Holds",
    request_body = HoldBody,
    responses(
        (status = 201, description = "The hold", body = HoldView),
    ),
)]
pub(crate) async fn place(State(app): State<App>, post: Post) -> Result<Response, Problem> {
    let document = post.document()?;
    let body: HoldBody<'_> = document.read()?;
    let hold = body.into_action(&mut app.new_ids())?;
    let outcome = app
        .submit(
            post.caller(),
            post.key(&document),
            None,
            Action::PlaceHold(hold),
        )
        .await?;
    let names = app.names(&outcome.records).await;
    let view =
        HoldView::of_records(&outcome.records, &names).ok_or_else(|| no_record("hold.placed"))?;
    Ok(post::applied(StatusCode::CREATED, &outcome, &view))
}

/// Get a hold
#[utoipa::path(
    get, path = "/v1/holds/{id}", operation_id = "get_hold", tag = "Holds",
    params(("id" = String, Path, description = "The hold's id", pattern = "^hld_[0-7][0-9a-hjkmnp-tv-z]{25}$"), crate::openapi::WhenParameters),
    responses(
        (status = 200, description = "The hold", body = HoldView),
    ),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Segment(id): Segment,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let id: HoldId = path_parameter("id", &id)?;
    let when = parameters.when()?;
    parameters.finish()?;
    let (position, view) = find(&app, id, when).await?;
    Ok(post::read(position, &view))
}

async fn find(app: &App, id: HoldId, when: When) -> Result<(u64, HoldView), Problem> {
    let found = app
        .read(when, move |models, as_of| models.hold(id, as_of))
        .await?;
    match found.value {
        Some(row) => Ok((found.position, HoldView::of_row(row))),
        None => Err(Refusal::HoldNotFound(id).into()),
    }
}

/// Capture a hold
///
/// In whole (an empty body), an `amount` of a hold with two postings, or `postings` that are
/// part of it. The rest is released, and the hold has ended.
#[utoipa::path(
    post, path = "/v1/holds/{id}/capture", operation_id = "capture_hold", tag = "Holds",
    params(
        ("id" = String, Path, description = "The hold's id", pattern = "^hld_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    request_body(content = CaptureBody, description = "None at all captures the whole hold"),
    responses(
        (status = 200, description = "The hold", body = HoldView),
    ),
)]
pub(crate) async fn capture(
    State(app): State<App>,
    Segment(id): Segment,
    post: Post,
) -> Result<Response, Problem> {
    let id: HoldId = path_parameter("id", &id)?;
    let document = post.document_or_empty()?;
    let body: CaptureBody<'_> = document.read()?;
    let capture = body.into_action(id)?;
    end(
        &app,
        id,
        post.caller(),
        post.key(&document),
        Action::CaptureHold(capture),
    )
    .await
}

/// Void a hold
///
/// Nothing is posted, and what was held is free again.
#[utoipa::path(
    post, path = "/v1/holds/{id}/void", operation_id = "void_hold", tag = "Holds",
    params(
        ("id" = String, Path, description = "The hold's id", pattern = "^hld_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    request_body(content = Empty, description = "Empty, or no body at all"),
    responses(
        (status = 200, description = "The hold", body = HoldView),
    ),
)]
pub(crate) async fn void(
    State(app): State<App>,
    Segment(id): Segment,
    post: Post,
) -> Result<Response, Problem> {
    let id: HoldId = path_parameter("id", &id)?;
    let document = post.document_or_empty()?;
    let Empty {} = document.read()?;
    end(
        &app,
        id,
        post.caller(),
        post.key(&document),
        Action::VoidHold(id),
    )
    .await
}

/// The answer is the hold as of the command's last record, so that it is the same for ever.
async fn end(
    app: &App,
    id: HoldId,
    caller: Caller,
    key: Option<CommandKey>,
    action: Action,
) -> Result<Response, Problem> {
    let outcome = app.submit(caller, key, None, action).await?;
    let when = When {
        as_of: Some(AsOfParameter::Position(outcome.last.get())),
        min_position: None,
    };
    let found = find(app, id, when).await;
    let (_, view) = found.map_err(|problem| problem.after_recording(outcome.last))?;
    Ok(post::applied(StatusCode::OK, &outcome, &view))
}
