//! What every handler shares: the open book, counters, and what requests are judged by.

use std::sync::Arc;
use std::time::Duration;

use tillroll_book::{Action, Command, CommandKey, OriginalEntry, Refusal};
use tillroll_engine::{Failure, Handle, Outcome, Position, SubmitError};
use tillroll_events::{Caller, EntryId, Record, Timestamp};
use tillroll_projections::{At, Checkpoint, ReadError, ReadModels};
use tillroll_runtime::{AccountNameTable, BookHandle, DigestError, Lag, ReadSize, RecordBatch};
use tokio::sync::watch;

use crate::capacity::Capacity;
use crate::code::Code;
use crate::idempotency::InFlight;
use crate::metrics::HttpMetrics;
use crate::new_ids::NewIds;
use crate::problem::{CURSOR, Problem};
use crate::query::{AsOfParameter, When};

#[derive(Clone, Debug)]
pub(crate) struct App(Arc<AppState>);

#[derive(Debug)]
pub(crate) struct AppState {
    pub(crate) book: BookHandle,
    pub(crate) in_flight: InFlight,
    pub(crate) metrics: HttpMetrics,
    pub(crate) secrets: Vec<tillroll_stripe::Secret>,
    pub(crate) hosts: Vec<String>,
    pub(crate) capacity: Arc<Capacity>,
    /// How long a read waits for a position that was asked for.
    pub(crate) patience: Duration,
    /// How long a read that asks for no position waits.
    pub(crate) courtesy: Duration,
    /// True once the server is going down, so that endless answers end.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl App {
    pub(crate) fn new(state: AppState) -> Self {
        Self(Arc::new(state))
    }

    pub(crate) fn engine(&self) -> &Handle {
        self.0.book.engine()
    }

