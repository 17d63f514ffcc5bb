//! Joining what is known with what is said: the law that makes webhooks converge.
//!
//! Every join is commutative, associative and idempotent. Amounts and ranks keep the larger
//! value, flags stay raised, links keep the smallest id that was ever named: a choice that
//! depends on what was said, never on when.

use tillroll_events::{
    BalanceTransactionFacts, ChargeFacts, DisputeFacts, IntentFacts, PayoutFacts, RefundFacts,
    TransferFacts,
};

/// Knowledge that only grows.
pub(crate) trait Join {
    #[must_use]
    fn join(&self, said: &Self) -> Self;
}

/// The smaller of two links, where any is better than none.
pub(crate) fn link<T: Ord + Clone>(known: Option<&T>, said: Option<&T>) -> Option<T> {
    match (known, said) {
        (Some(known), Some(said)) => Some(known.min(said).clone()),
        (known, said) => known.or(said).cloned(),
    }
}

impl Join for IntentFacts {
    fn join(&self, said: &Self) -> Self {
        Self {
            id: self.id.clone(),
            order: link(self.order.as_ref(), said.order.as_ref()),
            currency: self.currency.min(said.currency),
            amount: self.amount.max(said.amount),
            capturable: self.capturable.max(said.capturable),
            received: self.received.max(said.received),
            status: self.status.max(said.status),
        }
    }
}

impl Join for ChargeFacts {
    fn join(&self, said: &Self) -> Self {
        let refunded = self.refunded.max(said.refunded);
        Self {
            id: self.id.clone(),
            intent: link(self.intent.as_ref(), said.intent.as_ref()),
            order: link(self.order.as_ref(), said.order.as_ref()),
            currency: self.currency.min(said.currency),
            amount: self.amount.max(said.amount),
            authorised: self.authorised || said.authorised,
            captured: self.captured.max(said.captured),
            refunded,
            failed: self.failed || said.failed,
            expired: self.expired || said.expired,
            failure_code: link(self.failure_code.as_ref(), said.failure_code.as_ref()),
        }
    }
}

impl Join for RefundFacts {
    fn join(&self, said: &Self) -> Self {
        Self {
            id: self.id.clone(),
            charge: link(self.charge.as_ref(), said.charge.as_ref()),
            intent: link(self.intent.as_ref(), said.intent.as_ref()),
            currency: self.currency.min(said.currency),
            amount: self.amount.max(said.amount),
            status: self.status.max(said.status),
        }
    }
}

impl Join for DisputeFacts {
    fn join(&self, said: &Self) -> Self {
        Self {
            id: self.id.clone(),
            charge: link(self.charge.as_ref(), said.charge.as_ref()),
            intent: link(self.intent.as_ref(), said.intent.as_ref()),
            currency: self.currency.min(said.currency),
            amount: self.amount.max(said.amount),
            status: self.status.max(said.status),
            reason: link(self.reason.as_ref(), said.reason.as_ref()),
        }
    }
}

impl Join for TransferFacts {
    fn join(&self, said: &Self) -> Self {
        Self {
            id: self.id.clone(),
            seller: self.seller.clone().min(said.seller.clone()),
            currency: self.currency.min(said.currency),
            amount: self.amount.max(said.amount),
            reversed: self.reversed.max(said.reversed),
            source_charge: link(self.source_charge.as_ref(), said.source_charge.as_ref()),
            group: link(self.group.as_ref(), said.group.as_ref()),
        }
    }
}

impl Join for PayoutFacts {
    fn join(&self, said: &Self) -> Self {
        Self {
            id: self.id.clone(),
            account: link(self.account.as_ref(), said.account.as_ref()),
            currency: self.currency.min(said.currency),
            amount: self.amount.max(said.amount),
            status: self.status.max(said.status),
            arrival: link(self.arrival.as_ref(), said.arrival.as_ref()),
        }
    }
}

impl Join for BalanceTransactionFacts {
    /// A balance transaction never changes: what is known stays.
    fn join(&self, _said: &Self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tillroll_events::{ExternalId, IntentStatus, OrderId, RefundStatus};

    fn intent() -> impl Strategy<Value = IntentFacts> {
        let status = prop::sample::select(vec![
            IntentStatus::Open,
            IntentStatus::Processing,
            IntentStatus::RequiresCapture,
            IntentStatus::Cancelled,
            IntentStatus::Succeeded,
        ]);
        (
            prop::option::of(0..4_u128),
            0..9_u64,
            0..9_u64,
            0..9_u64,
            status,
        )
            .prop_map(
                |(order, amount, capturable, received, status)| IntentFacts {
                    id: "pi_1".parse().unwrap(),
                    order: order.map(OrderId::from_u128),
                    currency: "EUR".parse().unwrap(),
                    amount,
                    capturable,
                    received,
                    status,
                },
            )
    }

    fn charge() -> impl Strategy<Value = ChargeFacts> {
        let id = || prop::option::of(prop::sample::select(vec!["a", "b", "c"]));
        (id(), id(), 0..9_u64, 0..9_u64, 0..9_u64, any::<[bool; 3]>()).prop_map(
            |(intent, code, amount, captured, refunded, [authorised, failed, expired])| {
                ChargeFacts {
                    id: "ch_1".parse().unwrap(),
                    intent: intent.map(|id| id.parse::<ExternalId>().unwrap()),
                    order: None,
                    currency: "EUR".parse().unwrap(),
                    amount,
                    authorised,
                    captured,
                    refunded,
                    failed,
                    expired,
                    failure_code: code.map(String::from),
                }
            },
        )
    }

    fn refund() -> impl Strategy<Value = RefundFacts> {
        let status = prop::sample::select(vec![
            RefundStatus::Pending,
            RefundStatus::Succeeded,
            RefundStatus::Failed,
        ]);
        (0..9_u64, status).prop_map(|(amount, status)| RefundFacts {
            id: "re_1".parse().unwrap(),
            charge: None,
            intent: None,
            currency: "EUR".parse().unwrap(),
            amount,
            status,
        })
    }

    macro_rules! laws {
        ($name:ident, $facts:expr) => {
            proptest! {
                #[test]
                fn $name(a in $facts, b in $facts, c in $facts) {
                    prop_assert_eq!(a.join(&a), a.clone());
                    prop_assert_eq!(a.join(&b), b.join(&a));
                    prop_assert_eq!(a.join(&b).join(&c), a.join(&b.join(&c)));
                }
            }
        };
    }

    laws!(intents_join_in_any_order, intent());
    laws!(charges_join_in_any_order, charge());
    laws!(refunds_join_in_any_order, refund());
}
