//! One file for each target.

pub(crate) mod cursor;
pub(crate) mod frame;
pub(crate) mod json;
pub(crate) mod money;
pub(crate) mod proof;
pub(crate) mod record;
pub(crate) mod recovery;
pub(crate) mod request_body;
pub(crate) mod signature_header;
pub(crate) mod webhook_body;
