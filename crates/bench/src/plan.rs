//! How much is done: a quick look, a normal run, a full one.

use std::time::Duration;

/// How long a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Under a minute on two cores. Figures are within a fifth or so.
    Quick,
    /// Some minutes.
    Normal,
    /// Ten million accounts, and runs that outgrow caches.
    Full,
}

impl Size {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Normal => "normal",
            Self::Full => "full",
        }
    }
}

/// The amounts of a run. Whatever has a count ends earlier when its `window` is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchPlan {
    pub size: Size,
    /// The longest that one loop runs.
    pub window: Duration,
    /// Entries applied to the core in each case.
    pub core_entries: usize,
    /// Accounts in the core's cases.
    pub core_accounts: Vec<usize>,
    /// Entries that stand in the core's history, among a million accounts, when what more costs
    /// is measured: whether it stays as quick as it grows.
    pub core_histories: Vec<u64>,
    /// Accounts in the stages above the core.
    pub accounts: usize,
    /// Bytes of the tables that are accessed at random.
    pub tables: Vec<usize>,
    /// Bytes written in each measurement of the disk.
    pub disk_bytes: usize,
    /// Entries in each measurement of bulk.
    pub bulk_entries: usize,
    /// Commands prepared for each measurement of the engine's singles, per second of window.
    pub single_rate: u64,
    /// The same for requests over HTTP.
    pub request_rate: u64,
    /// Rounds of all life cycles of a payment, for webhooks.
    pub webhook_rounds: u64,
    /// Entries in the logs that are replayed, and rounds of life cycles.
    pub replay: (usize, u64),
    /// The same for read models.
    pub projections: (usize, u64),
    /// Things that the book is grown by, to see what each takes.
    pub memory_things: usize,
    /// Orders of the small and the large book on which reads are measured.
    pub read_orders: (u64, u64),
}

const MIB: usize = 1024 * 1024;

impl BenchPlan {
    #[must_use]
    pub fn of(size: Size) -> Self {
        // Without optimisation nothing is worth a measurement, and all is many times slower:
        // just enough to see that it works.
        let plan = match size {
            Size::Quick if cfg!(debug_assertions) => Self {
                window: Duration::from_millis(100),
                core_entries: 2_000,
                core_accounts: vec![1_000, 10_000],
                core_histories: vec![2_000, 4_000],
                accounts: 100,
                tables: vec![64 * MIB],
                disk_bytes: MIB,
                bulk_entries: 16_000,
                webhook_rounds: 2,
                replay: (4_000, 2),
                projections: (2_000, 1),
                memory_things: 2_000,
                read_orders: (60, 200),
                ..Self::quick()
            },
            Size::Quick => Self::quick(),
            Size::Normal => Self::normal(),
            Size::Full => Self {
                size,
                window: Duration::from_secs(10),
                core_entries: 5_000_000,
                core_accounts: vec![10_000, 1_000_000, 10_000_000],
                core_histories: vec![1_000_000, 10_000_000, 100_000_000],
                disk_bytes: 1024 * MIB,
                bulk_entries: 4_000_000,
                webhook_rounds: 600,
                replay: (4_000_000, 600),
                projections: (1_000_000, 200),
                memory_things: 2_000_000,
                read_orders: (10_000, 1_000_000),
                ..Self::normal()
            },
        };
        Self { size, ..plan }
    }

    fn normal() -> Self {
        Self {
            size: Size::Normal,
            window: Duration::from_secs(3),
            core_entries: 2_000_000,
            core_accounts: vec![10_000, 1_000_000],
            core_histories: vec![1_000_000, 10_000_000],
            accounts: 10_000,
            tables: vec![64 * MIB, 640 * MIB],
            disk_bytes: 256 * MIB,
            bulk_entries: 1_000_000,
            single_rate: 200_000,
            request_rate: 60_000,
            webhook_rounds: 200,
            replay: (1_000_000, 150),
            projections: (200_000, 50),
            memory_things: 500_000,
            read_orders: (10_000, 100_000),
        }
    }

    fn quick() -> Self {
        Self {
            size: Size::Quick,
            window: Duration::from_millis(400),
            core_entries: 300_000,
            core_histories: Vec::new(),
            disk_bytes: 32 * MIB,
            bulk_entries: 160_000,
            webhook_rounds: 30,
            replay: (150_000, 30),
            projections: (20_000, 8),
            memory_things: 100_000,
            read_orders: (1_000, 10_000),
            ..Self::normal()
        }
    }

    /// Calls to prepare for a loop whose callers make at most so many a second.
    #[must_use]
    pub fn calls(&self, rate: u64) -> usize {
        let calls = u128::from(rate) * self.window.as_millis() / 1000;
        usize::try_from(calls).unwrap_or(usize::MAX).max(1)
    }
}
