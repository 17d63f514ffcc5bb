//! What reads cost on a small book and on a large one, and what a digest costs those who post.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tillroll_book::{Action, Command, PlaceOrder};
use tillroll_events::{Caller, OrderId, OrderStatus};
use tillroll_ledger::AccountType;
use tillroll_projections::{
    AccountQuery, At, LineRange, OrderQuery, Page, Projector, ReadError, ReadModels,
    StatementQuery, TrialBalanceQuery,
};
use tillroll_runtime::{Layout, ManualClock, OpenBook, OpenBookOptions};
use tillroll_stripe_simulator::LifeCycle;

use crate::workload::{Entries, Webhooks, at, euro, id, wallet};
use crate::{BenchError, BenchPlan, BenchScratch, FileEngine, execute, timed};

/// Lines of a page.
const PAGE: usize = 20;
/// Times that each read is asked.
const TIMES: usize = 41;
/// Orders that are placed at a time, and how many of them are paid and cancelled.
const ROUND: u64 = 1_000;
const PAID: u64 = 50;
const CANCELLED: u64 = 100;
/// Accounts that entries are posted among.
const WALLETS: usize = 100;
/// A second that nothing of the workload is recorded after.
const AFTER_ALL: i64 = 30 * 86_400;
/// Postings that are timed.
const POSTINGS: usize = 200;

/// A read on two books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadCost {
    pub read: String,
    pub small: ReadSample,
    pub large: ReadSample,
}

/// What a read took and showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadSample {
    pub p50: Duration,
    pub rows: usize,
    /// Of the answer as JSON.
    pub bytes: usize,
}

/// Measures every read on books of so many orders as the plan says.
///
/// # Errors
/// When a command is refused, a read finds nothing of what it should, or the disk fails.
pub fn read_costs(
    plan: &BenchPlan,
    directory: &Path,
    mut progress: impl FnMut(usize, &str),
) -> Result<Vec<ReadCost>, BenchError> {
    let (small, large) = plan.read_orders;
    progress(0, "a small book");
    let small = samples(small, directory)?;
    progress(1, "a large book");
    let large = samples(large, directory)?;
    let costs = small.into_iter().zip(large);
    let costs = costs.map(|((read, small), (_, large))| ReadCost { read, small, large });
    Ok(costs.collect())
}

/// A read as it is asked: how many rows it shows, and its answer as JSON.
type AskedRead<'a> = Box<dyn Fn() -> Result<(usize, Vec<u8>), ReadError> + 'a>;

fn samples(orders: u64, directory: &Path) -> Result<Vec<(String, ReadSample)>, BenchError> {
    let directory = BenchScratch::below(directory)?;
    let layout = Layout::at(directory.path());
    let made = layout.create();
    made.map_err(BenchError::io("make a data directory"))?;
    let mut engine = BenchScratch::open_engine(&layout.log())?;
    let book = fill(&mut engine, orders)?;
    let built = Projector::rebuild(&layout.read_models(), &*engine.reader(), &mut |_| {});
    drop(built.map_err(BenchError::failed("building read models"))?);
    drop(engine);
    let models = ReadModels::open(&layout.read_models());
    let models = models.map_err(BenchError::failed("opening read models"))?;
    let mut samples = Vec::new();
    for (when, as_of) in [
        ("", None),
        (", as of early", Some(book.early)),
        (", as of half way", Some(book.head / 2)),
    ] {
        for (name, read) in reads(&models, &book, as_of) {
            samples.push((format!("{name}{when}"), sample(&read)?));
        }
    }
    drop(models);
    samples.extend(digests(directory.path())?);
    Ok(samples)
}

fn sample(read: &AskedRead<'_>) -> Result<ReadSample, BenchError> {
    let mut took = Vec::with_capacity(TIMES);
    let mut shown = (0, 0);
    for _ in 0..TIMES {
        let (answer, elapsed) = timed(read);
        let (rows, json) = answer.map_err(BenchError::failed("a read"))?;
        shown = (rows, json.len());
        took.push(elapsed);
    }
    Ok(ReadSample {
        p50: middle(took),
        rows: shown.0,
        bytes: shown.1,
    })
}

