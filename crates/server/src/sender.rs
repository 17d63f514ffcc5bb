//! Who sends a request, as far as the server can tell.

use tillroll_events::{Caller, KeyScope};

/// Whom events name, and whose idempotency keys the request's are.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) caller: Caller,
    pub(crate) scope: KeyScope,
}

impl Sender {
    /// Of a request that proves nothing. There is no access control yet, so that is everyone;
    /// their keys will still match when they begin to say who they are.
    pub(crate) const ANONYMOUS: Self = Self {
        caller: Caller::ANONYMOUS,
        scope: KeyScope::Shared,
    };
}
