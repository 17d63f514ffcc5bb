//! Holds: reserve now, take later.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tillroll_book::{Action, CommandKey, Refusal};
use tillroll_engine::SubmitError;
use tillroll_events::{Caller, HoldId};
use tillroll_projections::{At, HoldStatus};
use tillroll_runtime::ReadSize;

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
    request_body(content = CaptureBody, description = "`{}`, or a body of no bytes, captures the whole hold"),
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
    request_body(content = Empty, description = "`{}`, or a body of no bytes"),
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
    let outcome = match app.submit(caller, key, None, action).await {
        Err(SubmitError::Refused(
            refusal @ (Refusal::HoldEnded(_) | Refusal::HoldExpired { .. }),
        )) => return Err(ended(app, id, refusal).await),
        submitted => submitted?,
    };
    let when = When {
        as_of: Some(AsOfParameter::Position(outcome.last.get())),
        min_position: None,
    };
    let found = find(app, id, when).await;
    let (_, view) = found.map_err(|problem| problem.after_recording(outcome.last))?;
    Ok(post::applied(StatusCode::OK, &outcome, &view))
}

/// What ended a hold, when and where. The book says that it has ended; where the read models cannot
/// be asked how, that is all that is said.
async fn ended(app: &App, id: HoldId, refusal: Refusal) -> Problem {
    let plain = Problem::from(refusal);
    let when = When {
        as_of: None,
        min_position: Some(app.engine().head().get()),
    };
    let Ok(At {
        value: Some(row), ..
    }) = app.read(when, move |models, at| models.hold(id, at)).await
    else {
        return plain;
    };
    let Some(position) = row.ended_position else {
        // It expired, and the end is not on the roll yet.
        return plain;
    };
    let read = app.records(position, position, ReadSize::ONE).await;
    let records = read.as_ref().map(|batch| &batch.records[..]);
    let Ok([(_, record)]) = records else {
        return plain;
    };
    let detail = match (row.status, row.expires_at) {
        (HoldStatus::Expired, Some(at)) => {
            let mut problem = Problem::from(Refusal::HoldExpired { id, at });
            problem.detail = format!("{}: position {position} ends it", problem.detail);
            return problem;
        }
        (status, _) => format!(
            "hold {id} was {} at {} by position {position}",
            status.as_str(),
            record.recorded_at
        ),
    };
    Problem { detail, ..plain }
}
