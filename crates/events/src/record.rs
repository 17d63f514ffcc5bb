//! The envelope, and the bytes of a record.
//!
//! A record begins with four bytes: the kind's number (two, little endian), the payload's
//! version, and the envelope's version. Two CBOR items follow: the envelope (a map with numbered
//! keys) and the payload.
//!
//! Every version that was ever written is read, of the envelope as of each payload, and lifted
//! to the newest; the newest alone is written. What a newer version of tillroll wrote is refused
//! by name.

use minicbor::{Decode, Encode};

use crate::{Caller, Event, EventId, KeyScope, Kind, OrderId, Timestamp};

/// The command that caused a run of events; the first of them carries it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CommandRef {
    /// The idempotency key.
    #[n(0)]
    pub key: String,
    /// Of what was asked: the same key with another fingerprint is a conflict.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub fingerprint: [u8; 16],
    /// Events of this command, this one included.
    #[n(2)]
    pub events: u32,
    /// Whose key it is.
    #[n(3)]
    pub scope: KeyScope,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: EventId,
    pub recorded_at: Timestamp,
    /// When it happened out there; never later than it was recorded by our own clock, but for
    /// clocks of others that run ahead.
    pub occurred_at: Timestamp,
    /// Who asked for it, and by which way in.
    pub caller: Caller,
    /// The order it belongs to, so that an order's timeline needs no search.
    pub order: Option<OrderId>,
    pub command: Option<CommandRef>,
    pub event: Event,
}

/// The newest version of the envelope, the one that is written.
pub const ENVELOPE_VERSION: u8 = 1;

/// Version 1 as it is written: lent, so that nothing is copied to write it.
#[derive(Encode)]
#[cbor(map)]
struct EnvelopeRef<'a> {
    #[n(0)]
    id: EventId,
    #[n(1)]
    recorded_at: Timestamp,
    #[n(2)]
    occurred_at: Timestamp,
    #[n(3)]
    order: Option<OrderId>,
    #[n(4)]
    command: Option<&'a CommandRef>,
    #[n(5)]
    actor: &'a crate::Actor,
    #[n(6)]
    origin: &'a crate::Origin,
}

/// Version 1 as it is read.
#[derive(Decode)]
#[cbor(map)]
struct Envelope {
    #[n(0)]
    id: EventId,
    #[n(1)]
    recorded_at: Timestamp,
    #[n(2)]
    occurred_at: Timestamp,
    #[n(3)]
    order: Option<OrderId>,
    #[n(4)]
    command: Option<CommandRef>,
    #[n(5)]
    actor: crate::Actor,
    #[n(6)]
    origin: crate::Origin,
}

/// Version 0: it did not say who asked, and keys had no scope.
#[derive(Decode)]
#[cbor(map)]
struct EnvelopeV0 {
    #[n(0)]
    id: EventId,
    #[n(1)]
    recorded_at: Timestamp,
    #[n(2)]
    occurred_at: Timestamp,
    #[n(3)]
    order: Option<OrderId>,
    #[n(4)]
    command: Option<CommandRefV0>,
}

#[derive(Decode)]
#[cbor(map)]
struct CommandRefV0 {
    #[n(0)]
    key: String,
    #[cbor(n(1), with = "minicbor::bytes")]
    fingerprint: [u8; 16],
    #[n(2)]
    events: u32,
}

impl From<EnvelopeV0> for Envelope {
    fn from(old: EnvelopeV0) -> Self {
        let Caller { actor, origin } = Caller::UNKNOWN;
        Self {
            id: old.id,
            recorded_at: old.recorded_at,
            occurred_at: old.occurred_at,
            order: old.order,
            command: old.command.map(|old| CommandRef {
                key: old.key,
                fingerprint: old.fingerprint,
                events: old.events,
                scope: KeyScope::Shared,
            }),
            actor,
            origin,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the record ends before its header")]
    Truncated,
    #[error("event kind {0} is not known to this version of tillroll: a newer one wrote it")]
    UnknownKind(u16),
    #[error(
        "version {version} of {name} is not known to this version of tillroll, which writes version {newest}"
    )]
    UnknownVersion {
        name: &'static str,
        version: u8,
        newest: u8,
    },
    #[error("the record does not have the shape of its kind: {0}")]
    Malformed(#[from] minicbor::decode::Error),
    #[error("{0} bytes follow the end of the record")]
    TrailingBytes(usize),
}

impl Record {
    /// Appends the record's bytes.
    pub fn encode(&self, buffer: &mut Vec<u8>) {
        let kind = self.event.kind();
        buffer.extend_from_slice(&kind.number().to_le_bytes());
        buffer.extend_from_slice(&[kind.version(), ENVELOPE_VERSION]);
        let envelope = EnvelopeRef {
            id: self.id,
            recorded_at: self.recorded_at,
            occurred_at: self.occurred_at,
            order: self.order,
            command: self.command.as_ref(),
            actor: &self.caller.actor,
            origin: &self.caller.origin,
        };
        minicbor::encode(&envelope, &mut *buffer).expect("writing to memory cannot fail");
        self.event.encode_payload(buffer);
    }

    /// Which event stored bytes hold, without decoding them. `None` for bytes of no known kind.
    #[must_use]
    pub fn kind(bytes: &[u8]) -> Option<Kind> {
        let number = bytes.first_chunk::<2>()?;
        Kind::from_number(u16::from_le_bytes(*number))
    }

    /// Reads a record of any version that was ever written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Some(([low, high, version, envelope], rest)) = bytes.split_first_chunk::<4>() else {
            return Err(DecodeError::Truncated);
        };
        let number = u16::from_le_bytes([*low, *high]);
        let kind = Kind::from_number(number).ok_or(DecodeError::UnknownKind(number))?;
        let mut decoder = minicbor::Decoder::new(rest);
        let envelope: Envelope = match envelope {
            &ENVELOPE_VERSION => decoder.decode()?,
            0 => decoder.decode::<EnvelopeV0>()?.into(),
            newer => {
                return Err(DecodeError::UnknownVersion {
                    name: "the envelope",
                    version: *newer,
                    newest: ENVELOPE_VERSION,
                });
            }
        };
        let payload = &rest[decoder.position()..];
        let (event, used) = Event::decode_payload(kind, *version, payload)?;
        if used != payload.len() {
            return Err(DecodeError::TrailingBytes(payload.len() - used));
        }
        let Envelope {
            id,
            recorded_at,
            occurred_at,
            order,
            command,
            actor,
            origin,
        } = envelope;
        Ok(Self {
            id,
            recorded_at,
            occurred_at,
            caller: Caller { actor, origin },
            order,
            command,
            event,
        })
    }
}
