//! What the simulator promises, noun by noun, through its public API only.

mod account;
mod api;
mod balance;
mod checkout;
mod dispute;
mod intent;
mod law;
mod lifecycle;
mod payout;
mod reader;
mod refund;
mod support;
mod transfer;
