//! Engines with a story behind them, and the commands of the suites that need no story.

use tillroll_book::{
    Action, Book, Chart, Command, CommandKey, OpenAccount, PlaceHold, PostingRequest, ReceiveStock,
    StockRequest,
};
use tillroll_engine::{Blank, Engine};
use tillroll_events::{HoldId, Metadata, Timestamp};
use tillroll_journal::{Journal, MemoryJournal};
use tillroll_ledger::{AccountType, Side};

use super::Caught;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::request::fingerprint;
use crate::tally::Tally;
use crate::workload::Workload;

const BOOK: [u8; 16] = *b"a book of suites";
const SKU: &str = "TEE-M";
const SECOND: i64 = 1_000_000;

pub(super) fn open<J: Journal>(journal: J) -> Result<Engine<J>, Caught> {
    open_with(journal, Chart::default().into())
}

pub(super) fn open_with<J: Journal>(journal: J, blank: Blank) -> Result<Engine<J>, Caught> {
    let opened = Engine::open(journal, BOOK, blank, |_| {});
    opened.map_err(Caught::unexpected("the log cannot be folded"))
}

/// A seed's story in batches: everything that a book can do, under clocks that jump.
pub(super) fn batches(seed: u64, steps: u64) -> Vec<Vec<Command>> {
    let mut workload = Workload::new(seed, steps);
    let mut chance = Chance::of(seed, "suite");
    let (mut clock, mut tally) = (Clock::new(), Tally::default());
    let batch = |step| {
        clock.tick(&mut chance, &mut tally);
        let mut commands = Vec::new();
        for _ in 0..=chance.below(8) {
            let request = workload.next(step, clock.now());
            commands.push(request.command(clock.read(&mut chance)));
        }
        commands
    };
    (1..=steps).map(batch).collect()
}

/// An engine that has lived a seed's story. What it answers is the matter of other suites.
pub(super) fn lived(seed: u64, steps: u64) -> Result<Engine<MemoryJournal>, Caught> {
    let mut engine = open(MemoryJournal::new())?;
    for commands in batches(seed, steps) {
        let answers = engine.execute(commands);
        answers.map_err(Caught::unexpected("memory does not fail"))?;
    }
    Ok(engine)
}

/// Places a hold that stays open, whatever the story was.
pub(super) fn hold<J: Journal>(engine: &mut Engine<J>) -> Result<(), Caught> {
    let sides = [("suite:from", Side::Debit), ("suite:to", Side::Credit)];
    let unit = "EUR".parse().expect("a currency");
    let open = |(path, _): (&str, Side)| {
        Action::OpenAccount(OpenAccount {
            path: path.parse().expect("a path"),
            unit,
            kind: Some(AccountType::Liability),
            limit: None,
        })
    };
    let posting = |(path, side): (&str, Side)| PostingRequest {
        account: path.parse().expect("a path"),
        unit,
        side,
        amount: 54,
    };
    let hold = Action::PlaceHold(PlaceHold {
        id: HoldId::from_u128(54),
        postings: sides.map(posting).to_vec(),
        expires_at: None,
        description: None,
        metadata: Metadata::new(),
    });
    let actions = sides.map(open).into_iter().chain([hold]);
    let commands = actions.map(|action| Command {
        at: Timestamp::from_micros(0),
        occurred_at: None,
        key: None,
        action,
    });
    let answers = engine.execute(commands.collect());
    for answer in answers.map_err(Caught::unexpected("memory does not fail"))? {
        answer.map_err(Caught::unexpected("a hold is refused"))?;
    }
    Ok(())
}

/// A command with a key: so many pieces arrive in the store.
pub(super) fn receive(number: u32, quantity: u64) -> Command {
    let action = Action::ReceiveStock(ReceiveStock {
        location: "store".into(),
        lines: vec![StockRequest {
            sku: SKU.into(),
            quantity,
        }],
        reference: None,
    });
    Command {
        at: Timestamp::from_micros(1_790_000_000 * SECOND + i64::from(number) * SECOND),
        occurred_at: None,
        key: Some(CommandKey {
            key: format!("receive-{number}"),
            fingerprint: fingerprint(&action),
        }),
        action,
    }
}

/// How many pieces the store has.
pub(super) fn in_store(book: &Book) -> i64 {
    let unit = tillroll_money::Unit::sku(SKU).expect("the code of an article");
    let ledger = book.ledger();
    let account = ledger.lookup("stock:store:available", unit);
    let balances = account.and_then(|account| ledger.balances(account));
    balances.map_or(0, |balances| balances.net_debit())
}
