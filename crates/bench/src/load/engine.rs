//! A caller in the process: one command after the other to the writer.

use std::fmt;

use tillroll_book::Command;
use tillroll_engine::Handle;

use super::{CallPool, LoadCaller};
use crate::BenchError;

/// Makes commands of a pool's calls and submits them. `T` is what has to become a command while
/// the clock runs: a command itself, or the bytes of a webhook.
#[derive(Clone)]
pub struct EngineCaller<T> {
    handle: Handle,
    pool: CallPool<T>,
    command: fn(T) -> Command,
}

impl<T> fmt::Debug for EngineCaller<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineCaller").finish_non_exhaustive()
    }
}

impl<T> EngineCaller<T> {
    #[must_use]
    pub fn new(handle: Handle, pool: CallPool<T>, command: fn(T) -> Command) -> Self {
        Self {
            handle,
            pool,
            command,
        }
    }

    /// So many callers of one pool.
    #[must_use]
    pub fn many(
        handle: &Handle,
        calls: Vec<T>,
        callers: usize,
        command: fn(T) -> Command,
    ) -> Vec<Self> {
        let pool = CallPool::new(calls);
        let caller = |_| Self::new(handle.clone(), pool.clone(), command);
        (0..callers).map(caller).collect()
    }
}

impl<T: Send + 'static> LoadCaller for EngineCaller<T> {
    async fn call(&mut self) -> Result<bool, BenchError> {
        let Some(call) = self.pool.take() else {
            return Ok(false);
        };
        let submitted = self.handle.submit((self.command)(call)).await;
        submitted.map_err(BenchError::failed("a command"))?;
        Ok(true)
    }
}