fn middle(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took.get(took.len() / 2).copied().unwrap_or_default()
}

/// What reads ask for.
struct ReadBook {
    orders: u64,
    head: u64,
    /// A position that is as far from the start on every book.
    early: u64,
}

/// Places orders, of which some are paid and fulfilled and some cancelled, and posts entries
/// beside.
fn fill(engine: &mut FileEngine, orders: u64) -> Result<ReadBook, BenchError> {
    let mut entries = Entries::among(WALLETS, 1).without_limits();
    execute(engine, entries.opening().collect())?;
    let secrets = Webhooks::secrets();
    let mut early = 0;
    for first in (0..orders).step_by(usize::try_from(ROUND).unwrap_or(usize::MAX)) {
        let count = ROUND.min(orders - first);
        let paid = Webhooks::of(&[LifeCycle::Paid], PAID_FROM + first, PAID.min(count));
        let mut commands = paid.orders.clone();
        let webhooks = paid.deliveries.iter();
        commands.extend(webhooks.map(|delivery| delivery.command(&secrets)));
        let orders_paid = paid.orders.iter().filter_map(placed);
        commands.extend(orders_paid.map(|order| by_api(Action::FulfilOrder(order.id))));
        let template = paid.orders.first().and_then(placed).cloned();
        let template = template.ok_or_else(|| BenchError::Failed {
            doing: "the workload".into(),
            why: "no order was placed".into(),
        })?;
        for number in first..first + count.saturating_sub(PAID) {
            commands.push(place(&template, number));
            if number - first < CANCELLED {
                commands.push(by_api(Action::CancelOrder(open_order(number))));
            }
        }
        execute(engine, commands)?;
        execute(engine, vec![entries.bulk(WALLETS)])?;
        if early == 0 {
            early = engine.head().get() / 2;
        }
    }
    Ok(ReadBook {
        orders,
        head: engine.head().get(),
        early,
    })
}

/// Paid orders are numbered from here, so that none is also an open one.
const PAID_FROM: u64 = 1 << 40;

fn open_order(number: u64) -> OrderId {
    OrderId::from_u128(id(number))
}

fn by_api(action: Action) -> Command {
    Command {
        at: at(0),
        occurred_at: None,
        caller: Caller::ANONYMOUS,
        key: None,
        action,
    }
}

fn place(template: &PlaceOrder, number: u64) -> Command {
    by_api(Action::PlaceOrder(PlaceOrder {
        id: open_order(number),
        ..template.clone()
    }))
}

fn placed(command: &Command) -> Option<&PlaceOrder> {
    match &command.action {
        Action::PlaceOrder(order) => Some(order),
        _ => None,
    }
}

fn json<T: Serialize>(answer: &At<T>, rows: usize) -> (usize, Vec<u8>) {
    (rows, serde_json::to_vec(answer).unwrap_or_default())
}

fn page<T: Serialize>(answer: At<Page<T>>) -> (usize, Vec<u8>) {
    let rows = answer.value.items.len();
    json(&answer, rows)
}

