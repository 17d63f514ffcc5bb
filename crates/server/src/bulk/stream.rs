//! Commands of a stream, one after the other, and their answers as they become durable.
//!
//! The next command is read while the one before it is being applied. It is submitted only once
//! that one was applied: after the first command that was not, nothing more of the stream is.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use serde::Serialize;
use tillroll_book::Refusal;
use tillroll_engine::{Outcome, SubmitError};
use tillroll_events::Caller;

use super::{BulkItems, lines::Lines};
use crate::app::{App, blocking};
use crate::bodies::{BulkMode, RefusedBefore};
use crate::capacity::Place;
use crate::code::Code;
use crate::idempotency::Reservation;
use crate::middleware::RequestId;
use crate::new_ids::NewIds;
use crate::problem::{Problem, StreamProblem};
use crate::views::{BulkView, Results};

/// A command's answer takes so long to write that it is written aside.
const LONG_ANSWER: usize = 500;
/// How long a client is listened to after the last answer.
const TIME_TO_DRAIN: Duration = Duration::from_secs(5);

/// What the commands of a bulk request share.
#[derive(Debug)]
pub(crate) struct BulkContext {
    pub results: Results,
    pub caller: Caller,
    /// Of the request's key, held until the last answer is given.
    pub reservation: Option<Reservation>,
}

/// Has one command applied: what came of it, if the book was asked at all, and the answer.
pub(crate) async fn answer(
    app: &App,
    context: &BulkContext,
    number: usize,
    items: BulkItems,
) -> Result<(Option<Outcome>, BulkView), Problem> {
    let BulkItems {
        mode,
        first,
        count,
        batch,
        refused,
        fingerprint,
        lease,
    } = items;
    let results = context.results;
    if batch.is_empty() {
        // Nothing is left for the book: the answer is a function of the body.
        let view = BulkView::of_records(mode, first, count, refused, &[], results);
        return Ok((None, view));
    }
    let reservation = context.reservation.as_ref().zip(fingerprint);
    let key = reservation.map(|(key, fingerprint)| key.command_key(number, fingerprint));
    let submitted = app
        .submit(context.caller.clone(), key, None, batch.into_action(mode))
        .await;
    drop(lease);
    let outcome = submitted.map_err(|error| in_stream(error, first))?;
    let view = view(mode, first, count, refused, &outcome, results).await?;
    Ok((Some(outcome), view))
}

async fn view(
    mode: BulkMode,
    first: usize,
    count: usize,
    refused: Vec<RefusedBefore>,
    outcome: &Outcome,
    results: Results,
) -> Result<BulkView, Problem> {
    let records = outcome.records.clone();
    let render = move || BulkView::of_records(mode, first, count, refused, &records, results);
    match results == Results::All && count > LONG_ANSWER {
        true => blocking(render).await,
        false => Ok(render()),
    }
}

/// A refusal names an entry by its place in the command.
fn in_stream(error: SubmitError, first: usize) -> Problem {
    match error {
        SubmitError::Refused(Refusal::InBulk { index, refusal }) => Refusal::InBulk {
            index: first + index,
            refusal,
        }
        .into(),
        error => error.into(),
    }
}

type Ahead = Pin<Box<dyn Future<Output = (Lines, Result<Option<BulkItems>, Problem>)> + Send>>;

/// A stream whose first command is being read, or a later one.
pub(crate) struct Stream {
    app: App,
    context: BulkContext,
    request_id: RequestId,
    /// The commands that were answered.
    number: usize,
    /// The place of the first entry that was not answered.
    place: usize,
    state: StreamState,
    /// Among the streams that are open, until the last answer.
    open: Option<Place>,
}

enum StreamState {
    Reading(Ahead),
    /// The last line was given. What the client still sends is thrown away.
    Over(Option<Ahead>),
}

impl Stream {
    pub(crate) fn new(
        app: App,
        context: BulkContext,
        request_id: RequestId,
        lines: Lines,
        open: Place,
    ) -> Self {
        let state = StreamState::Reading(read_ahead(app.new_ids(), lines));
        Self {
            app,
            context,
            request_id,
            number: 0,
            place: 0,
            state,
            open: Some(open),
        }
    }

