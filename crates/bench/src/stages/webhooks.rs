//! Stripe's webhooks: the signature checked, the body translated, decided, booked, durable. In
//! the process, and over HTTP. The orders exist; each delivery comes once.

use std::time::{Duration, Instant};

use tillroll_book::Command;
use tillroll_engine::{EngineOptions, spawn};
use tillroll_events::Timestamp;
use tillroll_stripe::verify;

use super::{BenchStage, Rig, grouped};
use crate::bounds::BoundFigure;
use crate::http::{BenchServer, HttpCaller, HttpRequest};
use crate::load::{CallPool, EngineCaller, closed_loop, one_worker, two_workers};
use crate::scratch::execute;
use crate::workload::{SignedWebhook, Webhooks};
use crate::{BenchError, Bound, Figure, LoadShape, per_second};

/// Who sends at the same time.
const SENDERS: usize = 64;

/// When everything is sent over HTTP: a signature is good for five minutes.
const SENT: i64 = 1_800_000_000;

pub(super) fn measure(rig: &mut Rig) -> Result<Vec<Figure>, BenchError> {
    let webhooks = Webhooks::rounds(rig.plan.webhook_rounds);
    let signatures = signatures(rig, &webhooks);
    let figures = [
        in_process(rig, &webhooks)?.bound(signatures.clone()),
        over_http(rig, &webhooks)?.bound(signatures),
    ];
    Ok(figures.into())
}

/// One core that does nothing but check signatures.
fn signatures(rig: &mut Rig, webhooks: &Webhooks) -> Bound {
    let secrets = Webhooks::secrets();
    let started = Instant::now();
    let mut checked = 0;
    let mut elapsed = Duration::ZERO;
    while elapsed < rig.plan.window / 4 {
        for SignedWebhook { header, body, at } in webhooks.deliveries.iter().take(1_000) {
            let header = Some(header.as_bytes());
            verify(header, body.as_bytes(), &secrets, *at).expect("it is authentic");
            checked += 1;
        }
        elapsed = started.elapsed();
    }
    let rate = per_second(checked, elapsed);
    let name = "HMAC-SHA-256 of a webhook, one core";
    rig.bounds.add(BoundFigure {
        name: name.into(),
        element: "webhook",
        per_second: rate,
        latency: None,
    });
    Bound::new(name, rate)
}

fn command(delivery: SignedWebhook) -> Command {
    delivery.command(&Webhooks::secrets())
}

fn in_process(rig: &mut Rig, webhooks: &Webhooks) -> Result<Figure, BenchError> {
    let mut engine = rig.scratch.engine()?;
    execute(&mut engine, webhooks.orders.clone())?;
    let (handle, thread) = spawn(engine, EngineOptions::default());
    let runtime = two_workers()?;
    let senders = EngineCaller::many(&handle, webhooks.deliveries.clone(), SENDERS, command);
    let ran = runtime.block_on(closed_loop(senders, Duration::MAX))?;
    handle.stop();
    thread.join().map_err(BenchError::failed("the writer"))?;
    let case = format!("in process, {SENDERS} senders");
    Ok(figure(case, &ran))
}

fn over_http(rig: &mut Rig, webhooks: &Webhooks) -> Result<Figure, BenchError> {
    let directory = rig.scratch.fresh()?;
    let at = Timestamp::from_seconds(SENT);
    let server = BenchServer::start(&directory, webhooks.orders.clone(), Some(at), SENDERS)?;
    let address = server.address();
    let requests = webhooks.deliveries.iter().map(|delivery| {
        HttpRequest::post(address, "/v1/webhooks/stripe")
            .header("stripe-signature", &Webhooks::header_at(&delivery.body, at))
            .body(delivery.body.as_bytes())
    });
    let pool = CallPool::new(requests.collect());
    let client = one_worker()?;
    let ran = client.block_on(async {
        let callers = HttpCaller::connect(address, SENDERS, &pool).await?;
        closed_loop(callers, Duration::MAX).await
    })?;
    drop(client);
    server.stop()?;
    let bytes: usize = webhooks.deliveries.iter().map(|one| one.body.len()).sum();
    let body = vec![b' '; bytes / webhooks.deliveries.len().max(1)];
    let case = format!("over HTTP, {SENDERS} connections");
    let figure = figure(case, &ran);
    Ok(figure.bound(rig.bounds.echo("/length", &body, SENDERS, 1)?))
}

fn figure(case: String, ran: &crate::load::LoopResult) -> Figure {
    let load = LoadShape::Closed {
        callers: SENDERS as u64,
    };
    let figure = Figure::ran(BenchStage::Webhooks, case, load, 1, ran);
    let deliveries = usize::try_from(ran.calls).unwrap_or(usize::MAX);
    figure
        .counting("webhook")
        .durable()
        .note(format!("{} deliveries", grouped(deliveries)))
}
