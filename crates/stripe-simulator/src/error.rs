//! Refusals in the shape and with the codes of Stripe's error objects.

use crate::currency::StripeCurrency;
use crate::id::{ChargeId, IntentId};
use serde::Serialize;
use std::fmt;

/// The `type` member of an error object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request was malformed or not possible in the object's state.
    InvalidRequestError,
    /// The bank said no.
    CardError,
    /// The idempotency key was used with other parameters.
    IdempotencyError,
}

/// An error object, with the HTTP status that it comes with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StripeError {
    /// HTTP status of the answer; not part of the object.
    #[serde(skip)]
    pub status: u16,
    /// `type`.
    #[serde(rename = "type")]
    pub kind: ErrorKind,
    /// `code`, stable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What the bank said, for card errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<&'static str>,
    /// The parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<&'static str>,
    /// The failed charge of a card error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge: Option<ChargeId>,
    /// The intent that can be retried after a card error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_intent: Option<IntentId>,
    /// For people.
    pub message: String,
}

impl StripeError {
    pub(crate) fn invalid(
        code: Option<&'static str>,
        param: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status: 400,
            kind: ErrorKind::InvalidRequestError,
            code,
            decline_code: None,
            param,
            charge: None,
            payment_intent: None,
            message: message.into(),
        }
    }

    pub(crate) fn missing(what: &'static str, param: &'static str, id: impl fmt::Display) -> Self {
        Self {
            status: 404,
            ..Self::invalid(
                Some("resource_missing"),
                Some(param),
                format!("No such {what}: '{id}'"),
            )
        }
    }

    pub(crate) fn invalid_integer(param: &'static str) -> Self {
        Self::invalid(
            Some("parameter_invalid_integer"),
            Some(param),
            "This value must be greater than or equal to 1.",
        )
    }

    pub(crate) fn amount_too_large() -> Self {
        Self::invalid(
            Some("amount_too_large"),
            Some("amount"),
            "Amount must be no more than 99999999 minor units.",
        )
    }

    pub(crate) fn amount_too_small(currency: StripeCurrency) -> Self {
        Self::invalid(
            Some("amount_too_small"),
            Some("amount"),
            format!(
                "Amount must be at least {} in {currency}.",
                currency.minimum_charge()
            ),
        )
    }

    pub(crate) fn not_a_multiple(currency: StripeCurrency, step: u64) -> Self {
        Self::invalid(
            Some("parameter_invalid_integer"),
            Some("amount"),
            format!("Amounts in {currency} must be a multiple of {step}."),
        )
    }

    pub(crate) fn unexpected_state(code: &'static str, message: impl Into<String>) -> Self {
        Self::invalid(Some(code), None, message)
    }

    pub(crate) fn balance_insufficient(currency: StripeCurrency) -> Self {
        Self::invalid(
            Some("balance_insufficient"),
            None,
            format!("The available balance in {currency} is too small for this."),
        )
    }
}

impl fmt::Display for StripeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code.unwrap_or("no code"))
    }
}

impl std::error::Error for StripeError {}
