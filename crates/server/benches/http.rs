//! The HTTP interface under load, beside an echo server of the same stack.
//!
//! ```text
//! cargo bench -p tillroll-server --bench http                 # everything, under a minute
//! cargo bench -p tillroll-server --bench http -- single       # one part: single, bulk, webhooks, parse
//! ```
//!
//! The server runs in a process of its own, as does the echo server: axum on hyper, two workers,
//! a request read whole, an answer of the same length. The load is one thread of this process.
//! Every answer of the server has waited for `fdatasync`. Put the directory on the disk that you
//! want to know about with `TILLROLL_BENCH_DIR=/path`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use tillroll_server::{Config, Tillroll};
use tillroll_stripe_simulator::{Currency, LifeCycle, StripeSimulator, signing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Loads that were run: keys differ between them.
static RUN: AtomicUsize = AtomicUsize::new(0);

const ROLE: &str = "TILLROLL_BENCH_ROLE";
const SECRET: &str = "whsec_of_the_benchmarks";
const ACCOUNTS: usize = 1_000;
const CONNECTIONS: usize = 256;
const TIME: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("serve") => serve(),
        Ok(length) => echo(length.parse().expect("the length of an answer")),
        Err(_) => measure(),
    }
}

fn measure() {
    let parts: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    if wanted("parse") {
        runtime().block_on(async { parse() });
    }
    if wanted("single") {
        single();
    }
    if wanted("bulk") {
        bulk();
    }
    if wanted("webhooks") {
        webhooks();
    }
}

fn parse() {
    const ENTRIES: usize = 10_000;
    let document = Bytes::from(document(0, ENTRIES));
    let lines = Bytes::from(lines(0, ENTRIES));
    println!("{} bytes an entry", lines.len() / ENTRIES);
    let cases: [(&str, &Bytes, fn(&Bytes) -> usize); 7] = [
        ("document, quick", &document, |b| {
            tillroll_server::measured::document(b, false)
        }),
        ("document, quick, with a key", &document, |b| {
            tillroll_server::measured::document(b, true)
        }),
        ("lines, quick", &lines, |b| {
            tillroll_server::measured::lines(b, false)
        }),
        ("lines, quick, with a key", &lines, |b| {
            tillroll_server::measured::lines(b, true)
        }),
        (
            "lines, scanned only",
            &lines,
            tillroll_server::measured::scanned,
        ),
        (
            "document, serde",
            &document,
            tillroll_server::measured::serde,
        ),
        (
            "document, careful",
            &document,
            tillroll_server::measured::careful,
        ),
    ];
    for (name, body, read) in cases {
        let mut best = Duration::MAX;
        for _ in 0..30 {
            let started = Instant::now();
            let entries = read(body);
            best = best.min(started.elapsed());
            assert_eq!(entries, ENTRIES);
        }
        println!(
            "parse, {name}: {} ns an entry",
            best.as_nanos() / ENTRIES as u128
        );
    }
}

fn single() {
    let (server, echo) = (Running::server(), Running::echo(600));
    open_accounts(&server);
    let make = |connection: usize, number: usize, out: &mut Vec<u8>| {
        let n = connection * 1_000_003 + number * 7_919;
        let body = entry(None, n);
        request(
            out,
            "/v1/entries",
            "application/json",
            Some((connection, number)),
            body.as_bytes(),
        );
    };
    for _ in 0..ROUNDS {
        report(
            "echo, 256 connections",
            "requests",
            &echo.load(CONNECTIONS, 1, make),
        );
        report(
            "single entries, 256 connections",
            "entries",
            &server.load(CONNECTIONS, 1, make),
        );
    }
    report(
        "single entries, 1 connection",
        "entries",
        &server.load(1, 1, make),
    );
}

