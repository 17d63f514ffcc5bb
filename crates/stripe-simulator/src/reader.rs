//! Terminal readers, driven by the server: hand an intent to a reader, and a
//! customer holds a card to it.

use crate::error::StripeError;
use crate::id::{IntentId, ReaderId};
use crate::intent::StripeIntentStatus;
use crate::json::{NULL, Null, StripeMetadata, raw};
use crate::payment_method::PaymentMethod;
use crate::simulator::StripeSimulator;
use serde::Serialize;
use serde_json::value::RawValue;

/// A reader in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// `id`.
    pub id: ReaderId,
    /// What the store calls it.
    pub label: String,
    /// The intent that waits for a card, or was the last to.
    pub intent: Option<IntentId>,
    state: ReaderActionState,
    failure: Option<(&'static str, &'static str)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum ReaderActionState {
    InProgress,
    Succeeded,
    Failed,
}

#[derive(Serialize)]
struct ReaderObject<'a> {
    id: &'a ReaderId,
    object: &'static str,
    action: Option<ReaderAction<'a>>,
    device_sw_version: Null,
    device_type: &'static str,
    ip_address: Null,
    label: &'a str,
    livemode: bool,
    location: Null,
    metadata: StripeMetadata,
    serial_number: &'a str,
    status: &'static str,
}

#[derive(Serialize)]
struct ReaderAction<'a> {
    failure_code: Option<&'static str>,
    failure_message: Option<&'static str>,
    process_payment_intent: ProcessPaymentIntent<'a>,
    status: ReaderActionState,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct ProcessPaymentIntent<'a> {
    payment_intent: &'a IntentId,
}

impl StripeSimulator {
    /// Registers a reader.
    pub fn register_reader(&mut self, label: &str) -> ReaderId {
        self.as_request(|sim| {
            let id: ReaderId = sim.ids.next();
            sim.readers.insert(
                id.clone(),
                Reader {
                    id: id.clone(),
                    label: label.to_owned(),
                    intent: None,
                    state: ReaderActionState::Succeeded,
                    failure: None,
                },
            );
            id
        })
    }

    /// `POST /v1/terminal/readers/{id}/process_payment_intent`.
    ///
    /// # Errors
    ///
    /// `terminal_reader_busy` while another intent waits for a card;
    /// `intent_invalid_state` unless the intent can be paid.
    pub fn process_on_reader(
        &mut self,
        id: &ReaderId,
        intent: &IntentId,
    ) -> Result<(), StripeError> {
        let reader = self.expect_reader(id)?;
        if reader.intent.is_some() && reader.state == ReaderActionState::InProgress {
            return Err(StripeError {
                status: 409,
                ..StripeError::unexpected_state(
                    "terminal_reader_busy",
                    "The reader is processing another intent.",
                )
            });
        }
        let status = self
            .intent(intent)
            .ok_or_else(|| StripeError::missing("payment_intent", "payment_intent", intent))?
            .status;
        if status != StripeIntentStatus::RequiresPaymentMethod {
            return Err(StripeError::unexpected_state(
                "intent_invalid_state",
                "The intent does not wait for a payment method.",
            ));
        }
        self.as_request(|sim| {
            let reader = sim.reader_mut(id);
            reader.intent = Some(intent.clone());
            reader.state = ReaderActionState::InProgress;
            reader.failure = None;
            sim.emit_reader("terminal.reader.action_updated", id);
            Ok(())
        })
    }

    /// A customer holds a card to the reader.
    ///
    /// # Errors
    ///
    /// The bank's decline, after which the intent can be processed again;
    /// `terminal_reader_idle` when no intent waits for a card.
    pub fn present_card(
        &mut self,
        id: &ReaderId,
        method: PaymentMethod,
    ) -> Result<StripeIntentStatus, StripeError> {
        let reader = self.expect_reader(id)?;
        let intent = match (&reader.intent, reader.state) {
            (Some(intent), ReaderActionState::InProgress) => intent.clone(),
            _ => {
                return Err(StripeError::unexpected_state(
                    "terminal_reader_idle",
                    "No intent waits for a card.",
                ));
            }
        };
        let answer = self.try_to_pay(&intent, method);
        let reader = self.reader_mut(id);
        match &answer {
            Ok(_) => {
                reader.state = ReaderActionState::Succeeded;
                self.emit_reader("terminal.reader.action_succeeded", id);
            }
            Err(refusal) => {
                reader.state = ReaderActionState::Failed;
                reader.failure = Some((
                    refusal.code.unwrap_or("card_declined"),
                    "The card was declined.",
                ));
                self.emit_reader("terminal.reader.action_failed", id);
            }
        }
        answer
    }

    /// One reader.
    #[must_use]
    pub fn reader(&self, id: &ReaderId) -> Option<&Reader> {
        self.readers.get(id)
    }

    fn expect_reader(&self, id: &ReaderId) -> Result<&Reader, StripeError> {
        self.reader(id)
            .ok_or_else(|| StripeError::missing("terminal.reader", "reader", id))
    }

    fn reader_mut(&mut self, id: &ReaderId) -> &mut Reader {
        self.readers
            .get_mut(id)
            .expect("readers are never forgotten")
    }

    fn emit_reader(&mut self, kind: &'static str, id: &ReaderId) {
        let object = reader_raw(&self.readers[id]);
        self.emit(kind, id.as_str(), &object, None);
    }
}

fn reader_raw(reader: &Reader) -> Box<RawValue> {
    raw(&ReaderObject {
        id: &reader.id,
        object: "terminal.reader",
        action: reader.intent.as_ref().map(|intent| ReaderAction {
            failure_code: reader.failure.map(|(code, _)| code),
            failure_message: reader.failure.map(|(_, message)| message),
            process_payment_intent: ProcessPaymentIntent {
                payment_intent: intent,
            },
            status: reader.state,
            kind: "process_payment_intent",
        }),
        device_sw_version: NULL,
        device_type: "simulated_wisepos_e",
        ip_address: NULL,
        label: &reader.label,
        livemode: false,
        location: NULL,
        metadata: StripeMetadata::new(),
        serial_number: reader.id.as_str(),
        status: "online",
    })
}
