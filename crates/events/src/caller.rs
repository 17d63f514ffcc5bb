//! Who asked for what happened, and by which way in.
//!
//! Both stand in the envelope of every record. The commonest values take no byte there, the
//! others of this crate's own two, and one with an id of its own as many as the id and four more.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use minicbor::data::Type;
use minicbor::decode::Error as DecodeError;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};

/// Who asked, and by which way in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    pub actor: Actor,
    pub origin: Origin,
}

impl Caller {
    /// An HTTP request that proves nothing about who sends it.
    pub const ANONYMOUS: Self = Self {
        actor: Actor::Anonymous,
        origin: Origin::Api,
    };
    /// A notification that Stripe signed, or an object read from Stripe.
    pub const STRIPE: Self = Self {
        actor: Actor::Stripe,
        origin: Origin::Stripe,
    };
    /// What a book does by itself, such as ending a hold whose time is over.
    pub const SYSTEM: Self = Self {
        actor: Actor::System,
        origin: Origin::System,
    };
    /// Of records that were written before they said.
    pub const UNKNOWN: Self = Self {
        actor: Actor::Unknown,
        origin: Origin::Unknown,
    };
}

/// Who asked.
///
/// As text: the kind, and behind a colon the id where the kind has one: `system`,
/// `api_key:key_7`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The record does not say: it is older than the question.
    Unknown,
    /// Nothing was proved.
    Anonymous,
    /// The book itself.
    System,
    /// Stripe, by its signature.
    Stripe,
    /// A back end, by its key.
    ApiKey(ActorId),
    /// A person who signed in.
    Person(ActorId),
    /// A till or a reader, without a person who signed in.
    Device(ActorId),
    /// A seller who signed in to see and do what is his own.
    Seller(ActorId),
}

/// Which of an [`Actor`]'s kinds a name or a number stands for. Numbers are stable: never reuse,
/// never renumber.
macro_rules! actors {
    (plain { $($number:literal $name:literal $plain:ident,)+ }
     with_id { $($id_number:literal $id_name:literal $with_id:ident,)+ }) => {
        impl Actor {
            /// The name of the kind.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$plain => $name,)+
                    $(Self::$with_id(_) => $id_name,)+
                }
            }

            /// Which one of its kind.
            #[must_use]
            pub fn id(&self) -> Option<&ActorId> {
                match self {
                    $(Self::$plain)|+ => None,
                    $(Self::$with_id(id))|+ => Some(id),
                }
            }

            fn number(&self) -> u8 {
                match self {
                    $(Self::$plain => $number,)+
                    $(Self::$with_id(_) => $id_number,)+
                }
            }

            fn plain(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$plain),)+ _ => None }
            }

            fn with_id(number: u8, id: ActorId) -> Option<Self> {
                match number { $($id_number => Some(Self::$with_id(id)),)+ _ => None }
            }

            fn number_of(kind: &str) -> Option<u8> {
                match kind {
                    $($name => Some($number),)+
                    $($id_name => Some($id_number),)+
                    _ => None,
                }
            }
        }
    };
}

actors! {
    plain {
        0 "unknown" Unknown,
        1 "anonymous" Anonymous,
        2 "system" System,
        3 "stripe" Stripe,
    }
    with_id {
        10 "api_key" ApiKey,
        11 "person" Person,
        12 "device" Device,
        13 "seller" Seller,
    }
}