fn bulk() {
    const ENTRIES: usize = 10_000;
    const BODIES: usize = 60;
    let server = Running::server();
    open_accounts(&server);
    let mut first = 1;
    for connections in [1, 2] {
        let mut bodies = |make: fn(usize, usize) -> String| -> Arc<Vec<String>> {
            let bodies = (0..BODIES)
                .map(|n| make(first + n * ENTRIES, ENTRIES))
                .collect();
            first += BODIES * ENTRIES;
            Arc::new(bodies)
        };
        for (name, kind, path, bodies) in [
            (
                "document",
                "application/json",
                "/v1/entries/bulk",
                bodies(document),
            ),
            (
                "lines",
                "application/x-ndjson",
                "/v1/entries/bulk?mode=each",
                bodies(lines),
            ),
        ] {
            let each = BODIES / connections;
            let taken = bodies.clone();
            let load = server.load_until(
                connections,
                ENTRIES,
                Some(each),
                move |connection, number, out| {
                    let body = &taken[connection * each + number];
                    request(out, path, kind, None, body.as_bytes());
                },
            );
            report(
                &format!("bulk, {name}, {connections} connections"),
                "entries",
                &load,
            );
        }
    }
}

fn webhooks() {
    let mut simulator = StripeSimulator::seeded(1);
    let now = i64::try_from(
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970")
            .as_secs(),
    )
    .expect("a time");
    simulator.set_clock(now);
    let mut deliveries = Vec::new();
    while deliveries.len() < 200_000 {
        for cycle in LifeCycle::ALL {
            let order = format!("ord_{:026}", deliveries.len());
            let events = cycle.run(&mut simulator, &order, 5_000, Currency::EUR);
            deliveries.extend(events.expect("the amount is large enough"));
        }
    }
    let bytes: usize = deliveries.iter().map(|event| event.body.len()).sum();
    println!(
        "{} deliveries of {} bytes",
        deliveries.len(),
        bytes / deliveries.len()
    );
    let server = Running::server();
    let each = deliveries.len() / CONNECTIONS;
    let load = server.load_until(CONNECTIONS, 1, Some(each), move |connection, number, out| {
        let event = &deliveries[number * CONNECTIONS + connection];
        let header = signing::header(SECRET, now, event.body.as_bytes());
        write!(
            out,
            "POST /v1/webhooks/stripe HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nstripe-signature: {header}\r\ncontent-length: {}\r\n\r\n{}",
            event.body.len(),
            event.body
        )
        .expect("in memory");
    });
    report("webhooks, 256 connections", "webhooks", &load);
}

fn account(n: usize) -> String {
    format!("wallet:{:07}", n % ACCOUNTS)
}

