//! A log with an order in it, packs of it, and the two checks.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tillroll_events::*;
use tillroll_evidence::{EvidencePack, OrderSearch, PackFiles, check};
use tillroll_ledger::{AccountId, AccountType, Entry, Limit, Posting, Side, UnitId};
use tillroll_proofs::merkle::{Frontier, FullTree, inclusion_proof, leaf_hash};
use tillroll_proofs::{
    InclusionBundle, KeyName, LogCheckpoint, Rotation, SignedCheckpoint, SigningKey,
};

pub const ORDER: OrderId = OrderId::from_u128(7);
pub const OTHER: OrderId = OrderId::from_u128(8);

/// The key of which every byte of the seed is `seed`.
pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::of_book([9; 16]), &[seed; 32])
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn entry(debit: u32, credit: u32, amount: u64) -> JournalEntry {
    let leg = |account, side| Posting {
        account: AccountId::new(account),
        unit: UnitId::new(0),
        side,
        amount,
    };
    JournalEntry(Entry::new([leg(debit, Side::Debit), leg(credit, Side::Credit)]).unwrap())
}

/// Records as a log would hold them.
#[derive(Default)]
pub struct StoryRoll {
    pub records: Vec<Record>,
    /// What each is, for the tests' tables.
    pub labels: Vec<&'static str>,
}

impl StoryRoll {
    fn add(&mut self, label: &'static str, order: Option<OrderId>, event: impl Into<Event>) {
        let position = self.records.len() as u64 + 1;
        let at = 1_788_000_000_000_000 + i64::try_from(position).unwrap() * 1_250_000;
        self.labels.push(label);
        self.records.push(Record {
            id: EventId::from_u128(u128::from(position) << 64),
            recorded_at: Timestamp::from_micros(at),
            occurred_at: Timestamp::from_seconds(1_787_999_000),
            caller: Caller::STRIPE,
            order,
            command: None,
            event: event.into(),
        });
    }

    /// The last records are one command.
    fn as_command(&mut self, events: usize) {
        let first = self.records.len() - events;
        self.records[first].command = Some(CommandRef {
            key: format!("stripe:evt_{first}"),
            fingerprint: [1; 16],
            events: u32::try_from(events).unwrap(),
            scope: KeyScope::Stripe,
        });
    }

    fn open(&mut self, label: &'static str, account: u32, path: &str, name: &str) {
        let opened = AccountOpened {
            account: AccountId::new(account),
            path: id(path),
            unit: id("EUR"),
            kind: AccountType::Asset,
            limit: Limit::None,
            code: format!("10{account}"),
            name: name.into(),
        };
        self.add(label, None, opened);
    }

    fn booked(
        &mut self,
        label: &'static str,
        txn: &str,
        source: Option<&str>,
        order: Option<OrderId>,
    ) {
        let facts = BalanceTransactionFacts {
            id: id(txn),
            account: None,
            kind: "charge".into(),
            category: "charge".into(),
            currency: id("EUR"),
            amount: 30_091,
            fee: -5,
            net: 30_096,
            source: source.map(id),
            fees: vec![FeeDetail {
                kind: "stripe_fee".into(),
                amount: -5,
            }],
            created: Some(Timestamp::from_seconds(1_787_999_001)),
            available_on: None,
        };
        let entry = Some(entry(0, 4, 30_091));
        self.add(
            label,
            order,
            BalanceTransactionBooked {
                facts,
                order,
                entry,
            },
        );
    }

    pub fn encoded(&self) -> Vec<Vec<u8>> {
        let encode = |record: &Record| {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            bytes
        };
        self.records.iter().map(encode).collect()
    }

    /// The label of a position.
    pub fn label(&self, position: u64) -> &'static str {
        self.labels[usize::try_from(position).unwrap() - 1]
    }

    /// Positions of an order's records, as a search finds them.
    pub fn find(&self, order: OrderId) -> BTreeSet<u64> {
        let mut search = OrderSearch::new(order);
        loop {
            for (position, record) in (1..).zip(&self.records) {
                search.see(position, record);
            }
            if !search.end() {
                return search.positions();
            }
        }
    }
}

