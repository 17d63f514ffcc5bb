//! Problems: what the server answers when it does not do what was asked (RFC 9457), with the
//! members that Stripe's users expect.
//!
//! A problem travels as an extension of its response; the outermost layer writes the body,
//! because only that layer knows the request's id.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tillroll_book::{Refusal, Retry};
use tillroll_engine::Position;
use tillroll_json::redact;
use utoipa::ToSchema;

use crate::code::{self, Code};
use crate::pointer;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    pub code: String,
    /// JSON Pointer into the body, or the name of a parameter or header.
    pub pointer: String,
    pub detail: String,
}

/// Whether the same request may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryHint {
    Never,
    AfterChange,
}

impl From<Retry> for RetryHint {
    fn from(retry: Retry) -> Self {
        match retry {
            Retry::Never => Self::Never,
            Retry::AfterChange => Self::AfterChange,
        }
    }
}

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Where the code is explained, relative to this server.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// Stable, for programs.
    pub code: String,
    /// The field at fault: a JSON Pointer into the body, or the name of a parameter or header.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub param: Option<String>,
    pub doc_url: String,
    pub request_id: String,
    pub retry: RetryHint,
    /// Everything that is wrong, where it is more than one thing.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<FieldError>,
}

/// A problem that ends the answer to a stream, as its last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct StreamProblem {
    #[schema(example = "problem")]
    pub object: &'static str,
    /// The place of the first entry of the stream that was not applied; none after it was.
    pub first_index: usize,
    #[serde(flatten)]
    pub problem: ProblemBody,
}

/// A problem before it has a request id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub status: StatusCode,
    pub code: &'static str,
    pub detail: String,
    pub param: Option<String>,
    pub retry: Retry,
    pub errors: Vec<FieldError>,
    pub retry_after: Option<u32>,
}

/// Stands for the name of a cursor until the handler says which it was.
pub(crate) const CURSOR: &str = "cursor";

/// After which to ask again whether the clock has been set.
const CLOCK_SECONDS: u32 = 30;

pub(crate) const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            status: code.status(),
            code: code.as_str(),
            detail: detail.into(),
            param: None,
            retry: code.retry(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    pub(crate) fn with_param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// A bad path, query or header: 400, because no content was looked at.
    pub(crate) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(Code::ParameterInvalid, detail).with_param(name);
        problem.status = StatusCode::BAD_REQUEST;
        problem
    }

    /// Names the cursor that was given, where an unknown one is the problem.
    pub(crate) fn with_cursor(self, name: &'static str) -> Self {
        match self.param.as_deref() {
            Some(CURSOR) => self.with_param(name),
            _ => self,
        }
    }

    /// Says that the command itself is on the roll, where only its answer cannot be shown.
    pub(crate) fn after_recording(mut self, at: Position) -> Self {
        if self.status.is_server_error() {
            self.detail = format!(
                "the request is recorded at position {at}, but its answer cannot be shown yet: {}",
                self.detail
            );
        }
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Of one or more findings in a body; the first one speaks for the problem.
    pub(crate) fn of_findings(mut findings: Vec<(Code, FieldError)>) -> Self {
        if findings.is_empty() {
            return Self::new(Code::InternalError, "no finding, and yet a problem");
        }
        let several = findings.len() > 1;
        let (code, first) = findings[0].clone();
        let mut problem = Self::new(code, first.detail).with_param(first.pointer);
        if several {
            problem.errors = findings.drain(..).map(|(_, error)| error).collect();
        }
        problem
    }

    /// What the client is told. A detail may repeat what was sent, from the query, the path, a
    /// header or a body, and where a card number was among it, that is left out.
    pub(crate) fn body(&self, request_id: &str) -> ProblemBody {
        let doc_url = format!("/problems/{}", self.code);
        let errors = self.errors.iter().map(|error| FieldError {
            code: error.code.clone(),
            pointer: redact(&error.pointer),
            detail: redact(&error.detail),
        });
        ProblemBody {
            kind: doc_url.clone(),
            title: code::title(self.code),
            status: self.status.as_u16(),
            detail: redact(&self.detail),
            code: self.code.into(),
            param: self.param.as_deref().map(redact),
            doc_url,
            request_id: request_id.into(),
            retry: self.retry.into(),
            errors: errors.collect(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: code::status_of(refusal.kind()),
            code: refusal.code(),
            detail: refusal.to_string(),
            param: refusal.param().map(|param| match &refusal {
                Refusal::IdempotencyConflict { .. } | Refusal::AccountPathReserved { .. } => param,
                _ => pointer::from_path(&param),
            }),
            retry: refusal.retry(),
            errors: Vec::new(),
            retry_after: matches!(refusal, Refusal::ClockWrong(_)).then_some(CLOCK_SECONDS),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let mut response = (self.status, headers).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Names of our own headers.
pub(crate) mod headers {
    use super::HeaderName;

    pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
    pub(crate) const POSITION: HeaderName = HeaderName::from_static("tillroll-position");
    pub(crate) const LAG_POSITIONS: HeaderName = HeaderName::from_static("tillroll-lag-positions");
    pub(crate) const LAG_SECONDS: HeaderName = HeaderName::from_static("tillroll-lag-seconds");
    pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
    pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
    pub(crate) const STRIPE_SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");
    pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
}
