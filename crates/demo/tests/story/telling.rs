use crate::shop::{SECRET, Shop};
use anyhow::Result;
use std::collections::BTreeSet;
use std::sync::Arc;
use tillroll_demo::{Story, StoryOptions, StoryProgress, StoryReport, tell};

fn options(seed: u64, orders: usize) -> StoryOptions {
    StoryOptions {
        seed,
        orders,
        ..StoryOptions::default()
    }
}

fn told_to(shop: &mut Shop, options: StoryOptions) -> (Result<StoryReport>, Vec<StoryProgress>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let clock = Arc::clone(&shop.clock);
    let mut progress = Vec::new();
    let story = Story::new(options).expect("a possible story");
    let told = runtime.block_on(tell(&story, shop, SECRET, clock, |at| progress.push(at)));
    (told, progress)
}

fn told(options: StoryOptions) -> (Shop, StoryReport, Vec<StoryProgress>) {
    let mut shop = Shop::new();
    let seed = options.seed;
    let (told, progress) = told_to(&mut shop, options);
    let report = told.unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
    (shop, report, progress)
}

#[test]
fn the_whole_story_is_told() {
    let (shop, report, progress) = told(StoryOptions::default());
    let story = Story::new(StoryOptions::default()).expect("the default is possible");
    println!("{}\n{report}", story.synopsis());

    assert_eq!(report.all_orders(), 2_000);
    assert_eq!(report.audited_orders, 2_000);
    assert_eq!(report.disagreements, Vec::<String>::new());
    assert_eq!(report.orders.len(), 3);
    assert_eq!(report.currencies.len(), 5);
    assert_eq!(report.offline_orders, 25);
    assert_eq!((report.disputes_won, report.disputes_lost), (3, 3));
    assert_eq!(report.refunds_failed, 1);
    assert_eq!(report.payouts_failed, 1);
    assert!(report.captured_in_part > 0);
    assert!(report.transfers > 300 && report.transfer_reversals > 0);
    assert!(report.duplicates > 100 && report.reordered > 100 && report.retried > 100);
    assert!(report.replays > 20);
    for (code, count) in [
        ("insufficient_stock", 1),
        ("would_exceed_limit", 1),
        ("signature_mismatch", 1),
        ("signature_stale", 1),
    ] {
        assert_eq!(report.refused_as_expected.get(code), Some(&count), "{code}");
    }
    assert_eq!(report.refused_as_expected.len(), 4);
    for kind in [
        "account.updated",
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.expired",
        "customer.created",
        "radar.early_fraud_warning.created",
        "charge.dispute.funds_reinstated",
        "payout.failed",
        "refund.failed",
        "terminal.reader.action_succeeded",
        "transfer.reversed",
    ] {
        assert!(report.webhook_types.contains_key(kind), "{kind}");
    }
    assert_eq!(
        u64::try_from(shop.transactions.len()).expect("countable"),
        report.balance_transactions
    );
    assert!(report.balance_transactions_known > 0, "the windows overlap");

    // Sellers got what they are owed: none more than a later refund explains.
    let overpaid: i64 = shop.overpaid().values().filter(|over| **over > 0).sum();
    assert!(overpaid < 100_000, "{:?}", shop.overpaid());

    let lost = report
        .unreported_payout
        .expect("one payout goes unreported");
    assert!(shop.payouts[&lost].contains("payout.created"));
    assert!(!shop.payouts[&lost].contains("payout.paid"));

    let last = progress.last().expect("there is progress");
    assert_eq!((last.done, last.total), (60 * 24, 60 * 24));
    assert!(progress.windows(2).all(|pair| pair[0].done <= pair[1].done));
}

#[test]
fn an_offline_batch_arrives_after_its_webhooks_and_says_when_it_happened() {
    let (shop, _, _) = told(options(5, 400));
    assert_eq!(shop.occurred_at.len(), 25);
    assert!(!shop.paid_before_known.is_empty());
    let sent: Vec<&String> = shop
        .transcript
        .iter()
        .filter(|line| line.contains("\"offline\":true"))
        .collect();
    for (line, (id, occurred)) in sent.iter().zip(&shop.occurred_at) {
        assert!(line.contains(id));
        let micros: i64 = line
            .split(' ')
            .next()
            .and_then(|text| text.parse().ok())
            .expect("a time");
        let late = micros / 1_000_000 - occurred;
        assert!((10 * 3_600..30 * 3_600).contains(&late), "{late} s late");
    }
}

#[test]
fn the_same_seed_sends_the_same_bytes() {
    let (one, report, _) = told(options(9, 150));
    let (other, same, _) = told(options(9, 150));
    assert_eq!(one.transcript.len(), other.transcript.len());
    for (left, right) in one.transcript.iter().zip(&other.transcript) {
        assert_eq!(left, right);
    }
    assert_eq!(report, same);
    let (different, _, _) = told(options(10, 150));
    assert_ne!(one.transcript, different.transcript);
}

#[test]
fn small_stories_of_many_seeds_come_to_their_end() {
    for seed in 0..8 {
        let (_, report, _) = told(options(seed, 60));
        assert_eq!(report.all_orders(), 60, "seed {seed}");
        assert_eq!(report.disagreements, Vec::<String>::new(), "seed {seed}");
        assert!(report.disputes_won >= 1, "seed {seed}");
        assert!(report.disputes_lost >= 1, "seed {seed}");
        assert_eq!(report.refused_as_expected.len(), 4, "seed {seed}");
    }
}

#[test]
fn a_month_is_long_enough() {
    let (_, report, _) = told(StoryOptions {
        seed: 4,
        orders: 300,
        days: 30,
        ..StoryOptions::default()
    });
    assert_eq!((report.disputes_won, report.disputes_lost), (3, 3));
    assert_eq!((report.refunds_failed, report.payouts_failed), (1, 1));
    assert!(report.unreported_payout.is_some());
    assert_eq!(report.disagreements, Vec::<String>::new());
}

#[test]
fn every_request_that_changes_something_has_its_own_key() {
    let (shop, report, _) = told(options(3, 150));
    // The stand-in insists on a key for each; here: only repeats share one.
    let keys: Vec<&str> = shop
        .transcript
        .iter()
        .filter_map(|line| line.split("Some(\"demo-").nth(1)?.split('"').next())
        .collect();
    let distinct: BTreeSet<&str> = keys.iter().copied().collect();
    let repeats = u64::try_from(keys.len() - distinct.len()).expect("countable");
    assert!(repeats > 0);
    assert_eq!(repeats, report.replays);
}

#[test]
fn an_unexpected_answer_ends_the_story_with_a_clear_error() {
    let mut shop = Shop::new();
    shop.breaks_at = Some(40);
    let (told, _) = told_to(&mut shop, options(1, 60));
    let error = format!("{:#}", told.expect_err("the shop is broken"));
    for part in [
        "seed 1",
        "2026-08-0",
        "was answered 500",
        "internal_error",
        "/v1/",
    ] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert_eq!(shop.transcript.len(), 41, "nothing is sent after it");
}

#[test]
fn a_server_that_forgets_keys_is_found_out() {
    let mut shop = Shop::new();
    shop.forgets_keys = true;
    let (told, _) = told_to(&mut shop, options(1, 60));
    let error = format!("{:#}", told.expect_err("nothing is replayed"));
    assert!(error.contains("was not replayed"), "{error}");
}
