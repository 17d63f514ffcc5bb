//! `tillroll serve`: the HTTP interface on a data directory, until it is told to stop.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use clap::Args;
use tillroll_book::clock::{ClockFault, ClockLimits};
use tillroll_engine::{ScratchFiles, SnapshotOptions, StartError, StartReport};
use tillroll_log::{Damage, DirStorageError, Fault, OpenError as LogError};
use tillroll_projections::ReadModels;
use tillroll_runtime::{BookOpenError, OpenBook, OpenBookOptions};
use tillroll_server::{HttpBounds, HttpOptions, HttpServer, ServeError};
use tillroll_stripe::Secret;
use tillroll_terminal::{Console, Signals, Stop, cannot};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::cli::{DataArgs, KeyArgs};
use crate::data_dir::DataDir;
use crate::output::counted;
use crate::proving;

/// Serve the HTTP interface on a data directory, which is made when it is missing
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll serve --data ./shop
  TILLROLL_STRIPE_WEBHOOK_SECRET=whsec_a,whsec_b tillroll serve --data ./shop

There is no authentication yet, so it listens on loopback addresses only. SIGINT and SIGTERM stop
it in good order; it goes on where it was.")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value_t = tillroll_server::DEFAULT_ADDRESS)]
    listen: SocketAddr,
    /// Signing secret of a Stripe webhook endpoint; may be given several times. Others can see
    /// arguments: the environment is the better place
    #[arg(
        long,
        value_name = "SECRET",
        env = "TILLROLL_STRIPE_WEBHOOK_SECRET",
        hide_env_values = true,
        value_delimiter = ','
    )]
    stripe_webhook_secret: Vec<SecretText>,
    /// Commands that may wait for the writer; more are answered 503 at once
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    queue: u32,
    /// Connections that may be open; more are answered 503 at once
    #[arg(long, value_name = "N", default_value_t = HttpOptions::default().max_connections as u64, value_parser = clap::value_parser!(u64).range(1..))]
    max_connections: u64,
    /// Bytes that answers may hold while they are made and written, of all clients together
    #[arg(long, value_name = "BYTES", default_value_t = HttpBounds::default().answer_bytes as u64, value_parser = clap::value_parser!(u64).range(1..))]
    answer_bytes: u64,
    /// Bytes that bodies may hold while they arrive and are worked on, of all clients together
    #[arg(long, value_name = "BYTES", default_value_t = HttpBounds::default().body_bytes as u64, value_parser = clap::value_parser!(u64).range(1..))]
    body_bytes: u64,
    /// Streams of events that may be open
    #[arg(long, value_name = "N", default_value_t = HttpBounds::default().event_streams as u64, value_parser = clap::value_parser!(u64).range(1..))]
    event_streams: u64,
    /// Streams of entries that may be open
    #[arg(long, value_name = "N", default_value_t = HttpBounds::default().bulk_streams as u64, value_parser = clap::value_parser!(u64).range(1..))]
    bulk_streams: u64,
    /// Records between two snapshots of the state, where 256 bytes count as one; on a long roll a
    /// sixteenth of it, if that is more. One more is made when the server stops
    #[arg(long, value_name = "N", default_value_t = SnapshotOptions::default().every, value_parser = clap::value_parser!(u64).range(1..))]
    snapshot_every: u64,
    /// Read and make no snapshots: the start folds the whole roll, and checks all of it
    #[arg(long, conflicts_with = "snapshot_every")]
    no_snapshot: bool,
    /// Records for which an idempotency key stays in memory, at about 150 bytes. Older ones are
    /// found on disk and answered the same, for ever
    #[arg(long, value_name = "N", default_value_t = ScratchFiles::KEYS_AFTER, value_parser = clap::value_parser!(u64).range(1..))]
    keys_in_memory: u64,
    /// Go on by the machine's clock, where the last event says that it was recorded after it, or
    /// more than a year before. An event says so (`clock.confirmed`), and from which position on
    /// recorded times are held to be wrong. Without this such a start is refused
    #[arg(long)]
    clock_is_right: bool,
    /// Days for which the book may have slept without a question: for tests with old books
    #[arg(long, value_name = "DAYS", hide = true)]
    asleep_for: Option<u32>,
    /// Bytes of a segment of the log: for tests of what happens where one ends
    #[arg(long, value_name = "BYTES", hide = true)]
    segment_bytes: Option<u64>,
}

