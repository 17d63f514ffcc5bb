//! Random rolls, the same for the same seed.

use std::collections::BTreeMap;

use tillroll_events::{
    AccountLimitSet, ApplicationFeeFacts, ApplicationFeeObserved, ApplicationFeeRefund,
    BalanceTransactionBooked, BalanceTransactionFacts, BulkClosed, ChargeFacts, ChargeObserved,
    DisputeFacts, DisputeObserved, DisputeStatus, EntriesPosted, EntryId, EntryPosted, FeeDetail,
    HoldCaptured, HoldEnd, HoldEnded, HoldId, HoldPlaced, IntentFacts, IntentObserved,
    IntentStatus, JournalEntry, NotificationReceived, OrderBooked, OrderCancelled, OrderFulfilled,
    OrderId, OrderLine, OrderPlaced, OrderStanding, OrderStatus, PayoutFacts, PayoutObserved,
    PayoutStatus, PostedEntries, RefundFacts, RefundObserved, RefundStatus, SellerBalanceAdjusted,
    SplitRole, StockLine, StockReceived, Timestamp, TransferFacts, TransferObserved,
};
use tillroll_ledger::{Entry, Limit, Posting};

use super::{Cr, Dr, Roll, external, order_id, split, unit};

/// SplitMix64: small, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).expect("below an index")
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

const PATHS: &[(&str, &str)] = &[
    ("stripe:balance", "EUR"),
    ("stripe:balance", "JPY"),
    ("sales:web", "EUR"),
    ("sales:web", "JPY"),
    ("sales:pos", "EUR"),
    ("fees:stripe", "EUR"),
    ("seller:acct_1:pending", "EUR"),
    ("seller:acct_1:available", "EUR"),
    ("seller:acct_1:receivable", "EUR"),
    ("seller:acct_2:pending", "EUR"),
    ("seller:acct_2:available", "JPY"),
    ("stock:paris:available", "sku:TEE-M"),
    ("stock:paris:reserved", "sku:TEE-M"),
    ("stock:paris:shortage", "sku:TEE-M"),
    ("stock:lyon:available", "sku:TEE-M"),
    ("stock:lyon:available", "sku:CAP"),
    ("stock:suppliers", "sku:TEE-M"),
    ("stock:suppliers", "sku:CAP"),
    ("customer:c1:points", "points"),
    ("points:issued", "points"),
    ("order:ord_b:clearing", "EUR"),
    ("order:ord_a:clearing", "EUR"),
    ("order:ord_d:clearing", "EUR"),
    ("order:ord_c:clearing", "JPY"),
    ("order:ord_a:refunds", "EUR"),
    ("order:ord_c:refunds", "JPY"),
    ("order:control", "EUR"),
];
const SELLERS: [&str; 3] = ["acct_1", "acct_2", "acct_3"];
const CHANNELS: [&str; 3] = ["app", "web", "pos"];

/// Everything that a random roll remembers to stay a possible history.
pub struct Story {
    pub roll: Roll,
    pub random: Random,
    pub orders: Vec<OrderId>,
    standings: BTreeMap<OrderId, OrderStanding>,
    pub entries: Vec<EntryId>,
    pub holds: Vec<HoldId>,
    open: BTreeMap<HoldId, JournalEntry>,
    facts: u64,
    unrecognised: Vec<u64>,
}

impl Story {
    /// At least `records` records.
    pub fn of(seed: u64, records: usize) -> Self {
        let mut story = Self {
            roll: Roll::default(),
            random: Random(seed),
            orders: Vec::new(),
            standings: BTreeMap::new(),
            entries: Vec::new(),
            holds: Vec::new(),
            open: BTreeMap::new(),
            facts: 0,
            unrecognised: Vec::new(),
        };
        while story.roll.records.len() < records {
            story.step();
        }
        story
    }

    fn step(&mut self) {
        // Now and then the clock stands, leaps, or was set back.
        match self.random.below(12) {
            0 => self.roll.now -= 1,
            1 => self.roll.now += 30,
            2 => self.roll.now -= 4,
            _ => {}
        }
        match self.random.below(20) {
            0..=2 => self.entry(),
            3 => self.many_entries(),
            4 => self.limit(),
            5..=6 => self.hold(),
            7..=8 => self.end_hold(),
            9..=10 => self.place(),
            11..=13 => self.book(),
            14 => self.notify(),
            15 => self.transfer(),
            16 => self.payment(),
            17 => self.payout_or_dispute(),
            18 => self.balance_transaction(),
            _ => self.other(),
        }
    }