fn entry(id: Option<usize>, n: usize) -> String {
    let (from, to) = (account(n), account(n / 7 + 1 + n));
    let (from, to) = (from, if to == account(n) { account(n + 1) } else { to });
    let id = id.map_or_else(String::new, |id| {
        let number = (id as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        format!(
            "\"id\":\"{}\",",
            tillroll_events::EntryId::from_u128(number)
        )
    });
    format!(
        "{{{id}\"postings\":[{{\"account\":\"{from}\",\"unit\":\"EUR\",\"side\":\"debit\",\"amount\":{amount}}},{{\"account\":\"{to}\",\"unit\":\"EUR\",\"side\":\"credit\",\"amount\":{amount}}}]}}",
        amount = n % 1000 + 1
    )
}

fn lines(first: usize, count: usize) -> String {
    (first..first + count)
        .map(|n| entry(Some(n), n) + "\n")
        .collect()
}

fn document(first: usize, count: usize) -> String {
    let entries: Vec<_> = (first..first + count).map(|n| entry(Some(n), n)).collect();
    format!("{{\"mode\":\"each\",\"entries\":[{}]}}", entries.join(","))
}

fn request(out: &mut Vec<u8>, path: &str, kind: &str, key: Option<(usize, usize)>, body: &[u8]) {
    write!(
        out,
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n"
    )
    .expect("in memory");
    if let Some((connection, number)) = key {
        let run = RUN.load(Ordering::Relaxed);
        write!(out, "idempotency-key: pay-{run}-{connection}-{number}\r\n").expect("in memory");
    }
    write!(out, "content-length: {}\r\n\r\n", body.len()).expect("in memory");
    out.extend_from_slice(body);
}

fn open_accounts(server: &Running) {
    server.load_until(1, 1, Some(ACCOUNTS), |_, number, out| {
        let body = "{\"unit\":\"EUR\",\"type\":\"asset\"}";
        write!(
            out,
            "PUT /v1/accounts/{} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            account(number),
            body.len()
        )
        .expect("in memory");
    });
}

/// A server in a process of its own.
struct Running {
    process: Child,
    address: String,
    _directory: Option<tempfile::TempDir>,
}

impl Running {
    fn server() -> Self {
        let root = std::env::var_os("TILLROLL_BENCH_DIR");
        let root = root.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
        let directory = tempfile::tempdir_in(root).expect("a directory");
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .env(ROLE, "serve")
            .env("TILLROLL_BENCH_DATA", directory.path());
        Self::start(command, Some(directory))
    }

    /// One that answers so many bytes.
    fn echo(length: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.env(ROLE, length.to_string());
        Self::start(command, None)
    }

    fn start(mut command: Command, directory: Option<tempfile::TempDir>) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = process.stdout.take().expect("it is piped");
        let mut address = String::new();
        BufReader::new(stdout)
            .read_line(&mut address)
            .expect("it says where it listens");
        Self {
            process,
            address: address.trim().to_owned(),
            _directory: directory,
        }
    }

    /// Requests of `elements` each, one after the other on each connection, for a while.
    fn load(
        &self,
        connections: usize,
        elements: usize,
        make: impl Fn(usize, usize, &mut Vec<u8>) + 'static,
    ) -> Load {
        self.load_until(connections, elements, None, make)
    }

    /// The same, so many on each connection.
    fn load_until(
        &self,
        connections: usize,
        elements: usize,
        each: Option<usize>,
        make: impl Fn(usize, usize, &mut Vec<u8>) + 'static,
    ) -> Load {
        RUN.fetch_add(1, Ordering::Relaxed);
        let before = self.ticks();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let tasks = tokio::task::LocalSet::new();
        let make = Rc::new(make);
        let address = self.address.clone();
        let work = tasks.run_until(async move {
            let mut streams = Vec::new();
            for _ in 0..connections {
                let stream = TcpStream::connect(&address).await.expect("it listens");
                stream.set_nodelay(true).expect("an option of the socket");
                streams.push(stream);
            }
            let started = Instant::now();
            let running: Vec<_> = streams
                .into_iter()
                .enumerate()
                .map(|(connection, stream)| {
                    let make = make.clone();
                    tokio::task::spawn_local(async move {
                        let until = each.is_none().then(|| started + TIME);
                        client(stream, each, until, |number, out| {
                            make(connection, number, out)
                        })
                        .await
                    })
                })
                .collect();
            let mut latencies = Vec::new();
            for task in running {
                latencies.extend(task.await.expect("a client does not panic"));
            }
            let took = started.elapsed();
            latencies.sort_unstable();
            Load {
                ticks: BTreeMap::new(),
                requests: latencies.len(),
                elements,
                took,
                latencies,
            }
        });
        let mut load = runtime.expect("a runtime").block_on(work);
        load.ticks = self.ticks();
        for (name, ticks) in &mut load.ticks {
            *ticks -= before.get(name).copied().unwrap_or_default().min(*ticks);
        }
        load
    }
}

impl Running {
    /// What each kind of thread of the server computed so far, in ticks of 10 ms.
    fn ticks(&self) -> BTreeMap<String, u64> {
        let mut ticks = BTreeMap::new();
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id()));
        for task in tasks.into_iter().flatten().flatten() {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            // User and system time, the 14th and 15th field; the name before may hold spaces.
            let Some((name, fields)) = stat.rsplit_once(')') else {
                continue;
            };
            let name = name.split('(').nth(1).unwrap_or_default().to_owned();
            let times = fields.split_whitespace().skip(11).take(2);
            *ticks.entry(name).or_default() += times
                .filter_map(|time| time.parse::<u64>().ok())
                .sum::<u64>();
        }
        ticks
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill().expect("it can be ended");
        self.process.wait().expect("it ends");
    }
}

struct Load {
    /// What each kind of thread of the server computed meanwhile, in ticks of 10 ms.
    ticks: BTreeMap<String, u64>,
    requests: usize,
    elements: usize,
    took: Duration,
    latencies: Vec<Duration>,
}

