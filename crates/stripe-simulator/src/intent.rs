//! Payment intents: one attempt of a customer to pay, retried on the same
//! object after a decline.

use crate::currency::StripeCurrency;
use crate::error::{ErrorKind, StripeError};
use crate::id::{ChargeId, IntentId, PaymentMethodId, SessionId};
use crate::json::{EMPTY, EmptyObject, NULL, Null, StripeMetadata, raw};
use crate::payment_method::{MethodKind, PaymentMethod};
use crate::simulator::StripeSimulator;
use serde::Serialize;
use serde_json::value::RawValue;

/// When the money of a confirmed intent is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum CaptureMethod {
    /// At once; the balance transaction comes later.
    #[serde(rename = "automatic_async")]
    Automatic,
    /// When the merchant says so: authorise first.
    #[serde(rename = "manual")]
    Manual,
}

/// The `status` of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StripeIntentStatus {
    /// New, or declined: it can be confirmed.
    RequiresPaymentMethod,
    /// The bank wants to hear from the customer.
    RequiresAction,
    /// A slow method has not been decided.
    Processing,
    /// Authorised.
    RequiresCapture,
    /// Given up.
    Canceled,
    /// Captured, in whole or in part.
    Succeeded,
}

/// Parameters of a new intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateIntent {
    /// Stripe's minor units.
    pub amount: u64,
    /// What the customer pays in.
    pub currency: StripeCurrency,
    /// When the money is taken.
    pub capture_method: CaptureMethod,
    /// What it may be paid with.
    pub method_kinds: Vec<MethodKind>,
    /// Copied to the charges.
    pub metadata: StripeMetadata,
    /// Groups it with the transfers that share it out.
    pub transfer_group: Option<String>,
}

impl CreateIntent {
    /// An intent that a card pays at once.
    #[must_use]
    pub fn new(amount: u64, currency: StripeCurrency) -> Self {
        Self {
            amount,
            currency,
            capture_method: CaptureMethod::Automatic,
            method_kinds: vec![MethodKind::Card],
            metadata: StripeMetadata::new(),
            transfer_group: None,
        }
    }

    /// Says which order it pays: metadata `order_id`, and the transfer group.
    #[must_use]
    pub fn for_order(mut self, order: &str) -> Self {
        self.metadata
            .insert("order_id".to_owned(), order.to_owned());
        self.transfer_group = Some(order.to_owned());
        self
    }

    /// Authorise now, capture later.
    #[must_use]
    pub fn captured_by_hand(mut self) -> Self {
        self.capture_method = CaptureMethod::Manual;
        self
    }

    /// Paid with this kind of method.
    #[must_use]
    pub fn paid_with(mut self, kind: MethodKind) -> Self {
        self.method_kinds = vec![kind];
        self
    }
}

/// A payment intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentIntent {
    /// `id`.
    pub id: IntentId,
    /// What is to be paid, in Stripe's minor units.
    pub amount: u64,
    /// What is authorised and not captured.
    pub amount_capturable: u64,
    /// What was captured.
    pub amount_received: u64,
    /// When it was given up.
    pub canceled_at: Option<i64>,
    /// Why it was given up.
    pub cancellation_reason: Option<&'static str>,
    /// When the money is taken.
    pub capture_method: CaptureMethod,
    /// Seconds since the epoch.
    pub created: i64,
    /// What the customer pays in.
    pub currency: StripeCurrency,
    /// The newest charge.
    pub latest_charge: Option<ChargeId>,
    /// The merchant's facts.
    pub metadata: StripeMetadata,
    /// `status`.
    pub status: StripeIntentStatus,
    /// Groups it with transfers.
    pub transfer_group: Option<String>,
    pub(crate) method_kinds: Vec<MethodKind>,
    pub(crate) session: Option<SessionId>,
    client_secret: String,
    pub(crate) last_error: Option<PaymentFailure>,
    /// Waiting for the customer's answer to the bank.
    pub(crate) asked: Option<PaymentMethod>,
    pub(crate) method_id: Option<PaymentMethodId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PaymentFailure {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) charge: Option<ChargeId>,
    pub(crate) code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decline_code: Option<&'static str>,
    pub(crate) message: &'static str,
    #[serde(rename = "type")]
    pub(crate) kind: ErrorKind,
}

