//! Payments: what happens when a customer tries to pay an intent, and when the
//! merchant takes what was authorised.

use crate::agenda::Effect;
use crate::charge::{ChargeStatus, StripeCharge};
use crate::checkout::PaymentStatus;
use crate::error::{ErrorKind, StripeError};
use crate::id::{ChargeId, IntentId, PaymentMethodId};
use crate::intent::{CaptureMethod, PaymentFailure, StripeIntentStatus};
use crate::payment_method::{Decline, PaymentFate, PaymentMethod};
use crate::simulator::StripeSimulator;

impl StripeSimulator {
    /// The customer pays, or tries to: `POST /v1/payment_intents/{id}/confirm`.
    ///
    /// # Errors
    ///
    /// A decline is status 402 with `card_declined` or `expired_card`, and the
    /// same intent can be confirmed again. Anything but
    /// `requires_payment_method` is refused.
    pub fn confirm_intent(
        &mut self,
        id: &IntentId,
        method: PaymentMethod,
    ) -> Result<StripeIntentStatus, StripeError> {
        self.as_request(|sim| sim.try_to_pay(id, method))
    }

    pub(crate) fn try_to_pay(
        &mut self,
        id: &IntentId,
        method: PaymentMethod,
    ) -> Result<StripeIntentStatus, StripeError> {
        let intent = self.expect_status(
            id,
            &[StripeIntentStatus::RequiresPaymentMethod],
            "confirmed",
        )?;
        if !intent.method_kinds.contains(&method.kind) {
            return Err(StripeError::invalid(
                Some("payment_intent_incompatible_payment_method"),
                Some("payment_method"),
                "The intent does not allow this type of payment method.",
            ));
        }
        match method.fate {
            PaymentFate::Succeeds => Ok(self.authorise(id, method)),
            PaymentFate::Declines(decline) => {
                let charge = self.open_charge(id, method, ChargeStatus::Failed);
                Err(self.refuse_charge(id, &charge, decline))
            }
            PaymentFate::AsksCustomer => {
                let intent = self.intent_mut(id);
                intent.status = StripeIntentStatus::RequiresAction;
                intent.asked = Some(method);
                self.emit_intent("payment_intent.requires_action", id);
                Ok(StripeIntentStatus::RequiresAction)
            }
            PaymentFate::SettlesLater { succeeds, after } => {
                if intent.capture_method == CaptureMethod::Manual {
                    return Err(StripeError::invalid(
                        Some("payment_intent_incompatible_payment_method"),
                        Some("capture_method"),
                        "This type of payment method cannot be captured by hand.",
                    ));
                }
                let charge = self.open_charge(id, method, ChargeStatus::Pending);
                self.emit_charge("charge.pending", &charge, None);
                self.intent_mut(id).status = StripeIntentStatus::Processing;
                self.emit_intent("payment_intent.processing", id);
                self.agenda.plan(
                    self.clock + after.max(0),
                    Effect::AsyncPaymentDecided {
                        intent: id.clone(),
                        succeeds,
                    },
                );
                Ok(StripeIntentStatus::Processing)
            }
        }
    }

    /// The customer answers the bank, after
    /// [`PaymentMethod::asks_customer`].
    ///
    /// # Errors
    ///
    /// `payment_intent_authentication_failure` when the answer is no, and
    /// `payment_intent_unexpected_state` when nothing was asked.
    pub fn authenticate(
        &mut self,
        id: &IntentId,
        agrees: bool,
    ) -> Result<StripeIntentStatus, StripeError> {
        self.expect_status(id, &[StripeIntentStatus::RequiresAction], "authenticated")?;
        let method = self
            .intent_mut(id)
            .asked
            .take()
            .expect("an intent that requires an action has a method");
        if agrees {
            let status = self.authorise(id, method.authenticated());
            if let Some(session) = self.intents[id].session.clone() {
                self.complete_session(&session, PaymentStatus::Paid);
            }
            return Ok(status);
        }
        let code = "payment_intent_authentication_failure";
        let message = "The customer did not authenticate the payment.";
        let intent = self.intent_mut(id);
        intent.status = StripeIntentStatus::RequiresPaymentMethod;
        intent.last_error = Some(PaymentFailure {
            charge: None,
            code,
            decline_code: None,
            message,
            kind: ErrorKind::InvalidRequestError,
        });
        self.emit_intent("payment_intent.payment_failed", id);
        Err(StripeError {
            status: 402,
            payment_intent: Some(id.clone()),
            ..StripeError::invalid(Some(code), None, message)
        })
    }

