//! Starts from snapshots, and what is left of them when something is wrong.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tillroll_engine::SnapshotOptions;

use crate::harness::{Shop, entry, order, payment_succeeded};

/// Something of everything, so that the state has something to lose.
async fn trade(shop: &Shop, round: u32) {
    shop.account("till", "asset").await;
    shop.account("wallet:1", "liability").await;
    let posted = shop
        .post("/v1/entries", entry("till", "wallet:1", 700))
        .await;
    posted.expect(201);
    let placed = shop.post("/v1/orders", order()).await.expect(201).json();
    let id = placed["id"].as_str().unwrap();
    let paid = payment_succeeded(&format!("evt_{round}"), id, 1000);
    shop.webhook(&paid).await.expect(200);
}

async fn digest(shop: &Shop) -> Value {
    shop.get("/v1/digest").await.expect(200).json()["digest"].clone()
}

fn files(shop: &Shop) -> Vec<PathBuf> {
    let entries = fs::read_dir(shop.directory().join("snapshots")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_good_order_leaves_a_snapshot_and_the_start_goes_on_from_it() {
    let shop = Shop::open();
    assert_eq!(shop.book().start().folded, 0);
    trade(&shop, 1).await;
    let key = r#"{"channel":"web","currency":"EUR","lines":[{"quantity":1,"unit_price":5}]}"#;
    let first = shop.post_keyed("/v1/orders", "once", key).await.expect(201);
    let (position, said) = (shop.position(), digest(&shop).await);
    let shop = shop.restart().await;
    let start = shop.book().start();
    assert_eq!(start.snapshot.as_ref().unwrap().position.get(), position);
    assert_eq!((start.folded, start.passed_over.len()), (0, 0));
    assert_eq!(digest(&shop).await, said);
    let again = shop.post_keyed("/v1/orders", "once", key).await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.json()["id"], first.json()["id"]);
    let metrics = shop.get("/metrics").await.text();
    let line = format!("tillroll_start_snapshot_position {position}\n");
    assert!(metrics.contains(&line), "{metrics}");
    // Nothing has changed, so that there is nothing to write.
    let before = files(&shop);
    let shop = shop.restart().await;
    assert_eq!(files(&shop), before);
    trade(&shop, 2).await;
    trade(&shop, 3).await;
    let shop = shop.restart().await;
    trade(&shop, 4).await;
    let shop = shop.restart().await;
    assert_eq!(files(&shop).len(), 2, "{:?}", files(&shop));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_snapshot_is_passed_over_and_without_any_the_roll_is_folded() {
    let shop = Shop::open();
    trade(&shop, 1).await;
    let shop = shop.restart().await;
    trade(&shop, 2).await;
    let (position, said) = (shop.position(), digest(&shop).await);
    let shop = shop.restart().await;
    let all = files(&shop);
    let directory = shop.close().await;
    for (damaged, from_snapshot) in [(1, true), (0, false)] {
        let mut bytes = fs::read(&all[damaged]).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&all[damaged], bytes).unwrap();
        let copied = tempfile::tempdir().unwrap();
        copy(directory.path(), copied.path());
        let shop = Shop::open_in(copied);
        let start = shop.book().start();
        assert_eq!(start.snapshot.is_some(), from_snapshot, "{start:?}");
        assert_eq!(start.passed_over.len(), 2 - damaged, "{start:?}");
        assert_eq!(shop.position(), position);
        assert_eq!(digest(&shop).await, said);
        shop.close().await;
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_wants_none_gets_none() {
    let shop = Shop::open();
    trade(&shop, 1).await;
    let directory = shop.close().await;
    let shop = Shop::open_with(directory, |settings| settings.book.snapshots = None);
    assert_eq!(shop.book().start().snapshot, None);
    assert_eq!(shop.book().start().folded, shop.position());
    let before = files(&shop);
    trade(&shop, 2).await;
    let directory = shop.close().await;
    let shop = Shop::open_in(directory);
    assert_eq!(files(&shop), before, "none was made");
    assert!(shop.book().start().folded > 0);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_are_made_while_it_serves_and_after_a_long_start() {
    let directory = tempfile::tempdir().unwrap();
    let often = |settings: &mut crate::harness::Settings| {
        settings.book.snapshots = Some(SnapshotOptions {
            every: 20,
            ..SnapshotOptions::default()
        });
    };
    let shop = Shop::open_with(directory, often);
    let mut round = 0;
    while files(&shop).is_empty() {
        round += 1;
        assert!(round < 10_000, "none is made");
        trade(&shop, round).await;
    }
    shop.close().await;

    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.book.snapshots = None
    });
    for round in 0..8 {
        trade(&shop, round).await;
    }
    let directory = shop.close().await;
    let shop = Shop::open_with(directory, often);
    let made = format!("{:020}.snapshot", shop.position());
    assert_eq!(
        files(&shop),
        [shop.directory().join("snapshots").join(made)]
    );
    shop.close().await;
}
