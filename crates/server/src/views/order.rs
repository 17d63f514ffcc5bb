//! An order as a client sees it, from the roll or from the read models.

use serde::Serialize;
use tillroll_engine::Position;
use tillroll_events::{Event, Metadata, OrderLine, OrderPlaced, OrderStanding, Record, SplitRole};
use tillroll_money::Rate;
use tillroll_projections::{LineRow, OrderRow, SplitRow, Standing};
use utoipa::ToSchema;

use crate::openapi::MetadataSchema;

/// An order and where it stands. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Order)]
pub(crate) struct OrderView {
    #[schema(example = "order")]
    object: &'static str,
    id: String,
    /// `placed`, `authorised`, `partially_paid`, `paid`, `fulfilled`, `partially_refunded`,
    /// `refunded`, `disputed`, `charged_back` or `cancelled`.
    status: &'static str,
    channel: String,
    location: Option<String>,
    currency: String,
    total: u64,
    /// Still to be paid.
    due: u64,
    /// Authorised and not yet captured.
    authorised: u64,
    /// Captured, before refunds.
    paid: u64,
    refunded: u64,
    /// Captured beyond what was due.
    overpaid: u64,
    /// In open disputes.
    disputed: u64,
    /// In disputes that were lost.
    charged_back: u64,
    failed_attempts: u32,
    fulfilled: bool,
    cancelled: bool,
    offline: bool,
    lines: Vec<LineView>,
    /// Who the money is for. The parts of `share` sum to `total`, those of `earned` to what was
    /// paid, those of `returned` to what was refunded.
    splits: Vec<OrderSplitView>,
    #[schema(value_type = MetadataSchema)]
    metadata: Metadata,
    /// RFC 3339.
    occurred_at: String,
    recorded_at: String,
    /// Where on the roll it was placed.
    position: u64,
    /// Where it came to stand as it does.
    last_position: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OrderLine)]
pub(crate) struct LineView {
    sku: Option<String>,
    description: Option<String>,
    quantity: u64,
    unit_price: u64,
    tax: Option<LineTaxView>,
    seller: Option<LineSellerView>,
    /// What the customer pays for the line.
    total: u64,
    /// Of `quantity`, what was sold offline although the shelf did not hold it.
    short: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OrderLineTax)]
pub(crate) struct LineTaxView {
    rate: String,
    /// `inclusive` or `exclusive`.
    behavior: &'static str,
    /// Within the line's total.
    amount: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OrderLineSeller)]
pub(crate) struct LineSellerView {
    account: String,
    commission: String,
    /// The platform's part of the line.
    commission_amount: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OrderSplit)]
pub(crate) struct OrderSplitView {
    /// `sales`, `commission`, `seller` or `tax`.
    role: &'static str,
    seller: Option<String>,
    share: u64,
    earned: u64,
    returned: u64,
}

impl OrderView {
    /// Of the records of the command that placed it: the order, and where the last of them left
    /// it.
    pub(crate) fn of_records(records: &[(Position, Record)]) -> Option<Self> {
        let (position, record, placed) = records.iter().find_map(|(position, record)| {
            let Event::OrderPlaced(placed) = &record.event else {
                return None;
            };
            Some((*position, record, placed))
        })?;
        let (last, standing) = records
            .iter()
            .rev()
            .find_map(|(at, record)| Some((*at, standing_of(&record.event, placed)?)))?;
        let standing = standing_from_event(standing);
        let lines = placed.lines.iter().map(line_from_event);
        Some(Self::new(
            Identity {
                id: placed.order.to_string(),
                channel: placed.channel.clone(),
                location: placed.location.clone(),
                currency: placed.currency.to_string(),
                offline: placed.offline,
                metadata: placed.metadata.clone(),
                occurred_at: record.occurred_at.to_string(),
                recorded_at: record.recorded_at.to_string(),
                position: position.get(),
                last_position: last.get(),
            },
            standing,
            lines.map(LineView::of).collect(),
        ))
    }

    /// Of a row of the read models.
    pub(crate) fn of_row(row: OrderRow) -> Self {
        Self::new(
            Identity {
                id: row.id.to_string(),
                channel: row.channel,
                location: row.location,
                currency: row.currency.to_string(),
                offline: row.offline,
                metadata: row.metadata,
                occurred_at: row.occurred_at.to_string(),
                recorded_at: row.recorded_at.to_string(),
                position: row.position,
                last_position: row.last_position,
            },
            row.standing,
            row.lines.into_iter().map(LineView::of).collect(),
        )
    }