    pub(crate) fn metrics(&self) -> &HttpMetrics {
        &self.0.metrics
    }

    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.0.in_flight
    }

    pub(crate) fn secrets(&self) -> &[tillroll_stripe::Secret] {
        &self.0.secrets
    }

    pub(crate) fn capacity(&self) -> &Capacity {
        &self.0.capacity
    }

    pub(crate) fn shared_capacity(&self) -> &Arc<Capacity> {
        &self.0.capacity
    }

    /// How long a request waits for its turn, or for a position that it asked for.
    pub(crate) fn patience(&self) -> Duration {
        self.0.patience
    }

    pub(crate) fn source(&self) -> &str {
        self.0.book.source()
    }

    pub(crate) fn book(&self) -> &BookHandle {
        &self.0.book
    }

    pub(crate) fn checkpoint(&self) -> &Checkpoint {
        self.0.book.checkpoint()
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.clone()
    }

    pub(crate) fn allows_host(&self, host: &str) -> bool {
        let mut hosts = self.0.hosts.iter();
        hosts.any(|allowed| allowed.eq_ignore_ascii_case(host))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.book.now()
    }

    /// Ids by the book's clock.
    pub(crate) fn new_ids(&self) -> NewIds {
        NewIds::at(self.now())
    }

    /// Has a command applied. When this returns an outcome, it is durable.
    pub(crate) fn submit(
        &self,
        caller: Caller,
        key: Option<CommandKey>,
        occurred_at: Option<Timestamp>,
        action: Action,
    ) -> impl Future<Output = Result<Outcome, SubmitError>> + Send {
        self.0.book.submit(Command {
            at: self.now(),
            occurred_at,
            caller,
            key,
            action,
        })
    }

    /// Asks the read models, as far along as `when` wants them.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        when: When,
        ask: impl FnOnce(&ReadModels, Option<u64>) -> Result<At<T>, ReadError> + Send + 'static,
    ) -> Result<At<T>, Problem> {
        let as_of = self.settle(when).await?;
        let models = self.0.book.models().clone();
        let place = self.capacity().model_reads.take(self.patience()).await?;
        blocking(move || {
            let answer = ask(&models, as_of);
            drop(place);
            answer
        })
        .await?
        .map_err(read_problem)
    }

    /// Waits until the read models are where `when` wants them; answers the position to read
    /// at, none for the newest.
    async fn settle(&self, when: When) -> Result<Option<u64>, Problem> {
        let head = self.engine().head().get();
        if let Some(position) = when.min_position {
            written(head, "min_position", position)?;
            self.reach(position).await?;
        }
        match when.as_of {
            None if when.min_position.is_some() => Ok(None),
            None => {
                // An answer that is a little old is still true: it says of which position, and how
                // far that is behind.
                let reached = self.0.book.wait_for(head, self.0.courtesy).await;
                tracing::trace!(reached, head, "read models");
                match self.lagging() {
                    Some(problem) => Err(problem),
                    None => Ok(None),
                }
            }
            Some(AsOfParameter::Position(position)) => {
                written(head, "as_of", position)?;
                self.reach(position).await?;
                Ok(Some(position))
            }
            Some(AsOfParameter::Time(time)) => {
                self.reach(head).await?;
                let models = self.0.book.models().clone();
                let position = blocking(move || models.position_at(time)).await?;
                position.map(Some).map_err(read_problem)
            }
        }
    }

    /// Up to where events are shown: the roll itself needs no read models.
    pub(crate) async fn event_bound(&self, when: When) -> Result<u64, Problem> {
        let head = self.engine().head().get();
        if let Some(position) = when.min_position {
            written(head, "min_position", position)?;
        }
        match when.as_of {
            None => Ok(head),
            Some(AsOfParameter::Position(position)) => {
                written(head, "as_of", position)?;
                Ok(position)
            }
            Some(AsOfParameter::Time(_)) => Ok(self.settle(when).await?.unwrap_or(head)),
        }
    }

    /// Why the read models are too old to be asked, when they are.
    pub(crate) fn lagging(&self) -> Option<Problem> {
        let lag = self.0.book.lag()?;
        let failure = self.0.book.read_model_failure();
        let bounds = &self.capacity().bounds;
        let (code, longest) = match failure {
            Some(_) => (Code::ReadModelsFailed, bounds.failed_lag),
            None => (Code::ReadModelsBehind, bounds.following_lag),
        };
        (lag.time >= longest)
            .then(|| Problem::new(code, lag_detail(lag, failure.as_deref())).retry_after(5))
    }

    /// Waits until the read models hold `position`, or says that they do not.
    pub(crate) async fn reach(&self, position: u64) -> Result<(), Problem> {
        if self.0.book.wait_for(position, self.0.patience).await {
            return Ok(());
        }
        let reached = self.checkpoint().position();
        let detail = format!("the read models are at position {reached}, not yet at {position}");
        Err(match self.0.book.read_model_failure() {
            // Waiting longer would be in vain.
            Some(failure) => {
                let detail = format!("{detail}: {failure}");
                Problem::new(Code::ReadModelsFailed, detail).retry_after(5)
            }
            None => Problem::new(Code::PositionNotReached, detail).retry_after(1),
        })
    }

    /// Committed records from position `from` on, none past `until`. Where as many requests as may
    /// read the roll, it waits for its turn.
    pub(crate) async fn records(
        &self,
        from: u64,
        until: u64,
        size: ReadSize,
    ) -> Result<RecordBatch, Problem> {
        let place = self.capacity().log_reads.take(self.patience()).await?;
        let read = self.0.book.records(from, until, size, place).await;
        read.map_err(|error| Problem::new(Code::RollUnreadable, error.to_string()))
    }

    /// An entry that was posted by command, as its record says it. Whatever was acknowledged before
    /// is found, for as long as the read models come after in time.
    pub(crate) async fn original(&self, id: EntryId) -> Result<OriginalEntry, Problem> {
        let head = self.engine().head().get();
        let mut position = self.entry_position(id).await?;
        if position.is_none() {
            self.reach(head).await?;
            position = self.entry_position(id).await?;
        }
        let not_found = || Problem::from(Refusal::EntryNotFound(id));
        let position = position.ok_or_else(not_found)?;
        let batch = self.records(position, position, ReadSize::ONE).await?;
        let entry = batch
            .records
            .first()
            .and_then(|(_, record)| record.event.entry_of(id));
        let original = entry.map(|entry| OriginalEntry {
            id,
            position,
            entry,
        });
        original.ok_or_else(|| {
            let detail = format!(
                "the read models have entry {id} at position {position}, and the roll has not"
            );
            Problem::new(Code::ReadModelsFailed, detail)
        })
    }

    async fn entry_position(&self, id: EntryId) -> Result<Option<u64>, Problem> {
        let models = self.0.book.models().clone();
        let found = blocking(move || models.entry_position(id)).await?;
        Ok(found.map_err(read_problem)?.value)
    }

    /// The names of the accounts that records name by number.
    pub(crate) async fn names(&self, records: &[(Position, Record)]) -> AccountNameTable {
        self.0.book.names(records).await
    }

    /// Why nothing is written any more, when that is so.
    pub(crate) fn failure(&self) -> Option<Problem> {
        self.0.book.failure().map(log_failed)
    }
}

