//! What was told, in numbers.

use std::collections::BTreeMap;
use std::fmt;

/// How far the story has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryProgress {
    /// Hours told.
    pub done: u64,
    /// Hours to tell.
    pub total: u64,
    /// For people.
    pub message: String,
}

/// What was sent and what came of it. The same story told to the same server
/// gives the same report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoryReport {
    /// The seed.
    pub seed: u64,
    /// Requests, the refused and replayed ones included.
    pub requests: u64,
    /// Orders by channel.
    pub orders: BTreeMap<&'static str, u64>,
    /// Orders by currency.
    pub currencies: BTreeMap<&'static str, u64>,
    /// Orders that arrived a day after they were made.
    pub offline_orders: u64,
    /// Orders fulfilled.
    pub fulfilled: u64,
    /// Orders cancelled.
    pub cancelled: u64,
    /// Cards that were declined.
    pub declined: u64,
    /// Authorisations captured in part.
    pub captured_in_part: u64,
    /// Refunds made; some fail later.
    pub refunds: u64,
    /// Refunds that the bank sent back.
    pub refunds_failed: u64,
    /// Disputes won.
    pub disputes_won: u64,
    /// Disputes lost.
    pub disputes_lost: u64,
    /// Transfers to sellers.
    pub transfers: u64,
    /// Reversals of transfers.
    pub transfer_reversals: u64,
    /// Payouts to the bank.
    pub payouts: u64,
    /// Payouts that came back.
    pub payouts_failed: u64,
    /// The payout that Stripe made and never reported as paid: the one that
    /// does not reconcile.
    pub unreported_payout: Option<String>,
    /// Webhooks delivered, duplicates included, forged and stale ones not.
    pub webhooks: u64,
    /// Webhooks by event type.
    pub webhook_types: BTreeMap<&'static str, u64>,
    /// Webhooks that had arrived before.
    pub duplicates: u64,
    /// Webhooks that arrived after a newer event of the same object.
    pub reordered: u64,
    /// Webhooks whose first attempt was lost.
    pub retried: u64,
    /// Balance transactions that were new to the server.
    pub balance_transactions: u64,
    /// Balance transactions that it knew already.
    pub balance_transactions_known: u64,
    /// Receipts of goods.
    pub receipts: u64,
    /// Entries that give or take points.
    pub point_entries: u64,
    /// Requests sent twice and answered once.
    pub replays: u64,
    /// Refusals that the story provoked, by code.
    pub refused_as_expected: BTreeMap<String, u64>,
    /// Orders that the server was asked about at the end.
    pub audited_orders: u64,
    /// Orders on which server and Stripe disagree, with both sides.
    pub disagreements: Vec<String>,
    /// The last position that the server wrote.
    pub last_position: u64,
}

impl StoryReport {
    /// All orders.
    #[must_use]
    pub fn all_orders(&self) -> u64 {
        self.orders.values().sum()
    }
}

impl fmt::Display for StoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |counts: &BTreeMap<&'static str, u64>| {
            counts
                .iter()
                .map(|(name, count)| format!("{name} {count}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut row = |name: &str, text: String| writeln!(f, "{name:<22}{text}");
        row("seed", self.seed.to_string())?;
        row(
            "orders",
            format!("{}: {}", self.all_orders(), list(&self.orders)),
        )?;
        row("currencies", list(&self.currencies))?;
        row(
            "",
            format!(
                "{} fulfilled, {} cancelled, {} told a day late",
                self.fulfilled, self.cancelled, self.offline_orders
            ),
        )?;
        row(
            "payments",
            format!(
                "{} declined, {} captured in part, {} refunds ({} sent back)",
                self.declined, self.captured_in_part, self.refunds, self.refunds_failed
            ),
        )?;
        row(
            "disputes",
            format!("{} won, {} lost", self.disputes_won, self.disputes_lost),
        )?;
        row(
            "sellers",
            format!(
                "{} transfers, {} reversals",
                self.transfers, self.transfer_reversals
            ),
        )?;
        row(
            "payouts",
            format!(
                "{} made, {} came back, never reported: {}",
                self.payouts,
                self.payouts_failed,
                self.unreported_payout.as_deref().unwrap_or("none")
            ),
        )?;
        row(
            "webhooks",
            format!(
                "{} of {} types: {} twice, {} out of order, {} after a lost attempt",
                self.webhooks,
                self.webhook_types.len(),
                self.duplicates,
                self.reordered,
                self.retried
            ),
        )?;
        row(
            "balance transactions",
            format!(
                "{} new, {} known before",
                self.balance_transactions, self.balance_transactions_known
            ),
        )?;
        row(
            "goods and points",
            format!(
                "{} receipts, {} entries in points",
                self.receipts, self.point_entries
            ),
        )?;
        row(
            "requests",
            format!("{}, {} of them replayed", self.requests, self.replays),
        )?;
        for (code, count) in &self.refused_as_expected {
            row("refused as expected", format!("{count} {code}"))?;
        }
        row(
            "audit",
            format!(
                "{} orders compared with Stripe, {} disagree",
                self.audited_orders,
                self.disagreements.len()
            ),
        )?;
        row("last position", self.last_position.to_string())
    }
}
