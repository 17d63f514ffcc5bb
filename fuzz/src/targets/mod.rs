//! One file for each target.

pub(crate) mod frame;
pub(crate) mod recovery;
