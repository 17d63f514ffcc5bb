//! How long a start takes, and how much memory the state does, with and without a snapshot.
//!
//! ```text
//! cargo run -p tillroll-benches --release --example start -- fill-entries DIR ENTRIES ACCOUNTS
//! cargo run -p tillroll-benches --release --example start -- fill-orders DIR ROUNDS
//! cargo run -p tillroll-benches --release --example start -- snapshot DIR
//! cargo run -p tillroll-benches --release --example start -- start DIR
//! cargo run -p tillroll-benches --release --example start -- start-from DIR
//! ```
//!
//! Each step is a process of its own, so that memory is that of the state and of nothing before.
//! Files are in the system's cache, unless it is told to drop them.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use tillroll_bench::workload::{Entries, bulk_log, bulk_log_of, commerce_log};
use tillroll_bench::{BenchScratch, FileEngine, timed};
use tillroll_book::Chart;
use tillroll_book::state::{Applied, Charge, Order};
use tillroll_engine::{BookOptions, Engine, Snapshots};
use tillroll_log::{DirStorage, DirTree, LogId, LogOptions};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["fill-entries", directory, entries, accounts] => {
            let mut engine = open(directory);
            let workload = Entries::among(number(accounts), 1);
            let filled = bulk_log_of(&mut engine, workload, number(entries));
            let filled = filled.expect("the log is whole");
            println!("{} records in {:.2?}", filled.records, filled.writing);
        }
        ["fill-entries", directory, entries] => {
            let mut engine = open(directory);
            let filled = bulk_log(&mut engine, number(entries));
            println!("{} records", filled.expect("the log is whole").records);
        }
        ["fill-orders", directory, rounds] => {
            let mut engine = open(directory);
            let filled = commerce_log(&mut engine, number(rounds) as u64);
            let records = filled.expect("the log is whole").records;
            let orders = engine.book().rows::<Order>().count();
            println!("{records} records, {orders} orders");
        }
        ["snapshot", directory] => {
            let engine = open(directory);
            let before = resident();
            let moment = engine.moment().expect("there are records");
            let snapshots = snapshots(directory);
            let (made, took) = timed(|| snapshots.write(&moment, &AtomicBool::new(false)));
            let (stored, bytes) = made.expect("the disk has room");
            println!("{}: {bytes} bytes in {took:.2?}", stored.file);
            println!("{} MiB more while it was written", (peak() - before) >> 20);
        }
        ["start", directory] => {
            let before = resident();
            let (engine, took) = timed(|| open(directory));
            tell(&engine, before);
            println!("start that folds everything: {took:.3?}");
        }
        ["start-from", directory] => {
            let before = resident();
            let storage = DirStorage::open(directory).expect("the directory is free");
            let snapshots = snapshots(directory);
            let options = LogOptions {
                id: Some(LogId::new(*b"a book of benchs")),
                ..LogOptions::default()
            };
            let rows = Path::new(directory).with_extension("rows");
            let rows = tillroll_engine::ScratchFiles::in_directory(rows);
            let book_options = BookOptions::from(Chart::default()).with_scratch(rows);
            let newest = snapshots.list().expect("it lists").remove(0);
            let (read, took) = timed(|| snapshots.read(&newest, &book_options));
            println!("the snapshot alone: {took:.3?}");
            drop(read.expect("it is whole"));
            let before = resident().min(before);
            let opened = timed(|| {
                let (store, request) = options.store(storage);
                Engine::open_store_from(store, &request, book_options, &snapshots, |_| {})
            });
            let (opened, took) = opened;
            let (engine, start) = opened.expect("the log is whole");
            tell(&engine, before);
            println!("{:?}, {} folded", start.snapshot, start.folded);
            println!("start from a snapshot: {took:.3?}");
            // All rows are in the file of cold ones, from where the next snapshot reads them.
            let (before, moment) = (resident(), engine.moment().expect("there are records"));
            let again = DirTree::create(Path::new(directory).with_extension("again"));
            let again = Snapshots::new(again.expect("a directory can be made"));
            let (made, took) = timed(|| again.write(&moment, &AtomicBool::new(false)));
            made.expect("the disk has room");
            println!("written again in {took:.2?}");
            println!("{} MiB more while it was written", (peak() - before) >> 20);
        }
        _ => panic!("see the head of this file"),
    }
}

fn open(directory: &str) -> FileEngine {
    BenchScratch::open_engine(Path::new(directory)).expect("the log is whole")
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

fn snapshots(directory: &str) -> Snapshots<DirTree> {
    let tree = DirTree::create(Path::new(directory).join("snapshots"));
    Snapshots::new(tree.expect("a directory can be made"))
}

fn tell(engine: &FileEngine, before: u64) {
    let (book, ledger) = (engine.book(), engine.book().ledger());
    let mib = (resident() - before) >> 20;
    println!("{mib} MiB resident, {} MiB at most", peak() >> 20);
    println!(
        "{} accounts, {} entry ids, {} orders, {} charges, {} keys at position {}",
        ledger.account_count(),
        ledger.entry_count(),
        book.rows::<Order>().count(),
        book.rows::<Charge>().count(),
        book.rows::<Applied>().count(),
        engine.head(),
    );
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    status("VmRSS:")
}

/// The most that ever were.
fn peak() -> u64 {
    status("VmHWM:")
}

fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