    /// Two to four postings in one or two units.
    fn balanced(&mut self) -> JournalEntry {
        let mut postings: Vec<Posting> = Vec::new();
        for _ in 0..=self.random.below(2) {
            let (path, code) = *self.random.pick(PATHS);
            let others: Vec<&str> = PATHS
                .iter()
                .filter(|(_, unit)| *unit == code)
                .map(|(path, _)| *path)
                .collect();
            let other = *self.random.pick(&others);
            let amount = 1 + self.random.below(1_000);
            let entry = self
                .roll
                .entry(&[(path, code, Dr, amount), (other, code, Cr, amount)]);
            postings.extend_from_slice(entry.postings());
        }
        JournalEntry(Entry::new(postings).expect("pairs balance"))
    }

    fn some_entry(&mut self) -> Option<JournalEntry> {
        self.random.chance(60).then(|| self.balanced())
    }

    fn entry(&mut self) {
        let entry = self.balanced();
        let id = EntryId::from_u128(u128::from(self.random.next()) << 32);
        let description = self.random.chance(50).then(|| format!("entry {id}"));
        let reverses = match self.entries.len() {
            0 => None,
            known => self
                .random
                .chance(20)
                .then(|| self.entries[self.random.index(known)]),
        };
        let metadata = match self.random.below(3) {
            0 => [("till".to_owned(), "7".to_owned())].into(),
            _ => BTreeMap::new(),
        };
        self.entries.push(id);
        self.roll.push(EntryPosted {
            id,
            entry,
            description,
            metadata,
            reverses,
            effective_date: None,
        });
    }

    fn many_entries(&mut self) {
        let mut entries = PostedEntries::default();
        for _ in 0..=self.random.below(6) {
            let id = EntryId::from_u128(u128::from(self.random.next()) << 32);
            entries.push(id, self.balanced().borrowed());
            self.entries.push(id);
        }
        self.roll.push(EntriesPosted { entries });
    }

    fn limit(&mut self) {
        let accounts: Vec<_> = self.roll.ledger.accounts().map(|(one, _)| one.id).collect();
        if accounts.is_empty() {
            return;
        }
        let account = *self.random.pick(&accounts);
        let limit = *self.random.pick(&Limit::ALL);
        self.roll.push(AccountLimitSet { account, limit });
    }

    fn hold(&mut self) {
        let entry = self.balanced();
        let id = HoldId::from_u128(u128::from(self.random.next()) << 32);
        self.open.insert(id, entry.clone());
        self.holds.push(id);
        let expires_at = self
            .random
            .chance(50)
            .then(|| Timestamp::from_seconds(self.roll.now + 100));
        let description = self.random.chance(50).then(|| "a table for two".to_owned());
        self.roll.push(HoldPlaced {
            id,
            entry,
            expires_at,
            description,
            metadata: BTreeMap::new(),
        });
    }

    fn end_hold(&mut self) {
        let Some((id, entry)) = self.open.pop_first() else {
            return;
        };
        match self.random.below(4) {
            0 => self.roll.push(HoldEnded {
                id,
                how: HoldEnd::Voided,
            }),
            1 => self.roll.push(HoldEnded {
                id,
                how: HoldEnd::Expired,
            }),
            2 => self.roll.push(HoldCaptured { id, entry }),
            _ => {
                // Part of the first pair of postings.
                let pair = &entry.postings()[..2];
                let amount = 1 + self.random.below(pair[0].amount);
                let part: Vec<Posting> = pair
                    .iter()
                    .map(|posting| Posting { amount, ..*posting })
                    .collect();
                let entry = JournalEntry(Entry::new(part).expect("a pair balances"));
                self.roll.push(HoldCaptured { id, entry })
            }
        };
    }

