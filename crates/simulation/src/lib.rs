//! The durable core, simulated: engine, log, book and Stripe's webhooks under faults and
//! crashes, from one seed, judged by a plain model.
//!
//! # Purpose
//! [`simulate`] lives one story: commands of a shop and of Stripe go straight into
//! `Engine::execute`, while the storage fails, tears and forgets, the power goes out, the clock
//! jumps, and clients send again what was not answered. Some seeds have a second story, of two
//! writers on one log ([`SimulationOptions::rivals_every`]): appends are in doubt, late or turned away, and
//! each writer is superseded, follows and takes over. After every step a judge that was told
//! what was sent and remembers what was acknowledged compares.
//!
//! # Invariants
//! - A seed and the options decide everything, in one thread: no wall clock, no randomness of
//!   the system, no order of a hash map. The same seed gives the same bytes, which is checked.
//! - Nothing is judged by the code that is under test where a plainer way is there: what should
//!   be on the roll is decided by a book of its own and kept in a vector; what survives a crash
//!   is compared byte by byte.
//! - The judge can fail: [`PlantedBug`] bugs of storage and memory are each found by tests.
//!
//! # It is not
//! A test of threads, HTTP, or a real file system; nor a proof. It finds what its seeds reach,
//! and [`Tally`] says what that was.

mod batch;
mod chance;
mod clock;
mod cold;
mod comparison;
mod death;
mod disk;
mod expected;
mod image;
mod judge;
mod law;
mod models;
mod planted;
mod recovery;
mod reference;
mod request;
mod rivals;
mod rot;
mod run;
mod schedule;
mod simulation;
mod snapshots;
mod tally;
mod trial_balance;
mod trouble;
mod workload;

pub use law::Law;
pub use planted::PlantedBug;
pub use run::{FailedSeed, SeedRun, SimulationOptions, simulate};
pub use tally::{Count, Tally};
