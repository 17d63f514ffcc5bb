//! The HTTP interface of an open book.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tillroll_engine::Failure;
use tillroll_runtime::OpenBook;
use tillroll_stripe::Secret;
use tokio::sync::watch;

use crate::HttpBounds;
use crate::app::{App, AppState};
use crate::capacity::Capacity;
use crate::idempotency::InFlight;
use crate::metrics::HttpMetrics;
use crate::{middleware, openapi};

/// How a book is served.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Signing secrets of Stripe's webhook endpoints: all are tried, so that they can be
    /// rotated and platform and Connect endpoints can differ. Without one no webhook is accepted.
    pub webhook_secrets: Vec<Secret>,
    /// Connections that may be open; more are answered 503 at once.
    pub max_connections: usize,
    /// Names, besides localhost and loopback addresses, under which requests may be addressed
    /// to this server.
    pub allowed_hosts: Vec<String>,
    /// How long a read waits for a position that was asked for.
    pub patience: Duration,
    /// How long a read that asks for no position waits to show what was acknowledged before it.
    /// An answer that is a little old is still true: it says of which position it is.
    pub courtesy: Duration,
    /// How long a client may take to send a request's header.
    pub header_timeout: Duration,
    /// What clients can have of the server beside that.
    pub bounds: HttpBounds,
}

impl Default for HttpOptions {
    /// Without a webhook secret.
    fn default() -> Self {
        Self {
            webhook_secrets: Vec::new(),
            max_connections: 1024,
            allowed_hosts: Vec::new(),
            patience: Duration::from_secs(5),
            courtesy: Duration::from_millis(250),
            header_timeout: Duration::from_secs(10),
            bounds: HttpBounds::default(),
        }
    }
}

/// The HTTP interface of an open book. [`HttpServer::serve`] serves it on a socket;
/// [`HttpServer::router`] answers requests without a network.
pub struct HttpServer {
    app: App,
    book: OpenBook,
    stop: watch::Sender<bool>,
    pub(crate) max_connections: usize,
    pub(crate) header_timeout: Duration,
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer")
            .field("book", &self.book)
            .finish_non_exhaustive()
    }
}

impl HttpServer {
    #[must_use]
    pub fn new(book: OpenBook, options: HttpOptions) -> Self {
        let (stop, stopping) = watch::channel(false);
        let handle = book.handle().clone();
        let capacity = Arc::new(Capacity::new(options.bounds));
        let app = App::new(AppState {
            metrics: HttpMetrics::new(&handle, book.start(), &capacity),
            capacity,
            book: handle,
            in_flight: InFlight::default(),
            secrets: options.webhook_secrets,
            hosts: options.allowed_hosts,
            patience: options.patience,
            courtesy: options.courtesy,
            stopping,
        });
        Self {
            app,
            book,
            stop,
            max_connections: options.max_connections.max(1),
            header_timeout: options.header_timeout,
        }
    }

    /// What is served.
    #[must_use]
    pub fn book(&self) -> &OpenBook {
        &self.book
    }

    /// All routes. Clones and the server share their state.
    pub fn router(&self) -> Router {
        let (router, _) = openapi::routes();
        router
            .fallback(middleware::no_route)
            .method_not_allowed_fallback(middleware::no_method)
            .layer(middleware::Surround(self.app.clone()))
            .with_state(self.app.clone())
    }

    pub(crate) fn bounds(&self) -> &HttpBounds {
        &self.app.capacity().bounds
    }

    /// Has endless answers end.
    pub(crate) fn stop_streams(&self) {
        self.stop.send_replace(true);
    }

    /// Ends what has no end, and closes the book, see [`OpenBook::close`].
    ///
    /// # Errors
    /// The failure that ended the writer.
    pub async fn close(self) -> Result<(), Failure> {
        self.stop_streams();
        self.book.close().await
    }
}
