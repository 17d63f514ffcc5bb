//! A request that changes something: its body, its idempotency key, and the answer's headers.

use axum::extract::{FromRequest, FromRequestParts, MatchedPath, RawPathParams, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use serde::Serialize;
use tillroll_book::CommandKey;
use tillroll_engine::{Outcome, Position};
use tillroll_events::Caller;
use tillroll_json::Fingerprinter;

use crate::app::App;
use crate::body::{self, Document, JsonText, REQUEST_BYTES};
use crate::idempotency::{self, RequestName, Reservation};
use crate::list::{List, ShortenedAt};
use crate::middleware::usual_headers;
use crate::problem::{Problem, headers};
use crate::sender::Sender;

/// The body and key of a request that changes something. The body may be `LIMIT` bytes long.
#[derive(Debug)]
pub(crate) struct Post<const LIMIT: usize = REQUEST_BYTES> {
    body: JsonText,
    sender: Sender,
    /// Of a request with a key; held until the answer is ready.
    keyed: Option<(Reservation, Fingerprinter)>,
}

impl<const LIMIT: usize> Post<LIMIT> {
    pub(crate) fn document(&self) -> Result<Document<'_>, Problem> {
        self.body.document()
    }

    /// The body, or the empty object that an empty one stands for.
    pub(crate) fn document_or_empty(&self) -> Result<Document<'_>, Problem> {
        self.body.document_or_empty()
    }

    pub(crate) fn caller(&self) -> Caller {
        self.sender.caller.clone()
    }

    /// The key of the command that `document` asks for.
    pub(crate) fn key(&self, document: &Document<'_>) -> Option<CommandKey> {
        let (reservation, fingerprint) = self.keyed.as_ref()?;
        let mut fingerprint = fingerprint.clone();
        fingerprint.add_json(document.json());
        Some(reservation.command_key(0, fingerprint.finish()))
    }
}

impl<const LIMIT: usize> FromRequest<App> for Post<LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, content) = request.into_parts();
        let bytes = body::read_json(app.capacity(), &parts.headers, content, LIMIT).await?;
        let body = JsonText::new(bytes)?;
        let parameters = RawPathParams::from_request_parts(&mut parts, app)
            .await
            .map_err(|error| Problem::parameter("path", error.body_text()))?;
        // They end up on the roll.
        for (name, value) in parameters.iter() {
            body::refuse_card_number(name, value)?;
        }
        let sender = Sender::ANONYMOUS;
        // A PUT is idempotent by itself.
        let reservation = match parts.method {
            Method::PUT => None,
            _ => idempotency::reserve(app.in_flight(), &sender.scope, &parts.headers)?,
        };
        let keyed = reservation.map(|reservation| {
            let route = parts.extensions.get::<MatchedPath>();
            let request = RequestName {
                method: &parts.method,
                route: route.map_or("", MatchedPath::as_str),
                parameters: parameters
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            };
            (reservation, request.fingerprinter())
        });
        Ok(Self {
            body,
            sender,
            keyed,
        })
    }
}

/// An answer to a command that is on the roll.
pub(crate) fn applied(status: StatusCode, outcome: &Outcome, view: &impl Serialize) -> Response {
    let mut response = at(outcome.last, status, view);
    if outcome.replayed {
        let replayed = HeaderValue::from_static("true");
        response.headers_mut().insert(headers::REPLAYED, replayed);
    }
    response
}

/// An answer to a question, true for `position`.
pub(crate) fn read(position: u64, view: &impl Serialize) -> Response {
    at(Position::new(position), StatusCode::OK, view)
}

fn at(position: Position, status: StatusCode, view: &impl Serialize) -> Response {
    let mut answer_headers = usual_headers();
    answer_headers.insert(headers::POSITION, position_header(position));
    answer(status, answer_headers, view)
}

/// A page of a list, no longer than a page may be.
pub(crate) fn read_list<T: Serialize>(
    app: &App,
    position: u64,
    list: &List<T>,
    at: ShortenedAt,
) -> Response {
    let bytes = app.capacity().bounds.page_bytes;
    read_text(position, list.to_text(bytes, at))
}

/// As [`read`], of an answer that is written already.
pub(crate) fn read_text(position: u64, body: Vec<u8>) -> Response {
    let mut answer_headers = usual_headers();
    answer_headers.insert(headers::POSITION, HeaderValue::from(position));
    let mut response = Response::new(body.into());
    *response.headers_mut() = answer_headers;
    response
}

pub(crate) fn position_header(position: Position) -> HeaderValue {
    HeaderValue::from(position.get())
}

/// An answer that depends on no position.
pub(crate) fn json(status: StatusCode, view: &impl Serialize) -> Response {
    let mut answer_headers = usual_headers();
    answer_headers.remove(headers::POSITION);
    answer(status, answer_headers, view)
}

fn answer(status: StatusCode, answer_headers: HeaderMap, view: &impl Serialize) -> Response {
    // Most answers fit.
    let mut body = Vec::with_capacity(1024);
    serde_json::to_writer(&mut body, view).expect("an answer is plain data");
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    *response.headers_mut() = answer_headers;
    response
}
