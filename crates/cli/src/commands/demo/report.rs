//! What the story told, in numbers that a person or a program reads.

use std::time::Duration;

use serde_json::{Value, json};
use tillroll_demo::StoryReport;
use tillroll_terminal::{Console, Stop};

/// Everything but the position, which the summary has said.
pub(super) fn print(report: &StoryReport, console: &mut Console<'_>) -> Result<(), Stop> {
    for line in report.to_string().lines() {
        if !line.starts_with("last position") {
            console.say(line)?;
        }
    }
    Ok(())
}

pub(super) fn view(report: &StoryReport, took: Duration, events: u64) -> Value {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    json!({
        "seed": report.seed,
        "requests": report.requests,
        "orders": report.all_orders(),
        "orders_by_channel": report.orders,
        "orders_by_currency": report.currencies,
        "offline_orders": report.offline_orders,
        "fulfilled": report.fulfilled,
        "cancelled": report.cancelled,
        "declined": report.declined,
        "captured_in_part": report.captured_in_part,
        "refunds": report.refunds,
        "refunds_failed": report.refunds_failed,
        "disputes_won": report.disputes_won,
        "disputes_lost": report.disputes_lost,
        "transfers": report.transfers,
        "transfer_reversals": report.transfer_reversals,
        "payouts": report.payouts,
        "payouts_failed": report.payouts_failed,
        "unreported_payout": report.unreported_payout,
        "webhooks": {
            "delivered": report.webhooks,
            "by_type": report.webhook_types,
            "duplicates": report.duplicates,
            "reordered": report.reordered,
            "retried": report.retried,
        },
        "balance_transactions": report.balance_transactions,
        "balance_transactions_known": report.balance_transactions_known,
        "receipts": report.receipts,
        "point_entries": report.point_entries,
        "replays": report.replays,
        "refused_as_expected": report.refused_as_expected,
        "audited_orders": report.audited_orders,
        "disagreements": report.disagreements,
        "events": events,
        "took_micros": micros,
        "events_per_second": u128::from(events) * 1_000_000 / u128::from(micros.max(1)),
    })
}
