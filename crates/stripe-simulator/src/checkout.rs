//! Checkout sessions: Stripe's hosted page for the web. The order is the
//! `client_reference_id`; a slow method completes the session unpaid.

use crate::agenda::Effect;
use crate::currency::StripeCurrency;
use crate::error::StripeError;
use crate::exchange::DAY;
use crate::id::{IntentId, SessionId};
use crate::intent::{CreateIntent, StripeIntentStatus};
use crate::json::{EMPTY, EmptyObject, NULL, Null, StripeMetadata, raw};
use crate::payment_method::{MethodKind, PaymentMethod};
use crate::simulator::StripeSimulator;
use serde::Serialize;
use serde_json::value::RawValue;

/// The `status` of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// The customer is on the page, or may come back to it.
    Open,
    /// The customer has paid, or has promised to.
    Complete,
    /// Not completed within a day.
    Expired,
}

/// The `payment_status` of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The money is there.
    Paid,
    /// It is not, even when the session is complete.
    Unpaid,
}

/// Parameters of a new session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSession {
    /// Stripe's minor units.
    pub amount: u64,
    /// What the customer pays in.
    pub currency: StripeCurrency,
    /// The order.
    pub client_reference_id: String,
    /// The session's metadata, and that of the intent it makes.
    pub metadata: StripeMetadata,
}

impl CreateSession {
    /// A page on which this order is paid.
    #[must_use]
    pub fn for_order(order: &str, amount: u64, currency: StripeCurrency) -> Self {
        Self {
            amount,
            currency,
            client_reference_id: order.to_owned(),
            metadata: StripeMetadata::from([("order_id".to_owned(), order.to_owned())]),
        }
    }
}

/// A Checkout session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutSession {
    /// `id`.
    pub id: SessionId,
    /// Stripe's minor units.
    pub amount_total: u64,
    /// The order.
    pub client_reference_id: String,
    /// Seconds since the epoch.
    pub created: i64,
    /// What the customer pays in.
    pub currency: StripeCurrency,
    /// Made when the customer first tries to pay.
    pub payment_intent: Option<IntentId>,
    /// `payment_status`.
    pub payment_status: PaymentStatus,
    /// `status`.
    pub status: SessionStatus,
    metadata: StripeMetadata,
}

#[derive(Serialize)]
struct SessionObject<'a> {
    id: &'a SessionId,
    object: &'static str,
    after_expiration: Null,
    allow_promotion_codes: Null,
    amount_subtotal: u64,
    amount_total: u64,
    automatic_tax: AutomaticTax,
    billing_address_collection: Null,
    cancel_url: Null,
    client_reference_id: &'a str,
    created: i64,
    currency: StripeCurrency,
    custom_fields: [EmptyObject; 0],
    customer: Null,
    customer_details: Null,
    customer_email: Null,
    expires_at: i64,
    invoice: Null,
    livemode: bool,
    locale: Null,
    metadata: &'a StripeMetadata,
    mode: &'static str,
    payment_intent: Option<&'a IntentId>,
    payment_link: Null,
    payment_method_options: EmptyObject,
    payment_method_types: &'static [MethodKind],
    payment_status: PaymentStatus,
    recovered_from: Null,
    setup_intent: Null,
    shipping_cost: Null,
    status: SessionStatus,
    submit_type: Null,
    subscription: Null,
    success_url: &'static str,
    total_details: CheckoutTotals,
    ui_mode: &'static str,
    url: Null,
}

#[derive(Serialize)]
struct AutomaticTax {
    enabled: bool,
    status: Null,
}

#[derive(Serialize)]
struct CheckoutTotals {
    amount_discount: u64,
    amount_shipping: u64,
    amount_tax: u64,
}

const KINDS: &[MethodKind] = &[MethodKind::Card, MethodKind::SepaDebit];

impl StripeSimulator {
    /// One session.
    #[must_use]
    pub fn session(&self, id: &SessionId) -> Option<&CheckoutSession> {
        self.sessions.get(id)
    }

    /// One session in Stripe's JSON.
    #[must_use]
    pub fn session_json(&self, id: &SessionId) -> Option<String> {
        self.session(id)
            .map(|session| session_raw(session).get().to_owned())
    }

    /// `POST /v1/checkout/sessions`. It expires after a day.
    ///
    /// # Errors
    ///
    /// As for an intent of that amount and currency.
    pub fn create_session(&mut self, params: CreateSession) -> Result<SessionId, StripeError> {
        self.as_request(|sim| {
            params.currency.check_charge(params.amount)?;
            let id: SessionId = sim.ids.next();
            sim.sessions.insert(
                id.clone(),
                CheckoutSession {
                    id: id.clone(),
                    amount_total: params.amount,
                    client_reference_id: params.client_reference_id,
                    created: sim.clock,
                    currency: params.currency,
                    payment_intent: None,
                    payment_status: PaymentStatus::Unpaid,
                    status: SessionStatus::Open,
                    metadata: params.metadata,
                },
            );
            sim.agenda
                .plan(sim.clock + DAY, Effect::SessionExpires(id.clone()));
            Ok(id)
        })
    }

