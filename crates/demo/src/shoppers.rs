//! The purchases: what is bought, when and where, how it is paid, and what becomes of it: all of it
//! decided from the seed before the first request is sent.

use crate::catalogue::{ARTICLES, Channel, LIMITED, LIMITED_PIECES, ShopCurrency, StockPlace};
use crate::story::{DAY, HOUR, StoryOptions};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tillroll_events::OrderId;

/// How many orders the store without a line sells on its bad day.
const OFFLINE_SALES: usize = 25;
/// From an order to the end of its dispute, at the most.
const DISPUTE_DAYS: i64 = 24;
/// Customers who collect points.
pub(crate) const LOYAL_CUSTOMERS: usize = 5;

/// One planned order.
#[derive(Debug, Clone)]
pub(crate) struct Purchase {
    pub(crate) id: OrderId,
    /// Seconds since the epoch.
    pub(crate) at: i64,
    pub(crate) channel: Channel,
    pub(crate) place: StockPlace,
    pub(crate) currency: ShopCurrency,
    pub(crate) lines: Vec<PurchaseLine>,
    pub(crate) flow: PaymentFlow,
    pub(crate) ending: OrderEnding,
    /// The first card is declined.
    pub(crate) declined_first: bool,
    /// Seconds from the order to the (last) card.
    pub(crate) thinks_for: i64,
    /// Seconds from the order to the parcel; a sale in a store is over at once.
    pub(crate) ships_after: i64,
    /// Place among the loyal customers.
    pub(crate) customer: Option<usize>,
    /// When the store could tell the server, if not at once.
    pub(crate) uploaded_at: Option<i64>,
}

/// One line of an order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PurchaseLine {
    /// Place in [`ARTICLES`].
    pub(crate) article: usize,
    pub(crate) quantity: u64,
}

/// How an order is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaymentFlow {
    /// A payment intent, confirmed in the app or on the shop's own page.
    Intent,
    /// Stripe's hosted page.
    Checkout,
    /// Stripe's hosted page with a direct debit, decided days later.
    SlowCheckout { succeeds: bool },
    /// Authorised now, captured when it is packed; in part when something is
    /// missing.
    ByHand { in_part: bool },
    /// A card on a reader.
    Reader,
}

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderEnding {
    Kept,
    /// Never paid, and cancelled the day after.
    Abandoned,
    RefundedInPart,
    RefundedInWhole,
    /// The bank sends the refund back; it is made again.
    RefundFailed,
    DisputeWon,
    DisputeLost,
}

impl Purchase {
    /// What the lines come to when every price contains its tax.
    pub(crate) fn inclusive_total(&self) -> u64 {
        self.lines
            .iter()
            .map(|line| ARTICLES[line.article].price(self.currency) * line.quantity)
            .sum()
    }

    pub(crate) fn is_offline(&self) -> bool {
        self.uploaded_at.is_some()
    }

    /// When the goods leave the shelf in the server's books.
    pub(crate) fn recorded_at(&self) -> i64 {
        self.uploaded_at.unwrap_or(self.at)
    }
}

/// All orders, by the time at which they are made.
pub(crate) fn plan(options: &StoryOptions) -> Vec<Purchase> {
    let mut planner = Planner {
        random: ChaCha8Rng::seed_from_u64(options.seed ^ 0x5109_9E25),
        start: options.start.as_second(),
        days: i64::from(options.days),
    };
    let offline = OFFLINE_SALES.min(options.orders / 8);
    let limited = usize::try_from(LIMITED_PIECES)
        .expect("a handful")
        .min(options.orders / 8);
    let mut purchases: Vec<Purchase> = (0..options.orders - offline - limited)
        .map(|_| planner.purchase())
        .collect();
    purchases.extend((0..offline).map(|_| planner.offline_sale()));
    purchases.extend((0..limited).map(|_| planner.limited_sale()));
    purchases.sort_by_key(|purchase| (purchase.at, purchase.id));
    planner.disputes_and_failures(&mut purchases);
    purchases
}

/// The second at which the limited run goes on sale.
pub(crate) fn limited_sale_opens(start: i64, days: i64) -> i64 {
    start + days / 5 * DAY + 12 * HOUR
}

struct Planner {
    random: ChaCha8Rng,
    start: i64,
    days: i64,
}

impl Planner {
    fn one_in(&mut self, hundred: u32) -> bool {
        self.random.random_range(0..100) < hundred
    }

    /// A UUID of version 7 in all but name: sorts by time, and never repeats.
    fn order_id(&mut self, at: i64) -> OrderId {
        let milliseconds = u128::from(at.unsigned_abs()) * 1_000
            + u128::from(self.random.random_range(0..1_000_u32));
        let noise: u128 = self.random.random();
        let low = (noise & !(0xF << 76) & !(0x3 << 62)) & ((1 << 80) - 1);
        OrderId::from_u128(milliseconds << 80 | low | 0x7 << 76 | 0x2 << 62)
    }

