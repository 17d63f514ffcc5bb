//! `tillroll orders`: the newest orders and where they stand.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};
use tillroll_events::{OrderId, OrderStatus};
use tillroll_projections::{OrderQuery, OrderRow};
use tillroll_terminal::{Console, Stop};

use crate::as_of::AsOfArgument;
use crate::cli::{DataArgs, JsonArgs};
use crate::models::CurrentModels;
use crate::output::{Column, Rows, major, major_or_blank};

/// List orders, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll orders --channel pos --limit 5
  tillroll orders --status disputed --json")]
pub(crate) struct OrdersArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Only orders of this channel: app, web, pos, or a shop platform
    #[arg(long)]
    channel: Option<String>,
    /// Only orders with this status
    #[arg(long, value_parser = statuses())]
    status: Option<OrderStatus>,
    /// The most orders to print
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Only orders older than this one: the last of another list
    #[arg(long, value_name = "ORDER")]
    starting_after: Option<OrderId>,
    /// The state at a position, or at a time such as 2026-08-01T09:30:00Z
    #[arg(long, value_name = "MOMENT")]
    as_of: Option<AsOfArgument>,
    #[command(flatten)]
    json: JsonArgs,
}

fn statuses() -> impl TypedValueParser<Value = OrderStatus> {
    let words = PossibleValuesParser::new(OrderStatus::ALL.map(OrderStatus::as_str));
    words.map(|word| {
        let mut all = OrderStatus::ALL.into_iter();
        all.find(|status| status.as_str() == word)
            .expect("only these words are taken")
    })
}

pub(crate) fn run(args: &OrdersArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let models = CurrentModels::open(&args.data.dir(), console)?;
    let query = OrderQuery {
        limit: usize::try_from(args.limit).unwrap_or(usize::MAX),
        starting_after: args.starting_after,
        channel: args.channel.clone(),
        status: args.status,
        as_of: Some(models.at(args.as_of)?),
        ..OrderQuery::default()
    };
    let answer = models.models.orders(&query).map_err(Stop::failed)?;
    let page = answer.value;
    if args.json.json {
        return console.json(&json!({
            "object": "list",
            "position": answer.position,
            "has_more": page.has_more,
            "data": page.items.iter().map(view).collect::<Vec<_>>(),
        }));
    }
    let mut rows = Rows::new(&[
        Column::Left("order"),
        Column::Left("channel"),
        Column::Left("status"),
        Column::Right("total"),
        Column::Right("paid"),
        Column::Right("refunded"),
        Column::Right("due"),
        Column::Left("unit"),
        Column::Left("occurred"),
    ]);
    for order in &page.items {
        let (unit, standing) = (order.currency, &order.standing);
        rows.push([
            order.id.to_string(),
            order.channel.clone(),
            standing.status.as_str().into(),
            major(standing.total, unit),
            major_or_blank(standing.paid, unit),
            major_or_blank(standing.refunded, unit),
            major_or_blank(standing.due, unit),
            unit.to_string(),
            order.occurred_at.to_string(),
        ]);
    }
    rows.print(console, "no orders")?;
    match page.items.last().filter(|_| page.has_more) {
        Some(last) => console.note(format!("older orders: --starting-after {}", last.id)),
        None => Ok(()),
    }
}

pub(super) fn view(order: &OrderRow) -> Value {
    let mut view = json!(order);
    view["object"] = json!("order");
    view
}
