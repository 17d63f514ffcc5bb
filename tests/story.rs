//! Promise: the story that `tillroll demo` tells ends in the same book on every machine and run,
//! survives a restart, and is the same when it is read from the roll again.

use std::path::Path;
use std::sync::Arc;

use tillroll_book::Chart;
use tillroll_demo::StoryOptions;
use tillroll_log::{DirStorage, FileLog, Log, LogOptions};
use tillroll_runtime::ManualClock;
use tillroll_tests::shop;

fn short() -> StoryOptions {
    StoryOptions {
        orders: 60,
        days: 40,
        ..StoryOptions::default()
    }
}

/// Every law, on every record; then the read models against a replay.
fn check_at_rest(data_dir: &Path) -> u64 {
    let storage = DirStorage::open(data_dir.join("log")).expect("the server has stopped");
    let (log, recovery) = FileLog::open(storage, LogOptions::default()).expect("it is whole");
    assert!(
        recovery.torn_tail.is_none(),
        "a graceful stop leaves no torn tail"
    );
    let reader = log.reader();
    tillroll_engine::audit(&*reader, Chart::default(), None, |_| {})
        .unwrap_or_else(|broken| panic!("the audit found: {broken}"));
    let models = data_dir.join("read-models.sqlite");
    tillroll_projections::verify(&models, &*reader, &mut |_| {})
        .unwrap_or_else(|mismatch| panic!("the read models differ: {mismatch}"));
    log.end().position.get()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_survives_a_restart_and_reads_back_the_same() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let told = shop::tell(directory.path(), short()).await;
    assert!(
        told.report.disagreements.is_empty(),
        "{:?}",
        told.report.disagreements
    );
    assert_eq!(check_at_rest(directory.path()), told.position);

    let clock = Arc::new(ManualClock::at(told.ended_at));
    let again = shop::open(directory.path(), &clock);
    let (position, digest) = again
        .book()
        .handle()
        .digest()
        .await
        .expect("the writer is alive");
    assert_eq!((position.get(), digest), (told.position, told.digest));
    again.close().await.expect("it stops well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_tells_the_same_and_another_does_not() {
    let mut digests = Vec::new();
    for seed in [42, 42, 43] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        digests.push(
            shop::tell(directory.path(), StoryOptions { seed, ..short() })
                .await
                .digest,
        );
    }
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readme_quotes_the_digest_of_the_whole_story() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let told = shop::tell(directory.path(), StoryOptions::default()).await;
    let readme = include_str!("../README.md");
    let quoted = readme
        .lines()
        .find_map(|line| line.trim().strip_prefix("digest ").map(str::trim))
        .expect("README.md has a line `digest  <64 hexadecimal digits>`");
    assert_eq!(
        quoted,
        told.digest.to_string(),
        "README.md quotes another digest"
    );
    check_at_rest(directory.path());
}
