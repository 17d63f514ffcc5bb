//! What surrounds every route: the request's id, the problem's body, headers that keep a
//! browser honest, a measure of time, and the refusal of what is not let in.

use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::{BodyExt, Full};
use hyper::body::Body as _;
use tillroll_runtime::{BookClock, SystemClock};
use tower::{Layer, Service};
use uuid::Uuid;

use crate::admission;
use crate::app::App;
use crate::capacity::overloaded;
use crate::code::Code;
use crate::new_ids::new_id;
use crate::openapi::NOT_OF_READ_MODELS;
use crate::problem::{CONTENT_TYPE, Problem, headers};
use crate::routes;

/// Sent with every answer. Nothing here is meant to be shown, framed or kept by a browser.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// The id of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId(Uuid);

impl RequestId {
    pub(crate) fn new() -> Self {
        Self(new_id(SystemClock.now()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ascii(&self.text()))
    }
}

impl RequestId {
    /// By hand, because every answer has one.
    fn text(self) -> [u8; 36] {
        let mut text = *b"req_00000000000000000000000000000000";
        self.0.simple().encode_lower(&mut text[4..]);
        text
    }
}

fn ascii(text: &[u8]) -> &str {
    std::str::from_utf8(text).expect("an id is visible ASCII")
}

/// The outermost layer. It is a service by hand, because it is on the way of every request: a
/// middleware function would clone the route and box it anew each time.
#[derive(Clone, Debug)]
pub(crate) struct Surround(pub(crate) App);

impl<S> Layer<S> for Surround {
    type Service = Surrounded<S>;

    fn layer(&self, inner: S) -> Surrounded<S> {
        let app = self.0.clone();
        Surrounded { app, inner }
    }
}

type ResponseFuture = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

#[derive(Clone, Debug)]
pub(crate) struct Surrounded<S> {
    app: App,
    inner: S,
}

impl<S> Service<Request> for Surrounded<S>
where
    S: Service<Request, Response: IntoResponse, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let inner = |request| self.inner.call(request);
        surround(self.app.clone(), request, inner)
    }
}

/// The route of a request, as it is counted.
fn name_of(route: Option<&MatchedPath>) -> &str {
    route.map_or("unmatched", MatchedPath::as_str)
}

/// Has a request answered, with all that surrounds it.
fn surround<F, R>(
    app: App,
    mut request: Request,
    answer: impl FnOnce(Request) -> F,
) -> ResponseFuture
where
    F: Future<Output = Result<R, Infallible>> + Send + 'static,
    R: IntoResponse,
{
    let started = Instant::now();
    let id = RequestId::new();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    if name_of(route.as_ref()) == routes::bulk::ROUTE {
        // Its answer may speak of it before it is complete.
        request.extensions_mut().insert(id);
    }
    let refused = admission::refused(&app, &request, route.as_ref().map(MatchedPath::as_str));
    let asks_now = asks_read_models_now(&request, name_of(route.as_ref()));
    let complete = move |mut response: Response| {
        count_bytes(&app, &method, &mut response);
        finish(&mut response, id);
        if asks_now && tells_of_books(response.status()) {
            say_lag(&app, &mut response);
        }
        let route = name_of(route.as_ref());
        let took = started.elapsed();
        app.metrics()
            .observe_request(route, &method, response.status(), took);
        tracing::debug!(
            %method, route, status = response.status().as_u16(),
            micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX), "answered",
        );
        Ok(response)
    };
    if let Some(problem) = refused {
        return Box::pin(ready(complete(problem.into_response())));
    }
    // The last line of defence: a bug in a handler is an answer, not a broken connection.
    match catch_unwind(AssertUnwindSafe(|| answer(request))) {
        Err(panic) => Box::pin(ready(complete(panicked(panic)))),
        // Not awaited in a future around it, in which it would have room twice.
        Ok(answering) => Box::pin(AssertUnwindSafe(answering).catch_unwind().map(
            move |answered| {
                complete(match answered {
                    Ok(Ok(answer)) => answer.into_response(),
                    Ok(Err(never)) => match never {},
                    Err(panic) => panicked(panic),
                })
            },
        )),
    }
}

/// Whether the read models are asked how things stand now.
fn asks_read_models_now(request: &Request, route: &str) -> bool {
    let of_books = route.starts_with("/v1/") && !NOT_OF_READ_MODELS.contains(&route);
    let query = request.uri().query().unwrap_or_default();
    let mut names = query.split('&').map(|pair| pair.split('=').next());
    of_books && request.method() == Method::GET && !names.any(|name| name == Some("as_of"))
}

/// Whether an answer says what the read models show, or do not show.
fn tells_of_books(status: StatusCode) -> bool {
    let said_nothing = [StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE];
    status.is_success() || said_nothing.contains(&status)
}

