//! Talking HTTP: one request after the other over one connection that is kept
//! alive.
//!
//! [`Exchange`] is all that the story needs of a server, so that it can also be
//! told to one in the same process.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Uri};
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::time::Duration;
use tokio::net::TcpStream;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const STRIPE_SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");
const REPLAYED: &str = "idempotent-replayed";
const POSITION: &str = "tillroll-position";
/// A server that says nothing for so long will not say anything any more.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopRequest {
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
pub struct ShopAnswer {
    /// HTTP status.
    pub status: u16,
    /// `Idempotent-Replayed: true`.
    pub replayed: bool,
    /// `Tillroll-Position`.
    pub position: Option<u64>,
    /// The body.
    pub body: Bytes,
}

/// Answers requests, one at a time.
pub trait Exchange: Send {
    /// Sends `request` and waits for the answer.
    ///
    /// # Errors
    ///
    /// When there is no answer; a refusal is an answer.
    fn send(&mut self, request: ShopRequest) -> impl Future<Output = Result<ShopAnswer>> + Send;
}

/// A server somewhere, spoken to in HTTP/1.1 over one connection.
#[derive(Debug)]
pub struct HttpExchange {
    host: String,
    port: u16,
    authority: HeaderValue,
    /// Before every path.
    prefix: String,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl HttpExchange {
    /// A server at `base_url`, for example `http://127.0.0.1:8080`.
    ///
    /// # Errors
    ///
    /// Unless it is an absolute `http` address.
    pub fn new(base_url: &str) -> Result<Self> {
        let uri: Uri = base_url
            .parse()
            .with_context(|| format!("`{base_url}` is no address"))?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            bail!("`{base_url}` is no address of the form http://host:port");
        };
        let host = authority.host();
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: HeaderValue::from_str(authority.as_str())?,
            prefix: uri.path().trim_end_matches('/').to_owned(),
            connection: None,
        })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .with_context(|| format!("no server listens at {}:{}", self.host, self.port))?;
        // Requests are small and wait for each other: never gather them.
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // Its end shows at the next request, which then says why.
            drop(connection.await);
        });
        Ok(sender)
    }

    fn message(&self, request: &ShopRequest) -> Result<hyper::Request<Full<Bytes>>> {
        let mut message = hyper::Request::builder()
            .method(request.method.clone())
            .uri(format!("{}{}", self.prefix, request.path))
            .header(HOST, self.authority.clone())
            .header(USER_AGENT, "tillroll-demo");
        if request.method != hyper::Method::GET {
            message = message.header(CONTENT_TYPE, "application/json");
        }
        if let Some(key) = &request.key {
            message = message.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(signature) = &request.signature {
            message = message.header(STRIPE_SIGNATURE, signature);
        }
        Ok(message.body(Full::new(request.body.clone()))?)
    }

    async fn attempt(
        &self,
        connection: &mut SendRequest<Full<Bytes>>,
        request: &ShopRequest,
    ) -> Result<ShopAnswer> {
        connection.ready().await?;
        let response = connection.send_request(self.message(request)?).await?;
        let status = response.status().as_u16();
        let replayed = text(response.headers(), REPLAYED) == Some("true");
        let position = text(response.headers(), POSITION).and_then(|text| text.parse().ok());
        let body = response.into_body().collect().await?.to_bytes();
        Ok(ShopAnswer {
            status,
            replayed,
            position,
            body,
        })
    }

    async fn answer(&mut self, request: &ShopRequest) -> Result<ShopAnswer> {
        if let Some(mut kept) = self.connection.take()
            && let Ok(answer) = self.attempt(&mut kept, request).await
        {
            self.connection = Some(kept);
            return Ok(answer);
        }
        // A server may close a connection that it finds idle. Sending once more
        // is safe: whatever changes something has a key or an event id.
        let mut fresh = self.connect().await?;
        let answer = self.attempt(&mut fresh, request).await?;
        self.connection = Some(fresh);
        Ok(answer)
    }
}

impl Exchange for HttpExchange {
    async fn send(&mut self, request: ShopRequest) -> Result<ShopAnswer> {
        let name = format!("{} {}", request.method, request.path);
        tokio::time::timeout(PATIENCE, self.answer(&request))
            .await
            .with_context(|| format!("{name}: no answer within {} s", PATIENCE.as_secs()))?
            .with_context(|| format!("{name}: no answer"))
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
        for good in [
            "http://127.0.0.1:8080",
            "http://localhost:1/",
            "http://[::1]:80/tillroll",
        ] {
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
