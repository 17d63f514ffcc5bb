//! A pack of evidence on one order, for a reader who need not trust us.
//!
//! # Purpose
//! A pack is a set of files ([`PackFiles`]): proved records, and what a person reads of them
//! (tables, events, what is in the pack and why). [`EvidencePack::seal`] writes one, [`check`] finds
//! whatever in one is not what the records say, and `check.py`, which is in every pack, finds the
//! same in plain Python.
//!
//! # Invariants
//! - Everything that is read follows from the proved records, the checkpoint and the keys, by a
//!   function. It is checked by writing it anew and comparing the bytes, so that every byte counts.
//! - `check.py` and [`check`] find the same; the tests play every kind of change against both.
//! - Which records belong to an order follows from the records alone ([`OrderSearch`]), so that the
//!   reader of a pack comes to the same reasons.
//! - Checking never panics, whatever the bytes are.
//!
//! # It is not
//! It reads no log and no data directory: it gets records and answers files. It has no clock, no
//! randomness, and no private key but the one that it is lent to seal a pack.

mod check;
mod compare;
mod links;
mod pack;
mod seal;
mod tables;

pub use check::{PackFinding, PackReport, check};
pub use links::OrderSearch;
pub use pack::{EvidencePack, PackError, PackFiles, ProvedRecord, checker};
