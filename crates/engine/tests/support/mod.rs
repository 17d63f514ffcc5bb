//! A small world for the engine's tests: a till, and wallets that cannot be overdrawn.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

pub mod commerce;
pub mod scripted;
pub mod snapshots;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tillroll_book::{
    Action, Book, CaptureHold, CapturePart, Chart, Command, CommandKey, OpenAccount, PlaceHold,
    PostEntry, PostingRequest, Refusal,
};
use tillroll_engine::{Engine, FrameLimits, Outcome, Position, replay};
use tillroll_events::{Caller, EntryId, HoldId, KeyScope, Metadata, Timestamp};
use tillroll_ledger::{AccountPath, AccountType, Limit, Side};
use tillroll_log::testing::Random;
use tillroll_log::{
    AppendError, AppendFault, Batch, Committed, Deadline, FileLog, Head, Log, LogId, LogOptions,
    LogReadError, LogReader, MemoryLog, Storage,
};

pub const BOOK: [u8; 16] = *b"a book of tests.";

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + second)
}

fn command(second: i64, key: Option<CommandKey>, action: Action) -> Command {
    Command {
        at: at(second),
        occurred_at: None,
        caller: Caller::ANONYMOUS,
        key,
        action,
    }
}

pub fn key(name: &str, fingerprint: u8) -> Option<CommandKey> {
    Some(CommandKey {
        scope: KeyScope::Shared,
        key: name.into(),
        fingerprint: [fingerprint; 16],
    })
}

pub fn path(text: &str) -> AccountPath {
    text.parse().expect("a path of the test")
}

fn leg(account: &str, side: Side, amount: u64) -> PostingRequest {
    PostingRequest {
        account: path(account),
        unit: "EUR".parse().expect("a currency"),
        side,
        amount,
    }
}

pub fn wallet(number: usize) -> String {
    format!("wallet:{number}")
}

pub fn open(account: &str, kind: AccountType, limit: Limit) -> Command {
    let action = Action::OpenAccount(OpenAccount {
        path: path(account),
        unit: "EUR".parse().expect("a currency"),
        kind: Some(kind),
        limit: Some(limit),
    });
    command(0, None, action)
}

/// The till and `wallets` wallets, all empty.
pub fn opening(wallets: usize) -> Vec<Command> {
    let till = open("till", AccountType::Asset, Limit::None);
    let wallet = |number| {
        let limit = Limit::DebitsMustNotExceedCredits;
        open(&wallet(number), AccountType::Liability, limit)
    };
    std::iter::once(till)
        .chain((0..wallets).map(wallet))
        .collect()
}

fn post(id: u128, from: &str, to: &str, amount: u64) -> Action {
    Action::PostEntry(PostEntry {
        id: EntryId::from_u128(id),
        postings: vec![
            leg(from, Side::Debit, amount),
            leg(to, Side::Credit, amount),
        ],
        description: None,
        metadata: Metadata::new(),
        effective_date: None,
    })
}

/// Money comes in over the counter.
pub fn fund(id: u128, wallet: &str, amount: u64) -> Command {
    command(
        1,
        key(&format!("fund-{id}"), 1),
        post(id, "till", wallet, amount),
    )
}

/// Money goes from one wallet to another; refused when the first has too little.
pub fn pay(id: u128, from: &str, to: &str, amount: u64) -> Command {
    command(2, key(&format!("pay-{id}"), 2), post(id, from, to, amount))
}

pub fn described(id: u128, description: String) -> Command {
    let mut command = fund(id, &wallet(0), 1);
    if let Action::PostEntry(entry) = &mut command.action {
        entry.description = Some(description);
    }
    command
}

pub fn hold(second: i64, id: u128, from: &str, amount: u64, expires: Option<i64>) -> Command {
    let action = Action::PlaceHold(PlaceHold {
        id: HoldId::from_u128(id),
        postings: vec![
            leg(from, Side::Debit, amount),
            leg("till", Side::Credit, amount),
        ],
        expires_at: expires.map(at),
        description: None,
        metadata: Metadata::new(),
    });
    command(second, key(&format!("hold-{id}"), 3), action)
}

pub fn capture(second: i64, id: u128, amount: u64) -> Command {
    let action = Action::CaptureHold(CaptureHold {
        id: HoldId::from_u128(id),
        part: CapturePart::Amount(amount),
    });
    command(second, key(&format!("capture-{id}"), 4), action)
}

pub fn void(second: i64, id: u128) -> Command {
    let action = Action::VoidHold(HoldId::from_u128(id));
    command(second, key(&format!("void-{id}"), 5), action)
}

/// Commands of every kind that this world has, refused ones and duplicates among them.
pub fn story(seed: u64, commands: usize) -> Vec<Command> {
    const WALLETS: usize = 4;
    let mut random = Random::new(seed);
    let mut story = opening(WALLETS);
    let mut holds = Vec::new();
    for number in 0..commands {
        let id = number as u128 + 1;
        let second = i64::try_from(number).expect("few commands") + 10;
        let amount = random.below(50) as u64 + 1;
        let (from, to) = (wallet(random.below(WALLETS)), wallet(random.below(WALLETS)));
        let mut next = match random.below(8) {
            0 | 1 => fund(id, &to, amount),
            2..=4 => pay(id, &from, &to, amount),
            5 => {
                holds.push(id);
                hold(second, id, &from, amount, None)
            }
            6 if !holds.is_empty() => {
                let id = holds[random.below(holds.len())];
                match random.coin() {
                    true => capture(second, id, amount),
                    false => void(second, id),
                }
            }
            _ => story[random.below(story.len())].clone(),
        };
        // Clocks jump.
        let back = i64::try_from(random.below(20)).expect("below 20");
        next.at = at(second - back);
        story.push(next);
    }
    story
}