/// How far the read models are behind, and why, when they do not follow.
pub(crate) fn lag_detail(lag: Lag, failure: Option<&str>) -> String {
    let Lag { positions, time } = lag;
    let seconds = time.as_secs();
    let behind = format!("the read models are {positions} events and {seconds} s behind the roll");
    match failure {
        Some(failure) => format!("{behind} and do not follow: {failure}"),
        None => behind,
    }
}

/// Refuses a position that nothing is at yet.
pub(crate) fn written(head: u64, name: &str, position: u64) -> Result<(), Problem> {
    if position <= head {
        return Ok(());
    }
    Err(Problem::new(
        Code::PositionNotWritten,
        format!("the roll ends at position {head}, before {position}"),
    )
    .with_param(name))
}

/// Runs what blocks where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "blocking work did not end well");
        Problem::new(Code::InternalError, "the server made a mistake")
    })
}

pub(crate) fn read_problem(error: ReadError) -> Problem {
    match error {
        ReadError::UnknownCursor(_) => Problem::parameter(CURSOR, error.to_string()),
        ReadError::NotBuilt(_) | ReadError::Failed(_) => {
            Problem::new(Code::ReadModelsFailed, error.to_string()).retry_after(5)
        }
    }
}

fn log_failed(failure: &Failure) -> Problem {
    Problem::new(
        Code::LogFailed,
        format!("nothing is written any more: {failure}"),
    )
}

impl From<DigestError> for Problem {
    fn from(error: DigestError) -> Self {
        match error {
            DigestError::Replay(_) => Self::new(Code::RollUnreadable, error.to_string()),
            DigestError::Thread(_) => Self::new(Code::Overloaded, error.to_string()).retry_after(1),
            DigestError::Closing => {
                Self::new(Code::LogFailed, "the server is shutting down").retry_after(1)
            }
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => refusal.into(),
            SubmitError::Overloaded => {
                Self::new(Code::Overloaded, "too many commands are waiting").retry_after(1)
            }
            SubmitError::Failed(failure) => log_failed(&failure),
            error @ SubmitError::Unavailable(_) => {
                Self::new(Code::LogUnavailable, error.to_string()).retry_after(1)
            }
            error @ SubmitError::Superseded => {
                Self::new(Code::WriterSuperseded, error.to_string()).retry_after(1)
            }
            SubmitError::Stopped => {
                Self::new(Code::LogFailed, "the server is shutting down").retry_after(1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::problem::RetryHint;

    /// Nothing is recorded in any of these cases. Each has a code of its own, and those that pass
    /// by themselves say when to ask again.
    #[test]
    fn what_keeps_a_command_from_the_log_has_a_code_and_says_whether_a_retry_helps() {
        let table = [
            (SubmitError::Overloaded, "overloaded", Some(1)),
            (
                SubmitError::Unavailable(Arc::from(
                    Box::<dyn std::error::Error + Send + Sync>::from("no answer"),
                )),
                "log_unavailable",
                Some(1),
            ),
            (SubmitError::Superseded, "writer_superseded", Some(1)),
            (
                SubmitError::Failed(Failure::Panicked("a mistake".into())),
                "log_failed",
                None,
            ),
        ];
        for (error, code, retry_after) in table {
            let problem = Problem::from(error);
            let body = problem.body("req_1");
            assert_eq!(
                (
                    body.code.as_str(),
                    body.status,
                    problem.retry_after,
                    body.retry
                ),
                (code, 503, retry_after, RetryHint::AfterChange)
            );
            assert!(crate::code::describe(code).is_some(), "{code}");
        }
    }
}
