//! The simulator: Stripe's state, a clock that the caller sets, an agenda of
//! what Stripe does by itself, and an outbox of events.
//!
//! It reads no clock, opens no socket and starts no thread. Two simulators with
//! the same options and the same calls hold the same state and produce the same
//! events, byte for byte.

use crate::account::StripeAccount;
use crate::agenda::{Effect, EffectSchedule};
use crate::api::StoredReply;
use crate::balance::Balance;
use crate::charge::StripeCharge;
use crate::checkout::CheckoutSession;
use crate::currency::StripeCurrency;
use crate::dispute::StripeDispute;
use crate::id::{
    AccountId, ChargeId, DisputeId, IdSource, IntentId, PayoutId, ReaderId, RefundId, SessionId,
    TransferId,
};
use crate::intent::PaymentIntent;
use crate::payout::StripePayout;
use crate::reader::Reader;
use crate::refund::StripeRefund;
use crate::transfer::StripeTransfer;
use crate::webhook::{RequestContext, StripeEvent};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// How the simulated Stripe is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatorOptions {
    /// Everything random comes from here.
    pub seed: u64,
    /// Currencies that the platform keeps a balance in; never empty. A charge
    /// in any other is converted into the first.
    pub settlement_currencies: Vec<StripeCurrency>,
    /// Seconds between a capture or refund and its balance transaction.
    pub balance_transaction_delay: RangeInclusive<i64>,
    /// Days until a charge's funds are available.
    pub settlement_days: i64,
    /// Seconds after which an authorisation lapses.
    pub authorisation_lifetime: i64,
    /// Whether the part of an authorisation that is not captured shows in
    /// `amount_refunded` (and a released authorisation as `charge.refunded`),
    /// as in old API versions: a trap for readers of cumulative amounts.
    pub released_funds_look_refunded: bool,
}

impl SimulatorOptions {
    /// A European platform with balances in EUR, GBP and USD.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            settlement_currencies: vec![
                StripeCurrency::EUR,
                StripeCurrency::GBP,
                StripeCurrency::USD,
            ],
            balance_transaction_delay: 3..=120,
            settlement_days: 2,
            authorisation_lifetime: 7 * 86_400,
            released_funds_look_refunded: false,
        }
    }
}

/// A Stripe of our own: a deterministic state machine of one platform account.
#[derive(Debug, Clone)]
pub struct StripeSimulator {
    pub(crate) options: SimulatorOptions,
    pub(crate) clock: i64,
    pub(crate) ids: IdSource,
    /// Apart from the ids, so that a delay more does not rename everything.
    pub(crate) chance: ChaCha8Rng,
    pub(crate) agenda: EffectSchedule,
    pub(crate) outbox: Vec<StripeEvent>,
    pub(crate) request: Option<RequestContext>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) replies: BTreeMap<String, StoredReply>,
    pub(crate) intents: BTreeMap<IntentId, PaymentIntent>,
    pub(crate) charges: BTreeMap<ChargeId, StripeCharge>,
    pub(crate) refunds: BTreeMap<RefundId, StripeRefund>,
    pub(crate) disputes: BTreeMap<DisputeId, StripeDispute>,
    pub(crate) transfers: BTreeMap<TransferId, StripeTransfer>,
    pub(crate) payouts: BTreeMap<PayoutId, StripePayout>,
    pub(crate) sessions: BTreeMap<SessionId, CheckoutSession>,
    pub(crate) accounts: BTreeMap<AccountId, StripeAccount>,
    pub(crate) readers: BTreeMap<ReaderId, Reader>,
    pub(crate) balance: Balance,
}

impl StripeSimulator {
    /// A Stripe at second 0 with nothing in it.
    ///
    /// # Panics
    ///
    /// When the options name no settlement currency.
    #[must_use]
    pub fn new(options: SimulatorOptions) -> Self {
        assert!(
            !options.settlement_currencies.is_empty(),
            "a platform settles in at least one currency"
        );
        let seed = options.seed;
        Self {
            options,
            clock: 0,
            ids: IdSource::new(seed),
            chance: rand::SeedableRng::seed_from_u64(seed ^ 0x05EE_DCAB_1E5E_A507),
            agenda: EffectSchedule::default(),
            outbox: Vec::new(),
            request: None,
            idempotency_key: None,
            replies: BTreeMap::new(),
            intents: BTreeMap::new(),
            charges: BTreeMap::new(),
            refunds: BTreeMap::new(),
            disputes: BTreeMap::new(),
            transfers: BTreeMap::new(),
            payouts: BTreeMap::new(),
            sessions: BTreeMap::new(),
            accounts: BTreeMap::new(),
            readers: BTreeMap::new(),
            balance: Balance::default(),
        }
    }

    /// [`new`](Self::new) with [`SimulatorOptions::new`].
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::new(SimulatorOptions::new(seed))
    }

    /// Seconds since the epoch, as last set.
    #[must_use]
    pub fn clock(&self) -> i64 {
        self.clock
    }

    /// Moves the clock to `unix_seconds` and lets everything happen that was
    /// due by then, each at its own time. Time never goes back: an earlier
    /// value changes nothing.
    pub fn set_clock(&mut self, unix_seconds: i64) {
        while let Some((due, effect)) = self.agenda.take_due(unix_seconds) {
            self.clock = self.clock.max(due);
            self.apply(effect);
        }
        self.clock = self.clock.max(unix_seconds);
    }

    /// [`set_clock`](Self::set_clock) by so many seconds from now.
    pub fn advance(&mut self, seconds: i64) {
        self.set_clock(self.clock + seconds.max(0));
    }

    /// When something will happen by itself next.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        self.agenda.next_due()
    }

    /// Moves the clock until nothing more happens by itself: balance
    /// transactions appear, payouts arrive, open authorisations lapse.
    pub fn run_until_quiet(&mut self) {
        while let Some(due) = self.next_due() {
            self.set_clock(due);
        }
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::ChargePosts(charge) => self.post_charge(&charge),
            Effect::RemainderPosts(charge) => self.post_remainder(&charge),
            Effect::RefundPosts(refund) => self.post_refund(&refund),
            Effect::RefundFails(refund) => self.fail_refund(&refund),
            Effect::AsyncPaymentDecided { intent, succeeds } => {
                self.decide_async_payment(&intent, succeeds);
            }
            Effect::AuthorisationLapses(intent) => self.lapse_authorisation(&intent),
            Effect::PayoutMoves(payout) => self.move_payout(&payout),
            Effect::SessionExpires(session) => self.expire_session(&session),
        }
    }

    /// Plans `effect` for when a balance transaction would appear.
    pub(crate) fn plan_late(&mut self, effect: Effect) {
        let delay = self
            .chance
            .random_range(self.options.balance_transaction_delay.clone());
        self.agenda.plan(self.clock + delay.max(0), effect);
    }

    /// The currency that money in `currency` is kept in.
    #[must_use]
    pub fn settlement_currency(&self, currency: StripeCurrency) -> StripeCurrency {
        let kept = &self.options.settlement_currencies;
        if kept.contains(&currency) {
            currency
        } else {
            kept[0]
        }
    }
}