#[derive(Serialize)]
struct IntentObject<'a> {
    id: &'a IntentId,
    object: &'static str,
    amount: u64,
    amount_capturable: u64,
    amount_details: AmountDetails,
    amount_received: u64,
    application: Null,
    application_fee_amount: Null,
    automatic_payment_methods: Null,
    canceled_at: Option<i64>,
    cancellation_reason: Option<&'static str>,
    capture_method: CaptureMethod,
    client_secret: &'a str,
    confirmation_method: &'static str,
    created: i64,
    currency: StripeCurrency,
    customer: Null,
    description: Null,
    last_payment_error: Option<&'a PaymentFailure>,
    latest_charge: Option<&'a ChargeId>,
    livemode: bool,
    metadata: &'a StripeMetadata,
    next_action: Option<NextAction>,
    on_behalf_of: Null,
    payment_method: Option<&'a PaymentMethodId>,
    payment_method_options: EmptyObject,
    payment_method_types: &'a [MethodKind],
    processing: Null,
    receipt_email: Null,
    review: Null,
    setup_future_usage: Null,
    shipping: Null,
    statement_descriptor: Null,
    statement_descriptor_suffix: Null,
    status: StripeIntentStatus,
    transfer_data: Null,
    transfer_group: Option<&'a str>,
}

#[derive(Serialize)]
struct AmountDetails {
    tip: EmptyObject,
}

#[derive(Serialize)]
struct NextAction {
    #[serde(rename = "type")]
    kind: &'static str,
}

impl StripeSimulator {
    /// One intent.
    #[must_use]
    pub fn intent(&self, id: &IntentId) -> Option<&PaymentIntent> {
        self.intents.get(id)
    }

    /// One intent in Stripe's JSON.
    #[must_use]
    pub fn intent_json(&self, id: &IntentId) -> Option<String> {
        self.intent(id)
            .map(|intent| intent_raw(intent).get().to_owned())
    }

    /// `POST /v1/payment_intents`.
    ///
    /// # Errors
    ///
    /// An amount that the currency does not allow, or a currency that cannot
    /// be settled.
    pub fn create_intent(&mut self, params: CreateIntent) -> Result<IntentId, StripeError> {
        self.as_request(|sim| sim.open_intent(params, None))
    }

    pub(crate) fn open_intent(
        &mut self,
        params: CreateIntent,
        session: Option<SessionId>,
    ) -> Result<IntentId, StripeError> {
        params.currency.check_charge(params.amount)?;
        if !self.can_settle(params.currency) {
            return Err(StripeError::invalid(
                Some("currency_not_supported"),
                Some("currency"),
                format!("This account cannot settle {}.", params.currency),
            ));
        }
        if params.method_kinds.is_empty() {
            return Err(StripeError::invalid(
                Some("parameter_missing"),
                Some("payment_method_types"),
                "At least one payment method type is needed.",
            ));
        }
        let id: IntentId = self.ids.next();
        let client_secret = format!("{id}_secret_{}", self.ids.token(25));
        self.intents.insert(
            id.clone(),
            PaymentIntent {
                id: id.clone(),
                amount: params.amount,
                amount_capturable: 0,
                amount_received: 0,
                canceled_at: None,
                cancellation_reason: None,
                capture_method: params.capture_method,
                created: self.clock,
                currency: params.currency,
                latest_charge: None,
                metadata: params.metadata,
                status: StripeIntentStatus::RequiresPaymentMethod,
                transfer_group: params.transfer_group,
                method_kinds: params.method_kinds,
                session,
                client_secret,
                last_error: None,
                asked: None,
                method_id: None,
            },
        );
        self.emit_intent("payment_intent.created", &id);
        Ok(id)
    }

