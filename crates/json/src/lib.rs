//! What a JSON text means, once for all that read one.
//!
//! Purpose: a request, a webhook and an import are parsed into one [`Json`] tree, and everything
//! that is asked of a body is asked of that tree: its canonical form ([`canonical`]), the
//! fingerprint that is stored beside an idempotency key ([`Fingerprinter`]), whether there is a
//! card number in it ([`Json::find_card_number`]), what may be stored of it
//! ([`without_card_numbers`]), and the typed body ([`Json::read`]).
//!
//! Invariants:
//! - Two texts have one canonical form exactly when their trees are equal, members that are
//!   hidden by a later member of the same name left out. White space, escapes, the order of
//!   members and the spelling of a number that is no integer leave no trace. An integer and a
//!   number with a point or an exponent are told apart (`1` and `1.0`), because every reader
//!   here tells them apart: an amount is an integer.
//! - Of members with one name the last counts for every reader; the search for card
//!   numbers and redaction look at all of them.
//! - Fingerprints are stored for ever, so the canonical form never changes.
//! - Nesting is bounded by the parser (127 levels), and so is every recursion here.
//! - Everything is a pure function of its arguments.
//!
//! It refuses to know: HTTP, Stripe's shapes, and what happens to a body with a card number.

pub mod canonical;
mod card;
mod fingerprint;
pub mod pointer;
mod redaction;
mod search;
mod tree;
mod typed;

pub use card::{REDACTED, contains_card_number, redact};
pub use fingerprint::Fingerprinter;
pub use redaction::without_card_numbers;
pub use search::Numbers;
pub use tree::{Json, Member};
