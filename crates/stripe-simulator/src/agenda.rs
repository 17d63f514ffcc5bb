//! What will happen by itself once the clock gets there.

use crate::id::{ChargeId, IntentId, PayoutId, RefundId, SessionId};
use std::collections::BTreeMap;

/// Something that Stripe does later, without being asked again.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// The balance transaction of a captured charge appears.
    ChargePosts(ChargeId),
    /// The part of an authorisation that was not captured goes back.
    RemainderPosts(ChargeId),
    /// The balance transaction of a refund appears, and the refund with it.
    RefundPosts(RefundId),
    /// The bank sends a refund back.
    RefundFails(RefundId),
    /// A slow payment method is decided.
    AsyncPaymentDecided { intent: IntentId, succeeds: bool },
    /// An authorisation that was not captured lapses.
    AuthorisationLapses(IntentId),
    /// A payout leaves, arrives, or comes back.
    PayoutMoves(PayoutId),
    /// A Checkout session that was not completed closes.
    SessionExpires(SessionId),
}

/// Effects by due time, and in the order they were planned within a second.
#[derive(Debug, Clone, Default)]
pub(crate) struct EffectSchedule {
    planned: u64,
    effects: BTreeMap<(i64, u64), Effect>,
}

impl EffectSchedule {
    pub(crate) fn plan(&mut self, due: i64, effect: Effect) {
        self.effects.insert((due, self.planned), effect);
        self.planned += 1;
    }

    pub(crate) fn next_due(&self) -> Option<i64> {
        self.effects.keys().next().map(|(due, _)| *due)
    }

    /// The next effect that is due by `now`, with its time.
    pub(crate) fn take_due(&mut self, now: i64) -> Option<(i64, Effect)> {
        let entry = self.effects.first_entry()?;
        let due = entry.key().0;
        (due <= now).then(|| (due, entry.remove()))
    }
}
