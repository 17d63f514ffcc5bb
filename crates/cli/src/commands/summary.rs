//! What a book holds, on one screen: orders, the trial balance, sellers, stock.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tillroll_events::OrderStatus;
use tillroll_money::UnitKind;
use tillroll_projections::{Counts, ReadModels, SellerRow, StockRow, TrialBalance};
use tillroll_terminal::{Console, Stop};

use super::trial_balance;
use crate::output::{Column, Rows, count, counted, major_or_blank};

/// A book at a position.
#[derive(Debug)]
pub(super) struct Summary {
    counts: Counts,
    trial_balance: Vec<TrialBalance>,
    sellers: Vec<SellerRow>,
    stock: Vec<StockRow>,
}

impl Summary {
    /// At the end of the read models, which no server may be writing to.
    pub(super) fn read(models: &ReadModels) -> Result<Self, Stop> {
        let failed = |error| Stop::failed(error);
        Ok(Self {
            counts: models.counts().map_err(failed)?.value,
            trial_balance: models.trial_balance_sums(None).map_err(failed)?.value,
            sellers: models.splits(None).map_err(failed)?.value,
            stock: models.stock(None, None).map_err(failed)?.value,
        })
    }

    pub(super) fn is_balanced(&self) -> bool {
        self.trial_balance.iter().all(TrialBalance::is_balanced)
    }

    pub(super) fn print(&self, console: &mut Console<'_>) -> Result<(), Stop> {
        console.say("Orders by channel and status\n")?;
        self.print_orders(console)?;
        console.say("\nTrial balance\n")?;
        self.print_trial_balance(console)?;
        console.say("\nSellers\n")?;
        self.print_sellers(console)?;
        console.say("\nStock\n")?;
        self.print_stock(console)
    }

    fn print_orders(&self, console: &mut Console<'_>) -> Result<(), Stop> {
        let orders = &self.counts.orders;
        let channels: BTreeSet<&str> = orders.iter().map(|row| row.channel.as_str()).collect();
        let statuses: BTreeSet<_> = orders.iter().map(|row| row.status).collect();
        let columns = [Column::Left("status")].into_iter();
        let columns = columns.chain(channels.iter().map(|channel| Column::Right(channel)));
        let columns: Vec<_> = columns.chain([Column::Right("all")]).collect();
        let mut rows = Rows::new(&columns);
        let sum = |channel: Option<&str>, status: Option<OrderStatus>| {
            let chosen = orders.iter().filter(|row| {
                channel.is_none_or(|channel| channel == row.channel)
                    && status.is_none_or(|status| status == row.status)
            });
            chosen.map(|row| row.orders).sum::<u64>()
        };
        let named = statuses.into_iter().map(Some).chain([None]);
        for status in named {
            let name = status.map_or("all", |status| status.as_str());
            let cells = channels.iter().map(|channel| Some(*channel)).chain([None]);
            let cells = cells.map(|channel| match sum(channel, status) {
                0 => String::new(),
                number => count(number),
            });
            rows.push([name.to_owned()].into_iter().chain(cells));
        }
        rows.print(console, "no orders")
    }

    /// Every article is a unit of its own: those that sum to zero make one line.
    fn print_trial_balance(&self, console: &mut Console<'_>) -> Result<(), Stop> {
        let (articles, shown): (Vec<_>, Vec<_>) = self
            .trial_balance
            .iter()
            .cloned()
            .partition(|balance| balance.unit.kind() == UnitKind::Sku && balance.is_balanced());
        trial_balance::print(&shown, console)?;
        match articles.len() as u64 {
            0 => Ok(()),
            number => console.say(format!(
                " and {}, each in pieces of its own, each with a sum of 0",
                counted(number, "article")
            )),
        }
    }

    fn print_sellers(&self, console: &mut Console<'_>) -> Result<(), Stop> {
        let mut rows = Rows::new(&[
            Column::Left("seller"),
            Column::Right("pending"),
            Column::Right("available"),
            Column::Right("owed"),
            Column::Right("paid"),
            Column::Right("reversed"),
            Column::Left("unit"),
        ]);
        for row in &self.sellers {
            let cell = |minor: i64| major_or_blank(minor, row.unit);
            rows.push([
                row.seller.clone(),
                cell(row.pending),
                cell(row.available),
                cell(row.owed),
                cell(row.paid),
                cell(row.reversed),
                row.unit.to_string(),
            ]);
        }
        rows.print(console, "no sellers")
    }

    fn print_stock(&self, console: &mut Console<'_>) -> Result<(), Stop> {
        let mut locations: BTreeMap<&str, [i64; 4]> = BTreeMap::new();
        for row in &self.stock {
            let [articles, available, reserved, short] =
                locations.entry(&row.location).or_default();
            *articles += 1;
            *available = available.saturating_add(row.available);
            *reserved = reserved.saturating_add(row.reserved);
            *short = short.saturating_add(row.short);
        }
        let mut rows = Rows::new(&[
            Column::Left("location"),
            Column::Right("articles"),
            Column::Right("available"),
            Column::Right("reserved"),
            Column::Right("short"),
        ]);
        for (location, numbers) in locations {
            let cells = numbers.iter().map(ToString::to_string);
            rows.push([location.to_owned()].into_iter().chain(cells));
        }
        rows.print(console, "no stock")
    }

    /// Everything in integers, with stock by article.
    pub(super) fn view(&self) -> Value {
        json!({
            "orders": self.counts.orders,
            "events": self.counts.events,
            "accounts": self.counts.accounts,
            "unrecognised": self.counts.unrecognised,
            "balanced": self.is_balanced(),
            "trial_balance": self.trial_balance.iter().map(trial_balance::totals).collect::<Vec<_>>(),
            "splits": self.sellers,
            "stock": self.stock,
        })
    }
}