/// A secret as it was given. It is checked later, because what clap refuses it also prints.
#[derive(Clone)]
struct SecretText(String);

impl FromStr for SecretText {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText([redacted])")
    }
}

pub(crate) fn run(args: ServeArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    tillroll_server::check_address(args.listen).map_err(|error| refused_address(&error))?;
    let secrets = args.stripe_webhook_secret.iter();
    let secrets = secrets.filter(|SecretText(text)| !text.is_empty());
    let secrets = secrets.map(|SecretText(text)| text.parse::<Secret>());
    let secrets: Vec<Secret> = secrets.collect::<Result<_, _>>().map_err(Stop::usage)?;
    let data = args.key.of(&args.data);
    let mut options = OpenBookOptions {
        chart: data.chart()?,
        queue: usize::try_from(args.queue).unwrap_or(usize::MAX),
        snapshots: (!args.no_snapshot).then(|| SnapshotOptions {
            every: args.snapshot_every,
            ..SnapshotOptions::default()
        }),
        keys_after: args.keys_in_memory,
        ..OpenBookOptions::new(data.root())
    };
    if let Some(segment_bytes) = args.segment_bytes {
        options.segment_bytes = segment_bytes;
    }
    options.clock_is_right = args.clock_is_right;
    if let Some(days) = args.asleep_for {
        options.clock_limits = ClockLimits::asleep_for(days);
    }
    let without_secret = secrets.is_empty();
    let count = |given: u64| usize::try_from(given).unwrap_or(usize::MAX);
    let max_connections = count(args.max_connections);
    let bounds = HttpBounds {
        answer_bytes: count(args.answer_bytes),
        body_bytes: count(args.body_bytes),
        event_streams: count(args.event_streams),
        bulk_streams: count(args.bulk_streams),
        // The others are for what needs no body, or brings it along.
        arriving_bodies: max_connections - max_connections / 4,
        ..HttpBounds::default()
    };
    let http = HttpOptions {
        webhook_secrets: secrets,
        max_connections,
        bounds,
        ..HttpOptions::default()
    };

    let runtime = runtime()?;
    let inside = runtime.enter();
    let signals = Signals::catch().map_err(|error| cannot("catch signals", &error))?;
    let listener = bind(&runtime, args.listen, false, &data)?;
    let book = open(options, &data, console)?;
    if book.recovery().created || data.signing_key_elsewhere().is_some() {
        sign_from_the_start(&data, &book, console)?;
    }
    let address = listener.local_addr()?;
    console.note(format!(
        "serving {} on http://{address}",
        data.root().display()
    ))?;
    if without_secret {
        console.note(
            "no Stripe webhook is taken: set TILLROLL_STRIPE_WEBHOOK_SECRET to the endpoint's secret",
        )?;
    }
    let ended = runtime.block_on(HttpServer::new(book, http).serve(listener, signals.stop()));
    drop(inside);
    ended.map_err(|error| serve_ended(error, &data))?;
    console.note("stopped in good order")
}

/// A new book gets its signing key at once, so that its public half can be published before
/// there is anything to alter; and a key that is kept elsewhere is looked at by every start. A book
/// without one serves all the same: payments do not wait for who signs what they were.
fn sign_from_the_start(
    data: &DataDir,
    book: &OpenBook,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    match proving::keyring(data, book.id(), console) {
        Ok(_) => Ok(()),
        Err(stop) => console.note(format!(
            "no checkpoint can be signed until this is mended, and everything else goes on: {stop}"
        )),
    }
}

pub(super) fn runtime() -> Result<Runtime, Stop> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| cannot("start the async runtime", &error))
}

fn refused_address(error: &ServeError) -> Stop {
    Stop::usage(error).next(format!("--listen {}", tillroll_server::DEFAULT_ADDRESS))
}

/// Listens, on the next free port when `or_next`.
pub(super) fn bind(
    runtime: &Runtime,
    address: SocketAddr,
    or_next: bool,
    data: &DataDir,
) -> Result<TcpListener, Stop> {
    let bound = runtime.block_on(tillroll_server::bind(address, or_next));
    bound.map_err(|error| match &error {
        ServeError::NotLoopback(_) => refused_address(&error),
        _ => {
            let mut next = address;
            next.set_port(address.port().saturating_add(1));
            let command = data.command("serve");
            Stop::failed(&error).next(format!("{command} --listen {next}"))
        }
    })
}

