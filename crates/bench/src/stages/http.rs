//! The server over loopback: requests of JSON, durable before they are answered. The client is
//! in this process and has one thread.

use std::net::SocketAddr;

use tillroll_engine::EngineMetrics;

use super::engine::{ENTRY_BYTES, OFFERED, SINGLE_BYTES, Singles, frame_bounds, since};
use super::{BenchStage, Rig, grouped};
use crate::http::{BenchServer, HttpCaller, HttpRequest, RequestHead};
use crate::load::{CallPool, CallSchedule, LoopResult, closed_loop, one_worker, open_loop};
use crate::workload::{Entries, PlannedTransfer, bulk_body, entry_body, lines_body};
use crate::{BenchError, Figure, LoadShape, ThreadTimes};

/// Entries in a bulk request.
const BULK: [usize; 2] = [8_000, 1_000];

/// Connections that send bulk requests: one is parsed while another is written.
const BULK_CONNECTIONS: [usize; 2] = [1, 4];

const CONNECTIONS: [usize; 3] = [1, 64, 256];

pub(super) fn measure(rig: &mut Rig) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for size in BULK {
        for connections in BULK_CONNECTIONS {
            figures.push(bulk(rig, BodyFormat::Document, size, connections)?);
        }
    }
    figures.push(bulk(rig, BodyFormat::Lines, BULK[0], 1)?);
    for connections in CONNECTIONS {
        let closed = single(rig, connections, None)?;
        let rate = closed.per_second();
        figures.push(closed);
        if connections > 1 {
            for percent in OFFERED {
                figures.push(single(rig, connections, Some(rate * percent / 100))?);
            }
        }
    }
    Ok(figures)
}

/// How a bulk request is written.
#[derive(Clone, Copy)]
enum BodyFormat {
    /// One JSON document with a key.
    Document,
    /// A stream of lines (NDJSON).
    Lines,
}

impl BodyFormat {
    fn request(self, host: SocketAddr, number: u64) -> RequestHead {
        match self {
            Self::Document => HttpRequest::post(host, "/v1/entries/bulk")
                .header("idempotency-key", &format!("bulk-{number}")),
            Self::Lines => HttpRequest::post_lines(host, "/v1/entries/bulk?mode=each"),
        }
    }

    fn write(self, entries: impl ExactSizeIterator<Item = PlannedTransfer>, body: &mut Vec<u8>) {
        match self {
            Self::Document => bulk_body(entries, body),
            Self::Lines => lines_body(entries, body),
        }
    }
}

/// A loop over a server.
struct LoopPlan {
    requests: usize,
    connections: usize,
    offered: Option<u64>,
    /// About the bytes that all connections' requests take in the log.
    frame: u64,
}

/// What came of it.
struct HttpResult {
    ran: LoopResult,
    did: EngineMetrics,
    /// Records that the read models had still to follow when the last answer was there.
    behind: u64,
    /// What the threads of client and server have computed meanwhile.
    threads: ThreadTimes,
}

impl HttpResult {
    fn note(&self, element: &str, each: u64) -> String {
        let behind = self.behind;
        let threads = self.threads.each(element, self.ran.calls * each);
        format!("read models {behind} records behind at the end; {threads}")
    }
}

/// Runs it on a server with funded accounts. `request` is asked for each request once the server
/// is there.
fn looped(
    rig: &mut Rig,
    entries: &mut Entries,
    shape: &LoopPlan,
    mut request: impl FnMut(&mut Entries, SocketAddr) -> HttpRequest,
) -> Result<HttpResult, BenchError> {
    let LoopPlan {
        requests,
        connections,
        offered,
        frame,
    } = *shape;
    let directory = rig.scratch.fresh()?;
    let server = BenchServer::start(&directory, entries.opening().collect(), None, connections)?;
    let address = server.address();
    let all: Vec<_> = (0..requests).map(|_| request(entries, address)).collect();
    if offered.is_none() {
        rig.bounds.before(frame)?;
    }
    let (before, threads) = (server.metrics(), ThreadTimes::now());
    let client = one_worker()?;
    let window = rig.plan.window;
    let ran = client.block_on(async {
        let pool = CallPool::new(all);
        let callers = HttpCaller::connect(address, connections, &pool).await?;
        match offered {
            None => closed_loop(callers, window).await,
            Some(rate) => open_loop(callers, CallSchedule::new(rate, requests as u64)).await,
        }
    })?;
    let behind = server.behind();
    let threads = ThreadTimes::now().since(&threads);
    drop(client);
    let did = since(&before, server.metrics());
    server.stop()?;
    Ok(HttpResult {
        ran,
        did,
        behind,
        threads,
    })
}

fn bulk(
    rig: &mut Rig,
    written: BodyFormat,
    size: usize,
    connections: usize,
) -> Result<Figure, BenchError> {
    let mut entries = Entries::among(rig.plan.accounts, 1);
    let count = rig.plan.bulk_entries.div_ceil(size).max(connections);
    let mut number = 0;
    let shape = LoopPlan {
        requests: count,
        connections,
        offered: None,
        frame: size as u64 * ENTRY_BYTES,
    };
    let done = looped(rig, &mut entries, &shape, |entries, host| {
        number += 1;
        let head = written.request(host, number);
        head.written(|body| written.write((0..size).map(|_| entries.next_legs()), body))
    })?;
    let many = if connections == 1 {
        "connection"
    } else {
        "connections"
    };
    let kind = match written {
        BodyFormat::Document => "",
        BodyFormat::Lines => " in lines",
    };
    let case = format!("bulk of {}{kind}, {connections} {many}", grouped(size));
    let load = LoadShape::Closed {
        callers: connections as u64,
    };
    let figure = Figure::ran(BenchStage::Http, case, load, size as u64, &done.ran);
    let figure = figure.durable().note(done.note("entry", size as u64));
    let mut body = Vec::new();
    written.write((0..size).map(|_| entries.next_legs()), &mut body);
    Ok(figure
        .bounds(frame_bounds(rig, &done.did, size as u64)?)
        .bound(
            rig.bounds
                .echo("/length", &body, connections, size as u64)?,
        ))
}

fn single(rig: &mut Rig, connections: usize, offered: Option<u64>) -> Result<Figure, BenchError> {
    let mut entries = Entries::among(rig.plan.accounts, 1);
    let count = match offered {
        None => rig.plan.calls(rig.plan.request_rate).max(connections),
        Some(rate) => rig.plan.calls(rate),
    };
    let shape = LoopPlan {
        requests: count,
        connections,
        offered,
        frame: connections as u64 * SINGLE_BYTES,
    };
    let done = looped(rig, &mut entries, &shape, |entries, host| {
        let legs = entries.next_legs();
        HttpRequest::post(host, "/v1/entries")
            .header("idempotency-key", &format!("pay-{:x}", legs.id))
            .written(|body| entry_body(&legs, body))
    })?;
    let singles = Singles {
        callers: connections,
        offered,
        who: "connections",
    };
    let figure = singles.figure(rig, BenchStage::Http, &done.ran, &done.did)?;
    let shared = figure.note.clone().unwrap_or_default();
    let figure = figure.note(format!("{shared}; {}", done.note("entry", 1)));
    if offered.is_some() {
        return Ok(figure);
    }
    let mut body = Vec::new();
    entry_body(&entries.next_legs(), &mut body);
    Ok(figure.bound(rig.bounds.echo("/echo", &body, connections, 1)?))
}
