//! A request that changes something: its body, its idempotency key, and the answer's headers.

use axum::extract::{FromRequest, FromRequestParts, MatchedPath, RawPathParams, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tillroll_book::CommandKey;
use tillroll_engine::{Outcome, Position};

use crate::app::App;
use crate::body::{self, JsonText, REQUEST_BYTES};
use crate::idempotency::{self, RequestName, Reservation};
use crate::problem::{Problem, headers};

/// The body and key of a request that changes something. The body may be `LIMIT` bytes long.
#[derive(Debug)]
pub(crate) struct Post<const LIMIT: usize = REQUEST_BYTES> {
    pub(crate) body: JsonText,
    key: Option<CommandKey>,
    /// Held until the answer is ready.
    _reservation: Option<Reservation>,
}

impl<const LIMIT: usize> Post<LIMIT> {
    pub(crate) fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Problem> {
        self.body.parse()
    }

    /// The body, or what an empty one stands for.
    pub(crate) fn parse_or_default<'a, T: Deserialize<'a> + Default>(
        &'a self,
    ) -> Result<T, Problem> {
        if self.body.is_blank() {
            Ok(T::default())
        } else {
            self.body.parse()
        }
    }

    pub(crate) fn key(&self) -> Option<CommandKey> {
        self.key.clone()
    }
}

impl<const LIMIT: usize> FromRequest<App> for Post<LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, content) = request.into_parts();
        let bytes = body::read(&parts.headers, content, LIMIT).await?;
        // A request without a body needs no name for its kind.
        if !bytes.is_empty() || parts.headers.contains_key(header::CONTENT_TYPE) {
            body::require_json(&parts.headers)?;
        }
        let body = JsonText::new(bytes)?;
        let key = match idempotency::key_of(&parts.headers)? {
            // A PUT is idempotent by itself.
            Some(key) if parts.method != Method::PUT => Some(key.to_owned()),
            _ => None,
        };
        let parameters = RawPathParams::from_request_parts(&mut parts, app)
            .await
            .map_err(|error| Problem::parameter("path", error.body_text()))?;
        // Both end up on the roll.
        for (name, value) in parameters.iter() {
            body::refuse_card_number(name, value)?;
        }
        let Some(key) = key else {
            return Ok(Self {
                body,
                key: None,
                _reservation: None,
            });
        };
        body::refuse_card_number("Idempotency-Key", &key)?;
        let route = parts.extensions.get::<MatchedPath>();
        let request = RequestName {
            method: &parts.method,
            route: route.map_or("", MatchedPath::as_str),
            parameters: parameters
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        };
        let (key, reservation) = idempotency::begin(app.in_flight(), &key, &request, &body)?;
        Ok(Self {
            body,
            key: Some(key),
            _reservation: Some(reservation),
        })
    }
}

/// An answer to a command that is on the roll.
pub(crate) fn applied(status: StatusCode, outcome: &Outcome, view: &impl Serialize) -> Response {
    let mut response = json(status, view);
    let answer_headers = response.headers_mut();
    answer_headers.insert(headers::POSITION, position_header(outcome.last));
    if outcome.replayed {
        answer_headers.insert(headers::REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// An answer to a question, true for `position`.
pub(crate) fn read(position: u64, view: &impl Serialize) -> Response {
    let mut response = json(StatusCode::OK, view);
    let position = position_header(Position::new(position));
    response.headers_mut().insert(headers::POSITION, position);
    response
}

pub(crate) fn position_header(position: Position) -> HeaderValue {
    HeaderValue::from(position.get())
}

pub(crate) fn json(status: StatusCode, view: &impl Serialize) -> Response {
    let body = serde_json::to_vec(view).expect("an answer is plain data");
    let kind = (header::CONTENT_TYPE, "application/json");
    (status, [kind], body).into_response()
}
