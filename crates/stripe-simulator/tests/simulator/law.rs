//! Laws that hold whatever is done in whatever order.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use tillroll_stripe_simulator::{
    AccountId, ChargeId, CreateIntent, CreatePayout, CreateRefund, CreateTransfer, Decline,
    DisputeId, DisputeOutcome, IntentId, OpenDispute, PaymentMethod, PayoutOutcome, RefundOutcome,
    StripeCurrency, StripeEvent, StripeSimulator, TransferId,
};

const CURRENCIES: [StripeCurrency; 5] = [
    StripeCurrency::EUR,
    StripeCurrency::GBP,
    StripeCurrency::USD,
    StripeCurrency::JPY,
    StripeCurrency::KWD,
];

struct World {
    sim: StripeSimulator,
    random: ChaCha8Rng,
    sellers: Vec<AccountId>,
    held: Vec<IntentId>,
    charges: Vec<ChargeId>,
    disputes: Vec<DisputeId>,
    transfers: Vec<TransferId>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut sim = StripeSimulator::seeded(seed);
        let sellers = (0..3)
            .map(|number| sim.onboarded_account(&format!("S{number}"), "FR", StripeCurrency::EUR))
            .collect();
        Self {
            sim,
            random: ChaCha8Rng::seed_from_u64(seed),
            sellers,
            held: Vec::new(),
            charges: Vec::new(),
            disputes: Vec::new(),
            transfers: Vec::new(),
        }
    }

    fn pick<T: Clone>(random: &mut ChaCha8Rng, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[random.random_range(0..from.len())].clone())
    }

    fn amount(&mut self, most: u64) -> u64 {
        self.random.random_range(1..=most / 10) * 10
    }

    /// One random step. Refusals are part of life, so most answers are only
    /// looked at for what they made.
    fn step(&mut self) {
        self.sim.advance(self.random.random_range(0..40_000));
        match self.random.random_range(0..14) {
            0..=3 => self.buy(),
            4 => {
                if let Some(intent) = Self::pick(&mut self.random, &self.held) {
                    let part = self.amount(12_000);
                    drop(self.sim.capture_intent(&intent, Some(part)));
                }
            }
            5 => {
                if let Some(intent) = Self::pick(&mut self.random, &self.held) {
                    drop(self.sim.cancel_intent(&intent));
                }
            }
            6..=8 => {
                if let Some(charge) = Self::pick(&mut self.random, &self.charges) {
                    let outcome = [
                        RefundOutcome::Succeeds,
                        RefundOutcome::SucceedsLater,
                        RefundOutcome::FailsLater { after: 50_000 },
                    ][self.random.random_range(0..3)];
                    let part = self.amount(8_000);
                    drop(
                        self.sim
                            .create_refund(CreateRefund::part(charge, part).that(outcome)),
                    );
                }
            }
            9 => {
                if let Some(charge) = Self::pick(&mut self.random, &self.charges) {
                    let opened = self.sim.open_dispute(OpenDispute::over(charge, "general"));
                    self.disputes.extend(opened);
                }
            }
            10 => {
                if let Some(dispute) = Self::pick(&mut self.random, &self.disputes) {
                    let won = self.random.random_range(0..2) == 0;
                    let outcome = if won {
                        DisputeOutcome::Won
                    } else {
                        DisputeOutcome::Lost
                    };
                    drop(self.sim.resolve_dispute(&dispute, outcome));
                }
            }
            11 => {
                let charge = Self::pick(&mut self.random, &self.charges);
                let params = CreateTransfer {
                    amount: self.amount(6_000),
                    currency: CURRENCIES[self.random.random_range(0..3)],
                    destination: Self::pick(&mut self.random, &self.sellers).expect("three"),
                    source_transaction: charge.filter(|_| self.random.random_range(0..2) == 0),
                    transfer_group: None,
                    metadata: BTreeMap::new(),
                };
                self.transfers.extend(self.sim.create_transfer(params));
            }
            12 => {
                if let Some(transfer) = Self::pick(&mut self.random, &self.transfers) {
                    let part = self.amount(3_000);
                    drop(self.sim.reverse_transfer(&transfer, Some(part)));
                }
            }
            _ => {
                let outcome = [
                    PayoutOutcome::Arrives,
                    PayoutOutcome::Fails,
                    PayoutOutcome::FailsAfterPaid,
                ][self.random.random_range(0..3)];
                let currency = CURRENCIES[self.random.random_range(0..3)];
                let amount = self.amount(40_000);
                drop(self.sim.create_payout(CreatePayout {
                    outcome,
                    ..CreatePayout::new(amount, currency)
                }));
            }
        }
    }

    fn buy(&mut self) {
        let currency = CURRENCIES[self.random.random_range(0..CURRENCIES.len())];
        let amount = 500 + self.amount(20_000);
        let by_hand = self.random.random_range(0..4) == 0;
        let params = CreateIntent::new(amount, currency);
        let params = if by_hand {
            params.captured_by_hand()
        } else {
            params
        };
        let intent = self.sim.create_intent(params).expect("a valid intent");
        if self.random.random_range(0..5) == 0 {
            let refused = self
                .sim
                .confirm_intent(&intent, PaymentMethod::declined(Decline::Generic));
            assert!(refused.is_err());
        }
        self.sim
            .confirm_intent(&intent, PaymentMethod::card())
            .expect("a good card");
        let charge = self
            .sim
            .intent(&intent)
            .and_then(|intent| intent.latest_charge.clone())
            .expect("paid");
        self.charges.push(charge);
        if by_hand {
            self.held.push(intent);
        }
    }

    fn live(seed: u64, steps: usize) -> (Self, Vec<StripeEvent>) {
        let mut world = Self::new(seed);
        let mut events = Vec::new();
        for _ in 0..steps {
            world.step();
            events.extend(world.sim.drain_events());
        }
        world.sim.run_until_quiet();
        events.extend(world.sim.drain_events());
        (world, events)
    }
}

