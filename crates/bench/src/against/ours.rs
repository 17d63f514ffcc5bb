//! Our side of a comparison: the server, over HTTP, on the same disk.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Round;
use crate::http::{BenchServer, HttpConnection, HttpRequest};
use crate::load::{LoadCaller, closed_loop, one_worker};
use crate::stages::grouped;
use crate::workload::{Entries, Ids, bulk_body, entry_body};
use crate::{BenchError, nanos};

/// What both do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferWork {
    pub transfers: usize,
    pub accounts: usize,
    pub batch: usize,
    pub clients: usize,
    pub ids: Ids,
    pub limits: bool,
}

impl TransferWork {
    /// `batches of 8,189, 1 client`
    #[must_use]
    pub fn name(&self) -> String {
        let Self { batch, clients, .. } = *self;
        let many = if clients == 1 { "client" } else { "clients" };
        match batch {
            1 => format!("single transfers, {clients} {many}"),
            batch => format!("batches of {}, {clients} {many}", grouped(batch)),
        }
    }
}

/// How long the read models may take to follow.
const FOLLOW: Duration = Duration::from_secs(600);

/// Does it once, in an empty directory. Requests are made up while the clock runs, as the peers'
/// load generators do.
///
/// # Errors
/// When anything fails or is refused.
pub fn run(work: &TransferWork, directory: &Path) -> Result<Round, BenchError> {
    let mut entries = Entries::among(work.accounts, 1).with_ids(work.ids);
    if !work.limits {
        entries = entries.without_limits();
    }
    let server = BenchServer::start(directory, entries.opening().collect(), None, work.clients)?;
    let address = server.address();
    let source = Source {
        entries: Arc::new(Mutex::new((entries, work.transfers))),
        batch: work.batch.max(1),
        address,
    };
    let client = one_worker()?;
    let ran = client.block_on(async {
        let mut callers = Vec::with_capacity(work.clients);
        for _ in 0..work.clients {
            let connection = HttpConnection::open(address).await;
            callers.push(TransferClient {
                connection: connection.map_err(BenchError::io(format!("connect to {address}")))?,
                source: source.clone(),
            });
        }
        closed_loop(callers, Duration::MAX).await
    })?;
    drop(client);
    let mut notes = Vec::new();
    match server.follow(FOLLOW) {
        Some(time) => notes.push(format!(
            "read models complete {} ms after the last answer",
            grouped(usize::try_from(time.as_millis()).unwrap_or(usize::MAX))
        )),
        None => notes.push("read models still behind after ten minutes".into()),
    }
    server.stop()?;
    Ok(Round {
        per_second: crate::per_second(work.transfers as u64, ran.elapsed),
        latency: ran.latency,
        notes,
    })
}

/// Makes up requests until all transfers were made.
#[derive(Clone)]
struct Source {
    /// And how many transfers are left.
    entries: Arc<Mutex<(Entries, usize)>>,
    batch: usize,
    address: std::net::SocketAddr,
}

impl Source {
    fn next(&self) -> Option<HttpRequest> {
        // Held while the body is written: all callers are on one thread.
        let mut guard = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (entries, left) = &mut *guard;
        let now = self.batch.min(*left);
        *left -= now;
        if now == 0 {
            return None;
        }
        // The ids of the entries make a repeated request harmless, as the peers' do.
        Some(match self.batch {
            1 => HttpRequest::post(self.address, "/v1/entries")
                .written(|body| entry_body(&entries.next_legs(), body)),
            _ => HttpRequest::post(self.address, "/v1/entries/bulk")
                .written(|body| bulk_body((0..now).map(|_| entries.next_legs()), body)),
        })
    }
}

struct TransferClient {
    connection: HttpConnection,
    source: Source,
}

impl LoadCaller for TransferClient {
    async fn call(&mut self) -> Result<bool, BenchError> {
        let Some(request) = self.source.next() else {
            return Ok(false);
        };
        crate::http::accepted(&mut self.connection, &request).await?;
        Ok(true)
    }
}

/// For latencies of other programs, in microseconds.
pub(super) fn from_micros(micros: u64) -> u64 {
    nanos(Duration::from_micros(micros))
}