    /// A second of the story, busier at weekends and in the evening.
    fn moment(&mut self, opens: i64, closes: i64) -> i64 {
        let day = loop {
            let day = self.random.random_range(0..self.days);
            // The story starts on a Saturday.
            let busy = if matches!(day % 7, 0 | 1) { 10 } else { 7 };
            if self.random.random_range(0..10) < busy {
                break day;
            }
        };
        let first = self.random.random_range(opens * HOUR..closes * HOUR);
        let second = self.random.random_range(opens * HOUR..closes * HOUR);
        self.start + day * DAY + first.max(second)
    }

    fn lines(&mut self, currency: ShopCurrency) -> Vec<PurchaseLine> {
        let allowed: Vec<usize> = (0..ARTICLES.len())
            .filter(|article| ARTICLES[*article].seller.is_none() || currency.is_settled())
            .collect();
        let total: u32 = allowed
            .iter()
            .map(|article| ARTICLES[*article].weight)
            .sum();
        let wanted = [1, 1, 1, 2, 2, 2, 3, 3, 4][self.random.random_range(0..9)];
        let mut lines: Vec<PurchaseLine> = Vec::new();
        while lines.len() < wanted {
            let mut ticket = self.random.random_range(0..total);
            let article = allowed
                .iter()
                .copied()
                .find(|article| {
                    let weight = ARTICLES[*article].weight;
                    let hit = ticket < weight;
                    ticket = ticket.saturating_sub(weight);
                    hit
                })
                .expect("the ticket is below the sum of the weights");
            if lines.iter().all(|line| line.article != article) {
                let quantity = [1, 1, 1, 1, 1, 1, 1, 2, 2, 3][self.random.random_range(0..10)];
                lines.push(PurchaseLine { article, quantity });
            }
        }
        lines
    }

    fn purchase(&mut self) -> Purchase {
        if self.one_in(26) {
            return self.store_sale();
        }
        let at = self.moment(7, 24);
        let channel = if self.one_in(54) {
            Channel::App
        } else {
            Channel::Web
        };
        let currency = match self.random.random_range(0..100) {
            0..44 => ShopCurrency::Eur,
            44..64 => ShopCurrency::Gbp,
            64..85 => ShopCurrency::Usd,
            85..94 => ShopCurrency::Jpy,
            _ => ShopCurrency::Kwd,
        };
        let mut purchase = self.paid_with(
            at,
            channel,
            StockPlace::Warehouse,
            currency,
            PaymentFlow::Intent,
        );
        purchase.flow = self.online_flow(channel, currency);
        purchase.ending = self.ending(purchase.flow);
        purchase.declined_first =
            matches!(purchase.flow, PaymentFlow::Intent | PaymentFlow::Checkout) && self.one_in(6);
        purchase
    }

    fn online_flow(&mut self, channel: Channel, currency: ShopCurrency) -> PaymentFlow {
        // Shared out in the currency of the balance, where it can be.
        if currency.is_settled() && self.one_in(4) {
            return PaymentFlow::ByHand {
                in_part: self.one_in(50),
            };
        }
        match channel {
            Channel::Web if currency == ShopCurrency::Eur && self.one_in(6) => {
                PaymentFlow::SlowCheckout {
                    succeeds: self.one_in(66),
                }
            }
            Channel::Web if self.one_in(60) => PaymentFlow::Checkout,
            _ => PaymentFlow::Intent,
        }
    }

    fn ending(&mut self, flow: PaymentFlow) -> OrderEnding {
        match self.random.random_range(0..100) {
            0..5 if matches!(flow, PaymentFlow::Intent | PaymentFlow::Checkout) => {
                OrderEnding::Abandoned
            }
            5..9 => OrderEnding::RefundedInPart,
            9..12 => OrderEnding::RefundedInWhole,
            _ => OrderEnding::Kept,
        }
    }

    fn store_sale(&mut self) -> Purchase {
        let at = self.moment(9, 19);
        let (place, currency) = if self.one_in(60) {
            (StockPlace::Paris, ShopCurrency::Eur)
        } else {
            (StockPlace::London, ShopCurrency::Gbp)
        };
        let mut purchase = self.paid_with(at, Channel::Pos, place, currency, PaymentFlow::Reader);
        purchase.ending = match self.random.random_range(0..100) {
            0..2 => OrderEnding::RefundedInPart,
            2..4 => OrderEnding::RefundedInWhole,
            _ => OrderEnding::Kept,
        };
        purchase.declined_first = self.one_in(3);
        purchase.ships_after = 0;
        purchase
    }

    /// Paris loses its line for an afternoon and tells the server the next
    /// morning; the cards were authorised over the phone's network.
    fn offline_sale(&mut self) -> Purchase {
        let bad_day = self.start + self.days / 3 * DAY;
        let at = bad_day + self.random.random_range(13 * HOUR..18 * HOUR);
        let mut purchase = self.paid_with(
            at,
            Channel::Pos,
            StockPlace::Paris,
            ShopCurrency::Eur,
            PaymentFlow::Reader,
        );
        purchase.ships_after = 0;
        purchase.uploaded_at = Some(bad_day + DAY + 9 * HOUR + (at - bad_day) / 60);
        purchase
    }