    /// `POST /v1/payment_intents/{id}/cancel`. An authorisation is let go.
    ///
    /// # Errors
    ///
    /// `payment_intent_unexpected_state` when it was captured or cancelled, or
    /// is being processed.
    pub fn cancel_intent(&mut self, id: &IntentId) -> Result<(), StripeError> {
        self.as_request(|sim| {
            sim.expect_status(
                id,
                &[
                    StripeIntentStatus::RequiresPaymentMethod,
                    StripeIntentStatus::RequiresAction,
                    StripeIntentStatus::RequiresCapture,
                ],
                "canceled",
            )?;
            if sim.intents[id].status == StripeIntentStatus::RequiresCapture {
                let charge = sim.latest_charge(id);
                sim.charge_mut(&charge).released = true;
                if sim.options.released_funds_look_refunded {
                    sim.emit_charge("charge.refunded", &charge, None);
                }
            }
            sim.give_up(id, "requested_by_customer");
            Ok(())
        })
    }

    pub(crate) fn lapse_authorisation(&mut self, id: &IntentId) {
        if self.intents[id].status != StripeIntentStatus::RequiresCapture {
            return;
        }
        let charge = self.latest_charge(id);
        self.charge_mut(&charge).released = true;
        self.emit_charge("charge.expired", &charge, None);
        self.give_up(id, "automatic");
    }

    pub(crate) fn give_up(&mut self, id: &IntentId, reason: &'static str) {
        let now = self.clock;
        let intent = self.intent_mut(id);
        intent.status = StripeIntentStatus::Canceled;
        intent.amount_capturable = 0;
        intent.canceled_at = Some(now);
        intent.cancellation_reason = Some(reason);
        intent.asked = None;
        self.emit_intent("payment_intent.canceled", id);
    }

    pub(crate) fn expect_status(
        &self,
        id: &IntentId,
        allowed: &[StripeIntentStatus],
        verb: &str,
    ) -> Result<&PaymentIntent, StripeError> {
        let intent = self
            .intent(id)
            .ok_or_else(|| StripeError::missing("payment_intent", "intent", id))?;
        if allowed.contains(&intent.status) {
            return Ok(intent);
        }
        Err(StripeError::unexpected_state(
            "payment_intent_unexpected_state",
            format!(
                "This PaymentIntent could not be {verb}: its status is {:?}.",
                intent.status
            ),
        ))
    }

    pub(crate) fn latest_charge(&self, id: &IntentId) -> ChargeId {
        self.intents[id]
            .latest_charge
            .clone()
            .expect("the status says that there was a charge")
    }

    pub(crate) fn intent_mut(&mut self, id: &IntentId) -> &mut PaymentIntent {
        self.intents
            .get_mut(id)
            .expect("intents are never forgotten")
    }

    pub(crate) fn emit_intent(&mut self, kind: &'static str, id: &IntentId) {
        let object = intent_raw(&self.intents[id]);
        self.emit(kind, id.as_str(), &object, None);
    }
}

fn intent_raw(intent: &PaymentIntent) -> Box<RawValue> {
    raw(&IntentObject {
        id: &intent.id,
        object: "payment_intent",
        amount: intent.amount,
        amount_capturable: intent.amount_capturable,
        amount_details: AmountDetails { tip: EMPTY },
        amount_received: intent.amount_received,
        application: NULL,
        application_fee_amount: NULL,
        automatic_payment_methods: NULL,
        canceled_at: intent.canceled_at,
        cancellation_reason: intent.cancellation_reason,
        capture_method: intent.capture_method,
        client_secret: &intent.client_secret,
        confirmation_method: "automatic",
        created: intent.created,
        currency: intent.currency,
        customer: NULL,
        description: NULL,
        last_payment_error: intent.last_error.as_ref(),
        latest_charge: intent.latest_charge.as_ref(),
        livemode: false,
        metadata: &intent.metadata,
        next_action: (intent.status == StripeIntentStatus::RequiresAction).then_some(NextAction {
            kind: "use_stripe_sdk",
        }),
        on_behalf_of: NULL,
        payment_method: intent.method_id.as_ref(),
        payment_method_options: EMPTY,
        payment_method_types: &intent.method_kinds,
        processing: NULL,
        receipt_email: NULL,
        review: NULL,
        setup_future_usage: NULL,
        shipping: NULL,
        statement_descriptor: NULL,
        statement_descriptor_suffix: NULL,
        status: intent.status,
        transfer_data: NULL,
        transfer_group: intent.transfer_group.as_deref(),
    })
}
