//! The commands as a person sees them: arguments in; standard output, standard error and exit
//! code out. All but `serve` run in this process, on a book that a small demo has told.

mod demo;
mod denied;
mod escapes;
mod read;
mod serve;
mod stale;
#[path = "../support/mod.rs"]
mod support;
mod usage;
mod verify;