    fn place(&mut self) {
        let order = order_id(u128::from(self.random.next()) << 32);
        let total = 100 + self.random.below(10_000);
        let sellers = self.random.index(SELLERS.len() + 1);
        let mut standing = super::standing(OrderStatus::Placed, total, 0);
        for seller in &SELLERS[..sellers] {
            let share = self.random.below(total);
            let part = split(SplitRole::Seller, Some(seller), share, 0, 0);
            standing.splits.push(part);
        }
        standing
            .splits
            .push(split(SplitRole::Sales, None, total, 0, 0));
        let line = OrderLine {
            sku: Some("TEE-M".into()),
            description: None,
            quantity: 1,
            unit_price: total,
            tax_rate_ppm: 200_000,
            tax_included: true,
            tax: total / 6,
            total,
            seller: (sellers > 0).then(|| external(SELLERS[0])),
            commission_rate_ppm: 0,
            commission: 0,
            short: 0,
        };
        let entry = self.some_entry();
        self.orders.push(order);
        self.standings.insert(order, standing.clone());
        self.roll.push(OrderPlaced {
            order,
            channel: (*self.random.pick(&CHANNELS)).to_owned(),
            location: self.random.chance(50).then(|| "paris".to_owned()),
            currency: unit(if self.random.chance(50) { "EUR" } else { "JPY" }),
            lines: vec![line],
            metadata: BTreeMap::new(),
            offline: self.random.chance(10),
            standing,
            entry,
        });
    }

    fn some_order(&mut self) -> Option<OrderId> {
        let known = self.orders.len();
        (known > 0).then(|| self.orders[self.random.index(known)])
    }

    fn book(&mut self) {
        let Some(order) = self.some_order() else {
            return;
        };
        let mut standing = self.standings[&order].clone();
        standing.status = *self.random.pick(&OrderStatus::ALL);
        standing.paid = standing.total;
        standing.refunded += self.random.below(50);
        for split in &mut standing.splits {
            split.earned = split.share;
            split.returned += self.random.below(20);
        }
        // The merchant's part may vanish; an order's sellers are fixed by its lines.
        if self.random.chance(5) {
            standing.splits.retain(|split| split.seller.is_some());
        }
        self.standings.insert(order, standing.clone());
        let entry = self.some_entry();
        match self.random.below(4) {
            0 => self.roll.push(OrderFulfilled {
                order,
                standing,
                entry,
            }),
            1 => self.roll.push(OrderCancelled {
                order,
                standing,
                entry,
            }),
            _ => self.roll.push(OrderBooked {
                order,
                standing,
                entry,
            }),
        };
    }

    fn notify(&mut self) {
        let resolves = self.random.chance(30);
        let number = match (resolves, self.unrecognised.pop()) {
            (true, Some(number)) => number,
            _ => self.random.below(1_000),
        };
        let unrecognised = (!resolves).then(|| "unknown_type".to_owned());
        if unrecognised.is_some() {
            self.unrecognised.push(number);
        }
        self.roll.push(NotificationReceived {
            id: external(&format!("evt_{number}")),
            kind: "charge.updated".into(),
            account: None,
            api_version: Some("2026-06-30".into()),
            created: Some(Timestamp::from_seconds(self.roll.now)),
            livemode: false,
            body: unrecognised.as_ref().map(|_| "{}".to_owned()),
            detail: None,
            unrecognised,
        });
    }

    fn fact(&mut self, prefix: &str) -> tillroll_events::ExternalId {
        // Often one that was seen before.
        self.facts += self.random.below(2);
        let number = self.facts - self.random.below(3).min(self.facts);
        external(&format!("{prefix}_{number}"))
    }

    fn transfer(&mut self) {
        let id = self.fact("tr");
        let number = id.as_str().len();
        let amount = 1_000;
        let reversed = self.random.below(amount);
        // A transfer never changes hands: the seller follows from its id.
        let seller = SELLERS[id.as_str().bytes().last().map_or(0, usize::from) % SELLERS.len()];
        let entry = self.some_entry();
        self.roll.push(TransferObserved {
            facts: TransferFacts {
                id,
                seller: external(seller),
                currency: unit("EUR"),
                amount,
                reversed,
                source_charge: None,
                group: Some(format!("group {number}")),
            },
            entry,
        });
    }