/// A story cut into batches of 1 to `most`.
pub fn batches(seed: u64, story: Vec<Command>, most: usize) -> Vec<Vec<Command>> {
    let mut random = Random::new(seed);
    let mut rest = story.into_iter();
    let mut batches = Vec::new();
    loop {
        let size = random.below(most) + 1;
        let batch: Vec<_> = rest.by_ref().take(size).collect();
        if batch.is_empty() {
            return batches;
        }
        batches.push(batch);
    }
}

pub fn engine() -> Engine<MemoryLog> {
    start(MemoryLog::with_id(LogId::new(BOOK)))
}

pub fn start<J: Log>(log: J) -> Engine<J> {
    let engine = Engine::open(log, Chart::default(), |_| {});
    engine.expect("the log can be folded")
}

/// A frame of few records, so that stories have many.
pub fn small() -> FrameLimits {
    FrameLimits {
        batch_records: 8,
        ..FrameLimits::default()
    }
}

pub fn on_files<S: Storage>(storage: S) -> Engine<FileLog<S>> {
    let options = LogOptions {
        id: Some(tillroll_log::LogId::new(BOOK)),
        segment_bytes: 4096,
        ..LogOptions::default()
    };
    let (store, request) = options.store(storage);
    let opened = Engine::open_store(store, &request, Chart::default(), |_| {});
    opened.expect("the log can be recovered").0
}

/// Applies commands that are not refused.
pub fn apply<J: Log>(engine: &mut Engine<J>, commands: Vec<Command>) -> Vec<Outcome> {
    let answers = engine.execute(commands).expect("nothing fails");
    answers
        .into_iter()
        .map(|answer| answer.expect("nothing is refused"))
        .collect()
}

pub fn apply_one<J: Log>(engine: &mut Engine<J>, command: Command) -> Outcome {
    apply(engine, vec![command]).remove(0)
}

pub fn refuse_one<J: Log>(engine: &mut Engine<J>, command: Command) -> Refusal {
    let answers = engine.execute(vec![command]).expect("nothing fails");
    answers
        .into_iter()
        .next()
        .expect("one")
        .expect_err("it is refused")
}

/// The state of a log up to a position, folded from nothing.
pub fn folded(reader: &dyn LogReader, up_to: Option<Position>) -> Book {
    let replayed = replay(reader, Chart::default(), up_to, |_| {});
    replayed.expect("the log can be folded").0
}

/// What a wallet has.
pub fn balance(book: &Book, account: &str) -> i64 {
    let id = book
        .ledger()
        .lookup(account, "EUR".parse().expect("a currency"));
    let id = id.expect("the account is open");
    let balances = book.ledger().balances(id).expect("the account is open");
    -balances.net_debit()
}

/// A gate that appends wait at, so that a test decides when a sync ends.
#[derive(Clone, Default)]
pub struct Gate {
    state: Arc<(Mutex<GateState>, Condvar)>,
}

#[derive(Default)]
struct GateState {
    closed: bool,
    waiting: usize,
    /// Appends that may still succeed.
    left: Option<usize>,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn close(&self) {
        self.state().closed = true;
    }

    pub fn open(&self) {
        self.state().closed = false;
        self.state.1.notify_all();
    }

    /// Only so many appends succeed from now on, the one that waits now counted.
    pub fn open_for(&self, appends: usize) {
        self.state().left = Some(appends);
        self.open();
    }

    /// Waits until an append is at the gate.
    pub fn reached(&self) {
        let state = self.state();
        let reached = self.state.1.wait_while(state, |state| state.waiting == 0);
        drop(reached.unwrap_or_else(PoisonError::into_inner));
    }

    fn pass(&self) -> bool {
        let mut state = self.state();
        state.waiting += 1;
        self.state.1.notify_all();
        let passed = self.state.1.wait_while(state, |state| state.closed);
        let mut state = passed.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        let allowed = state.left != Some(0);
        state.left = state.left.map(|left| left.saturating_sub(1));
        allowed
    }
}

/// A log whose appends pass a gate.
pub struct Gated<J> {
    pub log: J,
    pub gate: Gate,
}

impl<J: Log> Log for Gated<J> {
    fn id(&self) -> LogId {
        self.log.id()
    }

    fn append(
        &mut self,
        after: Head,
        batch: &mut Batch,
        deadline: Deadline,
    ) -> Result<Committed, AppendError> {
        match self.gate.pass() {
            true => self.log.append(after, batch, deadline),
            false => Err(AppendError::InDoubt {
                fault: AppendFault::Backend {
                    source: "the gate fails".into(),
                    transient: false,
                },
            }),
        }
    }

    fn head(&mut self, deadline: Deadline) -> Result<Head, LogReadError> {
        self.log.head(deadline)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        self.log.reader()
    }
}
