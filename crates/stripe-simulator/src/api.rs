//! API calls as data, with Stripe's idempotency keys.
//!
//! A key replays the first answer, refusals included, for a day; with other
//! parameters it is an error.

use crate::checkout::CreateSession;
use crate::error::{ErrorKind, StripeError};
use crate::exchange::DAY;
use crate::id::{IntentId, TransferId};
use crate::intent::CreateIntent;
use crate::payment_method::PaymentMethod;
use crate::payout::CreatePayout;
use crate::refund::CreateRefund;
use crate::simulator::StripeSimulator;
use crate::transfer::CreateTransfer;
use serde::Serialize;

/// A request that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiCall {
    /// `POST /v1/payment_intents`.
    CreateIntent(CreateIntent),
    /// `POST /v1/payment_intents/{id}/confirm`.
    ConfirmIntent(IntentId, PaymentMethod),
    /// `POST /v1/payment_intents/{id}/capture`.
    CaptureIntent(IntentId, Option<u64>),
    /// `POST /v1/payment_intents/{id}/cancel`.
    CancelIntent(IntentId),
    /// `POST /v1/checkout/sessions`.
    CreateSession(CreateSession),
    /// `POST /v1/refunds`.
    CreateRefund(CreateRefund),
    /// `POST /v1/transfers`.
    CreateTransfer(CreateTransfer),
    /// `POST /v1/transfers/{id}/reversals`.
    ReverseTransfer(TransferId, Option<u64>),
    /// `POST /v1/payouts`.
    CreatePayout(CreatePayout),
}

/// An answer of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The object, or `{"error":…}`.
    pub body: String,
    /// Whether it is the stored answer to an earlier request with the same key:
    /// the header `Idempotent-Replayed: true`.
    pub replayed: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct StoredReply {
    call: ApiCall,
    at: i64,
    reply: Reply,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a StripeError,
}

impl Reply {
    fn refusal(error: &StripeError) -> Self {
        Self {
            status: error.status,
            body: serde_json::to_string(&ErrorBody { error }).expect("an error is plain data"),
            replayed: false,
        }
    }
}

impl StripeSimulator {
    /// Executes a call, or replays what the same key was answered before.
    pub fn execute(&mut self, idempotency_key: Option<&str>, call: ApiCall) -> Reply {
        let now = self.clock();
        if let Some(stored) = idempotency_key
            .and_then(|key| self.replies.get(key))
            .filter(|stored| now - stored.at < DAY)
        {
            if stored.call == call {
                return Reply {
                    replayed: true,
                    ..stored.reply.clone()
                };
            }
            return Reply::refusal(&StripeError {
                kind: ErrorKind::IdempotencyError,
                ..StripeError::invalid(
                    None,
                    None,
                    "This idempotency key was used with other parameters.",
                )
            });
        }
        self.idempotency_key = idempotency_key.map(str::to_owned);
        let answer = self.dispatch(call.clone());
        // A call that was refused before it became a request leaves it behind.
        self.idempotency_key = None;
        let reply = match answer {
            Ok(body) => Reply {
                status: 200,
                body,
                replayed: false,
            },
            Err(error) => Reply::refusal(&error),
        };
        if let Some(key) = idempotency_key {
            self.replies.insert(
                key.to_owned(),
                StoredReply {
                    call,
                    at: now,
                    reply: reply.clone(),
                },
            );
        }
        reply
    }

    fn dispatch(&mut self, call: ApiCall) -> Result<String, StripeError> {
        let found = |json: Option<String>| json.expect("what was just changed is there");
        match call {
            ApiCall::CreateIntent(params) => {
                let id = self.create_intent(params)?;
                Ok(found(self.intent_json(&id)))
            }
            ApiCall::ConfirmIntent(id, method) => {
                self.confirm_intent(&id, method)?;
                Ok(found(self.intent_json(&id)))
            }
            ApiCall::CaptureIntent(id, amount) => {
                self.capture_intent(&id, amount)?;
                Ok(found(self.intent_json(&id)))
            }
            ApiCall::CancelIntent(id) => {
                self.cancel_intent(&id)?;
                Ok(found(self.intent_json(&id)))
            }
            ApiCall::CreateSession(params) => {
                let id = self.create_session(params)?;
                Ok(found(self.session_json(&id)))
            }
            ApiCall::CreateRefund(params) => {
                let id = self.create_refund(params)?;
                Ok(found(self.refund_json(&id)))
            }
            ApiCall::CreateTransfer(params) => {
                let id = self.create_transfer(params)?;
                Ok(found(self.transfer_json(&id)))
            }
            ApiCall::ReverseTransfer(id, amount) => {
                self.reverse_transfer(&id, amount)?;
                Ok(found(self.transfer_json(&id)))
            }
            ApiCall::CreatePayout(params) => {
                let id = self.create_payout(params)?;
                Ok(found(self.payout_json(&id)))
            }
        }
    }
}
