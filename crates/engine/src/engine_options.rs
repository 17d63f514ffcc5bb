//! How an engine's thread is run.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Requests that may wait. More are turned away at once.
    pub queue: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { queue: 4096 }
    }
}
