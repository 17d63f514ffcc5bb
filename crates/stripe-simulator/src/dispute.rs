//! Disputes: the customer's bank takes the money back, and perhaps gives it
//! up again.
//!
//! The balance transactions of a dispute travel inside its events; there is no
//! `charge.updated` for them.

use crate::balance::Movement;
use crate::currency::{StripeCurrency, signed};
use crate::error::StripeError;
use crate::exchange::DAY;
use crate::fee::{self, StripeFeeDetail};
use crate::id::{BalanceTransactionId, ChargeId, DisputeId, IntentId};
use crate::json::{
    EMPTY, EmptyObject, NULL, Null, PreviousAttributes, PreviousValue, StripeMetadata, raw,
};
use crate::simulator::StripeSimulator;
use serde::Serialize;
use serde_json::value::RawValue;

/// The `status` of a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StripeDisputeStatus {
    /// An inquiry: no money has moved.
    WarningNeedsResponse,
    /// An inquiry that came to nothing.
    WarningClosed,
    /// The money is gone; the merchant can answer.
    NeedsResponse,
    /// The bank reads the answer.
    UnderReview,
    /// The money came back.
    Won,
    /// The money stays away.
    Lost,
}

impl StripeDisputeStatus {
    fn is_closed(self) -> bool {
        matches!(self, Self::WarningClosed | Self::Won | Self::Lost)
    }

    fn text(self) -> &'static str {
        match self {
            Self::WarningNeedsResponse => "warning_needs_response",
            Self::WarningClosed => "warning_closed",
            Self::NeedsResponse => "needs_response",
            Self::UnderReview => "under_review",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }
}

/// How the bank decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeOutcome {
    /// For the merchant.
    Won,
    /// For the customer.
    Lost,
}

/// A customer's bank objects to a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDispute {
    /// The charge.
    pub charge: ChargeId,
    /// How much of it; everything that is left when `None`.
    pub amount: Option<u64>,
    /// For example `fraudulent` or `product_not_received`.
    pub reason: &'static str,
    /// Only a question so far: no money moves.
    pub inquiry: bool,
}

impl OpenDispute {
    /// A dispute over everything that is left of the charge.
    #[must_use]
    pub fn over(charge: ChargeId, reason: &'static str) -> Self {
        Self {
            charge,
            amount: None,
            reason,
            inquiry: false,
        }
    }
}

/// A dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeDispute {
    /// `id`.
    pub id: DisputeId,
    /// How much, in the charge's currency.
    pub amount: u64,
    /// The withdrawal, and the reversal when it was won.
    pub balance_transactions: Vec<BalanceTransactionId>,
    /// The charge.
    pub charge: ChargeId,
    /// Seconds since the epoch.
    pub created: i64,
    /// The charge's currency.
    pub currency: StripeCurrency,
    /// The intent of the charge.
    pub payment_intent: IntentId,
    /// `reason`.
    pub reason: &'static str,
    /// `status`.
    pub status: StripeDisputeStatus,
    answered: bool,
    metadata: StripeMetadata,
}

#[derive(Serialize)]
struct DisputeObject<'a> {
    id: &'a DisputeId,
    object: &'static str,
    amount: u64,
    balance_transactions: Vec<Box<RawValue>>,
    charge: &'a ChargeId,
    created: i64,
    currency: StripeCurrency,
    enhanced_eligibility_types: [&'static str; 0],
    evidence: DisputeEvidence,
    evidence_details: EvidenceDetails,
    is_charge_refundable: bool,
    livemode: bool,
    metadata: &'a StripeMetadata,
    payment_intent: &'a IntentId,
    payment_method_details: DisputedMethodDetails,
    reason: &'static str,
    status: StripeDisputeStatus,
}

#[derive(Serialize)]
struct DisputeEvidence {
    customer_communication: Null,
    enhanced_evidence: EmptyObject,
    product_description: Null,
    shipping_tracking_number: Null,
    uncategorized_text: Option<&'static str>,
}

#[derive(Serialize)]
struct EvidenceDetails {
    due_by: i64,
    enhanced_eligibility: EmptyObject,
    has_evidence: bool,
    past_due: bool,
    submission_count: u8,
}

#[derive(Serialize)]
struct DisputedMethodDetails {
    card: DisputedCardDetails,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct DisputedCardDetails {
    brand: &'static str,
    case_type: &'static str,
    network_reason_code: &'static str,
}

impl StripeSimulator {
    /// One dispute.
    #[must_use]
    pub fn dispute(&self, id: &DisputeId) -> Option<&StripeDispute> {
        self.disputes.get(id)
    }

    /// One dispute in Stripe's JSON.
    #[must_use]
    pub fn dispute_json(&self, id: &DisputeId) -> Option<String> {
        self.dispute(id)
            .map(|dispute| self.dispute_raw(dispute).get().to_owned())
    }

