//! Stock.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tillroll_book::Action;

use super::no_record;
use crate::app::App;
use crate::bodies::ReceiptBody;
use crate::list::List;
use crate::post::{self, Post};
use crate::problem::Problem;
use crate::query::Parameters;
use crate::views::{ReceiptView, StockView};

/// Receive stock
///
/// Goods arrived at a location and can be sold from now on.
#[utoipa::path(
    post, path = "/v1/stock/receipts", operation_id = "receive_stock", tag = "Stock",
    request_body = ReceiptBody,
    responses((status = 201, description = "The receipt", body = ReceiptView)),
)]
pub(crate) async fn receive(State(app): State<App>, post: Post) -> Result<Response, Problem> {
    let document = post.document()?;
    let body: ReceiptBody = document.read()?;
    let (receipt, occurred_at) = body.into_action()?;
    let outcome = app
        .submit(
            post.caller(),
            post.key(&document),
            occurred_at,
            Action::ReceiveStock(receipt),
        )
        .await?;
    let view =
        ReceiptView::of_records(&outcome.records).ok_or_else(|| no_record("stock.received"))?;
    Ok(post::applied(StatusCode::CREATED, &outcome, &view))
}

/// List stock
///
/// By location and article: what can be sold, what is sold and not yet handed over, and what was
/// sold offline without being there.
#[utoipa::path(
    get, path = "/v1/stock", operation_id = "list_stock", tag = "Stock",
    params(
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
        ("location" = Option<String>, Query, description = "Only of this location"),
    ),
    responses((status = 200, description = "A page of stock", body = List<StockView>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let page = parameters.page()?;
    let when = parameters.when()?;
    let location = parameters.take("location")?;
    parameters.finish()?;
    let found = app
        .read(when, move |models, as_of| {
            models.stock(as_of, location.as_deref())
        })
        .await?;
    let all = found.value.into_iter().map(StockView::of).collect();
    let list = List::page_of("/v1/stock", all, &page, StockView::id)?;
    Ok(post::read_list(&app, found.position, &list, (&page).into()))
}