fn placed(order: OrderId, entry: JournalEntry) -> OrderPlaced {
    OrderPlaced {
        order,
        channel: "web".into(),
        location: None,
        currency: id("EUR"),
        lines: Vec::new(),
        metadata: BTreeMap::from([("naïve \"note\"\n\u{1b}".into(), "a, b\u{7f}".into())]),
        offline: false,
        standing: standing(),
        entry: Some(entry),
    }
}

fn standing() -> OrderStanding {
    OrderStanding {
        status: OrderStatus::Placed,
        total: 30_091,
        due: 30_091,
        authorised: 0,
        paid: 0,
        refunded: 0,
        overpaid: 0,
        disputed: 0,
        charged_back: 0,
        failed_attempts: 0,
        fulfilled: false,
        cancelled: false,
        splits: Vec::new(),
    }
}

fn charge(id_: &str, intent: Option<&str>) -> ChargeObserved {
    ChargeObserved {
        facts: ChargeFacts {
            id: id(id_),
            intent: intent.map(id),
            order: None,
            currency: id("EUR"),
            amount: 30_091,
            authorised: true,
            captured: 30_091,
            refunded: 0,
            failed: false,
            expired: false,
            failure_code: None,
        },
    }
}

fn refund(id_: &str, charge: &str) -> RefundObserved {
    RefundObserved {
        facts: RefundFacts {
            id: id(id_),
            charge: Some(id(charge)),
            intent: None,
            currency: id("EUR"),
            amount: 5,
            status: RefundStatus::Succeeded,
        },
    }
}

fn transfer(id_: &str, charge: Option<&str>, group: Option<String>) -> TransferObserved {
    TransferObserved {
        facts: TransferFacts {
            id: id(id_),
            seller: id("acct_1"),
            currency: id("EUR"),
            amount: 100,
            reversed: 0,
            source_charge: charge.map(id),
            group,
        },
        entry: Some(entry(3, 0, 100)),
    }
}

fn notification(id_: &str) -> NotificationReceived {
    NotificationReceived {
        id: id(id_),
        kind: "charge.updated".into(),
        account: None,
        api_version: None,
        created: None,
        livemode: false,
        unrecognised: None,
        detail: None,
        body: None,
    }
}