fn reads<'a>(
    models: &'a ReadModels,
    book: &ReadBook,
    as_of: Option<u64>,
) -> Vec<(String, AskedRead<'a>)> {
    let mut reads: Vec<(String, AskedRead<'a>)> = Vec::new();
    for status in [
        None,
        Some(OrderStatus::Placed),
        Some(OrderStatus::Fulfilled),
        Some(OrderStatus::Cancelled),
    ] {
        let query = OrderQuery {
            limit: PAGE,
            status,
            as_of,
            ..OrderQuery::default()
        };
        let name = status.map_or("orders".into(), |status| {
            format!("orders, {}", status.as_str())
        });
        reads.push((name, Box::new(move || models.orders(&query).map(page))));
    }
    // The first of a round, half way.
    let order = open_order(book.orders / 2 / ROUND * ROUND);
    reads.push((
        "an order".into(),
        Box::new(move || {
            let found = models.order(order, as_of)?;
            Ok(json(&found, usize::from(found.value.is_some())))
        }),
    ));
    for newest_first in [false, true] {
        let query = StatementQuery {
            path: wallet(1),
            unit: euro(),
            range: LineRange::Start,
            limit: PAGE,
            newest_first,
            as_of,
        };
        let order = if newest_first { "newest" } else { "oldest" };
        reads.push((
            format!("statement, {order} first"),
            Box::new(move || {
                let found = models.statement(&query)?;
                let lines = found
                    .value
                    .as_ref()
                    .map_or(0, |found| found.lines.items.len());
                Ok(json(&found, lines))
            }),
        ));
    }
    for kind in [None, Some(AccountType::Asset), Some(AccountType::Income)] {
        let query = AccountQuery {
            limit: PAGE,
            kind,
            as_of,
            ..AccountQuery::default()
        };
        let name = kind.map_or("accounts".into(), |kind| {
            format!("accounts, {}", kind.as_str())
        });
        reads.push((name, Box::new(move || models.accounts(&query).map(page))));
    }
    for control in [None, Some("order:*:clearing".to_owned())] {
        let name = control.as_ref().map_or(
            "trial balance",
            |_| "trial balance, a control account opened",
        );
        let query = TrialBalanceQuery {
            limit: 100,
            control,
            as_of,
            ..TrialBalanceQuery::default()
        };
        reads.push((
            name.into(),
            Box::new(move || {
                let found = models.trial_balance(&query)?;
                let lines = found.value.units.iter().map(|unit| unit.rows.len()).sum();
                Ok(json(&found, lines))
            }),
        ));
    }
    reads.push((
        "splits".into(),
        Box::new(move || {
            let found = models.splits(as_of)?;
            Ok(json(&found, found.value.len()))
        }),
    ));
    reads
}

/// What a digest takes, and a posting by itself and beside clients that ask for digests all the
/// time.
fn digests(directory: &Path) -> Result<Vec<(String, ReadSample)>, BenchError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(BenchError::io("start a runtime"))?;
    let sample = |p50, rows| ReadSample {
        p50,
        rows,
        bytes: 0,
    };
    runtime.block_on(async {
        // The workload has times of its own, which the machine's clock would be before.
        let clock = ManualClock::at(at(AFTER_ALL));
        let options = OpenBookOptions {
            clock: Arc::new(clock),
            ..OpenBookOptions::new(directory)
        };
        let opened = OpenBook::open(options, |_| {});
        let open = opened.map_err(BenchError::failed("opening the book"))?;
        let mut poster = Poster {
            entries: Entries::among(WALLETS, 1).without_limits().after(1 << 30),
            book: &open,
        };
        let alone = poster.p50(POSTINGS).await?;
        let mut digests = Vec::new();
        for _ in 0..5 {
            poster.p50(1).await?;
            let started = Instant::now();
            let digest = open.handle().digest().await;
            digest.map_err(BenchError::failed("a digest"))?;
            digests.push(started.elapsed());
        }
        let asking: Vec<_> = (0..2)
            .map(|_| {
                let handle = open.handle().clone();
                tokio::spawn(async move { while handle.digest().await.is_ok() {} })
            })
            .collect();
        let beside = poster.p50(POSTINGS).await?;
        for task in asking {
            task.abort();
        }
        open.close()
            .await
            .map_err(BenchError::failed("closing the book"))?;
        Ok(vec![
            ("digest, after a posting".into(), sample(middle(digests), 1)),
            ("a posting by itself".into(), sample(alone, 0)),
            ("a posting beside two digests".into(), sample(beside, 0)),
        ])
    })
}

struct Poster<'a> {
    entries: Entries,
    book: &'a OpenBook,
}

impl Poster<'_> {
    async fn p50(&mut self, postings: usize) -> Result<Duration, BenchError> {
        let mut took = Vec::with_capacity(postings);
        for _ in 0..postings {
            let command = Command {
                at: self.book.handle().now(),
                ..self.entries.single()
            };
            let started = Instant::now();
            let posted = self.book.engine().submit(command).await;
            posted.map_err(BenchError::failed("a posting"))?;
            took.push(started.elapsed());
        }
        Ok(middle(took))
    }
}
