//! From sockets to routes: who may listen where, how many may connect, and how it all ends.
//!
//! Served through hyper, because a client that sends half a header must not keep its connection
//! for ever.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tillroll_engine::Failure;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::Service;

use crate::HttpServer;
use crate::client_socket::ClientSocket;
use crate::code::Code;
use crate::middleware;
use crate::problem::Problem;

/// Where the server listens when nothing else is said.
pub const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7878);

/// Ports that are tried after a taken one.
const NEXT_PORTS: u16 = 100;
/// After a failed accept: the process may be out of file descriptors for a moment.
const PAUSE: Duration = Duration::from_millis(50);
/// How long it takes at most to see that connections that were cut off have ended.
const CUT: Duration = Duration::from_millis(500);

/// Why the server ended, or did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(
        "{0} is not a loopback address: without authentication the server listens on 127.0.0.1 or [::1] only"
    )]
    NotLoopback(SocketAddr),
    #[error("cannot listen on {address}: {source}")]
    Bind {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("the listening socket failed: {0}")]
    Listener(#[from] io::Error),
    /// The roll could not be written. Nothing that was not durable was acknowledged.
    #[error("the roll cannot be written: {0}")]
    Failed(#[from] Failure),
}

/// Refuses every address that other machines could reach.
pub fn check_address(address: SocketAddr) -> Result<(), ServeError> {
    if address.ip().is_loopback() {
        Ok(())
    } else {
        Err(ServeError::NotLoopback(address))
    }
}

/// Listens on an address, or, where its port is taken and `or_next` is set, on the next free
/// one: [`TcpListener::local_addr`] says which it is.
///
/// # Errors
/// [`ServeError::NotLoopback`] and [`ServeError::Bind`].
pub async fn bind(address: SocketAddr, or_next: bool) -> Result<TcpListener, ServeError> {
    check_address(address)?;
    let mut at = address;
    loop {
        match TcpListener::bind(at).await {
            Ok(listener) => return Ok(listener),
            Err(source) => {
                let taken = source.kind() == io::ErrorKind::AddrInUse;
                let next = at
                    .port()
                    .checked_add(1)
                    .filter(|next| or_next && taken && next - address.port() <= NEXT_PORTS);
                match next {
                    Some(next) => at.set_port(next),
                    None => {
                        return Err(ServeError::Bind {
                            address: at,
                            source,
                        });
                    }
                }
            }
        }
    }
}

impl HttpServer {
    /// Serves until `shutdown` is ready, then finishes what is under way and closes the book.
    /// Streams end; what takes longer than [`HttpBounds::drain`](crate::HttpBounds) is cut off.
    ///
    /// # Errors
    /// [`ServeError::NotLoopback`] at once; [`ServeError::Failed`] as soon as the roll cannot be
    /// written: the process should end with an error then, and start again into recovery.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        check_address(listener.local_addr()?)?;
        let router = RouterService(self.router());
        let mut connections = JoinSet::new();
        let doors = Doors {
            router,
            places: Arc::new(Semaphore::new(self.max_connections)),
            header_timeout: self.header_timeout,
            write_time: self.bounds().write_time,
        };
        let open = GracefulShutdown::new();
        let engine = self.book().engine().clone();
        let mut shutdown = std::pin::pin!(shutdown);
        let mut writer_ended = std::pin::pin!(engine.ended());
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => connect(stream, &doors, &open, &mut connections),
                    Err(error) => {
                        tracing::warn!(%error, "a connection was not accepted");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
                Some(ended) = connections.join_next() => drop(ended),
                () = &mut shutdown => break,
                _ = &mut writer_ended => break,
            }
        }
        drop(listener);
        self.stop_streams();
        let drain = self.bounds().drain;
        if tokio::time::timeout(drain, open.shutdown()).await.is_err() {
            let left = self.max_connections - doors.places.available_permits();
            tracing::warn!(
                connections = left,
                "answers that did not end in time are cut off"
            );
            let ended = connections.shutdown();
            if tokio::time::timeout(CUT, ended).await.is_err() {
                tracing::warn!("some connections have not ended yet");
            }
        }
        Ok(self.close().await?)
    }
}

/// The router as a connection calls it. It is always ready, and its future is boxed already.
#[derive(Clone, Debug)]
struct RouterService(Router);

impl hyper::service::Service<Request<Incoming>> for RouterService {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.0.clone().call(request)
    }
}

/// What every connection gets.
struct Doors {
    router: RouterService,
    places: Arc<Semaphore>,
    header_timeout: Duration,
    write_time: Duration,
}

fn connect(
    stream: TcpStream,
    doors: &Doors,
    open: &GracefulShutdown,
    connections: &mut JoinSet<()>,
) {
    let Ok(place) = Arc::clone(&doors.places).try_acquire_owned() else {
        tokio::spawn(turn_away(stream));
        return;
    };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%error, "answers may be a little late");
    }
    let socket = ClientSocket::new(stream, doors.write_time);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(doors.header_timeout)
        .max_buf_size(64 * 1024)
        // While an answer is made nothing is read, so that the request's buffer is used for the next
        // one. A client that went away meanwhile is noticed when something is written to it: that
        // of an event stream with its next event or keep-alive.
        .half_close(true)
        .serve_connection(TokioIo::new(socket), doors.router.clone());
    let connection = open.watch(connection);
    connections.spawn(async move {
        if let Err(error) = connection.await {
            tracing::trace!(%error, "a connection broke off");
        }
        drop(place);
    });
}

/// Answers without reading: there is no room for the connection.
async fn turn_away(mut stream: TcpStream) {
    let problem = Problem::new(Code::Overloaded, "too many connections are open");
    let id = middleware::RequestId::new().to_string();
    let body = serde_json::to_string(&problem.body(&id)).expect("a problem is plain data");
    let text = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         retry-after: 1\r\nrequest-id: {id}\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len(),
    );
    let answer = async {
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await
    };
    if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(1), answer).await {
        tracing::trace!(%error, "a connection was turned away without an answer");
    }
}
