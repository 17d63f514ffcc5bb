//! The roll as server-sent events: what is committed, as it is committed, without an end.
//!
//! A slow reader holds up no other: each one reads the log at its own pace.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;
use tillroll_engine::Position;
use tillroll_runtime::{AtOnce, Follower, RecordFeed};
use tokio::sync::watch;

use crate::app::{App, written};
use crate::post::position_header;
use crate::problem::{Problem, headers};
use crate::query::When;
use crate::routes::events::cloud_events;

/// Records read at a time.
const BATCH: usize = 256;
/// A comment this often, so that no proxy takes the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A stream from after position `after`. With `as_of` it ends there.
pub(crate) async fn events(app: App, after: u64, when: When) -> Result<Response, Problem> {
    let head = app.engine().head().get();
    written(head, "after", after)?;
    let until = match when.as_of {
        Some(_) => app.event_bound(when).await?,
        None => u64::MAX,
    };
    let stream = EventStream {
        follower: app.book().feed(after, until, BATCH),
        stopping: app.stopping(),
        app,
        until: Position::new(until),
    };
    let body = Sse::new(stream.events()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let mut response = body.into_response();
    let position = position_header(Position::new(head));
    response.headers_mut().insert(headers::POSITION, position);
    Ok(response)
}

struct EventStream {
    app: App,
    follower: Follower<RecordFeed, AtOnce>,
    stopping: watch::Receiver<bool>,
    until: Position,
}

impl EventStream {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut stream| async move {
            let batch = stream.batch().await?;
            Some((batch, stream))
        })
        .flat_map(|batch| stream::iter(batch.into_iter().map(Ok)))
    }

    /// The next events, `None` at the end of the stream.
    async fn batch(&mut self) -> Option<Vec<Event>> {
        if self.follower.checkpoint() >= self.until {
            return None;
        }
        let head = tokio::select! {
            // The last positions of an ending writer are still handed out.
            biased;
            head = self.follower.wait() => head?,
            _ = self.stopping.wait_for(|stopping| *stopping) => return None,
        };
        let records = match self.follower.apply(head).await {
            Ok(records) => records,
            Err(error) => {
                tracing::error!(%error, "a stream of events breaks off");
                return None;
            }
        };
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
