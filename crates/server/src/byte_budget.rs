//! Bytes that many requests share: what is held is counted, and has a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A bound on bytes. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ByteBudget(Arc<BudgetState>);

#[derive(Debug)]
struct BudgetState {
    total: usize,
    held: AtomicUsize,
    /// The most that was ever held.
    most: AtomicUsize,
    freed: Notify,
}

/// Some of the bytes, until it is dropped.
#[derive(Debug)]
pub(crate) struct ByteLease {
    budget: ByteBudget,
    bytes: usize,
}

impl ByteBudget {
    pub(crate) fn new(total: usize) -> Self {
        Self(Arc::new(BudgetState {
            total,
            held: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            freed: Notify::new(),
        }))
    }

    pub(crate) fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    pub(crate) fn most(&self) -> usize {
        self.0.most.load(Ordering::Relaxed)
    }

    /// Nothing yet.
    pub(crate) fn lease(&self) -> ByteLease {
        ByteLease {
            budget: self.clone(),
            bytes: 0,
        }
    }

    /// So many bytes, unless there is no room for them.
    pub(crate) fn try_take(&self, bytes: usize) -> Option<ByteLease> {
        let mut lease = self.lease();
        lease.try_grow(bytes).then_some(lease)
    }

    /// As [`ByteBudget::try_take`], waiting for room.
    pub(crate) async fn take(&self, bytes: usize, patience: Duration) -> Option<ByteLease> {
        let deadline = Instant::now() + patience;
        loop {
            let mut freed = std::pin::pin!(self.0.freed.notified());
            // From here on nothing that is freed is missed.
            freed.as_mut().enable();
            if let Some(lease) = self.try_take(bytes) {
                return Some(lease);
            }
            tokio::time::timeout_at(deadline, freed).await.ok()?;
        }
    }

    fn add(&self, bytes: usize) {
        let held = self.0.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.0.most.fetch_max(held, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        if bytes > 0 {
            self.0.held.fetch_sub(bytes, Ordering::Relaxed);
            self.0.freed.notify_waiters();
        }
    }
}

impl ByteLease {
    /// Makes it so many bytes, if there is room. What is longer than the whole budget is let
    /// through while nothing else is held, for it would never be otherwise.
    pub(crate) fn try_grow(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return true;
        }
        let BudgetState {
            held, total, most, ..
        } = &*self.budget.0;
        let own = self.bytes;
        let taken = held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
            (held == own || held + more <= *total).then_some(held + more)
        });
        if let Ok(before) = taken {
            most.fetch_max(before + more, Ordering::Relaxed);
            self.bytes = bytes;
        }
        taken.is_ok()
    }

    /// Makes it so many bytes, room or not: for what is in memory already.
    pub(crate) fn set(&mut self, bytes: usize) {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.budget.add(more),
            None => self.budget.give_back(self.bytes - bytes),
        }
        self.bytes = bytes;
    }

    /// Bytes with which it lives and ends.
    pub(crate) fn hold(self, held: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        struct Leased<T> {
            held: T,
            _lease: ByteLease,
        }
        impl<T: AsRef<[u8]>> AsRef<[u8]> for Leased<T> {
            fn as_ref(&self) -> &[u8] {
                self.held.as_ref()
            }
        }
        Bytes::from_owner(Leased { held, _lease: self })
    }
}

impl Drop for ByteLease {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_held_than_there_is() {
        let budget = ByteBudget::new(10);
        let mut one = budget.try_take(6).unwrap();
        assert!(budget.try_take(5).is_none());
        let other = budget.try_take(4).unwrap();
        assert!(!one.try_grow(7));
        drop(other);
        assert!(one.try_grow(7) && one.try_grow(3));
        assert_eq!((budget.held(), budget.most()), (7, 10));
        one.set(2);
        assert_eq!(budget.held(), 2);
        // It lives as long as any part of the bytes.
        let part = one.hold(vec![0; 2]).slice(1..);
        assert_eq!((part.len(), budget.held()), (1, 2));
        drop(part);
        assert_eq!(budget.held(), 0);
        // What could never be is let through by itself.
        let whole = budget.try_take(11).unwrap();
        assert!(budget.try_take(1).is_none());
        drop(whole);
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test]
    async fn who_waits_gets_what_is_freed() {
        let budget = ByteBudget::new(10);
        let all = budget.try_take(10).unwrap();
        assert!(budget.take(1, Duration::ZERO).await.is_none());
        let waiting = budget.clone();
        let waiting = tokio::spawn(async move {
            waiting
                .take(3, Duration::from_secs(600))
                .await
                .map(|lease| lease.bytes)
        });
        tokio::task::yield_now().await;
        drop(all);
        assert_eq!(waiting.await.unwrap(), Some(3));
    }
}