    /// The customer's bank opens a dispute; unless it is only an inquiry, the
    /// money and a fee are withdrawn at once.
    ///
    /// # Errors
    ///
    /// `charge_not_disputable` for a charge that is not captured, has nothing
    /// left, or was disputed before; `amount_too_large` above what is left.
    pub fn open_dispute(&mut self, params: OpenDispute) -> Result<DisputeId, StripeError> {
        let charge = self
            .charge(&params.charge)
            .ok_or_else(|| StripeError::missing("charge", "charge", &params.charge))?;
        let left = charge.refundable();
        if charge.dispute.is_some() || left == 0 {
            return Err(StripeError::unexpected_state(
                "charge_not_disputable",
                "Only captured charges that are neither refunded nor disputed can be disputed.",
            ));
        }
        let amount = params.amount.unwrap_or(left);
        charge.currency.check_amount(amount)?;
        if amount > left {
            return Err(StripeError::invalid(
                Some("amount_too_large"),
                Some("amount"),
                format!("Only {left} of the charge is left."),
            ));
        }
        let (currency, payment_intent) = (charge.currency, charge.payment_intent.clone());
        let id: DisputeId = self.ids.next();
        self.charge_mut(&params.charge).dispute = Some(id.clone());
        self.disputes.insert(
            id.clone(),
            StripeDispute {
                id: id.clone(),
                amount,
                balance_transactions: Vec::new(),
                charge: params.charge,
                created: self.clock,
                currency,
                payment_intent,
                reason: params.reason,
                status: if params.inquiry {
                    StripeDisputeStatus::WarningNeedsResponse
                } else {
                    StripeDisputeStatus::NeedsResponse
                },
                answered: false,
                metadata: StripeMetadata::new(),
            },
        );
        self.emit_dispute("charge.dispute.created", &id, None);
        if !params.inquiry {
            self.withdraw(&id);
        }
        Ok(id)
    }

    /// An inquiry becomes a dispute: now the money is withdrawn.
    ///
    /// # Errors
    ///
    /// `dispute_unexpected_state` unless it is an open inquiry.
    pub fn escalate_dispute(&mut self, id: &DisputeId) -> Result<(), StripeError> {
        self.expect_dispute(id, |status| {
            status == StripeDisputeStatus::WarningNeedsResponse
        })?;
        let previous = self.change_dispute(id, StripeDisputeStatus::NeedsResponse);
        self.emit_dispute("charge.dispute.updated", id, Some(previous));
        self.withdraw(id);
        Ok(())
    }

    /// The merchant answers: `POST /v1/disputes/{id}`.
    ///
    /// # Errors
    ///
    /// `dispute_unexpected_state` unless it waits for an answer.
    pub fn submit_evidence(&mut self, id: &DisputeId) -> Result<(), StripeError> {
        self.expect_dispute(id, |status| status == StripeDisputeStatus::NeedsResponse)?;
        self.as_request(|sim| {
            let previous = sim.change_dispute(id, StripeDisputeStatus::UnderReview);
            sim.dispute_mut(id).answered = true;
            sim.emit_dispute("charge.dispute.updated", id, Some(previous));
            Ok(())
        })
    }

    /// The bank decides. Won: the money and the fee come back. Lost: nothing
    /// moves any more. An inquiry is closed either way.
    ///
    /// # Errors
    ///
    /// `dispute_unexpected_state` when it is closed already.
    pub fn resolve_dispute(
        &mut self,
        id: &DisputeId,
        outcome: DisputeOutcome,
    ) -> Result<(), StripeError> {
        self.expect_dispute(id, |status| !status.is_closed())?;
        let inquiry = self.disputes[id].status == StripeDisputeStatus::WarningNeedsResponse;
        let closed = match (inquiry, outcome) {
            (true, _) => StripeDisputeStatus::WarningClosed,
            (false, DisputeOutcome::Won) => StripeDisputeStatus::Won,
            (false, DisputeOutcome::Lost) => StripeDisputeStatus::Lost,
        };
        let previous = self.change_dispute(id, closed);
        if closed == StripeDisputeStatus::Won {
            self.reinstate(id);
        }
        self.emit_dispute("charge.dispute.closed", id, Some(previous));
        Ok(())
    }

    /// Whether a dispute keeps the charge from being refunded.
    pub(crate) fn dispute_blocks(&self, charge: &ChargeId) -> bool {
        self.charges[charge]
            .dispute
            .as_ref()
            .is_some_and(|dispute| {
                !matches!(
                    self.disputes[dispute].status,
                    StripeDisputeStatus::Won
                        | StripeDisputeStatus::WarningClosed
                        | StripeDisputeStatus::WarningNeedsResponse
                )
            })
    }

