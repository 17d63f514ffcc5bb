//! The roll as server-sent events: what is committed, as it is committed, without an end.
//!
//! A slow reader holds up nobody: each one reads the log at its own pace.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;
use tillroll_engine::Position;
use tokio::sync::watch;

use crate::app::{App, written};
use crate::post::position_header;
use crate::problem::{Problem, headers};
use crate::query::When;
use crate::routes::events::cloud_events;

/// Records read at a time.
const BATCH: usize = 256;
/// A comment this often, so that nobody between takes the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A stream from after position `after`. With `as_of` it ends there.
pub(crate) async fn events(app: App, after: u64, when: When) -> Result<Response, Problem> {
    let head = app.engine().head().get();
    written(head, "after", after)?;
    let until = match when.as_of {
        Some(_) => app.event_bound(when).await?,
        None => u64::MAX,
    };
    let follower = Follower {
        committed: app.engine().committed(),
        stopping: app.stopping(),
        app,
        next: after.saturating_add(1),
        until,
    };
    let body = Sse::new(follower.stream()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let mut response = body.into_response();
    let position = position_header(Position::new(head));
    response.headers_mut().insert(headers::POSITION, position);
    Ok(response)
}

struct Follower {
    app: App,
    committed: watch::Receiver<Position>,
    stopping: watch::Receiver<bool>,
    next: u64,
    until: u64,
}

impl Follower {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut follower| async move {
            let batch = follower.batch().await?;
            Some((batch, follower))
        })
        .flat_map(|batch| stream::iter(batch.into_iter().map(Ok)))
    }

    /// The next events, `None` at the end of the stream.
    async fn batch(&mut self) -> Option<Vec<Event>> {
        if self.next > self.until {
            return None;
        }
        let next = self.next;
        tokio::select! {
            // The last positions of an ending engine are still handed out.
            biased;
            reached = self.committed.wait_for(|head| head.get() >= next) => {
                drop(reached.ok()?);
            }
            _ = self.stopping.wait_for(|stopping| *stopping) => return None,
        }
        let head = self.app.engine().head().get();
        let until = self.until.min(head);
        let records = match self.app.records(next, until, BATCH).await {
            Ok(records) => records,
            Err(problem) => {
                tracing::error!(detail = problem.detail, "a stream of events breaks off");
                return None;
            }
        };
        let (last, _) = records.last()?;
        self.next = last.get().saturating_add(1);
        let values = cloud_events(&self.app, &records).await;
        let events = records
            .iter()
            .zip(values)
            .map(|((position, _), value)| event(*position, &value));
        Some(events.collect())
    }
}

fn event(position: Position, value: &Value) -> Event {
    // Without a name of its own, so that a browser's `onmessage` gets it.
    Event::default()
        .id(position.to_string())
        .data(value.to_string())
}
