//! Calls that were prepared before the clock started.

use std::sync::{Arc, Mutex, PoisonError};

/// Prepared calls, of which every caller takes the next. Clones share them.
#[derive(Debug)]
pub struct CallPool<T>(Arc<Mutex<std::vec::IntoIter<T>>>);

impl<T> Clone for CallPool<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> CallPool<T> {
    #[must_use]
    pub fn new(calls: Vec<T>) -> Self {
        Self(Arc::new(Mutex::new(calls.into_iter())))
    }

    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}
