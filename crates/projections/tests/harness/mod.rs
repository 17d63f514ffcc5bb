//! A small roll to project: a ledger that gives accounts their numbers, and the records.
#![allow(dead_code)] // each test file uses its part

pub mod random;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use tillroll_log::testing::TestLog;

use tillroll_events::{
    AccountOpened, Caller, Event, EventId, ExternalId, JournalEntry, OrderId, OrderSplit,
    OrderStanding, OrderStatus, Record, SplitRole, Timestamp,
};
use tillroll_ledger::{AccountId, AccountSpec, AccountType, Entry, Ledger, Limit, Posting, Side};
use tillroll_log::{Batch, Log, LogReader, MemoryLog};
use tillroll_money::Unit;
use tillroll_projections::{Projector, ReadModels};

pub use Side::{Credit as Cr, Debit as Dr};

/// Records as a book would write them.
pub struct Roll {
    pub records: Vec<Record>,
    pub ledger: Ledger,
    /// Seconds; each record takes one unless told otherwise.
    pub now: i64,
}

impl Default for Roll {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            ledger: Ledger::new(),
            now: 1_000,
        }
    }
}

impl Roll {
    pub fn push(&mut self, event: impl Into<Event>) -> u64 {
        self.push_for(None, event)
    }

    pub fn push_for(&mut self, order: Option<OrderId>, event: impl Into<Event>) -> u64 {
        self.now += 1;
        self.push_at(order, self.now, event)
    }

    pub fn push_at(
        &mut self,
        order: Option<OrderId>,
        recorded: i64,
        event: impl Into<Event>,
    ) -> u64 {
        let event = event.into();
        let position = self.head() + 1;
        let order = order.or_else(|| event.order());
        self.records.push(Record {
            id: EventId::from_u128(u128::from(position) << 64 | 7),
            recorded_at: Timestamp::from_seconds(recorded),
            occurred_at: Timestamp::from_seconds(recorded - 5),
            caller: Caller::ANONYMOUS,
            order,
            command: None,
            event,
        });
        position
    }

    pub fn head(&self) -> u64 {
        self.records.len() as u64
    }

    /// The account of this path, opened on first use.
    pub fn account(&mut self, path: &str, unit: &str) -> AccountId {
        let unit = self::unit(unit);
        if let Some(id) = self.ledger.lookup(path, unit) {
            return id;
        }
        let spec = AccountSpec {
            path: path.parse().expect("a path of the test"),
            unit,
            kind: kind_of(path),
            limit: Limit::None,
        };
        let account = self.ledger.open(spec.clone());
        self.push(AccountOpened {
            account,
            path: spec.path,
            unit,
            kind: spec.kind,
            limit: spec.limit,
            code: format!("{}", 1000 + account.get()),
            name: format!("Account {path}"),
        });
        account
    }

    /// A balanced entry over accounts that are opened on first use.
    pub fn entry(&mut self, legs: &[(&str, &str, Side, u64)]) -> JournalEntry {
        let postings: Vec<Posting> = legs
            .iter()
            .map(|&(path, unit, side, amount)| {
                let account = self.account(path, unit);
                let unit = self.ledger.account(account).expect("just opened").unit_id;
                Posting {
                    account,
                    unit,
                    side,
                    amount,
                }
            })
            .collect();
        JournalEntry(Entry::new(postings).expect("a balanced entry of the test"))
    }

    pub fn numbered(&self) -> Vec<(u64, Record)> {
        (1..).zip(self.records.iter().cloned()).collect()
    }

    /// The roll as a log whose frames hold `frame` records.
    pub fn log(&self, frame: usize) -> MemoryLog {
        let mut log = MemoryLog::new();
        append(&mut log, &self.records, frame);
        log
    }
}

pub fn append(log: &mut MemoryLog, records: &[Record], frame: usize) {
    for records in records.chunks(frame.max(1)) {
        let mut batch = Batch::new();
        for record in records {
            batch
                .push_with(|buffer| record.encode(buffer))
                .expect("a record of the test is small");
        }
        let committed = log.append_next(&mut batch).expect("memory takes it");
        assert!(committed.last.get() > 0);
    }
}

