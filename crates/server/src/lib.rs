//! HTTP: the book as an interface.
//!
//! Purpose: [`HttpServer`] serves a book that `tillroll-runtime` has opened. Requests are parsed into commands, answers rendered from
//! records, and every way in which something can go wrong is a problem document with a stable
//! code.
//!
//! # Invariants
//! - An answer of success means that it is durable.
//! - What is refused leaves nothing on the roll; what was answered once is answered the same
//!   again for the same `Idempotency-Key`, across restarts.
//! - No body is ever logged; no card number gets past the parser.
//! - Clients see only committed events.
//! - What a client makes the server hold or do is bounded, for each and for all together
//!   ([`HttpBounds`]), and what is beyond is refused or cut off: nobody else waits for it.
//! - What read models say is never old without a word.
//!
//! # It is not
//! It decides nothing (the book does), posts nothing, and knows none of Stripe's shapes. It has
//! no authentication yet, so it listens on loopback addresses only, and it does no TLS.

mod admission;
mod app;
mod bodies;
mod body;
mod bulk;
mod byte_budget;
mod capacity;
mod client_socket;
mod code;
mod event_cursor;
mod event_reader;
mod event_text;
mod findings;
#[cfg(any(feature = "fuzzed", test))]
pub mod fuzzed;
mod http_bounds;
mod http_server;
mod idempotency;
mod list;
#[cfg(feature = "measured")]
pub mod measured;
mod metrics;
mod middleware;
mod new_ids;
mod object;
pub mod openapi;
mod pointer;
mod post;
mod problem;
mod query;
mod routes;
mod scalar;
mod scan;
pub mod schemas;
mod sender;
mod serve;
mod stream;
mod views;
mod words;

pub use http_bounds::HttpBounds;
pub use http_server::{HttpOptions, HttpServer};
pub use problem::{FieldError, ProblemBody, RetryHint};
pub use serve::{DEFAULT_ADDRESS, ServeError, bind, check_address};