/// Says of an answer that is older than what was acknowledged by how much.
fn say_lag(app: &App, response: &mut Response) {
    let answer_headers = response.headers_mut();
    let shown = answer_headers.get(headers::POSITION);
    let shown = shown.and_then(|position| position.to_str().ok()?.parse::<u64>().ok());
    // A problem, too, may be one of the past: what is not found may have come since.
    let shown = shown.unwrap_or_else(|| app.checkpoint().position());
    let positions = app.engine().head().get().saturating_sub(shown);
    if positions > 0 {
        let seconds = app.book().lag().map_or(0, |lag| lag.time.as_secs());
        answer_headers.insert(headers::LAG_POSITIONS, HeaderValue::from(positions));
        answer_headers.insert(headers::LAG_SECONDS, HeaderValue::from(seconds));
    }
}

/// Most answers are short: what is longer is counted for as long as it is held.
const SHORT_BYTES: u64 = 64 * 1024;

/// Has a long answer counted among those that are held. A question whose answer finds no room is
/// refused; the answer to a command is given all the same.
fn count_bytes(app: &App, method: &Method, response: &mut Response) {
    let Some(length) = response.body().size_hint().exact() else {
        // It counts by itself what it holds.
        return;
    };
    if length <= SHORT_BYTES {
        return;
    }
    let bytes = usize::try_from(length).unwrap_or(usize::MAX);
    let answers = &app.capacity().answers;
    let lease = if method == Method::GET {
        let Some(lease) = answers.try_take(bytes) else {
            let problem = overloaded("answers hold as many bytes as they may: ask again");
            *response = problem.into_response();
            return;
        };
        lease
    } else {
        let mut lease = answers.lease();
        lease.set(bytes);
        lease
    };
    // A body of an exact length was written as a whole, and is there.
    if let Some(Some(Ok(frame))) = response.body_mut().frame().now_or_never()
        && let Ok(data) = frame.into_data()
    {
        *response.body_mut() = lease.hold(data).into();
    }
}

/// Gives an answer its problem's body and the headers that every answer has.
fn finish(response: &mut Response, id: RequestId) {
    let id = id.text();
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        write_problem(response, &problem, ascii(&id));
    }
    let answer_headers = response.headers_mut();
    let id = HeaderValue::from_bytes(&id).expect("an id is visible ASCII");
    answer_headers.insert(headers::REQUEST_ID, id);
    // An answer that was begun with `usual_headers` has all of these.
    if !answer_headers.contains_key(header::X_CONTENT_TYPE_OPTIONS) {
        for (name, value) in HEADERS {
            answer_headers.entry(name).or_insert(value);
        }
    }
    if !answer_headers.contains_key(header::CACHE_CONTROL) {
        answer_headers.insert(header::CACHE_CONTROL, NOT_KEPT);
    }
}

/// What most answers have: JSON, and what [`finish`] would add one by one. Copied in one piece,
/// in memory that is as long as it has to be.
pub(crate) fn usual_headers() -> HeaderMap {
    static USUAL: LazyLock<HeaderMap> = LazyLock::new(|| {
        let nothing = HeaderValue::from_static("");
        let mut usual: HeaderMap = HEADERS.into_iter().collect();
        let json = HeaderValue::from_static("application/json");
        usual.insert(header::CONTENT_TYPE, json);
        usual.insert(header::CACHE_CONTROL, NOT_KEPT);
        // To be written over.
        usual.insert(headers::POSITION, nothing.clone());
        usual.insert(headers::REQUEST_ID, nothing);
        usual
    });
    USUAL.clone()
}

fn write_problem(response: &mut Response, problem: &Problem, id: &str) {
    let told = problem.body(id);
    let body = serde_json::to_vec(&told).expect("a problem is plain data");
    let answer_headers = response.headers_mut();
    answer_headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    answer_headers.remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::new(Full::new(Bytes::from(body)));
    if problem.status.is_server_error() {
        tracing::warn!(code = problem.code, detail = told.detail, id, "a problem");
    }
}

fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(said, "a handler panicked");
    Problem::new(Code::InternalError, "the server made a mistake").into_response()
}

pub(crate) async fn no_route(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(
        Code::RouteNotFound,
        format!("there is nothing at {method} {path}"),
    )
}

pub(crate) async fn no_method(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(
        Code::MethodNotAllowed,
        format!("{path} does not take {method}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_problem() {
        for panic in [
            Box::new("text") as Box<dyn std::any::Any + Send>,
            Box::new("text".to_owned()),
            Box::new(7),
        ] {
            let response = panicked(panic);
            let problem = response.extensions().get::<Problem>().unwrap();
            assert_eq!(
                (problem.status.as_u16(), problem.code),
                (500, "internal_error")
            );
        }
    }
}
