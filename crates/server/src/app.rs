//! What every handler shares: the writer, the read models, the clock, names, counters.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use tillroll_book::{Action, Command, CommandKey};
use tillroll_engine::{Failure, Handle, Outcome, Position, SubmitError};
use tillroll_events::{Record, Timestamp};
use tillroll_projections::{At, Checkpoint, ReadError, ReadModels};
use tokio::sync::{Notify, watch};

use crate::clock::Clock;
use crate::code::Code;
use crate::directory::{self, Directory, Names};
use crate::expiries::Expiries;
use crate::idempotency::InFlight;
use crate::metrics::Metrics;
use crate::new_ids::NewIds;
use crate::problem::{CURSOR, Problem};
use crate::query::{AsOf, When};

/// How long a read that asks for no position waits to show what was acknowledged before it.
const COURTESY: Duration = Duration::from_millis(250);

#[derive(Clone, Debug)]
pub(crate) struct App(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: Handle,
    pub(crate) models: ReadModels,
    pub(crate) checkpoint: Checkpoint,
    /// The checkpoint, for tasks that wait.
    pub(crate) projected: watch::Receiver<u64>,
    /// Told when somebody waits for the read models.
    pub(crate) wanted: Arc<Notify>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) directory: Directory,
    pub(crate) expiries: Expiries,
    pub(crate) in_flight: InFlight,
    pub(crate) metrics: Metrics,
    pub(crate) secrets: Vec<tillroll_stripe::Secret>,
    pub(crate) hosts: Vec<String>,
    /// How long a read waits for a position that was asked for.
    pub(crate) patience: Duration,
    /// `tillroll:book:` and the book's id.
    pub(crate) source: String,
    /// Why the writer ended, once it failed.
    pub(crate) failure: OnceLock<Failure>,
    /// True once the server is going down, so that endless answers end.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl App {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    pub(crate) fn engine(&self) -> &Handle {
        &self.0.engine
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.0.in_flight
    }

    pub(crate) fn expiries(&self) -> &Expiries {
        &self.0.expiries
    }

    pub(crate) fn secrets(&self) -> &[tillroll_stripe::Secret] {
        &self.0.secrets
    }

    pub(crate) fn source(&self) -> &str {
        &self.0.source
    }

    pub(crate) fn checkpoint(&self) -> &Checkpoint {
        &self.0.checkpoint
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.clone()
    }

    pub(crate) fn allows_host(&self, host: &str) -> bool {
        let mut hosts = self.0.hosts.iter();
        hosts.any(|allowed| allowed.eq_ignore_ascii_case(host))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Ids by the server's own clock.
    pub(crate) fn new_ids(&self) -> NewIds {
        NewIds::at(self.now())
    }

    /// Has a command applied. When this returns an outcome, it is durable.
    ///
    /// The command is handed on before there is a future, so that no request's future holds it.
    pub(crate) fn submit(
        &self,
        key: Option<CommandKey>,
        occurred_at: Option<Timestamp>,
        action: Action,
    ) -> impl Future<Output = Result<Outcome, SubmitError>> + Send {
        let submitted = self.0.engine.submit(Command {
            at: self.now(),
            occurred_at,
            key,
            action,
        });
        submitted.map(|submitted| {
            let outcome = submitted.inspect_err(|error| {
                if let SubmitError::Failed(failure) = error {
                    self.fail(failure);
                }
            })?;
            self.0.directory.absorb(&outcome.records);
            self.0.expiries.absorb(&outcome.records);
            Ok(outcome)
        })
    }

    /// Remembers why the writer failed.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.0.failure.get_or_init(|| failure.clone());
    }

    /// Asks the read models, as far along as `when` wants them.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        when: When,
        ask: impl FnOnce(&ReadModels, Option<u64>) -> Result<At<T>, ReadError> + Send + 'static,
    ) -> Result<At<T>, Problem> {
        let as_of = self.settle(when).await?;
        let models = self.0.models.clone();
        blocking(move || ask(&models, as_of))
            .await?
            .map_err(read_problem)
    }

    /// Waits until the read models are where `when` wants them; answers the position to read
    /// at, none for the newest.
    async fn settle(&self, when: When) -> Result<Option<u64>, Problem> {
        let head = self.0.engine.head().get();
        if let Some(position) = when.min_position {
            written(head, "min_position", position)?;
            self.reach(position).await?;
        }
        match when.as_of {
            None if when.min_position.is_some() => Ok(None),
            None => {
                // An answer that is a little old is still true: it says of which position.
                let courtesy = match self.0.checkpoint.failure() {
                    Some(_) => Duration::ZERO,
                    None => COURTESY,
                };
                let reached = self.wait_for(head, courtesy).await;
                tracing::trace!(reached, head, "read models");
                Ok(None)
            }
            Some(AsOf::Position(position)) => {
                written(head, "as_of", position)?;
                self.reach(position).await?;
                Ok(Some(position))
            }
            Some(AsOf::Time(time)) => {
                self.reach(head).await?;
                let models = self.0.models.clone();
                let position = blocking(move || models.position_at(time)).await?;
                position.map(Some).map_err(read_problem)
            }
        }
    }

    /// Up to where events are shown: the roll itself needs no read models.
    pub(crate) async fn event_bound(&self, when: When) -> Result<u64, Problem> {
        let head = self.0.engine.head().get();
        if let Some(position) = when.min_position {
            written(head, "min_position", position)?;
        }
        match when.as_of {
            None => Ok(head),
            Some(AsOf::Position(position)) => {
                written(head, "as_of", position)?;
                Ok(position)
            }
            Some(AsOf::Time(_)) => Ok(self.settle(when).await?.unwrap_or(head)),
        }
    }

    /// Waits until the read models hold `position`, or says that they do not.
    pub(crate) async fn reach(&self, position: u64) -> Result<(), Problem> {
        if self.wait_for(position, self.0.patience).await {
            return Ok(());
        }
        let reached = self.0.checkpoint.position();
        let because = match self.0.checkpoint.failure() {
            Some(failure) => format!(": {failure}"),
            None => String::new(),
        };
        Err(Problem::new(
            Code::PositionNotReached,
            format!("the read models are at position {reached}, not yet at {position}{because}"),
        )
        .retry_after(1))
    }

    async fn wait_for(&self, position: u64, patience: Duration) -> bool {
        if self.0.checkpoint.position() >= position {
            return true;
        }
        self.0.checkpoint.want(position);
        self.0.wanted.notify_one();
        let mut projected = self.0.projected.clone();
        let reached = projected.wait_for(|at| *at >= position);
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }

    /// Up to `limit` committed records from position `from`, none past `until`.
    pub(crate) async fn records(
        &self,
        from: u64,
        until: u64,
        limit: usize,
    ) -> Result<Vec<(Position, Record)>, Problem> {
        let reader = self.0.engine.reader();
        let read = move || {
            let (from, until) = (Position::new(from), Position::new(until));
            directory::read_records(&*reader, from, until, limit)
        };
        blocking(read)
            .await?
            .map_err(|error| Problem::new(Code::RollUnreadable, error))
    }

    /// The names of the accounts that records speak of.
    pub(crate) async fn names(&self, records: &[(Position, Record)]) -> Names {
        self.0.directory.names(records, &self.0.engine).await
    }

    /// Why nothing is written any more, when that is so.
    pub(crate) fn failure(&self) -> Option<Problem> {
        self.0.failure.get().map(log_failed)
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

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => refusal.into(),
            SubmitError::Overloaded => {
                Self::new(Code::Overloaded, "too many commands are waiting").retry_after(1)
            }
            SubmitError::Failed(failure) => log_failed(&failure),
            SubmitError::Stopped => {
                Self::new(Code::LogFailed, "the server is shutting down").retry_after(1)
            }
        }
    }
}
