//! Money that leaves: to sellers, to the bank, and to customers' banks that
//! object.

use crate::catalogue::{ARTICLES, SELLERS, SellerTerms, ShopCurrency};
use crate::client::Exchange;
use crate::driver::{Driver, DueTransfer};
use crate::schedule::StoryAction;
use crate::shoppers::OrderEnding;
use crate::story::{DAY, HOUR};
use crate::wire;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use tillroll_stripe_simulator::{
    ChargeId, CreatePayout, CreateTransfer, DisputeId, DisputeOutcome, OpenDispute, PayoutId,
    PayoutOutcome, StripeMetadata,
};

/// No payout is made of less, in minor units.
const SMALLEST_PAYOUT: u64 = 10_000;
/// The week whose payout in euros comes back.
const FAILING_WEEK: i64 = 1;
/// The first week whose payout in another currency may go unreported.
const UNREPORTED_WEEK: i64 = 3;

impl<E: Exchange> Driver<'_, E> {
    /// Right after an order is fulfilled: sellers that are paid per order get
    /// exactly what the server says is theirs, out of this order's charge.
    pub(crate) async fn pay_sellers_of(&mut self, order: usize) -> Result<()> {
        let purchase = &self.story.purchases[order];
        let (currency, id) = (purchase.currency, purchase.id.to_string());
        let sellers: BTreeSet<usize> = purchase
            .lines
            .iter()
            .filter_map(|line| ARTICLES[line.article].seller)
            .filter(|seller| SELLERS[*seller].terms == SellerTerms::PerOrder)
            .collect();
        let Some(charge) = self.charge_of(order) else {
            return Ok(());
        };
        if sellers.is_empty() || !currency.is_settled() {
            return Ok(());
        }
        for (seller, unit, share) in self.shares().await? {
            if sellers.contains(&seller) && unit == currency {
                let source = Some(charge.clone());
                self.transfer(seller, currency, share, source, &id, Some(order))?;
            }
        }
        Ok(())
    }

    /// Mondays: whatever any seller is still owed, out of the balance.
    pub(crate) async fn pay_sellers(&mut self) -> Result<()> {
        let group = format!("settlement_{}", self.second().div_euclid(DAY));
        for (seller, currency, share) in self.shares().await? {
            if currency.is_settled() {
                self.transfer(seller, currency, share, None, &group, None)?;
            }
        }
        Ok(())
    }

    /// What sellers can be paid now: what the server has released, less what is
    /// on its way and the server has not been told of.
    async fn shares(&mut self) -> Result<Vec<(usize, ShopCurrency, u64)>> {
        let list: wire::ListAnswer<wire::SplitAnswer> = self.get("/v1/splits?limit=100").await?;
        ensure!(!list.has_more, "four sellers in five currencies fit a page");
        let mut shares = Vec::new();
        for split in list.data {
            let Some(seller) = self
                .sellers
                .iter()
                .position(|account| account.as_str() == split.seller)
            else {
                bail!("{} is no seller of this story", split.seller);
            };
            let currency = ShopCurrency::of_code(&split.unit)
                .with_context(|| format!("{} is no currency of this story", split.unit))?;
            let untold: u64 = self
                .untold_transfers
                .values()
                .filter(|untold| untold.seller == seller && untold.currency == currency)
                .map(|untold| untold.amount)
                .sum();
            let available = u64::try_from(split.available).unwrap_or(0);
            if available > untold {
                shares.push((seller, currency, available - untold));
            }
        }
        shares.sort_unstable();
        Ok(shares)
    }

    fn transfer(
        &mut self,
        seller: usize,
        currency: ShopCurrency,
        amount: u64,
        source: Option<ChargeId>,
        group: &str,
        order: Option<usize>,
    ) -> Result<()> {
        let mut metadata = StripeMetadata::new();
        if order.is_some() {
            metadata.insert("order_id".to_owned(), group.to_owned());
        }
        let params = CreateTransfer {
            amount,
            currency: currency.stripe(),
            destination: self.sellers[seller].clone(),
            source_transaction: source,
            transfer_group: Some(group.to_owned()),
            metadata,
        };
        match self.sim.create_transfer(params) {
            Ok(transfer) => {
                self.report.transfers += 1;
                if let Some(order) = order {
                    self.orders[order].transfers.push(transfer.clone());
                }
                let untold = DueTransfer {
                    seller,
                    currency,
                    amount,
                };
                self.untold_transfers.insert(transfer, untold);
                Ok(())
            }
            // Too much for this charge or for today's balance: next Monday.
            Err(refusal)
                if matches!(
                    refusal.code,
                    Some("amount_too_large" | "balance_insufficient")
                ) =>
            {
                Ok(())
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// An order went back as a whole: so do its sellers' shares.
    pub(crate) fn take_back_from_sellers(&mut self, order: usize) {
        if self.story.purchases[order].ending != OrderEnding::RefundedInWhole {
            return;
        }
        for transfer in std::mem::take(&mut self.orders[order].transfers) {
            self.sim
                .reverse_transfer(&transfer, None)
                .expect("a transfer is reversed once");
            self.report.transfer_reversals += 1;
        }
    }

    /// Mondays: four fifths of every balance go to the bank.
    pub(crate) fn pay_out(&mut self, week: i64) -> Result<()> {
        for currency in ShopCurrency::ALL
            .into_iter()
            .filter(|kept| kept.is_settled())
        {
            let available = u64::try_from(self.sim.available(currency.stripe())).unwrap_or(0);
            let amount = available / 5 * 4;
            if amount < SMALLEST_PAYOUT {
                continue;
            }
            let fails = currency == ShopCurrency::Eur && week == FAILING_WEEK;
            let payout = self.sim.create_payout(CreatePayout {
                outcome: if fails {
                    PayoutOutcome::FailsAfterPaid
                } else {
                    PayoutOutcome::Arrives
                },
                ..CreatePayout::new(amount, currency.stripe())
            })?;
            self.report.payouts += 1;
            if currency != ShopCurrency::Eur
                && week >= UNREPORTED_WEEK
                && self.report.unreported_payout.is_none()
            {
                self.report.unreported_payout = Some(payout.to_string());
            }
        }
        Ok(())
    }

    pub(crate) fn plan_payout_again(&mut self, payout: &PayoutId) {
        self.report.payouts_failed += 1;
        let Some(payout) = self.sim.payout(payout) else {
            return;
        };
        let currency = ShopCurrency::of_code(&payout.currency.as_str().to_uppercase());
        if let Some(currency) = currency {
            let amount = payout.amount;
            let action = StoryAction::PayOutAgain { amount, currency };
            self.agenda.plan(self.next_morning(), action);
        }
    }

    pub(crate) fn pay_out_again(&mut self, amount: u64, currency: ShopCurrency) -> Result<()> {
        self.sim
            .create_payout(CreatePayout::new(amount, currency.stripe()))?;
        self.report.payouts += 1;
        Ok(())
    }

    /// The customer's bank objects; some banks warn before they do.
    pub(crate) fn dispute(&mut self, order: usize) -> Result<()> {
        let charge = self.charge_of(order).context("a dispute needs a charge")?;
        let lost = self.story.purchases[order].ending == OrderEnding::DisputeLost;
        if lost {
            self.sim.warn_of_fraud(&charge);
        }
        let reason = if lost {
            "fraudulent"
        } else {
            "product_not_received"
        };
        let dispute = self.sim.open_dispute(OpenDispute::over(charge, reason))?;
        let now = self.second();
        self.agenda
            .plan(now + 2 * DAY, StoryAction::Answer(dispute.clone()));
        let spread = i64::try_from(order % 5)?;
        let decided = now + (9 + spread) * DAY + 3 * HOUR;
        self.agenda
            .plan(decided, StoryAction::Resolve { order, dispute });
        Ok(())
    }

    pub(crate) fn answer(&mut self, dispute: &DisputeId) -> Result<()> {
        self.sim.submit_evidence(dispute)?;
        Ok(())
    }

    pub(crate) fn resolve(&mut self, order: usize, dispute: &DisputeId) -> Result<()> {
        let outcome = match self.story.purchases[order].ending {
            OrderEnding::DisputeWon => {
                self.report.disputes_won += 1;
                DisputeOutcome::Won
            }
            _ => {
                self.report.disputes_lost += 1;
                DisputeOutcome::Lost
            }
        };
        self.sim.resolve_dispute(dispute, outcome)?;
        Ok(())
    }
}
