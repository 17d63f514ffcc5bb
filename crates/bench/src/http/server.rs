//! Our server, as `tillroll serve` runs it, in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tillroll_book::Command;
use tillroll_book::clock::ClockLimits;
use tillroll_engine::{EngineMetrics, Handle};
use tillroll_events::Timestamp;
use tillroll_projections::Checkpoint;
use tillroll_runtime::{ManualClock, OpenBook, OpenBookOptions};
use tillroll_server::{HttpOptions, HttpServer, ServeError};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::load::worker_per_core;
use crate::scratch::execute;
use crate::workload::Webhooks;
use crate::{BenchError, BenchScratch, timed};

/// How long the read models may take to follow what was there before the clock starts.
const CATCH_UP: Duration = Duration::from_secs(120);

/// A server on a book of its own.
#[derive(Debug)]
pub struct BenchServer {
    runtime: Runtime,
    serving: JoinHandle<Result<(), ServeError>>,
    stop: oneshot::Sender<()>,
    handle: Handle,
    checkpoint: Checkpoint,
    address: SocketAddr,
}

impl BenchServer {
    /// Serves a new book, in which these commands were applied before. `at` holds the clock
    /// still, for webhooks that were signed at that time.
    ///
    /// # Errors
    /// When the disk fails, or the system gives no port.
    pub fn start(
        directory: &Path,
        opening: Vec<Command>,
        at: Option<Timestamp>,
        connections: usize,
    ) -> Result<Self, BenchError> {
        // Opened directly before the server has the log: so all the accounts need one sync.
        let log = directory.join("log");
        std::fs::create_dir_all(&log).map_err(BenchError::io(format!("make {}", log.display())))?;
        execute(&mut BenchScratch::open_engine(&log)?, opening)?;

        let mut options = OpenBookOptions::new(directory);
        // The book is thrown away when it is closed: its read models need not be complete.
        options.closing_patience = Duration::ZERO;
        // The accounts were opened by a time of the workload.
        options.clock_limits = ClockLimits::ANY;
        if let Some(at) = at {
            options.clock = Arc::new(ManualClock::at(at));
        }
        let mut http = HttpOptions::default();
        http.webhook_secrets = Webhooks::secrets().to_vec();
        http.max_connections = http.max_connections.max(connections * 2);
        let runtime = worker_per_core()?;
        let inside = runtime.enter();
        let book = OpenBook::open(options, |_| {}).map_err(BenchError::failed("opening a book"))?;
        let (handle, checkpoint) = (book.engine().clone(), book.checkpoint().clone());
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.map_err(BenchError::io("listen on a port"))?;
        let address = listener
            .local_addr()
            .map_err(BenchError::io("name a port"))?;
        let (stop, stopped) = oneshot::channel();
        let serving = runtime.spawn(HttpServer::new(book, http).serve(listener, async {
            // It also stops when the sender is gone.
            stopped.await.unwrap_or_default();
        }));
        drop(inside);
        // What the accounts cost the read models is not part of what is measured.
        if !checkpoint.wait_for(handle.head().get(), CATCH_UP) {
            return Err(BenchError::Failed {
                doing: "the read models".into(),
                why: "they do not follow".into(),
            });
        }
        Ok(Self {
            runtime,
            serving,
            stop,
            handle,
            checkpoint,
            address,
        })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the writer has done so far.
    #[must_use]
    pub fn metrics(&self) -> EngineMetrics {
        self.handle.metrics()
    }

    /// Records that the read models have still to follow.
    #[must_use]
    pub fn behind(&self) -> u64 {
        let head = self.handle.head().get();
        head.saturating_sub(self.checkpoint.position())
    }

    /// Waits until the read models have followed everything: how long that took, if it did not
    /// take longer than this.
    #[must_use]
    pub fn follow(&self, patience: Duration) -> Option<Duration> {
        let head = self.handle.head().get();
        let (followed, time) = timed(|| self.checkpoint.wait_for(head, patience));
        followed.then_some(time)
    }

    /// Stops it and waits for its end.
    ///
    /// # Errors
    /// When the roll could not be written.
    pub fn stop(self) -> Result<(), BenchError> {
        let Self {
            runtime,
            serving,
            stop,
            handle,
            ..
        } = self;
        drop((stop, handle));
        match runtime.block_on(serving) {
            Ok(served) => served.map_err(BenchError::failed("the server")),
            Err(panic) => Err(BenchError::failed("the server")(panic)),
        }
    }
}
