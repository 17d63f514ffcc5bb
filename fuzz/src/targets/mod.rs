//! One file for each target.

pub(crate) mod frame;
pub(crate) mod money;
pub(crate) mod record;
pub(crate) mod recovery;
pub(crate) mod signature_header;
pub(crate) mod webhook_body;
