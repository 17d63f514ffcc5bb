//! Refunds: in whole or in part, at once, after a while, or not after all.

use crate::agenda::Effect;
use crate::balance::Movement;
use crate::currency::{StripeCurrency, signed};
use crate::error::StripeError;
use crate::id::{BalanceTransactionId, ChargeId, IntentId, RefundId};
use crate::json::{NULL, Null, PreviousAttributes, PreviousValue, StripeMetadata, raw};
use crate::simulator::StripeSimulator;
use serde::Serialize;
use serde_json::value::RawValue;

/// The `status` of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StripeRefundStatus {
    /// The bank has not agreed yet.
    Pending,
    /// The money is on its way to the customer.
    Succeeded,
    /// The bank sent it back.
    Failed,
}

/// What becomes of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundOutcome {
    /// Succeeds at once.
    Succeeds,
    /// Pending first, then succeeds when its balance transaction appears.
    SucceedsLater,
    /// Succeeds at first; `after` seconds later the bank sends it back.
    FailsLater {
        /// Seconds until the bank's answer, at least the balance transaction's
        /// delay.
        after: i64,
    },
}

/// Parameters of a new refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateRefund {
    /// The charge to give back.
    pub charge: ChargeId,
    /// How much; everything that is left when `None`.
    pub amount: Option<u64>,
    /// The merchant's facts.
    pub metadata: StripeMetadata,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    pub reason: Option<&'static str>,
    /// What becomes of it.
    pub outcome: RefundOutcome,
}

impl CreateRefund {
    /// Everything that is left of the charge, at once.
    #[must_use]
    pub fn whole(charge: ChargeId) -> Self {
        Self {
            charge,
            amount: None,
            metadata: StripeMetadata::new(),
            reason: Some("requested_by_customer"),
            outcome: RefundOutcome::Succeeds,
        }
    }

    /// A part of the charge, at once.
    #[must_use]
    pub fn part(charge: ChargeId, amount: u64) -> Self {
        Self {
            amount: Some(amount),
            ..Self::whole(charge)
        }
    }

    /// With another outcome.
    #[must_use]
    pub fn that(mut self, outcome: RefundOutcome) -> Self {
        self.outcome = outcome;
        self
    }
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeRefund {
    /// `id`.
    pub id: RefundId,
    /// How much, in the charge's currency.
    pub amount: u64,
    /// Null until it appears.
    pub balance_transaction: Option<BalanceTransactionId>,
    /// The charge that is given back.
    pub charge: ChargeId,
    /// Seconds since the epoch.
    pub created: i64,
    /// The charge's currency.
    pub currency: StripeCurrency,
    /// What brought the money back after a failure.
    pub failure_balance_transaction: Option<BalanceTransactionId>,
    /// The merchant's facts.
    pub metadata: StripeMetadata,
    /// The intent of the charge.
    pub payment_intent: IntentId,
    /// `status`.
    pub status: StripeRefundStatus,
    reason: Option<&'static str>,
}

#[derive(Serialize)]
struct RefundObject<'a> {
    id: &'a RefundId,
    object: &'static str,
    amount: u64,
    balance_transaction: Option<&'a BalanceTransactionId>,
    charge: &'a ChargeId,
    created: i64,
    currency: StripeCurrency,
    destination_details: Destination,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_balance_transaction: Option<&'a BalanceTransactionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
    metadata: &'a StripeMetadata,
    payment_intent: &'a IntentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_reason: Option<&'static str>,
    reason: Option<&'static str>,
    receipt_number: Null,
    source_transfer_reversal: Null,
    status: StripeRefundStatus,
    transfer_reversal: Null,
}

#[derive(Serialize)]
struct Destination {
    card: DestinationCard,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct DestinationCard {
    #[serde(rename = "type")]
    kind: &'static str,
}

impl StripeSimulator {
    /// One refund.
    #[must_use]
    pub fn refund(&self, id: &RefundId) -> Option<&StripeRefund> {
        self.refunds.get(id)
    }

    /// One refund in Stripe's JSON.
    #[must_use]
    pub fn refund_json(&self, id: &RefundId) -> Option<String> {
        self.refund(id)
            .map(|refund| refund_raw(refund).get().to_owned())
    }

    /// `POST /v1/refunds`.
    ///
    /// # Errors
    ///
    /// `charge_already_refunded` when nothing is left, `amount_too_large` when
    /// less is left than asked for, `charge_disputed` under dispute,
    /// `charge_not_captured` before capture.
    pub fn create_refund(&mut self, params: CreateRefund) -> Result<RefundId, StripeError> {
        self.as_request(|sim| {
            let charge = sim
                .charge(&params.charge)
                .ok_or_else(|| StripeError::missing("charge", "charge", &params.charge))?;
            if !charge.captured {
                return Err(StripeError::unexpected_state(
                    "charge_not_captured",
                    "Only captured charges can be refunded; cancel the intent instead.",
                ));
            }
            if sim.dispute_blocks(&params.charge) {
                return Err(StripeError::unexpected_state(
                    "charge_disputed",
                    "The charge is disputed and cannot be refunded.",
                ));
            }
            let left = charge.refundable();
            if left == 0 {
                return Err(StripeError::unexpected_state(
                    "charge_already_refunded",
                    format!("Charge {} has already been refunded.", charge.id),
                ));
            }
            let amount = params.amount.unwrap_or(left);
            charge.currency.check_amount(amount)?;
            if amount > left {
                return Err(StripeError::invalid(
                    Some("amount_too_large"),
                    Some("amount"),
                    format!("Refund amount {amount} is greater than the {left} that is left."),
                ));
            }
            Ok(sim.give_back(params, amount))
        })
    }

