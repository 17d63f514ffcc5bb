//! The story before it is told: what will happen, from a seed.

use crate::shelves::{self, GoodsReceipt};
use crate::shoppers::{self, OrderEnding, Purchase};
use anyhow::{Result, ensure};
use jiff::Timestamp;

pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 86_400;

/// What to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryOptions {
    /// Everything that is drawn is drawn from it.
    pub seed: u64,
    /// How many orders: 40 to 200,000.
    pub orders: usize,
    /// Over how many days: 30 to 366.
    pub days: u16,
    /// The first second. The story takes it for a Saturday's midnight, UTC.
    pub start: Timestamp,
}

impl Default for StoryOptions {
    /// 2,000 orders in the 60 days from Saturday, 1 August 2026.
    fn default() -> Self {
        Self {
            seed: 42,
            orders: 2_000,
            days: 60,
            start: Timestamp::constant(1_785_542_400, 0),
        }
    }
}

impl StoryOptions {
    /// Whether there is a story to tell: disputes take weeks, and without them
    /// and a few dozen orders it would not be this one.
    ///
    /// # Errors
    ///
    /// When a number is out of its range.
    pub fn check(&self) -> Result<()> {
        ensure!(
            (40..=200_000).contains(&self.orders),
            "a story has 40 to 200,000 orders, not {}",
            self.orders
        );
        ensure!(
            (30..=366).contains(&self.days),
            "a story takes 30 to 366 days, not {}",
            self.days
        );
        Ok(())
    }
}

/// A small shop for clothes and electronics, for some weeks.
#[derive(Debug, Clone)]
pub struct Story {
    pub(crate) options: StoryOptions,
    pub(crate) purchases: Vec<Purchase>,
    pub(crate) receipts: Vec<GoodsReceipt>,
}

impl Story {
    /// The story of a seed: the same options give the same story.
    ///
    /// # Errors
    ///
    /// When the options do not pass [`StoryOptions::check`].
    pub fn new(options: StoryOptions) -> Result<Self> {
        options.check()?;
        let purchases = shoppers::plan(&options);
        let receipts = shelves::plan(&options, &purchases);
        Ok(Self {
            options,
            purchases,
            receipts,
        })
    }

    /// The options it was made from.
    #[must_use]
    pub fn options(&self) -> &StoryOptions {
        &self.options
    }

    /// Seconds since the epoch of the first moment.
    pub(crate) fn starts(&self) -> i64 {
        self.options.start.as_second()
    }

    /// Seconds since the epoch after which nothing new happens; what
    /// is on its way still arrives.
    pub(crate) fn ends(&self) -> i64 {
        self.starts() + i64::from(self.options.days) * DAY
    }

    /// A few words on what is planned, for the curious.
    #[must_use]
    pub fn synopsis(&self) -> String {
        let count = |which: &dyn Fn(&Purchase) -> bool| {
            self.purchases
                .iter()
                .filter(|purchase| which(purchase))
                .count()
        };
        format!(
            "{} orders in {} days: {} in stores ({} of them offline), {} abandoned, {} declined \
             at first, {} refunded, {} disputed; {} deliveries of goods",
            self.purchases.len(),
            self.options.days,
            count(&|p| p.channel == crate::catalogue::Channel::Pos),
            count(&Purchase::is_offline),
            count(&|p| p.ending == OrderEnding::Abandoned),
            count(&|p| p.declined_first),
            count(&|p| {
                matches!(
                    p.ending,
                    OrderEnding::RefundedInPart
                        | OrderEnding::RefundedInWhole
                        | OrderEnding::RefundFailed
                )
            }),
            count(&|p| matches!(p.ending, OrderEnding::DisputeWon | OrderEnding::DisputeLost)),
            self.receipts.len(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_has_its_bounds() {
        for (orders, days, possible) in [
            (2_000, 60, true),
            (40, 30, true),
            (39, 60, false),
            (2_000, 29, false),
            (200_001, 60, false),
            (2_000, 367, false),
        ] {
            let options = StoryOptions {
                orders,
                days,
                ..StoryOptions::default()
            };
            assert_eq!(Story::new(options).is_ok(), possible, "{orders} in {days}");
        }
    }

    #[test]
    fn the_default_start_is_a_saturday_midnight() {
        let start = StoryOptions::default().start;
        assert_eq!(start.to_string(), "2026-08-01T00:00:00Z");
        assert_eq!(start.as_second() % DAY, 0);
        // 1 January 1970 was a Thursday.
        assert_eq!((start.as_second() / DAY + 4) % 7, 6);
    }
}
