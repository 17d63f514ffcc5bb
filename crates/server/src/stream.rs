//! The roll as server-sent events: what is committed, as it is committed, without an end.
//!
//! A slow client holds up no other: each one reads the log at its own pace, and holds no more of it
//! than an [`EventReader`] does.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use tillroll_engine::Position;
use tokio::sync::watch;

use crate::app::{App, written};
use crate::capacity::Place;
use crate::event_cursor::EventCursor;
use crate::event_reader::EventReader;
use crate::event_text::EventFormat;
use crate::post::position_header;
use crate::problem::{Problem, headers};
use crate::query::When;

/// A comment this often, so that no proxy takes the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// A stream from after a cursor. With `as_of` it ends there.
pub(crate) async fn events(app: App, after: EventCursor, when: When) -> Result<Response, Problem> {
    let head = app.engine().head().get();
    written(head, "after", after.position)?;
    let until = match when.as_of {
        Some(_) => app.event_bound(when).await?,
        None => u64::MAX,
    };
    let place = app.capacity().event_streams.try_take()?;
    let everything = (usize::MAX, usize::MAX);
    let stream = EventStream {
        committed: app.engine().committed(),
        stopping: app.stopping(),
        reader: EventReader::new(app, EventFormat::ServerSent, after, until, everything),
        _place: place,
    };
    let mut response = Response::new(Body::from_stream(stream::unfold(
        stream,
        |mut stream| async move {
            let chunk = stream.chunk().await?;
            Some((Ok::<_, io::Error>(chunk), stream))
        },
    )));
    let answer_headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream");
    answer_headers.insert(header::CONTENT_TYPE, kind);
    answer_headers.insert(headers::POSITION, position_header(Position::new(head)));
    let not_kept = HeaderValue::from_static("no-cache");
    answer_headers.insert(header::CACHE_CONTROL, not_kept);
    Ok(response)
}

struct EventStream {
    reader: EventReader,
    committed: watch::Receiver<Position>,
    stopping: watch::Receiver<bool>,
    _place: Place,
}

impl EventStream {
    /// The next events, `None` at the end of the stream.
    async fn chunk(&mut self) -> Option<Bytes> {
        let has_more = tokio::select! {
            // The last positions of an ending writer are still handed out.
            biased;
            has_more = self.reader.wait(&mut self.committed) => has_more,
            _ = self.stopping.wait_for(|stopping| *stopping) => false,
            () = tokio::time::sleep(KEEP_ALIVE) => return Some(COMMENT),
        };
        if !has_more {
            return None;
        }
        match self.reader.chunk().await {
            Ok(chunk) => chunk.map(crate::event_reader::Chunk::into_bytes),
            Err(problem) => {
                // The client comes back with the last id that it has seen.
                tracing::warn!(
                    code = problem.code,
                    detail = problem.detail,
                    "a stream of events breaks off"
                );
                None
            }
        }
    }
}
