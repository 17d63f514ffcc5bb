//! Joining what is known with what is said: the law that makes webhooks converge.
//!
//! Every join is commutative, associative and idempotent. Amounts and ranks keep the larger
//! value, flags stay raised, links keep the smallest id that was ever named: a choice that
//! depends on what was said, never on when.

use std::collections::BTreeMap;

use tillroll_events::{
    ApplicationFeeFacts, ApplicationFeeRefund, BalanceTransactionFacts, ChargeFacts, DisputeFacts,
    IntentFacts, PayoutFacts, RefundFacts, TransferFacts,
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

/// All that either side has; what both have is joined.
fn each<K: Ord + Clone, V: Join + Clone>(
    known: &BTreeMap<K, V>,
    said: &BTreeMap<K, V>,
) -> BTreeMap<K, V> {
    let mut all = known.clone();
    for (key, said) in said {
        let joined = known
            .get(key)
            .map_or_else(|| said.clone(), |known| known.join(said));
        all.insert(key.clone(), joined);
    }
    all
}

impl Join for ApplicationFeeRefund {
    fn join(&self, said: &Self) -> Self {
        let (known, also) = (&self.balance_transaction, &said.balance_transaction);
        Self {
            amount: self.amount.max(said.amount),
            balance_transaction: link(known.as_ref(), also.as_ref()),
        }
    }
}

/// How each field of a kind of facts is joined: `min` and `max` keep the smaller and the larger,
/// `any` keeps a flag raised, `link` keeps the smaller of two links, `each` joins
/// what stands under the same key. The id is the same on both sides.
macro_rules! joins {
    ($($facts:ident { $($rule:ident $($field:ident)+;)+ })+) => {
        $(impl Join for $facts {
            fn join(&self, said: &Self) -> Self {
                Self {
                    id: self.id.clone(),
                    $($($field: joins!(@$rule self.$field, said.$field),)+)+
                }
            }
        })+
    };
    (@min $known:expr, $said:expr) => { $known.clone().min($said.clone()) };
    (@max $known:expr, $said:expr) => { $known.max($said) };
    (@any $known:expr, $said:expr) => { $known || $said };
    (@each $known:expr, $said:expr) => { each(&$known, &$said) };
    (@link $known:expr, $said:expr) => { link($known.as_ref(), $said.as_ref()) };
}

joins! {
    IntentFacts {
        link order;
        min currency;
        max amount capturable received status;
    }
    ChargeFacts {
        link intent order failure_code;
        min currency;
        max amount captured refunded;
        any authorised failed expired;
    }
    RefundFacts {
        link charge intent;
        min currency;
        max amount status;
    }
    DisputeFacts {
        link charge intent reason;
        min currency;
        max amount status;
    }
    TransferFacts {
        min seller currency;
        max amount reversed;
        link source_charge group;
    }
    PayoutFacts {
        link account arrival;
        min currency;
        max amount status;
    }
    ApplicationFeeFacts {
        link account charge originating_transaction balance_transaction;
        min currency;
        max amount refunded;
        each refunds;
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

    fn application_fee() -> impl Strategy<Value = ApplicationFeeFacts> {
        let id = || prop::option::of(prop::sample::select(vec!["a", "b", "c"]));
        let link = |id: Option<&str>| id.map(|id| id.parse::<ExternalId>().unwrap());
        let refund = (0..9_u64, id()).prop_map(move |(amount, id)| ApplicationFeeRefund {
            amount,
            balance_transaction: link(id),
        });
        let refunds = prop::collection::btree_map(0..3_u8, refund, 0..3);
        (id(), id(), 0..9_u64, 0..9_u64, refunds).prop_map(
            move |(charge, balance_transaction, amount, refunded, refunds)| ApplicationFeeFacts {
                id: "fee_1".parse().unwrap(),
                account: None,
                charge: link(charge),
                originating_transaction: None,
                currency: "EUR".parse().unwrap(),
                amount,
                refunded,
                balance_transaction: link(balance_transaction),
                refunds: refunds
                    .into_iter()
                    .map(|(number, refund)| (format!("fr_{number}").parse().unwrap(), refund))
                    .collect(),
            },
        )
    }

    laws!(application_fees_join_in_any_order, application_fee());
    laws!(intents_join_in_any_order, intent());
    laws!(charges_join_in_any_order, charge());
    laws!(refunds_join_in_any_order, refund());

    #[test]
    fn what_either_side_has_stays_and_what_both_have_is_joined() {
        let refunds = |amounts: &[(u8, u64)]| -> BTreeMap<u8, ApplicationFeeRefund> {
            let refund = |amount| ApplicationFeeRefund {
                amount,
                balance_transaction: None,
            };
            let refunds = amounts.iter().map(|(key, amount)| (*key, refund(*amount)));
            refunds.collect()
        };
        let (known, said) = (refunds(&[(1, 100), (2, 50)]), refunds(&[(2, 80), (3, 5)]));
        let all = refunds(&[(1, 100), (2, 80), (3, 5)]);
        assert_eq!(each(&known, &said), all);
        assert_eq!(each(&said, &known), all);
    }
}
