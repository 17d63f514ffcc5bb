//! `tillroll demo`: a shop with some weeks of orders, told to a server in this process, and then
//! served to look around in.

mod clock;
mod report;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use tempfile::TempDir;
use tillroll_demo::{StoryOptions, StoryReport};
use tillroll_engine::Handle;
use tillroll_log::LogId;
use tillroll_projections::{OrderQuery, ReadModels};
use tillroll_runtime::{BookHandle, OpenBookOptions};
use tillroll_server::{HttpOptions, HttpServer, ServeError};
use tillroll_stripe::Secret;
use tillroll_terminal::{Console, Signals, Stop, cannot};
use tokio::sync::oneshot;
use tokio::task::JoinError;
use uuid::Uuid;

use super::replay::pace;
use super::serve::{bind, open, runtime, serve_ended};
use super::summary::Summary;
use crate::cli::JsonArgs;
use crate::data_dir::DataDir;
use crate::output::count;
use clock::DemoClock;

/// Tell the story of a shop to a server in this process, then serve it
///
/// Orders from app, web and stores in five currencies, sellers with their shares, refunds,
/// disputes, payouts, points, late and doubled webhooks. The same seed gives the same digest.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll demo
  tillroll demo --data ./shop --seed 7 --orders 500
  tillroll demo --once --json")]
pub(crate) struct DemoArgs {
    /// Keep the book in this directory instead of a temporary one. A book that is there already
    /// is served as it is
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The seed of the story
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// How many orders, 40 to 200,000
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    orders: usize,
    /// Where to listen; when the port is taken, the next free one
    #[arg(long, value_name = "ADDRESS", default_value_t = tillroll_server::DEFAULT_ADDRESS)]
    listen: SocketAddr,
    /// Exit after the summary instead of serving
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    json: JsonArgs,
}

/// How long the read models may take to follow the last event.
const PATIENCE: Duration = Duration::from_secs(60);

/// A story that was told by this process.
struct StoryRun {
    report: StoryReport,
    took: Duration,
}

pub(crate) fn run(args: &DemoArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let options = StoryOptions {
        seed: args.seed,
        orders: args.orders,
        ..StoryOptions::default()
    };
    options.check().map_err(Stop::usage)?;
    let (data, temporary) = directory(args)?;
    let is_new = !data.layout().has_log();
    let secret = format!(
        "whsec_{}{}",
        Uuid::now_v7().simple(),
        Uuid::now_v7().simple()
    );
    let clock = Arc::new(DemoClock::default());
    let mut book = OpenBookOptions {
        chart: data.chart()?,
        ..OpenBookOptions::new(data.root())
    };
    let mut http = HttpOptions::default();
    if is_new {
        name_book(&data, args.seed)?;
        let secret: Result<Secret, _> = secret.parse();
        http.webhook_secrets = vec![secret.map_err(Stop::failed)?];
        book.clock = clock.clone();
    }

    let runtime = runtime()?;
    let inside = runtime.enter();
    let signals = Signals::catch().map_err(|error| cannot("catch signals", &error))?;
    let listener = bind(&runtime, args.listen, true, &data)?;
    let address = listener.local_addr()?;
    if args.listen.port() != 0 && address.port() != args.listen.port() {
        console.note(format!(
            "port {} is taken: listening on {}",
            args.listen.port(),
            address.port()
        ))?;
    }
    let book = open(book, &data, console)?;
    let handle = book.handle().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let mut serving = runtime.spawn(HttpServer::new(book, http).serve(listener, async {
        // Nothing is ever sent: it ends when the sender is dropped.
        stopped.await.unwrap_or_default();
    }));
    drop(inside);

    let base = format!("http://{address}");
    let end = runtime.block_on(async {
        let show = async {
            let told = tell(options, is_new, &base, &secret, &clock, console).await?;
            if told.is_none() {
                console.note(format!(
                    "{} holds a book already: the story is not told again",
                    data.root().display()
                ))?;
            }
            if told.is_some() {
                // The story may have played long ago.
                handle.confirm_clock().await.map_err(Stop::failed)?;
            }
            summarise(args, &data, told.as_ref(), &handle, console).await?;
            if !args.once {
                invite(&base, &data, handle.engine(), temporary.is_some(), console)?;
                std::future::pending::<()>().await;
            }
            Ok(())
        };
        tokio::select! {
            // First, because what happens to the story then follows from it.
            biased;
            served = &mut serving => DemoEnd::Served(served),
            () = signals.stop() => DemoEnd::Shown(Ok(())),
            shown = show => DemoEnd::Shown(shown),
        }
    });
    drop(stop);
    let (served, shown) = match end {
        DemoEnd::Served(served) => (served, Ok(())),
        DemoEnd::Shown(shown) => (runtime.block_on(serving), shown),
    };
    match served {
        Ok(Ok(())) => shown,
        Ok(Err(error)) => Err(serve_ended(error, &data)),
        Err(panic) => Err(Stop::failed(panic)),
    }
}

/// What ended a demo.
enum DemoEnd {
    /// The server, by itself.
    Served(Result<Result<(), ServeError>, JoinError>),
    /// The story and its summary, or a signal.
    Shown(Result<(), Stop>),
}

