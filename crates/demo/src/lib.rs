//! The story that `tillroll demo` tells, over HTTP.
//!
//! A small shop for clothes and electronics, some weeks long: orders from the
//! app, the web and two stores in five currencies, sellers with their shares,
//! goods, refunds, disputes, payouts, points, a store that loses its line, and
//! a Stripe whose webhooks come late, twice and out of order. [`run`] tells it
//! to a server and says in a [`StoryReport`] what was sent; [`tell`] does so to
//! anything that answers requests.
//!
//! Invariants: the same seed gives the same requests to the same server, byte
//! for byte; time never goes back; an answer that the story does not expect
//! ends it.
//!
//! It is not: a load test (one request at a time), or a judge of the books (it
//! compares what orders have paid and got back with Stripe, and no more). It
//! knows the server's HTTP interface and nothing behind it.

mod catalogue;
mod client;
mod driver;
mod loyalty;
mod mail;
mod report;
mod schedule;
mod settlement;
mod shelves;
mod shoppers;
mod story;
mod till;
mod wire;

pub use client::{Exchange, HttpExchange, ShopAnswer, ShopRequest};
pub use driver::{StoryClock, run, tell};
pub use report::{StoryProgress, StoryReport};
pub use story::{Story, StoryOptions};
