//! A search of every byte that a shop stores, answers or logs.

use std::io;
use std::sync::{Arc, Mutex};

use tillroll_engine::SnapshotOptions;
use tracing_subscriber::fmt::MakeWriter;

use super::tainted::NUMBER;
use crate::harness::{Settings, Shop};

/// What must never be found. Of the number also as the formats of the log, of snapshots and of
/// SQLite write it.
fn forbidden() -> Vec<Vec<u8>> {
    let texts = [
        "4242424242424242",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "42424242-42424242",
        "4.242424242424242",
        "34242424242424242",
    ];
    let mut all: Vec<Vec<u8>> = texts.map(|text| text.as_bytes().to_vec()).into();
    #[allow(clippy::cast_precision_loss)]
    let float = NUMBER as f64;
    all.extend([
        NUMBER.to_be_bytes()[2..].to_vec(),
        NUMBER.to_le_bytes()[..7].to_vec(),
        float.to_be_bytes().to_vec(),
        float.to_le_bytes().to_vec(),
    ]);
    all
}

#[track_caller]
fn assert_clean(bytes: &[u8], what: &str) {
    for digits in forbidden() {
        let found = bytes
            .windows(digits.len())
            .position(|window| window == digits);
        if let Some(at) = found {
            let around = &bytes[at.saturating_sub(200)..(at + 60).min(bytes.len())];
            panic!(
                "{what} holds {:?} at {at}: …{}…",
                String::from_utf8_lossy(&digits),
                String::from_utf8_lossy(around)
            );
        }
    }
}

/// Everything that is logged, down to the last detail.
#[derive(Clone, Default)]
struct LogCapture(Arc<Mutex<Vec<u8>>>);

impl io::Write for LogCapture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogCapture {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A shop of which rows leave memory at once and snapshots are made often; what it logs; and the
/// bodies of its answers.
pub(super) struct SearchedShop {
    pub shop: Shop,
    logged: LogCapture,
    _subscriber: tracing::subscriber::DefaultGuard,
}

impl SearchedShop {
    pub(super) fn open() -> Self {
        let logged = LogCapture::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(logged.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings: &mut Settings| {
            settings.book.cold_after = 1;
            settings.book.snapshots = Some(SnapshotOptions {
                every: 50,
                ..SnapshotOptions::default()
            });
        });
        Self {
            shop,
            logged,
            _subscriber: guard,
        }
    }

    /// Sends a request; the answer holds no card number. Its status.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let answer = self.shop.raw(method, path, headers, body.to_owned()).await;
        let what = format!("the answer to {method} {path} {headers:?} {body}");
        assert_clean(&answer.bytes, &what);
        for (name, value) in &answer.headers {
            assert_clean(value.as_bytes(), &format!("{name} of {what}"));
        }
        (answer.status.as_u16(), answer.text())
    }

    /// Closes the book and searches everything that is left of it.
    pub(super) async fn search(self) {
        for path in [
            "/v1/events?limit=1000",
            "/v1/orders?limit=100",
            "/v1/accounts?limit=100",
            "/v1/trial-balance",
            "/v1/splits",
            "/v1/stock",
            "/v1/webhooks/unrecognised?limit=100",
            "/metrics",
        ] {
            let (status, _) = self.send("GET", path, &[], "").await;
            assert_eq!(status, 200, "{path}");
        }
        scratch();
        let logged = self.logged.0.lock().unwrap().clone();
        assert!(!logged.is_empty(), "nothing is logged");
        assert_clean(&logged, "what is logged");
        let directory = self.shop.close().await;
        let mut files = Vec::new();
        walk(directory.path(), &mut files);
        for kind in ["snapshots", "log", "sqlite"] {
            let is = |path: &std::path::PathBuf| path.to_string_lossy().contains(kind);
            assert!(files.iter().any(is), "no {kind} among {files:?}");
        }
        for path in files {
            let bytes = std::fs::read(&path).unwrap();
            assert_clean(&bytes, &path.display().to_string());
        }
    }
}

/// Searches the files of this process that have no name any more: rows that left memory.
fn scratch() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    for file in open.flatten() {
        let target = std::fs::read_link(file.path()).unwrap_or_default();
        let is_file = std::fs::metadata(file.path()).is_ok_and(|data| data.is_file());
        if is_file
            && target.to_string_lossy().ends_with("(deleted)")
            && let Ok(bytes) = std::fs::read(file.path())
        {
            assert_clean(&bytes, &target.display().to_string());
        }
    }
}

fn walk(directory: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => walk(&path, files),
            false => files.push(path),
        }
    }
}
