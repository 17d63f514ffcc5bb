//! A server on loopback in a temporary directory, with the story's clock.

use std::path::Path;
use std::sync::Arc;

use tillroll_book::Digest;
use tillroll_demo::{StoryClock as Tick, StoryOptions, StoryReport};
use tillroll_events::Timestamp;
use tillroll_runtime::{BookClock, ManualClock, OpenBook, OpenBookOptions};
use tillroll_server::{HttpOptions, HttpServer};

const SECRET: &str = "whsec_of_the_tests";

/// Lets the story set the server's clock.
struct Ticking(Arc<ManualClock>);

impl Tick for Ticking {
    fn set(&self, unix_micros: i64) {
        self.0.set(Timestamp::from_micros(unix_micros));
    }
}

/// What is left when a story has been told.
#[derive(Debug)]
pub struct Told {
    pub report: StoryReport,
    pub digest: Digest,
    pub position: u64,
    /// What the clock said at the end.
    pub ended_at: Timestamp,
}

/// Opens the book in `data_dir` with the clock at `start`.
///
/// # Panics
/// When it does not open.
pub fn open(data_dir: &Path, clock: &Arc<ManualClock>) -> HttpServer {
    let book = OpenBookOptions {
        clock: Arc::clone(clock) as _,
        ..OpenBookOptions::new(data_dir)
    };
    let http = HttpOptions {
        webhook_secrets: vec![SECRET.parse().expect("a secret")],
        ..HttpOptions::default()
    };
    let book = OpenBook::open(book, |_| {}).expect("the data directory opens");
    HttpServer::new(book, http)
}

/// Tells the story over HTTP to a server on a data directory, and stops the server.
///
/// # Panics
/// When the server answers what the story does not expect.
pub async fn tell(data_dir: &Path, options: StoryOptions) -> Told {
    let start = Timestamp::from_micros(options.start.as_microsecond());
    let clock = Arc::new(ManualClock::at(start));
    let server = open(data_dir, &clock);
    let book = server.book().handle().clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("it is bound"));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(server.serve(listener, async {
        // A dropped sender stops the server as well.
        stopped.await.unwrap_or(());
    }));
    let report = tillroll_demo::run(
        &address,
        SECRET,
        options,
        Arc::new(Ticking(Arc::clone(&clock))),
        |_| {},
    )
    .await
    .unwrap_or_else(|error| panic!("the story did not end well: {error:#}"));
    let (position, digest) = book.digest().await.expect("the roll can be read");
    drop(book);
    stop.send(()).expect("the server waits for it");
    server
        .await
        .expect("the server does not panic")
        .expect("the server ends well");
    Told {
        report,
        digest,
        position: position.get(),
        ended_at: clock.now(),
    }
}
