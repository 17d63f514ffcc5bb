//! `tillroll order`: one order with its lines, its splits and everything that happened to it.

use clap::Args;
use serde_json::json;
use tillroll_events::{OrderId, SplitRole};
use tillroll_projections::{OrderRow, TimelineRow};
use tillroll_terminal::{Console, Stop};

use super::orders::view;
use crate::as_of::AsOfArgument;
use crate::cli::{DataArgs, JsonArgs};
use crate::models::CurrentModels;
use crate::output::{Column, Rows, counted, major, major_or_blank};

/// Show one order, its lines, who gets what, and its timeline
#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The order: `ord_` and 26 digits
    #[arg(value_name = "ORDER")]
    order: OrderId,
    /// The state at a position, or at a time such as 2026-08-01T09:30:00Z
    #[arg(long, value_name = "MOMENT")]
    as_of: Option<AsOfArgument>,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &OrderArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let data = args.data.dir();
    let models = CurrentModels::open(&data, console)?;
    let at = Some(models.at(args.as_of)?);
    let found = models.models.order(args.order, at).map_err(Stop::failed)?;
    let Some(order) = found.value else {
        return Err(Stop::failed(format!(
            "there is no order {} at position {}",
            args.order, found.position
        ))
        .next(data.command("orders")));
    };
    let timeline = models.models.timeline(args.order, at, None, usize::MAX);
    let timeline = timeline.map_err(Stop::failed)?.value.items;
    if args.json.json {
        let mut document = view(&order);
        document["timeline"] = json!(timeline);
        return console.json(&document);
    }
    print(&order, &timeline, console)
}

fn print(
    order: &OrderRow,
    timeline: &[TimelineRow],
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    let (unit, standing) = (order.currency, &order.standing);
    console.say(format!(
        "{}  {}, {}{}{}",
        order.id,
        order.channel,
        standing.status.as_str(),
        order
            .location
            .as_deref()
            .map_or(String::new(), |name| format!(", {name}")),
        if order.offline { ", made offline" } else { "" },
    ))?;
    let amounts = [
        ("total", standing.total),
        ("due", standing.due),
        ("authorised", standing.authorised),
        ("paid", standing.paid),
        ("refunded", standing.refunded),
        ("overpaid", standing.overpaid),
        ("disputed", standing.disputed),
        ("charged back", standing.charged_back),
    ];
    let told = amounts.into_iter().enumerate();
    let told = told.filter(|(index, (_, amount))| *index == 0 || *amount > 0);
    let told = told.map(|(_, (name, amount))| format!("{name} {}", major(amount, unit)));
    console.say(format!("{} {unit}", told.collect::<Vec<_>>().join(", ")))?;
    if standing.failed_attempts > 0 {
        console.say(counted(
            u64::from(standing.failed_attempts),
            "failed attempt",
        ))?;
    }

    console.say("")?;
    let mut lines = Rows::new(&[
        Column::Right("quantity"),
        Column::Left("article"),
        Column::Right("each"),
        Column::Right("tax"),
        Column::Right("total"),
        Column::Left("seller"),
        Column::Right("commission"),
    ]);
    for line in &order.lines {
        lines.push([
            line.quantity.to_string(),
            line.sku
                .clone()
                .or_else(|| line.description.clone())
                .unwrap_or_default(),
            major(line.unit_price, unit),
            major_or_blank(line.tax, unit),
            major(line.total, unit),
            line.seller.clone().unwrap_or_default(),
            major_or_blank(line.commission, unit),
        ]);
    }
    lines.print(console, "no lines")?;

    console.say("")?;
    let mut splits = Rows::new(&[
        Column::Left("part of"),
        Column::Left("seller"),
        Column::Right("share"),
        Column::Right("earned"),
        Column::Right("returned"),
    ]);
    for split in &standing.splits {
        splits.push([
            role(split.role).into(),
            split.seller.clone().unwrap_or_default(),
            major(split.share, unit),
            major_or_blank(split.earned, unit),
            major_or_blank(split.returned, unit),
        ]);
    }
    splits.print(console, "no parts")?;

    console.say("")?;
    let mut events = Rows::new(&[
        Column::Right("position"),
        Column::Left("event"),
        Column::Left("occurred"),
        Column::Left("recorded"),
    ]);
    for event in timeline {
        events.push([
            event.position.to_string(),
            event.kind.clone(),
            event.occurred_at.to_string(),
            event.recorded_at.to_string(),
        ]);
    }
    events.print(console, "no events")
}

fn role(role: SplitRole) -> &'static str {
    match role {
        SplitRole::Sales => "sales",
        SplitRole::Commission => "commission",
        SplitRole::Seller => "seller",
        SplitRole::Tax => "tax",
    }
}