/// An order with everything that can belong to one, another order, and what belongs to none. Labels
/// that begin with `-` are of records that are not in the first order's pack.
pub fn story() -> StoryRoll {
    let mut roll = StoryRoll::default();
    let due = format!("order:{ORDER}:due");
    roll.open("balance", 0, "stripe:balance", "Stripe, \"balance\"");
    roll.open("due", 1, &due, "Due");
    roll.open(
        "- due of the other",
        2,
        &format!("order:{OTHER}:due"),
        "Due",
    );
    roll.open("seller's account", 3, "seller:acct_1:payable", "Seller");
    roll.open("clearing", 4, "clearing:unmatched", "Clearing");
    roll.open("- unused", 5, "bank:transit", "Transit");
    roll.add("placed", Some(ORDER), placed(ORDER, entry(1, 4, 30_091)));
    roll.add("- other placed", Some(OTHER), placed(OTHER, entry(2, 4, 7)));
    // Before what it is about.
    roll.booked("early line", "txn_9", Some("re_9"), None);
    let intent = IntentFacts {
        id: id("pi_1"),
        order: Some(ORDER),
        currency: id("EUR"),
        amount: 30_091,
        capturable: 0,
        received: 30_091,
        status: IntentStatus::Succeeded,
    };
    roll.add("intent", Some(ORDER), IntentObserved { facts: intent });
    roll.add("notification", None, notification("evt_1"));
    roll.add("charge", None, charge("ch_1", Some("pi_1")));
    roll.as_command(2);
    roll.add("- other notification", None, notification("evt_2"));
    roll.add("- other charge", Some(OTHER), charge("ch_2", None));
    roll.as_command(2);
    roll.booked("- other line", "txn_2", Some("ch_2"), Some(OTHER));
    roll.booked("line", "txn_1", Some("ch_1"), Some(ORDER));
    let dispute = DisputeFacts {
        id: id("dp_1"),
        charge: Some(id("ch_1")),
        intent: None,
        currency: id("EUR"),
        amount: 27_699,
        status: DisputeStatus::Lost,
        reason: Some("fraudulent".into()),
    };
    let entry_of = |amount| Some(entry(4, 0, amount));
    let lost = DisputeObserved {
        facts: dispute,
        entry: entry_of(27_699),
    };
    roll.add("dispute", None, lost);
    roll.booked("dispute's line", "txn_3", Some("dp_1"), None);
    roll.add("late refund", None, refund("re_9", "ch_1"));
    roll.add("- other refund", None, refund("re_2", "ch_2"));
    roll.add("transfer's notification", None, notification("evt_3"));
    roll.add("transfer", None, transfer("tr_1", Some("ch_1"), None));
    let adjusted = SellerBalanceAdjusted {
        seller: id("acct_1"),
        currency: id("EUR"),
        owed: 3,
        entry: entry(3, 4, 3),
    };
    roll.add("seller's debt", None, adjusted.clone());
    roll.as_command(3);
    roll.add("- other debt", None, adjusted);
    roll.booked("transfer's line", "txn_4", Some("tr_1"), None);
    let settlement = Some("settlement_1".to_owned());
    roll.add("- settlement", None, transfer("tr_2", None, settlement));
    roll.booked("- settlement's line", "txn_5", Some("tr_2"), None);
    let group = Some(ORDER.to_string());
    roll.add("transfer by group", None, transfer("tr_3", None, group));
    let back = ApplicationFeeRefund {
        amount: 1,
        balance_transaction: Some(id("txn_7")),
    };
    let fee = ApplicationFeeFacts {
        id: id("fee_1"),
        account: Some(id("acct_1")),
        charge: Some(id("ch_1")),
        originating_transaction: None,
        currency: id("EUR"),
        amount: 12,
        refunded: 1,
        balance_transaction: Some(id("txn_6")),
        refunds: BTreeMap::from([(id("fr_1"), back)]),
    };
    roll.add("fee", None, ApplicationFeeObserved { facts: fee });
    roll.booked("fee's line", "txn_6", None, None);
    roll.booked("fee refund's line", "txn_7", Some("fr_1"), None);
    let payout = PayoutFacts {
        id: id("po_1"),
        account: None,
        currency: id("EUR"),
        amount: 500,
        status: PayoutStatus::Paid,
        arrival: None,
    };
    roll.add(
        "- payout",
        None,
        PayoutObserved {
            facts: payout,
            entry: entry_of(500),
        },
    );
    roll.booked("- payout's line", "txn_8", Some("po_1"), None);
    let posted = |id: u128, reverses: Option<u128>, entry| EntryPosted {
        id: EntryId::from_u128(id),
        entry,
        description: Some("by hand".into()),
        metadata: Metadata::new(),
        reverses: reverses.map(EntryId::from_u128),
        effective_date: CalendarDate::from_days(20_000),
    };
    roll.add("entry by hand", None, posted(1, None, entry(1, 4, 9)));
    roll.add(
        "reversal elsewhere",
        None,
        posted(2, Some(1), entry(4, 0, 9)),
    );
    roll.add("- entry of nobody", None, posted(3, None, entry(4, 0, 9)));
    let hold = HoldPlaced {
        id: HoldId::from_u128(5),
        entry: entry(1, 0, 11),
        expires_at: None,
        description: None,
        metadata: Metadata::new(),
    };
    roll.add("hold", None, hold);
    let ended = HoldEnded {
        id: HoldId::from_u128(5),
        how: HoldEnd::Expired,
    };
    roll.add("hold's end", None, ended);
    let mut entries = PostedEntries::default();
    entries.push(EntryId::from_u128(21), entry(4, 0, 1).borrowed());
    entries.push(
        EntryId::from_u128(22),
        entry(1, 4, u64::from(u32::MAX)).borrowed(),
    );
    roll.add("bulk", None, EntriesPosted { entries });
    roll
}

