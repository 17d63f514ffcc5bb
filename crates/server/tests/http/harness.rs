//! A book in a temporary directory, and requests to its routes without a network.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tillroll_events::Timestamp;
use tillroll_runtime::{ManualClock, OpenBook, OpenBookOptions};
use tillroll_server::{HttpOptions, HttpServer};
use tower::ServiceExt;

/// What every book of the tests believes the time to be when it is opened.
pub const NOW: i64 = 1_800_000_000;
pub const SECRET: &str = "whsec_of_the_tests";

/// How a shop is opened and served.
pub struct Settings {
    pub book: OpenBookOptions,
    pub http: HttpOptions,
}

pub struct Shop {
    pub server: HttpServer,
    pub router: Router,
    pub clock: Arc<ManualClock>,
    directory: tempfile::TempDir,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn position(&self) -> u64 {
        self.header("tillroll-position")
            .unwrap_or_else(|| panic!("no position in {self:?}"))
            .parse()
            .unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    /// The answer, which must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// Status, code and param of a problem, which must be complete.
    #[track_caller]
    pub fn problem(&self) -> (u16, String, Option<String>) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        let code = body["code"].as_str().unwrap().to_owned();
        assert_eq!(body["type"], format!("/problems/{code}"));
        assert_eq!(body["doc_url"], body["type"]);
        assert_eq!(body["request_id"].as_str(), self.header("request-id"));
        assert!(["never", "after_change"].contains(&body["retry"].as_str().unwrap()));
        assert!(!body["title"].as_str().unwrap().is_empty());
        assert!(!body["detail"].as_str().unwrap().is_empty());
        let param = body["param"].as_str().map(str::to_owned);
        (self.status.as_u16(), code, param)
    }
}

impl Shop {
    pub fn open() -> Self {
        Self::open_in(tempfile::tempdir().unwrap())
    }

    pub fn open_in(directory: tempfile::TempDir) -> Self {
        Self::open_with(directory, |_| {})
    }

    pub fn open_with(directory: tempfile::TempDir, change: impl FnOnce(&mut Settings)) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(NOW)));
        let mut settings = Settings {
            book: OpenBookOptions::new(directory.path()),
            http: HttpOptions::default(),
        };
        settings.book.clock = clock.clone();
        settings.http.webhook_secrets = vec![SECRET.parse().unwrap()];
        // A read shows what was written before it, however busy the machine is.
        settings.http.patience = Duration::from_secs(600);
        settings.http.courtesy = Duration::from_secs(600);
        change(&mut settings);
        let book = OpenBook::open(settings.book, |_| {}).unwrap();
        let server = HttpServer::new(book, settings.http);
        Self {
            router: server.router(),
            server,
            clock,
            directory,
        }
    }

    /// Closes the book; its directory is left.
    pub async fn close(self) -> tempfile::TempDir {
        self.server.close().await.unwrap();
        self.directory
    }

    pub async fn restart(self) -> Self {
        Self::open_in(self.close().await)
    }

    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    pub fn book(&self) -> &OpenBook {
        self.server.book()
    }

    pub fn position(&self) -> u64 {
        self.book().engine().head().get()
    }

    /// Sends a request. Whatever the answer is, it must be as the OpenAPI document says.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            bytes,
        };
        crate::contract::check(&method, &path, &answer);
        answer
    }

    /// Sends what a client writes; to `localhost`, where it names no host.
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path);
        if headers.iter().all(|(name, _)| *name != "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.raw("GET", path, &[], Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.raw("POST", path, &headers, body.to_string()).await
    }

    pub async fn post_keyed(&self, path: &str, key: &str, body: &str) -> Answer {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        self.raw("POST", path, &headers, body.to_owned()).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.raw("PUT", path, &headers, body.to_string()).await
    }

    /// Opens an account in euros.
    pub async fn account(&self, path: &str, kind: &str) -> Answer {
        let body = json!({"unit": "EUR", "type": kind});
        self.put(&format!("/v1/accounts/{path}"), body)
            .await
            .expect(200)
    }

    /// A webhook with a good signature.
    pub async fn webhook(&self, body: &Value) -> Answer {
        let body = body.to_string();
        let signature = sign(SECRET, NOW, body.as_bytes());
        self.raw(
            "POST",
            "/v1/webhooks/stripe",
            &[("stripe-signature", &signature)],
            body,
        )
        .await
    }
}

/// A `Stripe-Signature` header.
pub fn sign(secret: &str, at: i64, body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(at.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// A sale of one T-shirt, or whatever is changed of it.
pub fn order() -> Value {
    json!({
        "channel": "web",
        "currency": "EUR",
        "lines": [{"description": "Gift wrapping", "quantity": 2, "unit_price": 500}],
    })
}

/// Two postings that balance, from one account to another.
pub fn entry(debit: &str, credit: &str, amount: u64) -> Value {
    json!({"postings": [
        {"account": debit, "unit": "EUR", "side": "debit", "amount": amount},
        {"account": credit, "unit": "EUR", "side": "credit", "amount": amount},
    ]})
}

/// A Stripe event of the payment of an order.
pub fn payment_succeeded(event: &str, order: &str, amount: u64) -> Value {
    json!({
        "id": event,
        "object": "event",
        "api_version": "2026-09-30.endive",
        "created": NOW - 10,
        "livemode": false,
        "type": "payment_intent.succeeded",
        "data": {"object": {
            "id": format!("pi_{event}"),
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": amount,
            "currency": "eur",
            "latest_charge": format!("ch_{event}"),
            "metadata": {"order_id": order},
            "status": "succeeded",
        }},
    })
}
