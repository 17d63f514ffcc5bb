//! Talking HTTP: one request after the other over one connection that is kept
//! alive.
//!
//! [`Exchange`] is all that the story needs of a server, so that it can also be
//! told to one in the same process.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Uri};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::future::Future;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const STRIPE_SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");
const REPLAYED: &str = "idempotent-replayed";
const POSITION: &str = "tillroll-position";

/// A request of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` or `PUT`.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// `Stripe-Signature`.
    pub signature: Option<String>,
    /// The body; empty for `GET`.
    pub body: Bytes,
}

/// What the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Idempotent-Replayed: true`.
    pub replayed: bool,
    /// `Tillroll-Position`.
    pub position: Option<u64>,
    /// The body.
    pub body: Bytes,
}

/// Somebody who answers requests, one at a time.
pub trait Exchange: Send {
    /// Sends `request` and waits for the answer.
    ///
    /// # Errors
    ///
    /// When there is no answer; a refusal is an answer.
    fn send(&mut self, request: Request) -> impl Future<Output = Result<Answer>> + Send;
}

/// A server somewhere, spoken to in HTTP/1.1.
#[derive(Debug)]
pub struct HttpExchange {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl HttpExchange {
    /// A server at `base_url`, for example `http://127.0.0.1:8080`.
    ///
    /// # Errors
    ///
    /// Unless it is an absolute `http` address.
    pub fn new(base_url: &str) -> Result<Self> {
        let base = base_url.trim_end_matches('/');
        let uri: Uri = base
            .parse()
            .with_context(|| format!("`{base_url}` is no address"))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() {
            bail!("`{base_url}` is no address of the form http://host:port");
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            base: base.to_owned(),
            client: Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(1)
                .build(connector),
        })
    }
}

impl Exchange for HttpExchange {
    async fn send(&mut self, request: Request) -> Result<Answer> {
        let name = format!("{} {}", request.method, request.path);
        let uri = format!("{}{}", self.base, request.path);
        let mut message = hyper::Request::builder()
            .method(request.method)
            .uri(uri)
            .header(USER_AGENT, "tillroll-demo");
        if !request.body.is_empty() {
            message = message.header(CONTENT_TYPE, "application/json");
        }
        if let Some(key) = request.key {
            message = message.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(signature) = request.signature {
            message = message.header(STRIPE_SIGNATURE, signature);
        }
        let message = message
            .body(Full::new(request.body))
            .with_context(|| format!("{name} cannot be put into HTTP"))?;
        let response = self
            .client
            .request(message)
            .await
            .with_context(|| format!("{name}: no answer from {}", self.base))?;
        let status = response.status().as_u16();
        let replayed = text(response.headers(), REPLAYED) == Some("true");
        let position = text(response.headers(), POSITION).and_then(|text| text.parse().ok());
        let body = response
            .into_body()
            .collect()
            .await
            .with_context(|| format!("{name}: the answer broke off"))?
            .to_bytes();
        Ok(Answer {
            status,
            replayed,
            position,
            body,
        })
    }
}

fn text<'a>(headers: &'a HeaderMap<HeaderValue>, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_addresses_are_servers() {
        for good in ["http://127.0.0.1:8080", "http://localhost:1/"] {
            assert!(HttpExchange::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:8080",
            "https://example.com",
            "ftp://x",
            "/v1",
        ] {
            assert!(HttpExchange::new(bad).is_err(), "{bad}");
        }
    }
}
