//! Stripe webhooks in: is it authentic, and what does it say is now true?
//!
//! Purpose: be the only place that knows Stripe's names and shapes. A delivery is verified
//! ([`verify`]), then translated ([`translate`]) into a command of the book: a notification and
//! the facts that it states, in the vocabulary of `tillroll-events`. Balance transactions, for
//! which Stripe has no webhook, are read from what a poller got ([`balance_transactions`]).
//!
//! Invariants:
//! - Everything here is a pure function of its arguments: no network, no clock, no randomness.
//! - Any API version is read: only the few fields that the book needs are looked at, and an
//!   expanded object is as good as its id.
//! - What is authentic is never lost: an event that is not understood becomes a notification
//!   which says why and keeps its body.
//! - Facts are functions of the object that Stripe sent, never of deliveries before it, so that
//!   the book may join them in any order.
//! - Amounts are integers in ISO 4217 minor units from here on; a float is refused.
//! - No card number and no secret is stored or printed.
//!
//! It refuses to know: HTTP, how facts are joined or posted, which orders exist, and Stripe's
//! API for outgoing calls.

mod amount;
mod category;
mod envelope;
mod error;
mod family;
mod fields;
mod fingerprint;
mod import;
mod object;
mod secret;
mod signature;
mod translate;

pub use amount::{Currency, MinorUnitError, UnsupportedCurrency};
pub use error::{BodyError, Reason};
pub use import::{
    ImportError, MAX_BALANCE_TRANSACTIONS, balance_transactions, balance_transactions_in,
};
pub use secret::{Secret, SecretError};
pub use signature::{SignatureError, TOLERANCE_SECONDS, verify};
pub use translate::{storable, translate};