    /// The customer pays on the page. A decline leaves the session open, with
    /// an intent that is used again; so does a bank that asks its customer,
    /// until [`authenticate`](Self::authenticate) answers.
    ///
    /// # Errors
    ///
    /// As for [`confirm_intent`](Self::confirm_intent);
    /// `checkout_session_unexpected_state` unless it is open.
    pub fn pay_session(
        &mut self,
        id: &SessionId,
        method: PaymentMethod,
    ) -> Result<PaymentStatus, StripeError> {
        let session = self
            .session(id)
            .ok_or_else(|| StripeError::missing("checkout.session", "session", id))?;
        if session.status != SessionStatus::Open {
            return Err(StripeError::unexpected_state(
                "checkout_session_unexpected_state",
                format!("The session is {:?}.", session.status),
            ));
        }
        self.as_request(|sim| {
            let intent = sim.intent_of_session(id)?;
            match sim.try_to_pay(&intent, method)? {
                StripeIntentStatus::RequiresAction => Ok(PaymentStatus::Unpaid),
                StripeIntentStatus::Processing => {
                    Ok(sim.complete_session(id, PaymentStatus::Unpaid))
                }
                _ => Ok(sim.complete_session(id, PaymentStatus::Paid)),
            }
        })
    }

    pub(crate) fn complete_session(
        &mut self,
        id: &SessionId,
        payment_status: PaymentStatus,
    ) -> PaymentStatus {
        let session = self.session_mut(id);
        session.status = SessionStatus::Complete;
        session.payment_status = payment_status;
        self.emit_session("checkout.session.completed", id);
        payment_status
    }

    fn intent_of_session(&mut self, id: &SessionId) -> Result<IntentId, StripeError> {
        let session = self.sessions[id].clone();
        if let Some(intent) = session.payment_intent {
            return Ok(intent);
        }
        let mut params = CreateIntent::new(session.amount_total, session.currency);
        params.method_kinds = KINDS.to_vec();
        params.transfer_group = Some(session.client_reference_id);
        params.metadata = session.metadata;
        let intent = self.open_intent(params, Some(id.clone()))?;
        self.session_mut(id).payment_intent = Some(intent.clone());
        Ok(intent)
    }

    pub(crate) fn decide_async_session(&mut self, id: &SessionId, succeeds: bool) {
        if succeeds {
            self.session_mut(id).payment_status = PaymentStatus::Paid;
            self.emit_session("checkout.session.async_payment_succeeded", id);
        } else {
            self.emit_session("checkout.session.async_payment_failed", id);
        }
    }

    /// The page closes, at the merchant's wish or after a day; an intent that
    /// was declined on it is given up. Does nothing unless it is open.
    pub fn expire_session(&mut self, id: &SessionId) {
        let Some(session) = self.session(id) else {
            return;
        };
        if session.status != SessionStatus::Open {
            return;
        }
        let intent = session.payment_intent.clone();
        self.session_mut(id).status = SessionStatus::Expired;
        self.emit_session("checkout.session.expired", id);
        if let Some(intent) = intent {
            self.give_up(&intent, "expired");
        }
    }

    fn session_mut(&mut self, id: &SessionId) -> &mut CheckoutSession {
        self.sessions
            .get_mut(id)
            .expect("sessions are never forgotten")
    }

    fn emit_session(&mut self, kind: &'static str, id: &SessionId) {
        let object = session_raw(&self.sessions[id]);
        self.emit(kind, id.as_str(), &object, None);
    }
}

fn session_raw(session: &CheckoutSession) -> Box<RawValue> {
    raw(&SessionObject {
        id: &session.id,
        object: "checkout.session",
        after_expiration: NULL,
        allow_promotion_codes: NULL,
        amount_subtotal: session.amount_total,
        amount_total: session.amount_total,
        automatic_tax: AutomaticTax {
            enabled: false,
            status: NULL,
        },
        billing_address_collection: NULL,
        cancel_url: NULL,
        client_reference_id: &session.client_reference_id,
        created: session.created,
        currency: session.currency,
        custom_fields: [],
        customer: NULL,
        customer_details: NULL,
        customer_email: NULL,
        expires_at: session.created + DAY,
        invoice: NULL,
        livemode: false,
        locale: NULL,
        metadata: &session.metadata,
        mode: "payment",
        payment_intent: session.payment_intent.as_ref(),
        payment_link: NULL,
        payment_method_options: EMPTY,
        payment_method_types: KINDS,
        payment_status: session.payment_status,
        recovered_from: NULL,
        setup_intent: NULL,
        shipping_cost: NULL,
        status: session.status,
        submit_type: NULL,
        subscription: NULL,
        success_url: "https://shop.example/thanks",
        total_details: CheckoutTotals {
            amount_discount: 0,
            amount_shipping: 0,
            amount_tax: 0,
        },
        ui_mode: "hosted",
        url: NULL,
    })
}
