//! What happens when: actions in order of time, and of planning within one
//! microsecond.

use std::collections::BTreeMap;
use tillroll_stripe_simulator::{DisputeId, WebhookDelivery};

/// Something that happens. Orders are named by their place in the story.
#[derive(Debug, Clone)]
pub(crate) enum StoryAction {
    /// Goods arrive: a place among the receipts.
    Receive(usize),
    /// An order is placed.
    Place(usize),
    /// A store tells of a sale that it made offline.
    Upload(usize),
    /// The customer pays, or tries to.
    Pay(usize),
    /// The customer tries again after a decline.
    PayAgain(usize),
    /// The merchant takes what was authorised.
    Capture(usize),
    /// An order that was not paid is cancelled.
    Cancel(usize),
    /// The parcel leaves, or the customer has the bag in hand.
    Fulfil(usize),
    Refund(usize),
    /// The customer's bank objects.
    Dispute(usize),
    /// The merchant answers.
    Answer(DisputeId),
    Resolve {
        order: usize,
        dispute: DisputeId,
    },
    /// Stripe calls the webhook.
    Deliver(Box<WebhookDelivery>),
    /// Yesterday's balance transactions.
    Poll {
        from: i64,
        to: i64,
    },
    /// Weekly: sellers are paid what they are owed.
    PaySellers,
    /// Weekly: a payout of every balance.
    PayOut {
        week: i64,
    },
    /// A payout that the bank sent back is made again.
    PayOutAgain {
        amount: u64,
        currency: crate::catalogue::ShopCurrency,
    },
    /// A customer orders the sixth of five pieces.
    Oversell,
    /// A webhook that Stripe did not sign.
    Forge,
    /// Stripe calls, but the message lay around for too long.
    Stale,
    /// A loyal customer wants to spend more points than there are.
    Overspend,
    /// A customer signs up: an event that says nothing about money.
    SignUp(u32),
    /// Stripe's own monthly bill.
    StripeBill,
}

impl StoryAction {
    /// Whether it still happens once the story is over: only what is on its
    /// way does.
    pub(crate) fn outlives_the_story(&self) -> bool {
        matches!(self, Self::Deliver(_) | Self::Poll { .. })
    }
}

/// Actions to come.
#[derive(Debug, Default)]
pub(crate) struct StorySchedule {
    planned: u64,
    actions: BTreeMap<(i64, u64), StoryAction>,
}

impl StorySchedule {
    /// Plans `action` for a second since the epoch.
    pub(crate) fn plan(&mut self, second: i64, action: StoryAction) {
        self.actions.insert((second, self.planned), action);
        self.planned += 1;
    }

    /// The second of the next action.
    pub(crate) fn next_second(&self) -> Option<i64> {
        self.actions.keys().next().map(|(second, _)| *second)
    }

    pub(crate) fn take(&mut self) -> Option<(i64, StoryAction)> {
        self.actions
            .pop_first()
            .map(|((second, _), action)| (second, action))
    }
}