    fn new(identity: Identity, standing: Standing, lines: Vec<LineView>) -> Self {
        let Identity {
            id,
            channel,
            location,
            currency,
            offline,
            metadata,
            occurred_at,
            recorded_at,
            position,
            last_position,
        } = identity;
        Self {
            object: "order",
            id,
            status: standing.status.as_str(),
            channel,
            location,
            currency,
            total: standing.total,
            due: standing.due,
            authorised: standing.authorised,
            paid: standing.paid,
            refunded: standing.refunded,
            overpaid: standing.overpaid,
            disputed: standing.disputed,
            charged_back: standing.charged_back,
            failed_attempts: standing.failed_attempts,
            fulfilled: standing.fulfilled,
            cancelled: standing.cancelled,
            offline,
            lines,
            splits: standing
                .splits
                .into_iter()
                .map(OrderSplitView::of)
                .collect(),
            metadata,
            occurred_at,
            recorded_at,
            position,
            last_position,
        }
    }
}

/// What never changes about an order.
struct Identity {
    id: String,
    channel: String,
    location: Option<String>,
    currency: String,
    offline: bool,
    metadata: Metadata,
    occurred_at: String,
    recorded_at: String,
    position: u64,
    last_position: u64,
}

fn standing_of<'a>(event: &'a Event, placed: &OrderPlaced) -> Option<&'a OrderStanding> {
    match event {
        Event::OrderPlaced(event) if event.order == placed.order => Some(&event.standing),
        Event::OrderBooked(event) if event.order == placed.order => Some(&event.standing),
        Event::OrderFulfilled(event) if event.order == placed.order => Some(&event.standing),
        Event::OrderCancelled(event) if event.order == placed.order => Some(&event.standing),
        _ => None,
    }
}

fn standing_from_event(standing: &OrderStanding) -> Standing {
    let OrderStanding {
        status,
        total,
        due,
        authorised,
        paid,
        refunded,
        overpaid,
        disputed,
        charged_back,
        failed_attempts,
        fulfilled,
        cancelled,
        splits,
    } = standing.clone();
    let splits = splits.into_iter().map(|split| SplitRow {
        role: split.role,
        seller: split.seller.map(|seller| seller.to_string()),
        share: split.share,
        earned: split.earned,
        returned: split.returned,
    });
    Standing {
        status,
        total,
        due,
        authorised,
        paid,
        refunded,
        overpaid,
        disputed,
        charged_back,
        failed_attempts,
        fulfilled,
        cancelled,
        splits: splits.collect(),
    }
}

fn line_from_event(line: &OrderLine) -> LineRow {
    let line = line.clone();
    LineRow {
        sku: line.sku,
        description: line.description,
        quantity: line.quantity,
        unit_price: line.unit_price,
        tax_rate_ppm: line.tax_rate_ppm,
        tax_included: line.tax_included,
        tax: line.tax,
        total: line.total,
        seller: line.seller.map(|seller| seller.to_string()),
        commission_rate_ppm: line.commission_rate_ppm,
        commission: line.commission,
        short: line.short,
    }
}

impl LineView {
    fn of(line: LineRow) -> Self {
        let taxed = line.tax_rate_ppm > 0 || line.tax > 0;
        Self {
            sku: line.sku,
            description: line.description,
            quantity: line.quantity,
            unit_price: line.unit_price,
            tax: taxed.then(|| LineTaxView {
                rate: rate(line.tax_rate_ppm),
                behavior: if line.tax_included {
                    "inclusive"
                } else {
                    "exclusive"
                },
                amount: line.tax,
            }),
            seller: line.seller.map(|account| LineSellerView {
                account,
                commission: rate(line.commission_rate_ppm),
                commission_amount: line.commission,
            }),
            total: line.total,
            short: line.short,
        }
    }
}

fn rate(ppm: u32) -> String {
    Rate::from_ppm(ppm).unwrap_or(Rate::ZERO).to_string()
}

impl OrderSplitView {
    fn of(split: SplitRow) -> Self {
        Self {
            role: match split.role {
                SplitRole::Sales => "sales",
                SplitRole::Commission => "commission",
                SplitRole::Seller => "seller",
                SplitRole::Tax => "tax",
            },
            seller: split.seller,
            share: split.share,
            earned: split.earned,
            returned: split.returned,
        }
    }
}