/// Opens the book, with a bar when that takes a while, and says what recovery found.
pub(super) fn open(
    options: OpenBookOptions,
    data: &DataDir,
    console: &mut Console<'_>,
) -> Result<OpenBook, Stop> {
    // The read models were nearly as far as the roll, so their end makes a good guess.
    let known = ReadModels::open(&data.read_models()).and_then(|models| models.checkpoint());
    let mut progress = console.progress("replaying", known.unwrap_or(0));
    let opened = OpenBook::open(options, |position| {
        progress.set(position, || format!("position {position}"));
    });
    drop(progress);
    let book = opened.map_err(|error| open_failed(error, data))?;
    tell_start(book.start(), data, console)?;
    if let Some(position) = book.clock_confirmed() {
        console.note(format!(
            "the clock is taken to be right, as was said: the event at position {position} says so"
        ))?;
    }
    Ok(book)
}

fn open_failed(error: BookOpenError, data: &DataDir) -> Stop {
    if let Some(stop) = data.denied(&error) {
        return stop;
    }
    let root = data.root().display();
    match error {
        BookOpenError::Storage(DirStorageError::Locked { .. }) => {
            Stop::failed(format!("{root} is in use: another server is running on it"))
                .next("stop that one, or name another directory with --data")
        }
        BookOpenError::Engine(StartError::Log(LogError::Damaged(Damage {
            fault: Fault::Lost { .. },
            ..
        }))) => Stop::failed(format!(
            "{error}: the read models or a snapshot have seen it, so acknowledged events are gone"
        ))
        .next(format!(
            "{}, then restore a backup, or remove {root}/read-models.sqlite and {root}/snapshots \
             to accept the loss",
            data.command("verify")
        )),
        BookOpenError::Clock(ClockFault::Impossible { .. }) => {
            Stop::failed(&error).next("set the machine's clock")
        }
        BookOpenError::Clock(_) => Stop::failed(format!(
            "{error}: one of them is wrong, and events would be stamped wrongly"
        ))
        .next(format!(
            "set the machine's clock; if it is right: {} --clock-is-right",
            data.command("serve")
        )),
        BookOpenError::Engine(StartError::Log(_) | StartError::Replay(_)) => {
            Stop::failed(&error).next(data.command("verify"))
        }
        error => Stop::failed(&error),
    }
}

fn tell_start(start: &StartReport, data: &DataDir, console: &mut Console<'_>) -> Result<(), Stop> {
    for passed in &start.passed_over {
        let file = data.snapshots().join(&passed.file);
        console.note(format!("{} is passed over: {}", file.display(), passed.why))?;
    }
    let report = &start.recovery;
    if report.created {
        return console.note("a new book is begun");
    }
    console.note(format!(
        "the roll holds {} in {}",
        counted(report.head.position.get(), "event"),
        counted(report.segments, "segment"),
    ))?;
    if let Some(snapshot) = &start.snapshot {
        console.note(format!(
            "the state is that of the snapshot at position {} and {} after it",
            snapshot.position,
            counted(start.folded, "event"),
        ))?;
    }
    if let Some(tail) = &report.torn_tail {
        console.note(format!(
            "{}: {} at byte {} were an append that was cut short and never acknowledged: {}; cut",
            tail.file,
            counted(tail.bytes, "byte"),
            tail.offset,
            tail.fault,
        ))?;
    }
    match &report.removed_segment {
        Some(file) => console.note(format!("{file} was begun and never used: removed")),
        None => Ok(()),
    }
}

pub(super) fn serve_ended(error: ServeError, data: &DataDir) -> Stop {
    match error {
        ServeError::Failed(_) => Stop::failed(format!(
            "{error}; what was acknowledged before is safe, and nothing was since"
        ))
        .next(format!("{}, then serve again", data.command("verify"))),
        error => Stop::failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret: SecretText = "whsec_5f1e".parse().unwrap();
        assert!(!format!("{secret:?}").contains("5f1e"));
    }
}
