//! Suites that run in a second or two, by name: what each promises, and whether it holds.
//!
//! # Purpose
//! Every bug of `tillroll-sabotage` names the suite that must find it. The suites are here, and
//! not among the tests of the crates, because the negative controls have to call them one at a
//! time, in a program that was built to have bugs.
//!
//! # Invariants
//! - A suite depends on nothing but the code that it judges: no wall clock, no network, no
//!   randomness of the system.
//! - It finds, and never mends: what it says is the first promise that was broken. A panic in
//!   what it judges is a finding too.
//! - Where the code that is judged could judge itself (a limit, a projection), the suite counts
//!   on its own.
//!
//! # It is not
//! In place of the tests of the crates, which look closer and longer.

mod acknowledgement;
mod audit;
mod bit_flips;
mod card_numbers;
mod cold_rows;
mod conformance;
mod convergence;
mod faults;
mod idempotency;
mod ledger_laws;
mod log;
mod proofs;
mod read_models;
mod recovery;
mod roll;
mod shop;
mod signatures;
mod simulation;
mod snapshots;
mod story;
mod tampering;

use std::fmt;
use std::panic::catch_unwind;

/// What a suite found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Caught(String);

impl Caught {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// An error where none belongs.
    fn unexpected<E: fmt::Display>(what: &str) -> impl Fn(E) -> Self {
        move |error| Self(format!("{what}: {error}"))
    }
}

/// Whether every promise of a suite holds.
pub type Verdict = Result<(), Caught>;

/// Finds what `found` says unless `holds`.
fn ensure(holds: bool, found: impl FnOnce() -> String) -> Verdict {
    match holds {
        true => Ok(()),
        false => Err(Caught(found())),
    }
}

/// A suite.
#[derive(Clone, Copy)]
pub struct Suite {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it makes sure of.
    pub promise: &'static str,
    check: fn() -> Verdict,
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite").field("name", &self.name).finish()
    }
}

impl Suite {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::new(
            "acknowledgement",
            "nobody is answered before the writer has appended",
            acknowledgement::check,
        ),
        Self::new(
            "audit",
            "the auditor finds nothing in a story's log",
            audit::check,
        ),
        Self::new(
            "bit-flips",
            "no flipped bit of a log is overlooked, whoever reads it",
            bit_flips::check,
        ),
        Self::new(
            "card-numbers",
            "no card number is recorded",
            card_numbers::check,
        ),
        Self::new(
            "cold-rows",
            "rows that left memory are as if they had not, or the writer ends",
            cold_rows::check,
        ),
        Self::new(
            "conformance",
            "the log is what every backend has to be",
            conformance::check,
        ),
        Self::new(
            "convergence",
            "webhooks of a life cycle say the same in any order, and settle",
            convergence::check,
        ),
        Self::new(
            "faults",
            "whatever call of the storage fails, nothing is falsely acknowledged",
            faults::check,
        ),
        Self::new(
            "idempotency",
            "a key has one effect and one answer",
            idempotency::check,
        ),
        Self::new(
            "ledger-laws",
            "the ledger refuses what a plain count refuses, and nothing else",
            ledger_laws::check,
        ),
        Self::new(
            "proofs",
            "what was altered, forged or rewritten is not proved",
            proofs::check,
        ),
        Self::new(
            "read-models",
            "read models are what a replay makes, wherever projecting stops",
            read_models::check,
        ),
        Self::new(
            "recovery",
            "torn tails are cut, damage is refused, and what is kept is durable",
            recovery::check,
        ),
        Self::new(
            "shop",
            "stock, splits, refunds and sellers of orders add up",
            shop::check,
        ),
        Self::new(
            "signatures",
            "only an authentic and recent webhook is accepted",
            signatures::check,
        ),
        Self::new(
            "simulation",
            "forty seeds of the simulation keep every law",
            simulation::check,
        ),
        Self::new(
            "snapshots",
            "a start from a snapshot comes to the state of the roll, or does without",
            snapshots::check,
        ),
        Self::new(
            "tampering",
            "frames that were made with care are refused all the same",
            tampering::check,
        ),
    ];

    const fn new(name: &'static str, promise: &'static str, check: fn() -> Verdict) -> Self {
        Self {
            name,
            promise,
            check,
        }
    }

    /// The suite of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|suite| suite.name == name)
    }

    /// Runs it.
    ///
    /// # Errors
    /// The first promise that does not hold.
    pub fn run(&self) -> Verdict {
        catch_unwind(self.check).unwrap_or_else(|panic| {
            Err(Caught(format!(
                "it panics: {}",
                crate::run::text_of(&*panic)
            )))
        })
    }
}
