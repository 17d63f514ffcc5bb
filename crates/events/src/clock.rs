//! What the roll says of the clock that it is stamped by.

use minicbor::{Decode, Encode};

use crate::Timestamp;
use crate::payload::Payload;

/// Somebody said that the clock of the machine is right, where it was far from what the roll said.
/// This event and those after it are stamped by it, also where they are earlier than the events
/// before.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct ClockConfirmed {
    /// When the event before this one says that it was recorded.
    #[n(0)]
    pub last_recorded_at: Timestamp,
    /// The first position from which on recorded times are held to be wrong, up to this event: they
    /// are later than the clock. What is believed is that those events were recorded after the event
    /// before that position, and before this one. Null when no recorded time is held to be wrong: the
    /// book has slept.
    #[n(1)]
    pub wrong_from: Option<u64>,
}

impl Payload for ClockConfirmed {}
