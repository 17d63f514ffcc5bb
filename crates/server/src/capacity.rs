//! What is left of what clients can have: the state of the [`HttpBounds`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::HttpBounds;
use crate::byte_budget::ByteBudget;
use crate::code::Code;
use crate::problem::Problem;

#[derive(Debug)]
pub(crate) struct Capacity {
    pub(crate) bounds: HttpBounds,
    /// Bytes of answers.
    pub(crate) answers: ByteBudget,
    /// Bytes of bodies.
    pub(crate) bodies: ByteBudget,
    pub(crate) event_streams: Places,
    pub(crate) bulk_streams: Places,
    pub(crate) arriving: Places,
    pub(crate) log_reads: Places,
    pub(crate) model_reads: Places,
}

impl Capacity {
    pub(crate) fn new(bounds: HttpBounds) -> Self {
        Self {
            answers: ByteBudget::new(bounds.answer_bytes),
            bodies: ByteBudget::new(bounds.body_bytes),
            event_streams: Places::new(bounds.event_streams, "streams of events are open"),
            bulk_streams: Places::new(bounds.bulk_streams, "streams of entries are open"),
            arriving: Places::new(bounds.arriving_bodies, "bodies are on their way"),
            log_reads: Places::new(bounds.log_reads, "requests read the roll"),
            model_reads: Places::new(bounds.model_reads, "requests read the read models"),
            bounds,
        }
    }
}

/// A bound on a number of things at once.
#[derive(Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    size: usize,
    /// What there is too much of.
    what: &'static str,
}

pub(crate) type Place = OwnedSemaphorePermit;

impl Places {
    fn new(size: usize, what: &'static str) -> Self {
        Self {
            free: Arc::new(Semaphore::new(size)),
            size,
            what,
        }
    }

    pub(crate) fn taken(&self) -> usize {
        self.size - self.free.available_permits()
    }

    pub(crate) fn try_take(&self) -> Result<Place, Problem> {
        Arc::clone(&self.free)
            .try_acquire_owned()
            .map_err(|_| self.full())
    }

    /// As [`Places::try_take`], waiting for a place.
    pub(crate) async fn take(&self, patience: Duration) -> Result<Place, Problem> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(place);
        }
        let place = Arc::clone(&self.free).acquire_owned();
        match tokio::time::timeout(patience, place).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(self.full()),
        }
    }

    fn full(&self) -> Problem {
        let detail = format!("as many {} as may at once: {}", self.what, self.size);
        overloaded(detail)
    }
}

/// There is no room at the moment.
pub(crate) fn overloaded(detail: impl Into<String>) -> Problem {
    Problem::new(Code::Overloaded, detail).retry_after(1)
}
