//! Events: what Stripe tells its webhook endpoints.
//!
//! An event is frozen when it happens: its body says what the object was then,
//! however late it is delivered.

use crate::id::{AccountId, ChargeId, CustomerId, EventId, FraudWarningId};
use crate::json::{EMPTY, EmptyObject, NULL, Null, PreviousAttributes, raw};
use crate::simulator::StripeSimulator;
use serde::Serialize;
use serde_json::value::RawValue;

/// The API version that objects inside events have.
pub const API_VERSION: &str = "2026-09-30.endive";

/// One event, ready to be signed and delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeEvent {
    /// `id`.
    pub id: EventId,
    /// `type`, for example `charge.refunded`.
    pub kind: &'static str,
    /// `created`: seconds since the epoch, so it orders nothing within one.
    pub created: i64,
    /// The connected account that it happened on; `None` for the platform.
    pub account: Option<AccountId>,
    /// Id of the object in `data.object`.
    pub object: String,
    /// The JSON body, byte for byte what is signed.
    pub body: String,
}

#[derive(Serialize)]
struct EventObject<'a> {
    id: &'a EventId,
    object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a AccountId>,
    api_version: &'static str,
    created: i64,
    data: EventData<'a>,
    livemode: bool,
    pending_webhooks: u8,
    request: EventRequest<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct EventData<'a> {
    object: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_attributes: Option<&'a PreviousAttributes>,
}

#[derive(Serialize)]
struct EventRequest<'a> {
    id: Option<&'a str>,
    idempotency_key: Option<&'a str>,
}

impl StripeSimulator {
    /// Queues an event about a platform object.
    pub(crate) fn emit(
        &mut self,
        kind: &'static str,
        id: &str,
        object: &RawValue,
        previous: Option<PreviousAttributes>,
    ) {
        self.emit_on(None, kind, id, object, previous);
    }

    /// Queues an event about an object of `account`.
    pub(crate) fn emit_on(
        &mut self,
        account: Option<AccountId>,
        kind: &'static str,
        id: &str,
        object: &RawValue,
        previous: Option<PreviousAttributes>,
    ) {
        let event: EventId = self.ids.next();
        let created = self.clock;
        let envelope = EventObject {
            id: &event,
            object: "event",
            account: account.as_ref(),
            api_version: API_VERSION,
            created,
            data: EventData {
                object,
                previous_attributes: previous.as_ref(),
            },
            livemode: false,
            pending_webhooks: 1,
            request: EventRequest {
                id: self.request.as_ref().map(|request| request.id.as_str()),
                idempotency_key: self
                    .request
                    .as_ref()
                    .and_then(|request| request.idempotency_key.as_deref()),
            },
            kind,
        };
        let body = serde_json::to_string(&envelope).expect("an envelope is plain data");
        self.outbox.push(StripeEvent {
            id: event,
            kind,
            created,
            account,
            object: id.to_owned(),
            body,
        });
    }

    /// Takes every event that happened since the last call, in the order in
    /// which it happened.
    pub fn drain_events(&mut self) -> Vec<StripeEvent> {
        std::mem::take(&mut self.outbox)
    }

    /// A customer is created: an event that says nothing about money.
    pub fn create_customer(&mut self, email: &str) -> CustomerId {
        self.as_request(|sim| {
            let id: CustomerId = sim.ids.next();
            let view = raw(&CustomerView {
                id: &id,
                object: "customer",
                balance: 0,
                created: sim.clock,
                currency: NULL,
                delinquent: false,
                description: NULL,
                email,
                livemode: false,
                metadata: EMPTY,
                name: NULL,
                phone: NULL,
                preferred_locales: [],
                tax_exempt: "none",
            });
            sim.emit("customer.created", id.as_str(), &view, None);
            id
        })
    }

    /// A card issuer warns of fraud on a charge: no money moves, yet.
    pub fn warn_of_fraud(&mut self, charge: &ChargeId) -> FraudWarningId {
        let id: FraudWarningId = self.ids.next();
        let view = raw(&FraudWarningView {
            id: &id,
            object: "radar.early_fraud_warning",
            actionable: true,
            charge,
            created: self.clock,
            fraud_type: "unauthorized_use_of_card",
            livemode: false,
        });
        self.emit(
            "radar.early_fraud_warning.created",
            id.as_str(),
            &view,
            None,
        );
        id
    }
}

/// Stripe's list of events, newest first, as `GET /v1/events` gives it: for
/// backfill after an outage.
#[must_use]
pub fn events_list(events: &[StripeEvent]) -> String {
    let bodies: Vec<&str> = events.iter().rev().map(|event| &*event.body).collect();
    format!(
        r#"{{"object":"list","data":[{}],"has_more":false,"url":"/v1/events"}}"#,
        bodies.join(",")
    )
}

#[derive(Serialize)]
struct CustomerView<'a> {
    id: &'a CustomerId,
    object: &'static str,
    balance: i64,
    created: i64,
    currency: Null,
    delinquent: bool,
    description: Null,
    email: &'a str,
    livemode: bool,
    metadata: EmptyObject,
    name: Null,
    phone: Null,
    preferred_locales: [&'static str; 0],
    tax_exempt: &'static str,
}

#[derive(Serialize)]
struct FraudWarningView<'a> {
    id: &'a FraudWarningId,
    object: &'static str,
    actionable: bool,
    charge: &'a ChargeId,
    created: i64,
    fraud_type: &'static str,
    livemode: bool,
}

/// The request that events of an API call name.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    pub(crate) id: String,
    pub(crate) idempotency_key: Option<String>,
}

impl StripeSimulator {
    /// Runs `call` as one API request, so that its events carry a request id
    /// and the idempotency key that [`execute`](Self::execute) was given.
    pub(crate) fn as_request<T>(&mut self, call: impl FnOnce(&mut Self) -> T) -> T {
        if self.request.is_some() {
            return call(self);
        }
        let id: crate::id::RequestId = self.ids.next();
        self.request = Some(RequestContext {
            id: id.to_string(),
            idempotency_key: self.idempotency_key.take(),
        });
        let answer = call(self);
        self.request = None;
        answer
    }
}

#[cfg(test)]
mod tests {
    use crate::{StripeSimulator, events_list};
    use serde_json::Value;

    #[test]
    fn an_event_has_stripes_envelope() {
        let mut sim = StripeSimulator::seeded(5);
        sim.set_clock(1_800_000_000);
        let customer = sim.create_customer("ada@example.com");
        let events = sim.drain_events();
        assert_eq!(events.len(), 1);
        let event: Value = serde_json::from_str(&events[0].body).expect("JSON");
        assert_eq!(event["id"], events[0].id.as_str());
        assert_eq!(event["object"], "event");
        assert_eq!(event["api_version"], "2026-09-30.endive");
        assert_eq!(event["created"], 1_800_000_000);
        assert_eq!(event["livemode"], false);
        assert_eq!(event["pending_webhooks"], 1);
        assert_eq!(event["type"], "customer.created");
        assert_eq!(event["data"]["object"]["id"], customer.as_str());
        assert!(
            event["request"]["id"]
                .as_str()
                .expect("an id")
                .starts_with("req_")
        );
        assert_eq!(event["request"]["idempotency_key"], Value::Null);
        assert!(event.get("account").is_none());
        assert!(sim.drain_events().is_empty(), "draining takes");

        let list: Value = serde_json::from_str(&events_list(&events)).expect("JSON");
        assert_eq!(list["data"][0], event);
    }
}