    fn withdraw(&mut self, id: &DisputeId) {
        let dispute = &self.disputes[id];
        let (amount, settlement, exchange_rate) = self.settle(dispute.amount, dispute.currency);
        let movement = Movement {
            kind: "adjustment",
            reporting_category: "dispute",
            amount: -signed(amount),
            currency: settlement,
            fees: vec![StripeFeeDetail::stripe(
                fee::of_dispute(settlement),
                settlement,
                "Dispute fee",
            )],
            exchange_rate,
            source: Some(id.to_string()),
            description: format!("Chargeback withdrawal for {}", dispute.charge),
            available_on: self.clock,
        };
        let transaction = self.post(movement);
        self.dispute_mut(id).balance_transactions.push(transaction);
        self.emit_dispute("charge.dispute.funds_withdrawn", id, None);
    }

    fn reinstate(&mut self, id: &DisputeId) {
        let dispute = &self.disputes[id];
        let withdrawal = dispute
            .balance_transactions
            .first()
            .and_then(|transaction| self.balance_transaction(transaction))
            .expect("what is reinstated was withdrawn");
        // Exactly what was withdrawn, whatever the rate is by now.
        let movement = Movement {
            kind: "adjustment",
            reporting_category: "dispute_reversal",
            amount: -withdrawal.amount,
            currency: withdrawal.currency,
            fees: vec![StripeFeeDetail::stripe(
                -withdrawal.fee,
                withdrawal.currency,
                "Dispute fee refund",
            )],
            exchange_rate: withdrawal.exchange_rate,
            source: Some(id.to_string()),
            description: format!("Chargeback reversal for {}", dispute.charge),
            available_on: self.clock,
        };
        let transaction = self.post(movement);
        self.dispute_mut(id).balance_transactions.push(transaction);
        self.emit_dispute("charge.dispute.funds_reinstated", id, None);
    }

    fn expect_dispute(
        &self,
        id: &DisputeId,
        allowed: impl Fn(StripeDisputeStatus) -> bool,
    ) -> Result<(), StripeError> {
        let dispute = self
            .dispute(id)
            .ok_or_else(|| StripeError::missing("dispute", "dispute", id))?;
        if allowed(dispute.status) {
            return Ok(());
        }
        Err(StripeError::unexpected_state(
            "dispute_unexpected_state",
            format!("The dispute is {}.", dispute.status.text()),
        ))
    }

    fn change_dispute(
        &mut self,
        id: &DisputeId,
        status: StripeDisputeStatus,
    ) -> PreviousAttributes {
        let dispute = self.dispute_mut(id);
        let before = dispute.status.text();
        dispute.status = status;
        PreviousAttributes(vec![("status", PreviousValue::Text(before))])
    }

    fn dispute_mut(&mut self, id: &DisputeId) -> &mut StripeDispute {
        self.disputes
            .get_mut(id)
            .expect("disputes are never forgotten")
    }

    fn emit_dispute(
        &mut self,
        kind: &'static str,
        id: &DisputeId,
        previous: Option<PreviousAttributes>,
    ) {
        let object = self.dispute_raw(&self.disputes[id]);
        self.emit(kind, id.as_str(), &object, previous);
    }

    fn dispute_raw(&self, dispute: &StripeDispute) -> Box<RawValue> {
        let balance_transactions = dispute
            .balance_transactions
            .iter()
            .filter_map(|id| self.balance_transaction(id))
            .map(|transaction| self.transaction_raw(transaction))
            .collect();
        raw(&DisputeObject {
            id: &dispute.id,
            object: "dispute",
            amount: dispute.amount,
            balance_transactions,
            charge: &dispute.charge,
            created: dispute.created,
            currency: dispute.currency,
            enhanced_eligibility_types: [],
            evidence: DisputeEvidence {
                customer_communication: NULL,
                enhanced_evidence: EMPTY,
                product_description: NULL,
                shipping_tracking_number: NULL,
                uncategorized_text: dispute.answered.then_some("The parcel was signed for."),
            },
            evidence_details: EvidenceDetails {
                due_by: (dispute.created.div_euclid(DAY) + 10) * DAY - 1,
                enhanced_eligibility: EMPTY,
                has_evidence: dispute.answered,
                past_due: false,
                submission_count: u8::from(dispute.answered),
            },
            is_charge_refundable: !self.dispute_blocks(&dispute.charge),
            livemode: false,
            metadata: &dispute.metadata,
            payment_intent: &dispute.payment_intent,
            payment_method_details: DisputedMethodDetails {
                card: DisputedCardDetails {
                    brand: "visa",
                    case_type: match dispute.status {
                        StripeDisputeStatus::WarningNeedsResponse
                        | StripeDisputeStatus::WarningClosed => "inquiry",
                        _ => "chargeback",
                    },
                    network_reason_code: "10.4",
                },
                kind: "card",
            },
            reason: dispute.reason,
            status: dispute.status,
        })
    }
}