fn report(name: &str, what: &str, load: &Load) {
    let rate = |count: usize| count as u128 * 1_000_000 / load.took.as_micros();
    let at = |part: usize| {
        load.latencies[(load.latencies.len() * part / 1000).min(load.latencies.len() - 1)]
    };
    let times: Vec<_> = load
        .ticks
        .iter()
        .map(|(name, ticks)| {
            (
                name,
                ticks * 10_000_000 / (load.requests * load.elements) as u64,
            )
        })
        .filter(|(_, nanos)| *nanos > 0)
        .map(|(name, nanos)| format!("{name} {nanos}"))
        .collect();
    println!(
        "{name}: {} {what}/s, p50 {:?}, p99 {:?}, ns of the server's threads each: {}",
        rate(load.requests * load.elements),
        at(500),
        at(990),
        times.join(", "),
    );
}

async fn client(
    mut stream: TcpStream,
    each: Option<usize>,
    until: Option<Instant>,
    make: impl Fn(usize, &mut Vec<u8>),
) -> Vec<Duration> {
    let (mut out, mut answer, mut latencies) = (Vec::new(), Vec::new(), Vec::new());
    let mut number = 0;
    while each.is_none_or(|each| number < each) && until.is_none_or(|until| Instant::now() < until)
    {
        out.clear();
        make(number, &mut out);
        let sent = Instant::now();
        let (mut read, mut write) = stream.split();
        let (written, ()) = tokio::join!(write.write_all(&out), receive(&mut read, &mut answer));
        written.expect("it reads");
        latencies.push(sent.elapsed());
        number += 1;
    }
    latencies
}

/// Reads one whole answer, which must be a success.
async fn receive(stream: &mut tokio::net::tcp::ReadHalf<'_>, answer: &mut Vec<u8>) {
    answer.clear();
    loop {
        let read = stream.read_buf(answer).await.expect("it answers");
        assert!(read > 0, "it hung up: {}", String::from_utf8_lossy(answer));
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let (head, body) = answer.split_at(head + 4);
        let head = std::str::from_utf8(head).expect("a head is ASCII");
        let length = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
        let whole = match length {
            Some(length) => body.len() == length,
            None => body.ends_with(b"\r\n0\r\n\r\n"),
        };
        if whole {
            let said = String::from_utf8_lossy(body);
            assert!(head.starts_with("HTTP/1.1 2"), "{head}{said}");
            assert!(!said.contains("\"refused\":1"), "{said}");
            return;
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Ok(workers) = std::env::var("TILLROLL_BENCH_WORKERS") {
        builder.worker_threads(workers.parse().expect("a number"));
    }
    builder.enable_all().build().expect("a runtime")
}

fn serve() {
    runtime().block_on(async {
        let directory = std::env::var_os("TILLROLL_BENCH_DATA").expect("a directory");
        let mut config = Config::new(std::path::PathBuf::from(directory));
        config.webhook_secrets = vec![SECRET.parse().expect("a secret")];
        let tillroll = Tillroll::open(config, |_| {}).expect("an empty directory");
        let any = "127.0.0.1:0".parse().expect("an address");
        let listener = tillroll_server::bind(any, false)
            .await
            .expect("a free port");
        println!("{}", listener.local_addr().expect("it is bound"));
        tillroll
            .serve(listener, std::future::pending())
            .await
            .expect("it serves");
    });
}

/// The same stack with nothing behind it.
fn echo(length: usize) {
    runtime().block_on(async {
        let said = Bytes::from(vec![b'x'; length]);
        let answer = move |_body: Bytes| std::future::ready(said.clone());
        let router = Router::new().route("/v1/entries", post(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        println!("{}", listener.local_addr().expect("it is bound"));
        loop {
            let (stream, _) = listener.accept().await.expect("a client");
            stream.set_nodelay(true).expect("an option of the socket");
            let service = hyper_util::service::TowerToHyperService::new(router.clone());
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(hyper_util::rt::TokioIo::new(stream), service);
            tokio::spawn(async move { drop(connection.await) });
        }
    });
}
