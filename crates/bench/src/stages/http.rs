//! The server over loopback: requests of JSON, durable before they are answered. The client is
//! in this process and has one thread.

use tillroll_engine::EngineMetrics;

use super::engine::{ENTRY_BYTES, OFFERED, SINGLE_BYTES, Singles, frame_bounds, since};
use super::{Rig, Stage, grouped};
use crate::http::{HttpCaller, Request, Server};
use crate::load::{Pool, Ran, Schedule, closed_loop, one_worker, open_loop};
use crate::workload::{Entries, bulk_body, entry_body};
use crate::{Error, Figure, Load};

/// Entries in a bulk request.
const BULK: [usize; 2] = [8_000, 1_000];

/// Connections that send bulk requests: one is parsed while another is written.
const BULK_CONNECTIONS: [usize; 2] = [1, 4];

const CONNECTIONS: [usize; 3] = [1, 64, 256];

pub(super) fn measure(rig: &mut Rig) -> Result<Vec<Figure>, Error> {
    let mut figures = Vec::new();
    for size in BULK {
        for connections in BULK_CONNECTIONS {
            figures.push(bulk(rig, size, connections)?);
        }
    }
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

/// A loop over a server.
struct Loop {
    requests: usize,
    connections: usize,
    offered: Option<u64>,
    /// About the bytes that all connections' requests take in the log.
    frame: u64,
}

/// What came of it.
struct Done {
    ran: Ran,
    did: EngineMetrics,
    /// Records that the read models had still to follow when the last answer was there.
    behind: u64,
}

/// Runs it on a server with funded accounts. `request` is asked for each request once the server
/// is there.
fn looped(
    rig: &mut Rig,
    entries: &mut Entries,
    shape: &Loop,
    mut request: impl FnMut(&mut Entries, std::net::SocketAddr) -> Request,
) -> Result<Done, Error> {
    let Loop {
        requests,
        connections,
        offered,
        frame,
    } = *shape;
    let directory = rig.scratch.fresh()?;
    let server = Server::start(&directory, entries.opening().collect(), None, connections)?;
    let address = server.address();
    let all: Vec<_> = (0..requests).map(|_| request(entries, address)).collect();
    if offered.is_none() {
        rig.bounds.before(frame)?;
    }
    let before = server.metrics();
    let client = one_worker()?;
    let window = rig.plan.window;
    let ran = client.block_on(async {
        let pool = Pool::new(all);
        let callers = HttpCaller::connect(address, connections, &pool).await?;
        match offered {
            None => closed_loop(callers, window).await,
            Some(rate) => open_loop(callers, Schedule::new(rate, requests as u64)).await,
        }
    })?;
    let behind = server.behind();
    drop(client);
    let did = since(&before, server.metrics());
    server.stop()?;
    Ok(Done { ran, did, behind })
}

fn bulk(rig: &mut Rig, size: usize, connections: usize) -> Result<Figure, Error> {
    let mut entries = Entries::among(rig.plan.accounts, 1);
    let count = rig.plan.bulk_entries.div_ceil(size).max(connections);
    let mut number = 0;
    let shape = Loop {
        requests: count,
        connections,
        offered: None,
        frame: size as u64 * ENTRY_BYTES,
    };
    let done = looped(rig, &mut entries, &shape, |entries, host| {
        number += 1;
        Request::post(host, "/v1/entries/bulk")
            .header("idempotency-key", &format!("bulk-{number}"))
            .written(|body| bulk_body((0..size).map(|_| entries.next_legs()), body))
    })?;
    let many = if connections == 1 {
        "connection"
    } else {
        "connections"
    };
    let case = format!("bulk of {}, {connections} {many}", grouped(size));
    let load = Load::Closed {
        callers: connections as u64,
    };
    let figure = Figure::ran(Stage::Http, case, load, size as u64, &done.ran);
    let figure = figure.durable().note(behind(&done));
    let mut body = Vec::new();
    bulk_body((0..size).map(|_| entries.next_legs()), &mut body);
    Ok(figure
        .bounds(frame_bounds(rig, &done.did, size as u64)?)
        .bound(
            rig.bounds
                .echo("/length", &body, connections, size as u64)?,
        ))
}

fn behind(done: &Done) -> String {
    format!("read models {} records behind at the end", done.behind)
}

fn single(rig: &mut Rig, connections: usize, offered: Option<u64>) -> Result<Figure, Error> {
    let mut entries = Entries::among(rig.plan.accounts, 1);
    let count = match offered {
        None => rig.plan.calls(rig.plan.request_rate).max(connections),
        Some(rate) => rig.plan.calls(rate),
    };
    let shape = Loop {
        requests: count,
        connections,
        offered,
        frame: connections as u64 * SINGLE_BYTES,
    };
    let done = looped(rig, &mut entries, &shape, |entries, host| {
        let legs = entries.next_legs();
        Request::post(host, "/v1/entries")
            .header("idempotency-key", &format!("pay-{:x}", legs.id))
            .written(|body| entry_body(&legs, body))
    })?;
    let singles = Singles {
        callers: connections,
        offered,
        who: "connections",
    };
    let figure = singles.figure(rig, Stage::Http, &done.ran, &done.did)?;
    let shared = figure.note.clone().unwrap_or_default();
    let figure = figure.note(format!("{shared}; {}", behind(&done)));
    if offered.is_some() {
        return Ok(figure);
    }
    let mut body = Vec::new();
    entry_body(&entries.next_legs(), &mut body);
    Ok(figure.bound(rig.bounds.echo("/echo", &body, connections, 1)?))
}