fn directory(args: &DemoArgs) -> Result<(DataDir, Option<TempDir>), Stop> {
    match &args.data {
        Some(path) => Ok((DataDir::at(path), None)),
        None => {
            let directory = tempfile::Builder::new().prefix("tillroll-demo-").tempdir();
            let directory =
                directory.map_err(|error| cannot("make a temporary directory", &error))?;
            Ok((DataDir::at(directory.path()), Some(directory)))
        }
    }
}

/// The ids of events are derived from the book's, so that a seed's book has one id everywhere.
fn name_book(data: &DataDir, seed: u64) -> Result<(), Stop> {
    let layout = data.layout();
    layout
        .create()
        .map_err(|error| cannot(&format!("create {}", data.root().display()), &error))?;
    if layout.book().exists() {
        return Ok(());
    }
    let mut id = *b"tillroll\0\0\0\0\0\0\0\0";
    id[8..].copy_from_slice(&seed.to_be_bytes());
    layout.write_book_id(LogId::new(id)).map_err(Stop::failed)
}

async fn tell(
    options: StoryOptions,
    is_new: bool,
    base: &str,
    secret: &str,
    clock: &Arc<DemoClock>,
    console: &mut Console<'_>,
) -> Result<Option<StoryRun>, Stop> {
    if !is_new {
        return Ok(None);
    }
    let hours = u64::from(options.days) * 24;
    let started = Instant::now();
    let mut progress = console.progress("telling the story", hours);
    let told = tillroll_demo::run(base, secret, options, clock.clone(), |step| {
        progress.set(step.done, || step.message);
    })
    .await;
    drop(progress);
    let took = started.elapsed();
    clock.finish();
    match told {
        Ok(report) => Ok(Some(StoryRun { report, took })),
        Err(error) => Err(
            Stop::failed(format!("the story could not be told: {error:#}"))
                .next("tillroll demo --data DIR, then tillroll verify --data DIR"),
        ),
    }
}

/// Prints what the book holds.
async fn summarise(
    args: &DemoArgs,
    data: &DataDir,
    told: Option<&StoryRun>,
    book: &BookHandle,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    let (position, digest) = book.digest().await.map_err(Stop::failed)?;
    let position = position.get();
    if !book.checkpoint().wait_for(position, PATIENCE) {
        let why = book.read_model_failure();
        let why = why.as_deref().unwrap_or("they are slow");
        return Err(Stop::failed(format!(
            "the read models do not follow: {why}"
        )));
    }
    let models = ReadModels::open(&data.read_models()).map_err(Stop::failed)?;
    let summary = Summary::read(&models)?;
    if args.json.json {
        let mut view = summary.view();
        view["object"] = json!("demo");
        view["position"] = json!(position);
        view["digest"] = json!(digest.to_string());
        view["story"] = told.map_or(json!(null), |told| {
            report::view(&told.report, told.took, position)
        });
        console.json(&view)?;
    } else {
        summary.print(console)?;
        console.say("\nWhat happened\n")?;
        console.say(format!("{:<22}{}", "events", count(position)))?;
        if let Some(told) = told {
            report::print(&told.report, console)?;
            console.say(format!("{:<22}{}", "told in", pace(position, told.took)))?;
        }
        console.say(format!("digest  {digest}"))?;
    }
    match told.map(|told| &told.report.disagreements) {
        Some(wrong) if !wrong.is_empty() => Err(Stop::failed(format!(
            "orders and Stripe disagree: {}",
            wrong.join("; ")
        ))
        .next(data.command("verify"))),
        _ if !summary.is_balanced() => {
            Err(Stop::failed("the trial balance is not zero").next(data.command("verify")))
        }
        _ => Ok(()),
    }
}

/// What to try while it is served.
fn invite(
    base: &str,
    data: &DataDir,
    engine: &Handle,
    temporary: bool,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    let models = ReadModels::open(&data.read_models()).map_err(Stop::failed)?;
    let newest = models.orders(&OrderQuery {
        limit: 1,
        ..OrderQuery::default()
    });
    let newest = newest.map_err(Stop::failed)?.value.items.pop();
    let half = engine.head().get() / 2;
    let mut lines = vec![
        format!("curl -s {base}/v1/trial-balance"),
        format!("curl -s '{base}/v1/trial-balance?as_of={half}'"),
        format!("curl -s '{base}/v1/orders?limit=3'"),
    ];
    if let Some(order) = newest {
        lines.push(format!("curl -s {base}/v1/orders/{}/timeline", order.id));
    }
    lines.extend([
        format!("curl -s {base}/v1/splits"),
        format!("curl -s {base}/v1/stock"),
        format!("curl -N -H 'Accept: text/event-stream' {base}/v1/events"),
        format!("curl -s {base}/openapi.json"),
        data.command("balances"),
        data.command("verify"),
    ]);
    console.note(format!("\nserving on {base}; to try:\n"))?;
    for line in lines {
        console.note(format!("  {line}"))?;
    }
    console.note(match temporary {
        true => "\nCtrl-C stops it, and the book goes with it: --data DIR keeps it",
        false => "\nCtrl-C stops it; the book stays",
    })?;
    console.flush()
}