    fn payment(&mut self) {
        let order = self.some_order();
        match self.random.below(3) {
            0 => {
                let id = self.fact("pi");
                let status = *self.random.pick(&[
                    IntentStatus::Open,
                    IntentStatus::RequiresCapture,
                    IntentStatus::Succeeded,
                ]);
                self.roll.push(IntentObserved {
                    facts: IntentFacts {
                        id,
                        order,
                        currency: unit("EUR"),
                        amount: 100,
                        capturable: 0,
                        received: 100,
                        status,
                    },
                })
            }
            1 => {
                let id = self.fact("ch");
                self.roll.push(ChargeObserved {
                    facts: ChargeFacts {
                        id,
                        intent: Some(external("pi_1")),
                        order,
                        currency: unit("EUR"),
                        amount: 100,
                        authorised: true,
                        captured: 100,
                        refunded: 0,
                        failed: false,
                        expired: false,
                        failure_code: None,
                    },
                })
            }
            _ => {
                let id = self.fact("re");
                let facts = RefundFacts {
                    id,
                    charge: Some(external("ch_1")),
                    intent: None,
                    currency: unit("EUR"),
                    amount: 10,
                    status: RefundStatus::Succeeded,
                };
                self.roll.push_for(order, RefundObserved { facts })
            }
        };
    }

    fn payout_or_dispute(&mut self) {
        if self.random.chance(25) {
            let id = self.fact("fee");
            let order = self.some_order();
            let facts = ApplicationFeeFacts {
                id,
                account: Some(external("acct_1")),
                charge: Some(external("ch_1")),
                originating_transaction: None,
                currency: unit("EUR"),
                amount: 50,
                refunded: self.random.below(50),
                balance_transaction: None,
                refunds: [(
                    external("fr_1"),
                    ApplicationFeeRefund {
                        amount: 5,
                        balance_transaction: None,
                    },
                )]
                .into(),
            };
            self.roll.push_for(order, ApplicationFeeObserved { facts });
            return;
        }
        let entry = self.some_entry();
        if self.random.chance(50) {
            let id = self.fact("po");
            let status = *self
                .random
                .pick(&[PayoutStatus::InTransit, PayoutStatus::Paid]);
            self.roll.push(PayoutObserved {
                facts: PayoutFacts {
                    id,
                    account: None,
                    currency: unit("EUR"),
                    amount: 500,
                    status,
                    arrival: Some(Timestamp::from_seconds(self.roll.now)),
                },
                entry,
            });
        } else {
            let id = self.fact("dp");
            let order = self.some_order();
            let status = *self
                .random
                .pick(&[DisputeStatus::NeedsResponse, DisputeStatus::Lost]);
            let facts = DisputeFacts {
                id,
                charge: Some(external("ch_1")),
                intent: None,
                currency: unit("EUR"),
                amount: 60,
                status,
                reason: Some("fraudulent".into()),
            };
            self.roll.push_for(order, DisputeObserved { facts, entry });
        }
    }

    fn balance_transaction(&mut self) {
        let id = self.fact("txn");
        let order = self.some_order();
        let entry = self.some_entry();
        self.roll.push(BalanceTransactionBooked {
            facts: BalanceTransactionFacts {
                id,
                account: None,
                kind: "charge".into(),
                category: "charge".into(),
                currency: unit("EUR"),
                amount: -100,
                fee: 3,
                net: -103,
                source: Some(external("ch_1")),
                fees: vec![FeeDetail {
                    kind: "stripe_fee".into(),
                    amount: 3,
                }],
                created: None,
                available_on: None,
            },
            order,
            entry,
        });
    }

    fn other(&mut self) {
        match self.random.below(3) {
            0 => {
                let entry = self.roll.entry(&[
                    ("stock:paris:available", "sku:TEE-M", Dr, 5),
                    ("stock:suppliers", "sku:TEE-M", Cr, 5),
                ]);
                self.roll.push(StockReceived {
                    location: "paris".into(),
                    lines: vec![StockLine {
                        sku: "TEE-M".into(),
                        quantity: 5,
                    }],
                    reference: Some("delivery 7".into()),
                    entry,
                });
            }
            1 => {
                let entry = self.balanced();
                self.roll.push(SellerBalanceAdjusted {
                    seller: external("acct_1"),
                    currency: unit("EUR"),
                    owed: 10,
                    entry,
                });
            }
            _ => {
                self.roll.push(BulkClosed {
                    accepted: 1,
                    refused: Vec::new(),
                });
            }
        }
    }
}
