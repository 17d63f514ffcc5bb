//! The HTTP stack with no book behind it: the same library, the same way of serving a
//! connection, the same client. It has no router, as our server has none for what comes often.

use std::net::{Ipv4Addr, SocketAddr};

use axum::body::{Body, to_bytes};
use axum::http::{Request as Received, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::{BoundFigure, Bounds};
use crate::http::{HttpCaller, HttpRequest};
use crate::load::{CallPool, LoopResult, closed_loop, one_worker, worker_per_core};
use crate::{BenchError, Bound};

/// A server that answers what it is sent (`/echo`), or how long it was (`/length`).
#[derive(Debug)]
pub struct Echo {
    /// Kept, since the server ends with it.
    _runtime: Runtime,
    address: SocketAddr,
}

/// Of a bulk request that the book takes, too.
const LONGEST: usize = 8 * 1024 * 1024;

impl Echo {
    /// # Errors
    /// When the system gives no thread or no port.
    pub fn start() -> Result<Self, BenchError> {
        let runtime = worker_per_core()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.map_err(BenchError::io("listen on a port"))?;
        let address = listener
            .local_addr()
            .map_err(BenchError::io("name a port"))?;
        runtime.spawn(serve(listener));
        Ok(Self {
            _runtime: runtime,
            address,
        })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends it requests with this body, over so many connections at a time.
    ///
    /// # Errors
    /// When a request fails.
    pub fn run(
        &self,
        path: &str,
        body: &[u8],
        connections: usize,
        requests: usize,
        bounds: &Bounds,
    ) -> Result<LoopResult, BenchError> {
        let request = HttpRequest::post(self.address, path).body(body);
        let pool = CallPool::new(vec![request; requests]);
        let limit = bounds.plan().window;
        let runtime = one_worker()?;
        runtime.block_on(async {
            let callers = HttpCaller::connect(self.address, connections, &pool).await?;
            closed_loop(callers, limit).await
        })
    }
}

impl Bounds {
    /// Requests a second of the echo server, each counted as so many elements.
    ///
    /// # Errors
    /// When a request fails.
    pub fn echo(
        &mut self,
        path: &str,
        body: &[u8],
        connections: usize,
        elements: u64,
    ) -> Result<Bound, BenchError> {
        let echo = Echo::start()?;
        let most = self.plan().calls(self.plan().request_rate);
        // Bodies are shared, but a run need not send more than a gigabyte.
        let requests = most.min((1 << 30) / body.len().max(1)).max(connections);
        let ran = echo.run(path, body, connections, requests, self)?;
        let what = match path {
            "/echo" => "echo",
            _ => "only read",
        };
        let many = match connections {
            1 => "1 connection".to_owned(),
            many => format!("{many} connections"),
        };
        let name = format!("HTTP, {what} {}, {many}", super::size(body.len()));
        self.add(BoundFigure {
            name: name.clone(),
            element: "request",
            per_second: ran.per_second(),
            latency: Some(ran.latency),
        });
        let rate = ran.per_second().saturating_mul(elements);
        Ok(Bound::new(name, rate))
    }
}

async fn answer(request: Received<Incoming>) -> Result<Response<Body>, axum::Error> {
    let is_echo = request.uri().path() == "/echo";
    let body = to_bytes(Body::new(request.into_body()), LONGEST).await?;
    Ok(Response::new(match is_echo {
        true => body.into(),
        false => body.len().to_string().into(),
    }))
}

async fn serve(listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        // Without it the echo is slower, and that would show.
        drop(stream.set_nodelay(true));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(async move {
            // It ends when the client goes.
            drop(connection.await);
        });
    }
}