impl Actor {
    /// What the CloudEvents extension `authtype` calls the kind. It knows no signatures and no
    /// tills: both are services there.
    #[must_use]
    pub fn auth_type(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Anonymous => "unauthenticated",
            Self::System => "system",
            Self::Stripe | Self::Device(_) => "service_account",
            Self::ApiKey(_) => "api_key",
            Self::Person(_) => "user",
            Self::Seller(_) => "app_user",
        }
    }

    /// What stands in the CloudEvents extension `authid`: the actor as text, where there is one
    /// to name.
    #[must_use]
    pub fn auth_id(&self) -> Option<String> {
        match self {
            Self::Unknown | Self::Anonymous => None,
            actor => Some(actor.to_string()),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self.id() {
            Some(id) => write!(f, ":{id}"),
            None => Ok(()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no actor: expected `unknown`, `anonymous`, `system`, `stripe`, or `api_key:`, `person:`, `device:` or `seller:` and an id"
)]
pub struct ParseActorError(String);

impl FromStr for Actor {
    type Err = ParseActorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || match text.split_once(':') {
            None => Self::plain(Self::number_of(text)?),
            Some((kind, id)) => Self::with_id(Self::number_of(kind)?, id.parse().ok()?),
        };
        parse().ok_or_else(|| ParseActorError(text.chars().take(100).collect()))
    }
}

/// A number, or a number and an id. [`Actor::Anonymous`] is left out.
impl<C> Encode<C> for Actor {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        match self.id() {
            None => e.u8(self.number())?.ok(),
            Some(id) => e.array(2)?.u8(self.number())?.str(id.as_str())?.ok(),
        }
    }

    fn is_nil(&self) -> bool {
        *self == Self::Anonymous
    }
}

impl<'b, C> Decode<'b, C> for Actor {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        let actor = match d.datatype()? {
            Type::Array | Type::ArrayIndef => {
                if d.array()? != Some(2) {
                    return Err(DecodeError::message("an actor is a kind and an id"));
                }
                let number = d.u8()?;
                Self::with_id(number, d.str()?.parse().map_err(DecodeError::custom)?)
            }
            _ => Self::plain(d.u8()?),
        };
        actor.ok_or_else(|| DecodeError::message("unknown kind of actor"))
    }

    fn nil() -> Option<Self> {
        Some(Self::Anonymous)
    }
}

/// Which one of its kind an actor is: 1 to 64 visible ASCII characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ActorId(Arc<str>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no actor's id: 1 to 64 visible ASCII characters")]
pub struct ParseActorIdError(String);

impl ActorId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ActorId {
    type Err = ParseActorIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self(text.into())),
            false => Err(ParseActorIdError(text.chars().take(64).collect())),
        }
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// By which way a command came in.
///
/// As text: the name. A channel's is whatever the merchant calls it, but for the names of the
/// other origins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The record does not say: it is older than the question.
    Unknown,
    /// Over HTTP.
    Api,
    /// From the command line.
    Cli,
    /// From the console.
    Console,
    /// From Stripe: its webhooks, or what was read from it.
    Stripe,
    /// From the book itself.
    System,
    /// From a channel of the merchant, such as `app`, `web` or `pos`.
    Channel(ChannelName),
}

/// Names and numbers are stable: never reuse, never renumber.
macro_rules! origins {
    ($($number:literal $name:literal $origin:ident,)+) => {
        impl Origin {
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$origin => $name,)+
                    Self::Channel(name) => name.as_str(),
                }
            }

            fn number(&self) -> Option<u8> {
                match self {
                    $(Self::$origin => Some($number),)+
                    Self::Channel(_) => None,
                }
            }

            fn of_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$origin),)+ _ => None }
            }

            fn of_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$origin),)+ _ => None }
            }
        }
    };
}

origins! {
    0 "unknown" Unknown,
    1 "api" Api,
    2 "cli" Cli,
    3 "console" Console,
    4 "stripe" Stripe,
    5 "system" System,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Origin {
    type Err = ParseChannelNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Self::of_name(text) {
            Some(origin) => Ok(origin),
            None => text.parse().map(Self::Channel),
        }
    }
}

/// A number, or a channel's name. [`Origin::Api`] is left out.
impl<C> Encode<C> for Origin {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        match self.number() {
            Some(number) => e.u8(number)?.ok(),
            None => e.str(self.as_str())?.ok(),
        }
    }

    fn is_nil(&self) -> bool {
        *self == Self::Api
    }
}

impl<'b, C> Decode<'b, C> for Origin {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        match d.datatype()? {
            Type::String => {
                let name = d.str()?.parse();
                name.map(Self::Channel).map_err(DecodeError::custom)
            }
            _ => Self::of_number(d.u8()?).ok_or_else(|| DecodeError::message("unknown origin")),
        }
    }

    fn nil() -> Option<Self> {
        Some(Self::Api)
    }
}