    /// The numbered edition goes within minutes.
    fn limited_sale(&mut self) -> Purchase {
        let at = limited_sale_opens(self.start, self.days) + self.random.random_range(5..600);
        let channel = if self.one_in(50) {
            Channel::App
        } else {
            Channel::Web
        };
        let mut purchase = self.paid_with(
            at,
            channel,
            StockPlace::Warehouse,
            ShopCurrency::Eur,
            PaymentFlow::Intent,
        );
        purchase.lines = vec![PurchaseLine {
            article: LIMITED,
            quantity: 1,
        }];
        purchase
    }

    fn paid_with(
        &mut self,
        at: i64,
        channel: Channel,
        place: StockPlace,
        currency: ShopCurrency,
        flow: PaymentFlow,
    ) -> Purchase {
        Purchase {
            id: self.order_id(at),
            at,
            channel,
            place,
            currency,
            lines: self.lines(currency),
            flow,
            ending: OrderEnding::Kept,
            declined_first: false,
            thinks_for: self.random.random_range(8..180),
            ships_after: self.random.random_range(18 * HOUR..54 * HOUR),
            customer: self
                .one_in(4)
                .then(|| self.random.random_range(0..LOYAL_CUSTOMERS)),
            uploaded_at: None,
        }
    }

    /// Early orders have time for a dispute, and one refund fails.
    fn disputes_and_failures(&mut self, purchases: &mut [Purchase]) {
        let early = self.start + (self.days - DISPUTE_DAYS).min(self.days / 2) * DAY;
        let each = (purchases.len() / 60).clamp(1, 3);
        let mut endings = Vec::new();
        for _ in 0..each {
            endings.extend([OrderEnding::DisputeWon, OrderEnding::DisputeLost]);
        }
        endings.push(OrderEnding::RefundFailed);
        let mut candidates: Vec<usize> = (0..purchases.len())
            .filter(|place| {
                let purchase = &purchases[*place];
                purchase.at < early
                    && purchase.ending == OrderEnding::Kept
                    && matches!(purchase.flow, PaymentFlow::Intent | PaymentFlow::Checkout)
            })
            .collect();
        for ending in endings {
            if candidates.is_empty() {
                return;
            }
            let chosen = self.random.random_range(0..candidates.len());
            purchases[candidates.swap_remove(chosen)].ending = ending;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn the_plan_has_everything_that_the_story_needs() {
        for seed in 0..5 {
            let options = StoryOptions {
                seed,
                ..StoryOptions::default()
            };
            let plan = plan(&options);
            assert_eq!(plan.len(), options.orders, "seed {seed}");
            let count = |which: &dyn Fn(&Purchase) -> bool| {
                plan.iter().filter(|purchase| which(purchase)).count()
            };
            assert_eq!(
                count(&|p| p.ending == OrderEnding::DisputeWon),
                3,
                "seed {seed}"
            );
            assert_eq!(
                count(&|p| p.ending == OrderEnding::DisputeLost),
                3,
                "seed {seed}"
            );
            assert_eq!(
                count(&|p| p.ending == OrderEnding::RefundFailed),
                1,
                "seed {seed}"
            );
            assert_eq!(count(&Purchase::is_offline), OFFLINE_SALES, "seed {seed}");
            for currency in ShopCurrency::ALL {
                assert!(count(&|p| p.currency == currency) > 40, "seed {seed}");
            }
            for channel in [Channel::App, Channel::Web, Channel::Pos] {
                assert!(count(&|p| p.channel == channel) > 400, "seed {seed}");
            }
            for ending in [
                OrderEnding::Abandoned,
                OrderEnding::RefundedInPart,
                OrderEnding::RefundedInWhole,
            ] {
                assert!(
                    count(&|p| p.ending == ending) > 20,
                    "seed {seed} {ending:?}"
                );
            }
            assert!(
                count(&|p| p.flow == PaymentFlow::ByHand { in_part: true }) > 5,
                "seed {seed}"
            );
            assert!(count(&|p| p.declined_first) > 30, "seed {seed}");

            let ids: BTreeSet<OrderId> = plan.iter().map(|purchase| purchase.id).collect();
            assert_eq!(ids.len(), plan.len(), "seed {seed}");
            assert!(plan.windows(2).all(|pair| pair[0].at <= pair[1].at));

            let mut lines: BTreeMap<bool, u32> = BTreeMap::new();
            for line in plan.iter().flat_map(|purchase| &purchase.lines) {
                *lines
                    .entry(ARTICLES[line.article].seller.is_some())
                    .or_default() += 1;
            }
            let share = 100 * lines[&true] / (lines[&true] + lines[&false]);
            assert!(
                (28..=38).contains(&share),
                "seed {seed}: sellers have {share} %"
            );
        }
    }

    #[test]
    fn a_small_story_has_its_disputes_too() {
        let options = StoryOptions {
            orders: 40,
            ..StoryOptions::default()
        };
        let plan = plan(&options);
        assert_eq!(plan.len(), 40);
        assert!(plan.iter().any(|p| p.ending == OrderEnding::DisputeWon));
        assert!(plan.iter().any(|p| p.ending == OrderEnding::DisputeLost));
        assert!(plan.iter().any(Purchase::is_offline));
    }
}
