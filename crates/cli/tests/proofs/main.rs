//! What leaves a data directory and what is kept of it: checkpoints, proofs, evidence, backups,
//! and the doctor who asks for them. On a book that a small demo has told.

mod auditor;
mod backup;
mod checkpoint;
mod doctor;
mod evidence;
mod key_elsewhere;
mod load;
mod mode;
mod prove;
mod rewritten;
#[path = "../support/mod.rs"]
mod support;