/// The name of a channel as an origin: 1 to 64 characters of `A-Z a-z 0-9 . _ -`, and no other
/// origin's name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ChannelName(Arc<str>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no channel: 1 to 64 characters of A-Z a-z 0-9 . _ -, and no other origin")]
pub struct ParseChannelNameError(String);

impl ChannelName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChannelName {
    type Err = ParseChannelNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name = (1..=64).contains(&text.len()) && text.bytes().all(fits);
        match is_name && Origin::of_name(text).is_none() {
            true => Ok(Self(text.into())),
            false => Err(ParseChannelNameError(text.chars().take(64).collect())),
        }
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(text: &str) -> Actor {
        text.parse().unwrap()
    }

    #[test]
    fn actors_are_text_bytes_and_cloud_events_attributes() {
        let table: &[(&str, &str, Option<&str>, &[u8])] = &[
            ("unknown", "unknown", None, &[0]),
            ("anonymous", "unauthenticated", None, &[1]),
            ("system", "system", Some("system"), &[2]),
            ("stripe", "service_account", Some("stripe"), &[3]),
            (
                "api_key:k",
                "api_key",
                Some("api_key:k"),
                &[0x82, 10, 0x61, b'k'],
            ),
            (
                "person:k",
                "user",
                Some("person:k"),
                &[0x82, 11, 0x61, b'k'],
            ),
            (
                "device:k",
                "service_account",
                Some("device:k"),
                &[0x82, 12, 0x61, b'k'],
            ),
            (
                "seller:a:b",
                "app_user",
                Some("seller:a:b"),
                &[0x82, 13, 0x63, b'a', b':', b'b'],
            ),
        ];
        for (text, auth_type, auth_id, bytes) in table {
            let actor = actor(text);
            assert_eq!(actor.to_string(), *text);
            assert_eq!(actor.auth_type(), *auth_type, "{text}");
            assert_eq!(actor.auth_id().as_deref(), *auth_id, "{text}");
            assert_eq!(minicbor::to_vec(&actor).unwrap(), *bytes, "{text}");
            assert_eq!(minicbor::decode::<Actor>(bytes).unwrap(), actor);
        }
    }

    #[test]
    fn what_is_no_actor_is_refused() {
        let long = format!("person:{}", "x".repeat(65));
        for text in [
            "",
            "root",
            "system:1",
            "person",
            "person:",
            "person:a b",
            "Person:a",
            &long,
        ] {
            assert!(text.parse::<Actor>().is_err(), "{text}");
        }
        let bytes: [&[u8]; 7] = [
            &[4],
            &[10],
            &[0x82, 3, 0x61, b'k'],
            &[0x82, 10, 0x60],
            &[0x81, 10],
            &[0x83, 10, 0x61, b'k', 0],
            &[0x61, b'k'],
        ];
        for bytes in bytes {
            assert!(minicbor::decode::<Actor>(bytes).is_err(), "{bytes:02x?}");
        }
    }

    #[test]
    fn origins_are_text_and_bytes() {
        let table: &[(&str, &[u8])] = &[
            ("unknown", &[0]),
            ("api", &[1]),
            ("cli", &[2]),
            ("console", &[3]),
            ("stripe", &[4]),
            ("system", &[5]),
            ("pos", b"\x63pos"),
            ("Web-2", b"\x65Web-2"),
        ];
        for (text, bytes) in table {
            let origin: Origin = text.parse().unwrap();
            assert_eq!(origin.to_string(), *text);
            assert_eq!(minicbor::to_vec(&origin).unwrap(), *bytes, "{text}");
            assert_eq!(minicbor::decode::<Origin>(bytes).unwrap(), origin);
        }
        let long = "x".repeat(65);
        for text in ["", "two words", "é", "a:b", &long] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
        for bytes in [&b"\x06"[..], b"\x60", b"\x63api", b"\x40"] {
            assert!(minicbor::decode::<Origin>(bytes).is_err(), "{bytes:02x?}");
        }
    }
}