#[test]
fn every_cent_of_the_balance_is_accounted_for() {
    for seed in 0..12 {
        let (world, _) = World::live(seed, 400);
        let sim = &world.sim;
        let mut balance: BTreeMap<StripeCurrency, i64> = BTreeMap::new();
        for transaction in sim.all_balance_transactions() {
            let fees: i64 = transaction
                .fee_details
                .iter()
                .map(|detail| detail.amount)
                .sum();
            assert_eq!(transaction.fee, fees, "seed {seed}");
            assert_eq!(
                transaction.amount - transaction.fee,
                transaction.net,
                "seed {seed}"
            );
            *balance.entry(transaction.currency).or_default() += transaction.net;
        }
        for (currency, sum) in &balance {
            let here = sim.available(*currency) + sim.pending(*currency);
            assert_eq!(here, *sum, "seed {seed} {currency}");
        }
        // The same from the other side: what the objects say happened to euros
        // and pounds that were never converted, pounds first.
        let pounds = StripeCurrency::GBP;
        let by_category = |category: &str| -> i64 {
            sim.all_balance_transactions()
                .iter()
                .filter(|transaction| {
                    transaction.currency == pounds && transaction.reporting_category == category
                })
                .map(|transaction| transaction.amount)
                .sum()
        };
        let mut captured = 0;
        let mut kept_back = 0;
        for id in &world.charges {
            let charge = sim.charge(id).expect("there");
            if charge.currency == pounds {
                captured += i64::try_from(charge.amount_captured).expect("small");
                kept_back += i64::try_from(charge.amount_refunded).expect("small");
            }
        }
        assert_eq!(
            by_category("charge") + by_category("partial_capture_reversal"),
            captured,
            "seed {seed}"
        );
        assert_eq!(
            by_category("refund") + by_category("refund_failure"),
            -kept_back,
            "seed {seed}"
        );
        let transferred: i64 = world
            .sellers
            .iter()
            .filter_map(|seller| sim.account(seller))
            .filter_map(|account| account.received.get(&pounds))
            .sum();
        assert_eq!(
            by_category("transfer") + by_category("transfer_reversal"),
            -transferred,
            "seed {seed}"
        );
    }
}

#[test]
fn no_object_gives_more_than_it_has() {
    for seed in 20..32 {
        let (world, _) = World::live(seed, 400);
        for id in &world.charges {
            let charge = world.sim.charge(id).expect("there");
            assert!(charge.amount_captured <= charge.amount, "seed {seed}");
            assert!(
                charge.amount_refunded <= charge.amount_captured,
                "seed {seed}"
            );
        }
        for id in &world.transfers {
            let transfer = world.sim.transfer(id).expect("there");
            assert!(transfer.amount_reversed <= transfer.amount, "seed {seed}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (one, events) = World::live(40, 300);
    let (other, same) = World::live(40, 300);
    assert_eq!(events, same);
    assert_eq!(
        one.sim.balance_transactions(None),
        other.sim.balance_transactions(None)
    );
    let (_, different) = World::live(41, 300);
    assert_ne!(events, different);
}

#[test]
fn no_id_is_given_twice_and_time_never_goes_back() {
    let (mut world, events) = World::live(50, 800);
    let ids: BTreeSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), events.len());
    assert!(
        events
            .windows(2)
            .all(|pair| pair[0].created <= pair[1].created)
    );
    let created =
        |transaction: &tillroll_stripe_simulator::StripeBalanceTransaction| transaction.created;
    assert!(
        world
            .sim
            .all_balance_transactions()
            .windows(2)
            .all(|pair| created(&pair[0]) <= created(&pair[1]))
    );
    let now = world.sim.clock();
    world.sim.set_clock(now - 1_000);
    assert_eq!(world.sim.clock(), now);
}
