//! What leaves a data directory and what is kept of it: checkpoints, proofs, evidence, backups,
//! and the doctor who asks for them. On a book that a small demo has told.

mod backup;
mod checkpoint;
mod doctor;
mod evidence;
mod load;
mod prove;
mod rewritten;
mod support;
