//! Many journal entries in one request.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tillroll_book::{Action, PostEntries};

use crate::app::{App, blocking};
use crate::bodies::{BulkBody, BulkItems, BulkMode};
use crate::body::BULK_BYTES;
use crate::post::{self, Post};
use crate::problem::Problem;
use crate::views::BulkView;

/// Longer bodies are parsed aside, so that other requests do not wait behind them.
const LONG: usize = 256 * 1024;

/// Post many journal entries
///
/// Up to 10,000 in one request, made durable with one sync, and a result for each. With mode
/// `all` one refusal refuses the request; with `each` every entry stands on its own, and those
/// that are refused say why.
#[utoipa::path(
    post, path = "/v1/entries/bulk", operation_id = "post_entries", tag = "Entries",
    request_body = BulkBody,
    responses(
        (status = 200, description = "A result for each entry", body = BulkView),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    post: Post<BULK_BYTES>,
) -> Result<Response, Problem> {
    let key = post.key();
    let (post, items) = if post.body.len() < LONG {
        let items = read(&app, &post)?;
        (post, items)
    } else {
        let app = app.clone();
        blocking(move || read(&app, &post).map(|items| (post, items))).await??
    };
    let BulkItems {
        mode,
        count,
        entries,
        refused,
    } = items;
    if entries.is_empty() {
        // Nothing is left for the book: the answer is a function of the body.
        let view = BulkView::of_records(mode, count, refused, &[]);
        return Ok(post::read(app.engine().head().get(), &view));
    }
    let action = Action::PostEntries(PostEntries {
        entries: entries.into_iter().collect(),
        all_or_nothing: mode == BulkMode::All,
    });
    let outcome = app.submit(key, None, action).await?;
    let view = BulkView::of_records(mode, count, refused, &outcome.records);
    let response = post::applied(StatusCode::OK, &outcome, &view);
    drop(post);
    Ok(response)
}

fn read(app: &App, post: &Post<BULK_BYTES>) -> Result<BulkItems, Problem> {
    let body: BulkBody<'_> = post.parse()?;
    body.into_items(&mut app.new_ids())
}
