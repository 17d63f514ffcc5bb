//! Journal entries, one at a time.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tillroll_book::Action;
use tillroll_events::EntryId;

use super::{Segment, no_record, path_parameter};
use crate::app::App;
use crate::bodies::EntryBody;
use crate::code::Code;
use crate::post::{self, Post};
use crate::problem::Problem;
use crate::query::Parameters;
use crate::views::EntryView;

/// Post a journal entry
///
/// Two or more postings that balance in every unit, to accounts that are open. An account's
/// limit may stand against it.
#[utoipa::path(
    post, path = "/v1/entries", operation_id = "post_entry", tag = "Entries",
    request_body = EntryBody,
    responses(
        (status = 201, description = "The entry", body = EntryView),
    ),
)]
pub(crate) async fn create(State(app): State<App>, post: Post) -> Result<Response, Problem> {
    let body: EntryBody<'_> = post.parse()?;
    let entry = body.into_action(&mut app.new_ids())?;
    let outcome = app
        .submit(post.key(), None, Action::PostEntry(entry))
        .await?;
    let names = app.names(&outcome.records).await;
    let view =
        EntryView::of_records(&outcome.records, &names).ok_or_else(|| no_record("entry.posted"))?;
    Ok(post::applied(StatusCode::CREATED, &outcome, &view))
}

/// Get a journal entry
#[utoipa::path(
    get, path = "/v1/entries/{id}", operation_id = "get_entry", tag = "Entries",
    params(("id" = String, Path, description = "The entry's id"), crate::openapi::WhenParameters),
    responses(
        (status = 200, description = "The entry", body = EntryView),
    ),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Segment(id): Segment,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let id: EntryId = path_parameter("id", &id)?;
    let when = parameters.when()?;
    parameters.finish()?;
    let found = app
        .read(when, move |models, as_of| models.entry(id, as_of))
        .await?;
    match found.value {
        Some(row) => Ok(post::read(found.position, &EntryView::of_row(row))),
        None => Err(Problem::new(
            Code::EntryNotFound,
            format!("there is no entry {id}"),
        )),
    }
}
