//! Orders.

use std::io::Write as _;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tillroll_book::{Action, Refusal};
use tillroll_events::{OrderId, OrderStatus};
use tillroll_projections::{At, OrderQuery};
use tillroll_runtime::ReadSize;

use super::{Segment, no_record, path_parameter};
use crate::app::App;
use crate::bodies::OrderBody;
use crate::event_text::{EventFormat, EventText};
use crate::list::{List, ShortenedAt};
use crate::post::{self, Post};
use crate::problem::Problem;
use crate::query::{AsOfParameter, Parameters, When};
use crate::routes::events::CloudEvent;
use crate::views::OrderView;

/// A body that says nothing: `{}`, or none at all.
#[derive(Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Empty {}

/// Place an order
///
/// What is due becomes a balance on the books; articles are reserved at the location. Without
/// stock the order is refused, unless it was made `offline`: then it is a fact, and what was
/// missing is written down as short.
#[utoipa::path(
    post, path = "/v1/orders", operation_id = "place_order", tag = "Orders",
    request_body = OrderBody,
    responses(
        (status = 201, description = "The order", body = OrderView),
    ),
)]
pub(crate) async fn place(State(app): State<App>, post: Post) -> Result<Response, Problem> {
    let document = post.document()?;
    let body: OrderBody = document.read()?;
    let (order, occurred_at) = body.into_action(&mut app.new_ids())?;
    let outcome = app
        .submit(
            post.caller(),
            post.key(&document),
            occurred_at,
            Action::PlaceOrder(order),
        )
        .await?;
    let view = OrderView::of_records(&outcome.records).ok_or_else(|| no_record("order.placed"))?;
    Ok(post::applied(StatusCode::CREATED, &outcome, &view))
}

/// List orders
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/orders", operation_id = "list_orders", tag = "Orders",
    params(
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
        ("channel" = Option<String>, Query, description = "Only of this channel"),
        ("status" = Option<String>, Query, description = "Only with this status"),
        ("seller" = Option<String>, Query, description = "Only those of which a part is for this seller"),
    ),
    responses(
        (status = 200, description = "A page of orders", body = List<OrderView>),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let page = parameters.page()?;
    let cursor_name = page.cursor();
    let shortened = ShortenedAt::from(&page);
    let when = parameters.when()?;
    let cursor = |name: &str, text: Option<String>| -> Result<Option<OrderId>, Problem> {
        text.map(|text| path_parameter(name, &text)).transpose()
    };
    let status = match parameters.take("status")? {
        None => None,
        Some(text) => {
            let known = OrderStatus::ALL.into_iter().find(|s| s.as_str() == text);
            Some(known.ok_or_else(|| {
                let all = OrderStatus::ALL.map(OrderStatus::as_str).join(", ");
                Problem::parameter("status", format!("a status is one of {all}"))
            })?)
        }
    };
    let query = OrderQuery {
        limit: page.limit,
        starting_after: cursor("starting_after", page.starting_after)?,
        ending_before: cursor("ending_before", page.ending_before)?,
        channel: parameters.take("channel")?,
        status,
        seller: parameters.take("seller")?,
        as_of: None,
    };
    parameters.finish()?;
    let found = app
        .read(when, move |models, as_of| {
            models.orders(&OrderQuery { as_of, ..query })
        })
        .await
        .map_err(|problem| problem.with_cursor(cursor_name))?;
    let At { position, value } = found;
    let data = value.items.into_iter().map(OrderView::of_row).collect();
    let list = List::new("/v1/orders", data, value.has_more);
    Ok(post::read_list(&app, position, &list, shortened))
}

/// Get an order
#[utoipa::path(
    get, path = "/v1/orders/{id}", operation_id = "get_order", tag = "Orders",
    params(("id" = String, Path, description = "The order's id", pattern = "^ord_[0-7][0-9a-hjkmnp-tv-z]{25}$"), crate::openapi::WhenParameters),
    responses(
        (status = 200, description = "The order", body = OrderView),
    ),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Segment(id): Segment,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let id: OrderId = path_parameter("id", &id)?;
    let when = parameters.when()?;
    parameters.finish()?;
    let (position, view) = find(&app, id, when).await?;
    Ok(post::read(position, &view))
}

async fn find(app: &App, id: OrderId, when: When) -> Result<(u64, OrderView), Problem> {
    let found = app
        .read(when, move |models, as_of| models.order(id, as_of))
        .await?;
    match found.value {
        Some(row) => Ok((found.position, OrderView::of_row(row))),
        None => Err(Refusal::OrderNotFound(id).into()),
    }
}