    /// `POST /v1/payment_intents/{id}/capture`; everything when `amount` is
    /// `None`. What is not captured is let go.
    ///
    /// # Errors
    ///
    /// `amount_too_large` above the authorisation,
    /// `payment_intent_unexpected_state` without one.
    pub fn capture_intent(
        &mut self,
        id: &IntentId,
        amount: Option<u64>,
    ) -> Result<(), StripeError> {
        self.as_request(|sim| {
            let intent =
                sim.expect_status(id, &[StripeIntentStatus::RequiresCapture], "captured")?;
            let capturable = intent.amount_capturable;
            let currency = intent.currency;
            let amount = amount.unwrap_or(capturable);
            currency.check_amount(amount)?;
            if amount > capturable {
                return Err(StripeError::invalid(
                    Some("amount_too_large"),
                    Some("amount_to_capture"),
                    format!("Only {capturable} of {currency} can be captured."),
                ));
            }
            let charge = sim.latest_charge(id);
            sim.take_money(id, &charge, amount);
            sim.emit_charge("charge.captured", &charge, None);
            sim.emit_intent("payment_intent.succeeded", id);
            Ok(())
        })
    }

    pub(crate) fn decide_async_payment(&mut self, id: &IntentId, succeeds: bool) {
        let charge = self.latest_charge(id);
        if succeeds {
            let amount = self.intents[id].amount;
            self.charge_mut(&charge).status = ChargeStatus::Succeeded;
            self.take_money(id, &charge, amount);
            self.emit_charge("charge.succeeded", &charge, None);
            self.emit_intent("payment_intent.succeeded", id);
        } else {
            self.charge_mut(&charge).status = ChargeStatus::Failed;
            self.refuse_charge(id, &charge, Decline::InsufficientFunds);
        }
        if let Some(session) = self.intents[id].session.clone() {
            self.decide_async_session(&session, succeeds);
        }
    }

    fn authorise(&mut self, id: &IntentId, method: PaymentMethod) -> StripeIntentStatus {
        let charge = self.open_charge(id, method, ChargeStatus::Succeeded);
        let amount = self.intents[id].amount;
        if self.intents[id].capture_method == CaptureMethod::Automatic {
            self.take_money(id, &charge, amount);
            self.emit_charge("charge.succeeded", &charge, None);
            self.emit_intent("payment_intent.succeeded", id);
        } else {
            let intent = self.intent_mut(id);
            intent.status = StripeIntentStatus::RequiresCapture;
            intent.amount_capturable = amount;
            self.emit_charge("charge.succeeded", &charge, None);
            self.emit_intent("payment_intent.amount_capturable_updated", id);
            let lapses = self.clock + self.options.authorisation_lifetime;
            self.agenda
                .plan(lapses, Effect::AuthorisationLapses(id.clone()));
        }
        self.intents[id].status
    }

    fn take_money(&mut self, id: &IntentId, charge: &ChargeId, amount: u64) {
        let taken = self.charge_mut(charge);
        taken.captured = true;
        taken.amount_captured = amount;
        let intent = self.intent_mut(id);
        intent.status = StripeIntentStatus::Succeeded;
        intent.amount_capturable = 0;
        intent.amount_received = amount;
        self.plan_late(Effect::ChargePosts(charge.clone()));
    }

    fn open_charge(
        &mut self,
        id: &IntentId,
        method: PaymentMethod,
        status: ChargeStatus,
    ) -> ChargeId {
        let charge: ChargeId = self.ids.next();
        let method_id: PaymentMethodId = self.ids.next();
        let created = self.clock;
        let intent = self.intent_mut(id);
        intent.latest_charge = Some(charge.clone());
        intent.last_error = None;
        intent.method_id = Some(method_id.clone());
        let record = StripeCharge {
            id: charge.clone(),
            amount: intent.amount,
            amount_captured: 0,
            amount_refunded: 0,
            balance_transaction: None,
            captured: false,
            created,
            currency: intent.currency,
            dispute: None,
            decline: None,
            metadata: intent.metadata.clone(),
            payment_intent: id.clone(),
            status,
            transfer_group: intent.transfer_group.clone(),
            released: false,
            method,
            method_id,
            transferred: 0,
        };
        self.charges.insert(charge.clone(), record);
        charge
    }

    fn refuse_charge(&mut self, id: &IntentId, charge: &ChargeId, decline: Decline) -> StripeError {
        self.charge_mut(charge).decline = Some(decline);
        let failure = PaymentFailure {
            charge: Some(charge.clone()),
            code: decline.code(),
            decline_code: Some(decline.decline_code()),
            message: decline.message(),
            kind: ErrorKind::CardError,
        };
        let intent = self.intent_mut(id);
        intent.status = StripeIntentStatus::RequiresPaymentMethod;
        intent.method_id = None;
        intent.last_error = Some(failure);
        self.emit_charge("charge.failed", charge, None);
        self.emit_intent("payment_intent.payment_failed", id);
        StripeError {
            status: 402,
            kind: ErrorKind::CardError,
            code: Some(decline.code()),
            decline_code: Some(decline.decline_code()),
            param: None,
            charge: Some(charge.clone()),
            payment_intent: Some(id.clone()),
            message: decline.message().to_owned(),
        }
    }
}
