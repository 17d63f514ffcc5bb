//! What sellers have earned and got.

use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::list::List;
use crate::post;
use crate::problem::Problem;
use crate::query::Parameters;
use crate::views::SplitView;

/// List sellers' parts
///
/// By seller and unit: earned, released, sent, taken back.
#[utoipa::path(
    get, path = "/v1/splits", operation_id = "list_splits", tag = "Splits",
    params(
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
        ("seller" = Option<String>, Query, description = "Only of this seller"),
    ),
    responses((status = 200, description = "A page of sellers' parts", body = List<SplitView>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let page = parameters.page()?;
    let when = parameters.when()?;
    let seller = parameters.take("seller")?;
    parameters.finish()?;
    let found = app
        .read(when, move |models, as_of| models.splits(as_of))
        .await?;
    let all = found
        .value
        .into_iter()
        .filter(|row| seller.as_ref().is_none_or(|seller| *seller == row.seller))
        .map(SplitView::of)
        .collect();
    let list = List::page_of("/v1/splits", all, &page, SplitView::id)?;
    Ok(post::read_list(&app, found.position, &list, (&page).into()))
}
