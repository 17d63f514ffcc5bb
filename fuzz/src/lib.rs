//! Fuzz targets: everything that reads bytes from outside.
//!
//! Each target is a function of bytes that panics when a promise is broken. It
//! lives in a file of `targets`, so that three callers share it: libFuzzer
//! (`fuzz_targets`), the replay of `seeds` in every test run, and a binary that
//! runs files by name to look into a finding on stable.
//!
//! This library knows no fuzzer.

mod targets;

use std::io;
use std::path::{Path, PathBuf};

pub use targets::cursor::cursor;
pub use targets::frame::frame;
pub use targets::json::json;
pub use targets::money::money;
pub use targets::proof::proof;
pub use targets::record::record;
pub use targets::recovery::recovery;
pub use targets::request_body::request_body;
pub use targets::signature_header::signature_header;
pub use targets::webhook_body::webhook_body;

/// Name and function of a target.
pub type Target = (&'static str, fn(&[u8]));

/// Every target. Its seeds are in `seeds/` under its name.
pub const TARGETS: &[Target] = &[
    ("cursor", cursor),
    ("frame", frame),
    ("json", json),
    ("money", money),
    ("proof", proof),
    ("record", record),
    ("recovery", recovery),
    ("request_body", request_body),
    ("signature_header", signature_header),
    ("webhook_body", webhook_body),
];

/// Where the seeds of a target are.
#[must_use]
pub fn seeds_of(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(target)
}

/// Runs every seed of every target, and answers how many each has.
///
/// # Errors
/// When a folder or file cannot be read; a missing folder is one.
///
/// # Panics
/// When a target breaks a promise on a seed. The seed is named on stderr.
pub fn replay_seeds() -> io::Result<Vec<(&'static str, usize)>> {
    let mut counts = Vec::new();
    for (name, run) in TARGETS {
        let mut seeds = std::fs::read_dir(seeds_of(name))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?;
        seeds.sort();
        for seed in &seeds {
            run_file(*run, seed)?;
        }
        counts.push((*name, seeds.len()));
    }
    Ok(counts)
}

/// Runs the files named as arguments.
///
/// # Errors
/// When a file cannot be read.
///
/// # Panics
/// When the target breaks a promise on one of them.
pub fn run_arguments(run: fn(&[u8])) -> io::Result<()> {
    std::env::args_os()
        .skip(1)
        .try_for_each(|file| run_file(run, Path::new(&file)))
}

fn run_file(run: fn(&[u8]), file: &Path) -> io::Result<()> {
    struct Named<'a>(&'a Path);
    impl Drop for Named<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("a promise is broken on {}", self.0.display());
            }
        }
    }
    let bytes = std::fs::read(file)?;
    let named = Named(file);
    run(&bytes);
    drop(named);
    Ok(())
}
