//! One module per command: its arguments and what it does.

pub(crate) mod backup;
pub(crate) mod balances;
pub(crate) mod checkpoint;
pub(crate) mod demo;
pub(crate) mod digest;
pub(crate) mod doctor;
pub(crate) mod entry;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod order;
pub(crate) mod orders;
pub(crate) mod projections;
pub(crate) mod prove;
pub(crate) mod replay;
pub(crate) mod restore;
pub(crate) mod serve;
mod summary;
pub(crate) mod trial_balance;
pub(crate) mod verify;