/// Get an order's timeline
///
/// Everything that happened to the order, oldest first, as CloudEvents. The cursor is an event's
/// `sequence`. A page ends before it is longer than 4 MiB, with `has_more`.
#[utoipa::path(
    get, path = "/v1/orders/{id}/timeline", operation_id = "get_order_timeline", tag = "Orders",
    params(
        ("id" = String, Path, description = "The order's id", pattern = "^ord_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 when it is left out", minimum = 1, maximum = 100),
        ("starting_after" = Option<u64>, Query, description = "After the event at this position"),
        crate::openapi::WhenParameters,
    ),
    responses(
        (status = 200, description = "A page of events", body = List<CloudEvent>),
    ),
)]
pub(crate) async fn timeline(
    State(app): State<App>,
    Segment(text): Segment,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let id: OrderId = path_parameter("id", &text)?;
    let limit = parameters.limit(crate::query::PAGE_DEFAULT, crate::query::PAGE_LIMIT)?;
    let after = parameters.position("starting_after")?;
    let when = parameters.when()?;
    parameters.finish()?;
    let found = app
        .read(when, move |models, as_of| {
            let page = models.timeline(id, as_of, after, limit)?;
            let known = !page.value.items.is_empty() || models.order(id, as_of)?.value.is_some();
            Ok(page.map(|page| (page, known)))
        })
        .await?;
    let (page, known) = found.value;
    if !known {
        return Err(Refusal::OrderNotFound(id).into());
    }
    let mut data = b"{\"object\":\"list\",\"data\":[".to_vec();
    let bytes = app.capacity().bounds.page_bytes;
    let mut text = EventText::new(EventFormat::List, app.source(), limit, bytes);
    for row in page.items {
        let batch = app
            .records(row.position, row.position, ReadSize::ONE)
            .await?;
        let names = app.names(&batch.records).await;
        text.push(batch.records, names);
        text.write(&mut data);
        if text.items_left() == 0 {
            break;
        }
    }
    let more = page.has_more || text.has_records();
    write!(
        data,
        "],\"has_more\":{more},\"url\":\"/v1/orders/{id}/timeline\"}}"
    )
    .expect("writing to memory cannot fail");
    Ok(post::read_text(found.position, data))
}

/// Cancel an order
///
/// Reserved articles are back on the shelf. What was paid must be refunded first.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancel", operation_id = "cancel_order", tag = "Orders",
    params(
        ("id" = String, Path, description = "The order's id", pattern = "^ord_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    request_body(content = Empty, description = "`{}`, or a body of no bytes"),
    responses(
        (status = 200, description = "The order", body = OrderView),
    ),
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    Segment(id): Segment,
    post: Post,
) -> Result<Response, Problem> {
    let id: OrderId = path_parameter("id", &id)?;
    move_on(&app, id, &post, Action::CancelOrder(id)).await
}

/// Fulfil an order
///
/// The goods went out: reserved articles are sold, and sellers' parts are released.
#[utoipa::path(
    post, path = "/v1/orders/{id}/fulfil", operation_id = "fulfil_order", tag = "Orders",
    params(
        ("id" = String, Path, description = "The order's id", pattern = "^ord_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    request_body(content = Empty, description = "`{}`, or a body of no bytes"),
    responses(
        (status = 200, description = "The order", body = OrderView),
    ),
)]
pub(crate) async fn fulfil(
    State(app): State<App>,
    Segment(id): Segment,
    post: Post,
) -> Result<Response, Problem> {
    let id: OrderId = path_parameter("id", &id)?;
    move_on(&app, id, &post, Action::FulfilOrder(id)).await
}

/// The answer is the order as of the command's last record, so that it is the same for ever.
async fn move_on(app: &App, id: OrderId, post: &Post, action: Action) -> Result<Response, Problem> {
    let document = post.document_or_empty()?;
    let Empty {} = document.read()?;
    let outcome = app
        .submit(post.caller(), post.key(&document), None, action)
        .await?;
    let when = When {
        as_of: Some(AsOfParameter::Position(outcome.last.get())),
        min_position: None,
    };
    let found = find(app, id, when).await;
    let (_, view) = found.map_err(|problem| problem.after_recording(outcome.last))?;
    Ok(post::applied(StatusCode::OK, &outcome, &view))
}
