//! An event as stored: envelope and payload.
//!
//! Layout: kind (u16 little endian), version of the payload (u8), a zero byte, then two CBOR
//! items: the envelope (a map with numbered keys) and the payload.

use minicbor::{Decode, Encode};

use crate::{Event, EventId, Kind, OrderId, Timestamp};

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
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: EventId,
    pub recorded_at: Timestamp,
    /// When it happened out there; never later than it was recorded by our own clock, but for
    /// clocks of others that run ahead.
    pub occurred_at: Timestamp,
    /// The order it belongs to, so that an order's timeline needs no search.
    pub order: Option<OrderId>,
    pub command: Option<CommandRef>,
    pub event: Event,
}

#[derive(Encode, Decode)]
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
}

#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the record ends before its header")]
    Truncated,
    #[error("event kind {0} is not known to this version of tillroll: a newer one wrote it")]
    UnknownKind(u16),
    #[error("version {version} of {name} is not known to this version of tillroll")]
    UnknownVersion { name: &'static str, version: u8 },
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
        buffer.extend_from_slice(&[kind.version(), 0]);
        let envelope = Envelope {
            id: self.id,
            recorded_at: self.recorded_at,
            occurred_at: self.occurred_at,
            order: self.order,
            command: self.command.clone(),
        };
        minicbor::encode(&envelope, &mut *buffer).expect("writing to memory cannot fail");
        self.event.encode_payload(buffer);
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Some(([low, high, version, reserved], rest)) = bytes.split_first_chunk::<4>() else {
            return Err(DecodeError::Truncated);
        };
        let number = u16::from_le_bytes([*low, *high]);
        let kind = Kind::from_number(number).ok_or(DecodeError::UnknownKind(number))?;
        if *version != kind.version() || *reserved != 0 {
            return Err(DecodeError::UnknownVersion {
                name: kind.name(),
                version: *version,
            });
        }
        let mut decoder = minicbor::Decoder::new(rest);
        let envelope: Envelope = decoder.decode()?;
        let payload = &rest[decoder.position()..];
        let (event, used) = Event::decode_payload(kind, payload)?;
        if used != payload.len() {
            return Err(DecodeError::TrailingBytes(payload.len() - used));
        }
        let Envelope {
            id,
            recorded_at,
            occurred_at,
            order,
            command,
        } = envelope;
        Ok(Self {
            id,
            recorded_at,
            occurred_at,
            order,
            command,
            event,
        })
    }
}
