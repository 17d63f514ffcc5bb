//! A Stripe of our own for the demo, tests and simulation.
//!
//! [`StripeSimulator`] is a state machine of one platform account in Stripe's
//! JSON shapes (API version [`API_VERSION`]): payment intents, charges,
//! refunds, disputes, transfers, payouts, Checkout sessions, Terminal readers,
//! connected accounts, and balance transactions that appear late. What happens
//! is queued as events; [`DeliveryPlan`] says when, how often and in which
//! order they arrive, [`signing`] signs them, and [`LifeCycle`] and
//! [`permutations`] make what tests of convergence need.
//!
//! Invariants: the same options and calls give the same bytes; ids never
//! collide; a balance transaction's `net` is its `amount` less its `fee`, which
//! is the sum of its details; no more is captured than was authorised, refunded
//! than captured, reversed than transferred, paid out than available.
//!
//! It is not: a server (no sockets, no threads, no wall clock), a copy of every
//! member of every object, or a judge of what a ledger makes of it. It knows
//! nothing of Tillroll.

mod account;
mod agenda;
mod api;
mod balance;
mod charge;
mod checkout;
mod currency;
mod delivery;
mod dispute;
mod error;
mod exchange;
mod fee;
mod id;
mod intent;
mod json;
mod lifecycle;
mod payment;
mod payment_method;
mod payout;
mod permutation;
mod reader;
mod refund;
pub mod signing;
mod simulator;
mod transfer;
mod webhook;

pub use account::StripeAccount;
pub use api::{ApiCall, Reply};
pub use balance::{BalanceTransactionPage, MAXIMUM_PAGE, StripeBalanceTransaction};
pub use charge::{ChargeStatus, StripeCharge};
pub use checkout::{CheckoutSession, CreateSession, PaymentStatus, SessionStatus};
pub use currency::{MAXIMUM_AMOUNT, StripeCurrency};
pub use delivery::{Chaos, DeliveryPlan, WebhookDelivery};
pub use dispute::{DisputeOutcome, OpenDispute, StripeDispute, StripeDisputeStatus};
pub use error::{ErrorKind, StripeError};
pub use exchange::ExchangeRate;
pub use fee::StripeFeeDetail;
pub use id::{
    AccountId, BalanceTransactionId, ChargeId, CustomerId, DestinationPaymentId, DisputeId,
    EventId, FraudWarningId, IntentId, PaymentMethodId, PayoutId, ReaderId, RefundId, RequestId,
    SessionId, StripeId, TransferId, TransferReversalId,
};
pub use intent::{CaptureMethod, CreateIntent, PaymentIntent, StripeIntentStatus};
pub use json::StripeMetadata;
pub use lifecycle::LifeCycle;
pub use payment_method::{Decline, MethodKind, PaymentMethod};
pub use payout::{CreatePayout, PayoutOutcome, StripePayout, StripePayoutStatus};
pub use permutation::{Permutations, in_order, permutations, shaken};
pub use reader::Reader;
pub use refund::{CreateRefund, RefundOutcome, StripeRefund, StripeRefundStatus};
pub use simulator::{SimulatorOptions, StripeSimulator};
pub use transfer::{CreateTransfer, StripeTransfer};
pub use webhook::{API_VERSION, StripeEvent, events_list};