/// A pack of the records at these positions of a log, sealed with the key.
pub fn pack_of(
    log: &[Vec<u8>],
    positions: impl IntoIterator<Item = u64>,
    order: OrderId,
    keys: &[SigningKey],
) -> PackFiles {
    let (mut frontier, newest) = (Frontier::new(), keys.last().unwrap());
    let tree: FullTree = log.iter().map(|record| leaf_hash(record)).collect();
    log.iter()
        .for_each(|record| frontier.push(leaf_hash(record)));
    let checkpoint = LogCheckpoint {
        origin: newest.verifier().name().clone(),
        size: log.len() as u64,
        root: frontier.root(),
    };
    let signed = SignedCheckpoint::sign(checkpoint, newest).unwrap();
    let prove = |position: u64| {
        let index = position - 1;
        InclusionBundle {
            record: log[usize::try_from(index).unwrap()].clone(),
            index,
            path: inclusion_proof(&tree, index, log.len() as u64).unwrap(),
            note: signed.note().to_string(),
        }
    };
    let proofs: Vec<_> = positions.into_iter().map(prove).collect();
    let verifiers: Vec<_> = keys.iter().map(|key| key.verifier().clone()).collect();
    let rotations: Vec<_> = keys
        .windows(2)
        .map(|pair| {
            Rotation::sign(&pair[0], &pair[1])
                .unwrap()
                .to_string()
                .into_bytes()
        })
        .collect();
    EvidencePack::seal(order, &proofs, &signed, &verifiers, &rotations, newest).unwrap()
}

/// The pack of the story's order.
pub fn story_pack() -> PackFiles {
    let roll = story();
    pack_of(&roll.encoded(), roll.find(ORDER), ORDER, &[key(1), key(2)])
}

/// What the check in Rust finds.
pub fn found(files: &PackFiles) -> Vec<String> {
    let report = check(files, &[]);
    report.findings.iter().map(ToString::to_string).collect()
}

pub fn has_python() -> bool {
    let has = Command::new("python3").arg("--version").output().is_ok();
    if !has {
        eprintln!("skipped: there is no python3 to run check.py with");
    }
    has
}

/// The files below a directory.
pub fn read(root: &Path) -> PackFiles {
    let mut files = PackFiles::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.insert(name.to_owned(), fs::read(&path).unwrap());
        }
    }
    files
}

pub fn write(files: &PackFiles, root: &Path) {
    for (name, bytes) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// What `check.py` in the pack finds, run as its reader runs it.
pub fn found_by_python(files: &PackFiles) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    write(files, directory.path());
    let script = directory.path().join("check.py");
    // A pack whose check was taken out is checked with one from elsewhere.
    let elsewhere = tempfile::tempdir().unwrap();
    let script = match files.get("check.py") == Some(&tillroll_evidence::checker().into_bytes()) {
        true => script,
        false => {
            let script = elsewhere.path().join("check.py");
            fs::write(&script, tillroll_evidence::checker()).unwrap();
            script
        }
    };
    let ran = Command::new("python3")
        .arg(script)
        .arg(directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    let wrong = said.lines().filter_map(|line| line.strip_prefix("WRONG  "));
    let wrong: Vec<String> = wrong.map(str::to_owned).collect();
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(error.is_empty(), "{error}");
    assert_eq!(
        ran.status.code(),
        Some(i32::from(!wrong.is_empty())),
        "{said}"
    );
    wrong
}

/// What a script answers that has imported `check.py` as `check`.
pub fn python(script: &str, input: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("check.py"),
        tillroll_evidence::checker(),
    )
    .unwrap();
    let input_file = directory.path().join("input");
    fs::write(&input_file, input).unwrap();
    let ran = Command::new("python3")
        .args([
            "-B",
            "-c",
            &format!("import sys\nsys.path.insert(0, '.')\nimport check\n{script}"),
        ])
        .current_dir(directory.path())
        .stdin(fs::File::open(input_file).unwrap())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{script}");
    String::from_utf8(ran.stdout).unwrap()
}