fn kind_of(path: &str) -> AccountType {
    match path.split(':').next() {
        Some("seller") if !path.ends_with("receivable") => AccountType::Liability,
        Some("sales" | "commission") => AccountType::Income,
        Some("order" | "orders") => AccountType::Memorandum,
        Some("fees") => AccountType::Expense,
        Some("equity") => AccountType::Equity,
        Some("stock") if path == "stock:suppliers" => AccountType::Equity,
        _ => AccountType::Asset,
    }
}

pub fn unit(code: &str) -> Unit {
    code.parse().expect("a unit of the test")
}

pub fn external(id: &str) -> ExternalId {
    id.parse().expect("an id of the test")
}

pub fn order_id(number: u128) -> OrderId {
    OrderId::from_u128(number)
}

pub fn standing(status: OrderStatus, total: u64, paid: u64) -> OrderStanding {
    OrderStanding {
        status,
        total,
        due: total.saturating_sub(paid),
        authorised: 0,
        paid,
        refunded: 0,
        overpaid: 0,
        disputed: 0,
        charged_back: 0,
        failed_attempts: 0,
        fulfilled: false,
        cancelled: status == OrderStatus::Cancelled,
        splits: Vec::new(),
    }
}

pub fn split(
    role: SplitRole,
    seller: Option<&str>,
    share: u64,
    earned: u64,
    returned: u64,
) -> OrderSplit {
    OrderSplit {
        role,
        seller: seller.map(external),
        share,
        earned,
        returned,
    }
}

/// A directory with read models in it.
pub struct Models {
    directory: tempfile::TempDir,
}

impl Default for Models {
    fn default() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        }
    }
}

impl Models {
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("read.db")
    }

    /// Of these records, in one go.
    pub fn of(records: &[(u64, Record)]) -> Self {
        let models = Self::default();
        let mut projector = models.projector();
        projector
            .apply(records.iter().cloned())
            .expect("a valid roll");
        models
    }

    pub fn projector(&self) -> Projector {
        Projector::open(&self.path()).expect("read models open")
    }

    pub fn read(&self) -> ReadModels {
        ReadModels::open(&self.path()).expect("read models open")
    }

    pub fn dump(&self) -> Vec<String> {
        dump(&self.path())
    }
}

/// Every row of every table, one text each.
pub fn dump(path: &Path) -> Vec<String> {
    let sql = rusqlite::Connection::open(path).expect("the database opens");
    let mut tables = sql
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        .expect("sqlite_master");
    let tables: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .and_then(Iterator::collect)
        .expect("names of tables");
    let mut rows = Vec::new();
    for table in tables {
        let mut statement = sql
            .prepare(&format!("SELECT * FROM {table}"))
            .expect("a table");
        let columns = statement.column_count();
        let mut found = statement.query([]).expect("rows");
        let mut of_table = Vec::new();
        while let Some(row) = found.next().expect("a row") {
            let values: Vec<String> = (0..columns)
                .map(|index| format!("{:?}", row.get_ref(index).expect("a column")))
                .collect();
            of_table.push(format!("{table}: {}", values.join(" | ")));
        }
        of_table.sort();
        rows.extend(of_table);
    }
    rows
}

pub fn reader(log: &MemoryLog) -> Arc<dyn LogReader> {
    Log::reader(log)
}

/// The rows of a query as text, columns joined by ` | `.
pub fn query(path: &Path, sql: &str) -> Vec<String> {
    use rusqlite::types::ValueRef;
    let connection = rusqlite::Connection::open(path).expect("the database opens");
    let mut statement = connection.prepare(sql).expect("a query of the test");
    let columns = statement.column_count();
    let mut rows = statement.query([]).expect("rows");
    let mut found = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        let values: Vec<String> = (0..columns)
            .map(|index| match row.get_ref(index).expect("a column") {
                ValueRef::Null => "-".into(),
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                other => format!("{other:?}"),
            })
            .collect();
        found.push(values.join(" | "));
    }
    found
}
