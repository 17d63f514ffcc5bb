//! Charges: one attempt to take the money of an intent.
//!
//! A charge copies its intent's metadata when it is made. Its balance
//! transaction is null until [`charge.updated`] says otherwise: capture is
//! asynchronous.
//!
//! [`charge.updated`]: https://docs.stripe.com/payments/payment-intents/asynchronous-capture

use crate::agenda::Effect;
use crate::balance::Movement;
use crate::currency::{StripeCurrency, signed};
use crate::fee;
use crate::id::{BalanceTransactionId, ChargeId, DisputeId, IntentId, PaymentMethodId};
use crate::json::{
    EMPTY, EmptyObject, ListObject, NULL, Null, PreviousAttributes, PreviousValue, StripeMetadata,
    raw,
};
use crate::payment_method::{Decline, MethodDetails, PaymentMethod};
use crate::simulator::StripeSimulator;
use serde::Serialize;
use serde_json::value::RawValue;

/// The `status` of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeStatus {
    /// The bank agreed.
    Succeeded,
    /// The bank has not answered.
    Pending,
    /// The bank refused.
    Failed,
}

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeCharge {
    /// `id`.
    pub id: ChargeId,
    /// What was asked for or authorised, in Stripe's minor units.
    pub amount: u64,
    /// What was captured of it.
    pub amount_captured: u64,
    /// What was given back of what was captured, cumulative.
    pub amount_refunded: u64,
    /// Null until it appears.
    pub balance_transaction: Option<BalanceTransactionId>,
    /// Whether it was captured.
    pub captured: bool,
    /// Seconds since the epoch.
    pub created: i64,
    /// The currency that the customer pays in.
    pub currency: StripeCurrency,
    /// The dispute against it.
    pub dispute: Option<DisputeId>,
    /// Why it failed.
    pub decline: Option<Decline>,
    /// Copied from the intent when the charge was made.
    pub metadata: StripeMetadata,
    /// The intent that it belongs to.
    pub payment_intent: IntentId,
    /// `status`.
    pub status: ChargeStatus,
    /// Groups it with the transfers that share it out.
    pub transfer_group: Option<String>,
    /// An authorisation that was let go, or lapsed.
    pub released: bool,
    pub(crate) method: PaymentMethod,
    pub(crate) method_id: PaymentMethodId,
    /// What transfers have drawn on it, less what they gave back.
    pub(crate) transferred: u64,
}

impl StripeCharge {
    /// What can still be given back.
    #[must_use]
    pub fn refundable(&self) -> u64 {
        self.amount_captured - self.amount_refunded
    }
}

#[derive(Serialize)]
struct ChargeObject<'a> {
    id: &'a ChargeId,
    object: &'static str,
    amount: u64,
    amount_captured: u64,
    amount_refunded: u64,
    application: Null,
    application_fee: Null,
    application_fee_amount: Null,
    balance_transaction: Option<&'a BalanceTransactionId>,
    billing_details: BillingDetails,
    calculated_statement_descriptor: &'static str,
    captured: bool,
    created: i64,
    currency: StripeCurrency,
    customer: Null,
    description: Null,
    disputed: bool,
    failure_balance_transaction: Null,
    failure_code: Option<&'static str>,
    failure_message: Option<&'static str>,
    fraud_details: EmptyObject,
    livemode: bool,
    metadata: &'a StripeMetadata,
    on_behalf_of: Null,
    outcome: ChargeOutcome,
    paid: bool,
    payment_intent: &'a IntentId,
    payment_method: &'a PaymentMethodId,
    payment_method_details: MethodDetails,
    receipt_email: Null,
    receipt_number: Null,
    receipt_url: Null,
    refunded: bool,
    review: Null,
    shipping: Null,
    source_transfer: Null,
    statement_descriptor: Null,
    statement_descriptor_suffix: Null,
    status: ChargeStatus,
    transfer_data: Null,
    transfer_group: Option<&'a str>,
}

#[derive(Serialize)]
struct BillingDetails {
    address: Null,
    email: Null,
    name: Null,
    phone: Null,
    tax_id: Null,
}

#[derive(Serialize)]
struct ChargeOutcome {
    advice_code: Null,
    network_advice_code: Null,
    network_decline_code: Null,
    network_status: &'static str,
    reason: Option<&'static str>,
    risk_level: &'static str,
    seller_message: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl ChargeOutcome {
    fn of(charge: &StripeCharge) -> Self {
        let (network_status, reason, seller_message, kind) = match charge.decline {
            Some(decline) => (
                "declined_by_network",
                Some(decline.decline_code()),
                "The bank declined the payment.",
                "issuer_declined",
            ),
            None => (
                "approved_by_network",
                None,
                "Payment complete.",
                "authorized",
            ),
        };
        Self {
            advice_code: NULL,
            network_advice_code: NULL,
            network_decline_code: NULL,
            network_status,
            reason,
            risk_level: "normal",
            seller_message,
            kind,
        }
    }
}

impl StripeSimulator {
    /// One charge.
    #[must_use]
    pub fn charge(&self, id: &ChargeId) -> Option<&StripeCharge> {
        self.charges.get(id)
    }

    /// One charge in Stripe's JSON.
    #[must_use]
    pub fn charge_json(&self, id: &ChargeId) -> Option<String> {
        self.charge(id)
            .map(|charge| self.charge_raw(charge).get().to_owned())
    }