    fn give_back(&mut self, params: CreateRefund, amount: u64) -> RefundId {
        let id: RefundId = self.ids.next();
        let created = self.clock;
        let charge = self.charge_mut(&params.charge);
        let before = charge.amount_refunded;
        charge.amount_refunded += amount;
        let refund = StripeRefund {
            id: id.clone(),
            amount,
            balance_transaction: None,
            charge: params.charge.clone(),
            created,
            currency: charge.currency,
            failure_balance_transaction: None,
            metadata: params.metadata,
            payment_intent: charge.payment_intent.clone(),
            status: match params.outcome {
                RefundOutcome::SucceedsLater => StripeRefundStatus::Pending,
                RefundOutcome::Succeeds | RefundOutcome::FailsLater { .. } => {
                    StripeRefundStatus::Succeeded
                }
            },
            reason: params.reason,
        };
        self.refunds.insert(id.clone(), refund);
        self.emit_refund("refund.created", &id, None);
        self.emit_charge(
            "charge.refunded",
            &params.charge,
            Some(PreviousAttributes(vec![
                ("amount_refunded", PreviousValue::Count(before)),
                ("refunded", PreviousValue::Truth(false)),
            ])),
        );
        self.plan_late(Effect::RefundPosts(id.clone()));
        if let RefundOutcome::FailsLater { after } = params.outcome {
            // Never before its balance transaction, which it undoes.
            let posted = self.clock + self.options.balance_transaction_delay.end();
            let due = (self.clock + after).max(posted);
            self.agenda.plan(due, Effect::RefundFails(id.clone()));
        }
        id
    }

    pub(crate) fn post_refund(&mut self, id: &RefundId) {
        let refund = &self.refunds[id];
        let method = self.charges[&refund.charge].method.kind;
        let (amount, settlement, exchange_rate) = self.settle(refund.amount, refund.currency);
        let movement = Movement {
            kind: method.refund_type(),
            reporting_category: "refund",
            amount: -signed(amount),
            currency: settlement,
            fees: Vec::new(),
            exchange_rate,
            source: Some(id.to_string()),
            description: format!("Refund of {}", refund.charge),
            available_on: self.clock,
        };
        let transaction = self.post(movement);
        let refund = self.refund_mut(id);
        refund.balance_transaction = Some(transaction);
        let mut previous = vec![("balance_transaction", PreviousValue::Null)];
        if refund.status == StripeRefundStatus::Pending {
            refund.status = StripeRefundStatus::Succeeded;
            previous.push(("status", PreviousValue::Text("pending")));
        }
        self.emit_refund("refund.updated", id, Some(PreviousAttributes(previous)));
    }

    /// The bank sends the money back: it is the merchant's again, and still
    /// owed to the customer.
    pub(crate) fn fail_refund(&mut self, id: &RefundId) {
        let refund = &self.refunds[id];
        let posted = refund
            .balance_transaction
            .as_ref()
            .and_then(|transaction| self.balance_transaction(transaction))
            .expect("a refund fails after it was posted");
        let movement = Movement {
            kind: "refund_failure",
            reporting_category: "refund_failure",
            amount: -posted.amount,
            currency: posted.currency,
            fees: Vec::new(),
            exchange_rate: posted.exchange_rate,
            source: Some(id.to_string()),
            description: format!("Failed refund of {}", refund.charge),
            available_on: self.clock,
        };
        let (charge, amount) = (refund.charge.clone(), refund.amount);
        let transaction = self.post(movement);
        self.charge_mut(&charge).amount_refunded -= amount;
        let refund = self.refund_mut(id);
        refund.status = StripeRefundStatus::Failed;
        refund.failure_balance_transaction = Some(transaction);
        let previous = PreviousAttributes(vec![("status", PreviousValue::Text("succeeded"))]);
        self.emit_refund("refund.updated", id, Some(previous));
        self.emit_refund("refund.failed", id, None);
    }

    fn refund_mut(&mut self, id: &RefundId) -> &mut StripeRefund {
        self.refunds
            .get_mut(id)
            .expect("refunds are never forgotten")
    }

    fn emit_refund(
        &mut self,
        kind: &'static str,
        id: &RefundId,
        previous: Option<PreviousAttributes>,
    ) {
        let object = refund_raw(&self.refunds[id]);
        self.emit(kind, id.as_str(), &object, previous);
    }
}

fn refund_raw(refund: &StripeRefund) -> Box<RawValue> {
    raw(&RefundObject {
        id: &refund.id,
        object: "refund",
        amount: refund.amount,
        balance_transaction: refund.balance_transaction.as_ref(),
        charge: &refund.charge,
        created: refund.created,
        currency: refund.currency,
        destination_details: Destination {
            card: DestinationCard { kind: "refund" },
            kind: "card",
        },
        failure_balance_transaction: refund.failure_balance_transaction.as_ref(),
        failure_reason: (refund.status == StripeRefundStatus::Failed)
            .then_some("expired_or_canceled_card"),
        metadata: &refund.metadata,
        payment_intent: &refund.payment_intent,
        pending_reason: (refund.status == StripeRefundStatus::Pending).then_some("processing"),
        reason: refund.reason,
        receipt_number: NULL,
        source_transfer_reversal: NULL,
        status: refund.status,
        transfer_reversal: NULL,
    })
}