    /// The answer to the next command, none after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<(Option<Outcome>, BulkView)>, Problem> {
        let StreamState::Reading(ahead) =
            std::mem::replace(&mut self.state, StreamState::Over(None))
        else {
            return Ok(None);
        };
        let mut stopping = self.app.stopping();
        let mut ahead = ahead;
        let read = tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => None,
            read = &mut ahead => Some(read),
        };
        let Some((lines, items)) = read else {
            self.state = StreamState::Over(Some(ahead));
            return Err(SubmitError::Stopped.into());
        };
        let items = match items {
            Ok(Some(items)) => items,
            Ok(None) if self.number == 0 => {
                let detail = "a stream of entries has at least one";
                let problem = Problem::new(Code::ParameterInvalid, detail);
                return Err(problem.with_param("/entries"));
            }
            Ok(None) => return Ok(None),
            Err(problem) => {
                self.state =
                    StreamState::Over(Some(Box::pin(std::future::ready((lines, Ok(None))))));
                return Err(problem);
            }
        };
        let count = items.count;
        let answered = {
            let answer = std::pin::pin!(answer(&self.app, &self.context, self.number, items));
            let ahead = read_ahead(self.app.new_ids(), lines);
            match select(answer, ahead).await {
                Either::Left((answered, ahead)) => {
                    self.state = StreamState::Reading(ahead);
                    answered
                }
                Either::Right((read, answer)) => {
                    self.state = StreamState::Reading(Box::pin(std::future::ready(read)));
                    answer.await
                }
            }
        };
        match answered {
            Ok((outcome, mut view)) => {
                self.number += 1;
                self.place += count;
                let replayed = outcome.as_ref().is_some_and(|outcome| outcome.replayed);
                view.replayed = replayed.then_some(true);
                Ok(Some((outcome, view)))
            }
            Err(problem) => {
                if let StreamState::Reading(ahead) =
                    std::mem::replace(&mut self.state, StreamState::Over(None))
                {
                    self.state = StreamState::Over(Some(ahead));
                }
                Err(problem)
            }
        }
    }

    /// Lets the client finish what it is sending after the last answer, so that it sees that
    /// answer rather than a broken connection.
    pub(crate) fn drain(&mut self) {
        // What is only thrown away is no open stream, whatever the client goes on to send.
        self.open = None;
        let StreamState::Over(rest) = &mut self.state else {
            return;
        };
        if let Some(rest) = rest.take() {
            tokio::spawn(async move {
                let draining = async { rest.await.0.drain().await };
                // In vain or not, the answer was given.
                drop(tokio::time::timeout(TIME_TO_DRAIN, draining).await);
            });
        }
    }

    /// The next answer as a line: a command's, or the problem that ends the stream.
    async fn line(&mut self) -> Option<Bytes> {
        Some(match self.next().await {
            Ok(None) => return None,
            Ok(Some((outcome, mut view))) => {
                view.replayed = outcome
                    .is_some_and(|outcome| outcome.replayed)
                    .then_some(true);
                line(&view)
            }
            Err(problem) => {
                self.drain();
                line(&StreamProblem {
                    object: "problem",
                    first_index: self.place,
                    problem: problem.body(&self.request_id.to_string()),
                })
            }
        })
    }

    /// `first`, and all lines that follow it.
    pub(crate) fn body(self, first: Bytes) -> axum::body::Body {
        use futures_util::{StreamExt, stream};
        let rest = stream::unfold(self, |mut stream| async move {
            let line = stream.line().await?;
            Some((line, stream))
        });
        let lines = stream::iter([first]).chain(rest);
        axum::body::Body::from_stream(lines.map(Ok::<_, std::convert::Infallible>))
    }
}

/// A line of an answer.
pub(crate) fn line(answer: &impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(answer).expect("an answer is plain data");
    line.push(b'\n');
    line.into()
}

fn read_ahead(new_ids: NewIds, mut lines: Lines) -> Ahead {
    Box::pin(async move {
        let items = lines.command(new_ids).await;
        (lines, items)
    })
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("answered", &self.number)
            .finish_non_exhaustive()
    }
}
