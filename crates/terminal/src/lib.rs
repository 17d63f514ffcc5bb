//! What the command lines of this workspace have in common.
//!
//! Purpose: the two streams ([`Console`]), tables and progress for people, exit codes and what is
//! printed with them ([`Stop`]), the log on standard error, and the signals that stop a process. The
//! binaries `tillroll` and `tillroll-bench` are built on it, and their tests read what a person
//! would see.
//!
//! Invariants: data goes to standard output and everything else to standard error; nothing that a
//! terminal would obey is printed but by us: [`Console`], [`Rows`], [`Progress`] and the log escape
//! what they are given.
//!
//! It is not: a place for what a command does, and it knows no book.

mod console;
mod escape;
mod exit;
pub mod logs;
mod number;
mod progress;
mod signals;
mod table;

pub use console::Console;
pub use escape::{line, lines};
pub use exit::{Advice, Exit, Stop, cannot};
pub use number::{count, counted};
pub use progress::Progress;
pub use signals::Signals;
pub use table::{Column, Rows};