    fn charge_raw(&self, charge: &StripeCharge) -> Box<RawValue> {
        let let_go = charge.amount - charge.amount_captured;
        let looks_refunded = self.options.released_funds_look_refunded
            && (charge.captured || charge.released)
            && charge.status == ChargeStatus::Succeeded;
        let amount_refunded = charge.amount_refunded + if looks_refunded { let_go } else { 0 };
        raw(&ChargeObject {
            id: &charge.id,
            object: "charge",
            amount: charge.amount,
            amount_captured: charge.amount_captured,
            amount_refunded,
            application: NULL,
            application_fee: NULL,
            application_fee_amount: NULL,
            balance_transaction: charge.balance_transaction.as_ref(),
            billing_details: BillingDetails {
                address: NULL,
                email: NULL,
                name: NULL,
                phone: NULL,
                tax_id: NULL,
            },
            calculated_statement_descriptor: "TILLROLL SHOP",
            captured: charge.captured,
            created: charge.created,
            currency: charge.currency,
            customer: NULL,
            description: NULL,
            disputed: charge.dispute.is_some(),
            failure_balance_transaction: NULL,
            failure_code: charge.decline.map(Decline::code),
            failure_message: charge.decline.map(Decline::message),
            fraud_details: EMPTY,
            livemode: false,
            metadata: &charge.metadata,
            on_behalf_of: NULL,
            outcome: ChargeOutcome::of(charge),
            paid: charge.status == ChargeStatus::Succeeded,
            payment_intent: &charge.payment_intent,
            payment_method: &charge.method_id,
            payment_method_details: charge.method.details(charge.amount),
            receipt_email: NULL,
            receipt_number: NULL,
            receipt_url: NULL,
            refunded: amount_refunded > 0
                && charge.amount_refunded == charge.amount_captured
                && (charge.captured || charge.released),
            review: NULL,
            shipping: NULL,
            source_transfer: NULL,
            statement_descriptor: NULL,
            statement_descriptor_suffix: NULL,
            status: charge.status,
            transfer_data: NULL,
            transfer_group: charge.transfer_group.as_deref(),
        })
    }

    pub(crate) fn emit_charge(
        &mut self,
        kind: &'static str,
        id: &ChargeId,
        previous: Option<PreviousAttributes>,
    ) {
        let object = self.charge_raw(&self.charges[id]);
        self.emit(kind, id.as_str(), &object, previous);
    }

    pub(crate) fn charge_mut(&mut self, id: &ChargeId) -> &mut StripeCharge {
        self.charges
            .get_mut(id)
            .expect("charges are never forgotten")
    }

    /// The balance transaction of a captured charge appears.
    ///
    /// For a capture in part Stripe posts the whole authorisation and, apart
    /// from it, what went back.
    pub(crate) fn post_charge(&mut self, id: &ChargeId) {
        let charge = &self.charges[id];
        let (authorised, captured) = (charge.amount, charge.amount_captured);
        let (settled, settlement, exchange_rate) = self.settle(authorised, charge.currency);
        // The fee is on what was captured: that is what the merchant gets.
        let (kept, _, _) = self.settle(captured, charge.currency);
        let movement = Movement {
            kind: charge.method.kind.charge_type(),
            reporting_category: "charge",
            amount: signed(settled),
            currency: settlement,
            fees: fee::of_charge(
                charge.method.kind.tariff(),
                kept,
                settlement,
                exchange_rate.is_some(),
            ),
            exchange_rate,
            source: Some(id.to_string()),
            description: format!("Payment for {}", charge.payment_intent),
            available_on: self.settlement_midnight(),
        };
        let transaction = self.post(movement);
        self.charge_mut(id).balance_transaction = Some(transaction);
        self.emit_charge(
            "charge.updated",
            id,
            Some(PreviousAttributes(vec![(
                "balance_transaction",
                PreviousValue::Null,
            )])),
        );
        if captured < authorised {
            self.plan_late(Effect::RemainderPosts(id.clone()));
        }
    }

    /// What was authorised and not captured leaves the balance again. This is
    /// not a refund to the customer, and only its category says so.
    pub(crate) fn post_remainder(&mut self, id: &ChargeId) {
        let charge = &self.charges[id];
        let posted = charge
            .balance_transaction
            .as_ref()
            .and_then(|transaction| self.balance_transaction(transaction))
            .expect("a remainder follows its charge");
        let remainder = charge.amount - charge.amount_captured;
        // At the rate of the charge: together they are what was captured.
        let amount = posted
            .exchange_rate
            .as_ref()
            .map_or(remainder, |rate| rate.convert(remainder));
        self.post(Movement {
            kind: charge.method.kind.refund_type(),
            reporting_category: "partial_capture_reversal",
            amount: -signed(amount),
            currency: posted.currency,
            fees: Vec::new(),
            exchange_rate: posted.exchange_rate,
            source: Some(id.to_string()),
            description: format!("Uncaptured part of {id}"),
            available_on: posted.available_on,
        });
    }

    /// Every charge list object of one intent, newest first, as
    /// `GET /v1/charges?payment_intent=…` gives it.
    #[must_use]
    pub fn charges_of(&self, intent: &IntentId) -> String {
        let mut charges: Vec<&StripeCharge> = self
            .charges
            .values()
            .filter(|charge| charge.payment_intent == *intent)
            .collect();
        charges.sort_by(|a, b| b.created.cmp(&a.created).then(a.id.cmp(&b.id)));
        let views = charges
            .into_iter()
            .map(|charge| self.charge_raw(charge))
            .collect();
        raw(&ListObject::page(views, false, "/v1/charges"))
            .get()
            .to_owned()
    }
}
