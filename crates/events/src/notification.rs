//! A webhook that was authentic, whether or not it was understood.

use std::borrow::Cow;

use minicbor::{Decode, Encode};

use crate::payload::Payload;
use crate::{ExternalId, Timestamp};

/// One per delivery that said something new. What was not understood keeps its body, so that
/// a later version can read it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct NotificationReceived {
    #[n(0)]
    pub id: ExternalId,
    /// The sender's name of the kind of event: `charge.updated`.
    #[n(1)]
    pub kind: String,
    /// The connected account that it speaks of; none for the platform itself.
    #[n(2)]
    pub account: Option<ExternalId>,
    #[n(3)]
    pub api_version: Option<String>,
    #[n(4)]
    pub created: Option<Timestamp>,
    #[n(5)]
    pub livemode: bool,
    /// Why it was not understood: `unknown_type`, `malformed`, `event_id_reused`, …
    #[n(6)]
    pub unrecognised: Option<String>,
    /// What in particular was missing or wrong.
    #[n(7)]
    pub detail: Option<String>,
    /// The body as received, kept only when it was not understood.
    #[n(8)]
    pub body: Option<String>,
}

impl Payload for NotificationReceived {
    fn subject(&self) -> Option<Cow<'_, str>> {
        Some(self.kind.as_str().into())
    }
}
