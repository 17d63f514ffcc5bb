//! Telling the story: one action after the other, each at its own time.
//!
//! Strictly sequential, so that the same story told to the same server gives
//! the same requests, byte for byte. The clock is set before every request and
//! never goes back. An answer that the story does not expect ends it.

use crate::catalogue::{SELLERS, ShopCurrency};
use crate::client::{Exchange, HttpExchange, ShopAnswer, ShopRequest};
use crate::report::{StoryProgress, StoryReport};
use crate::schedule::{StoryAction, StorySchedule};
use crate::shoppers::{LOYAL_CUSTOMERS, limited_sale_opens};
use crate::story::{DAY, HOUR, Story, StoryOptions};
use crate::wire;
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use hyper::Method;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;
use tillroll_stripe_simulator::{
    AccountId, Chaos, ChargeId, DeliveryPlan, IntentId, ReaderId, RefundId, SessionId,
    StripeSimulator, TransferId,
};

/// The clock that the server reads: the story sets it before every request.
pub trait StoryClock: Send + Sync {
    /// Microseconds since the epoch; never less than the last time.
    fn set(&self, unix_micros: i64);
}

/// Tells the story of `options` to the server at `base_url`, which checks
/// webhooks with `webhook_secret` and reads `clock`.
///
/// # Errors
///
/// When the server does not answer, or answers what the story does not expect:
/// the error names the request, the status and the problem.
pub async fn run(
    base_url: &str,
    webhook_secret: &str,
    options: StoryOptions,
    clock: Arc<dyn StoryClock>,
    progress: impl FnMut(StoryProgress),
) -> Result<StoryReport> {
    let story = Story::new(options)?;
    let mut server = HttpExchange::new(base_url)?;
    tell(&story, &mut server, webhook_secret, clock, progress).await
}

/// [`run`] with a server of any kind.
///
/// # Errors
///
/// As [`run`].
pub async fn tell<E: Exchange>(
    story: &Story,
    server: &mut E,
    webhook_secret: &str,
    clock: Arc<dyn StoryClock>,
    mut progress: impl FnMut(StoryProgress),
) -> Result<StoryReport> {
    let mut driver = Driver::new(story, server, webhook_secret, clock);
    driver.open_the_shop().await?;
    while driver.step().await? {
        if let Some(hour) = driver.hour_has_changed() {
            progress(hour);
        }
    }
    driver.look_back().await?;
    let total = driver.hours();
    progress(StoryProgress {
        done: total,
        total,
        message: driver.message(),
    });
    Ok(driver.report)
}

/// What has become of an order so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct OrderState {
    /// The server knows it.
    pub(crate) is_known: bool,
    /// What the server wants for it.
    pub(crate) due: u64,
    pub(crate) intent: Option<IntentId>,
    pub(crate) session: Option<SessionId>,
    /// A webhook has told the server that it is paid.
    pub(crate) is_paid: bool,
    pub(crate) is_cancelled: bool,
    pub(crate) transfers: Vec<TransferId>,
}

/// A transfer that the server has not been told of.
#[derive(Debug, Clone)]
pub(crate) struct DueTransfer {
    pub(crate) seller: usize,
    pub(crate) currency: ShopCurrency,
    pub(crate) amount: u64,
}

pub(crate) struct Driver<'a, E> {
    pub(crate) story: &'a Story,
    server: &'a mut E,
    pub(crate) secret: &'a str,
    clock: Arc<dyn StoryClock>,
    /// Microseconds since the epoch.
    now: i64,
    told_hours: u64,
    pub(crate) agenda: StorySchedule,
    pub(crate) sim: StripeSimulator,
    pub(crate) deliveries: DeliveryPlan,
    pub(crate) report: StoryReport,
    pub(crate) orders: Vec<OrderState>,
    pub(crate) by_intent: BTreeMap<IntentId, usize>,
    pub(crate) by_session: BTreeMap<SessionId, usize>,
    pub(crate) by_refund: BTreeMap<RefundId, usize>,
    pub(crate) sellers: Vec<AccountId>,
    pub(crate) readers: BTreeMap<crate::catalogue::StockPlace, ReaderId>,
    pub(crate) untold_transfers: BTreeMap<TransferId, DueTransfer>,
    pub(crate) points: [u64; LOYAL_CUSTOMERS],
    pub(crate) newest_event_of: BTreeMap<String, u64>,
    pub(crate) event_numbers: BTreeMap<String, u64>,
    pub(crate) last_body: String,
    /// How many requests of each kind had a key, to number the keys.
    keys: BTreeMap<&'static str, u64>,
}

impl<'a, E: Exchange> Driver<'a, E> {
    fn new(
        story: &'a Story,
        server: &'a mut E,
        secret: &'a str,
        clock: Arc<dyn StoryClock>,
    ) -> Self {
        let seed = story.options.seed;
        let mut sim = StripeSimulator::seeded(seed);
        sim.set_clock(story.starts());
        Self {
            story,
            server,
            secret,
            clock,
            now: story.starts() * 1_000_000,
            told_hours: 0,
            agenda: StorySchedule::default(),
            sim,
            deliveries: DeliveryPlan::new(seed, Chaos::rough()),
            report: StoryReport {
                seed,
                ..StoryReport::default()
            },
            orders: vec![OrderState::default(); story.purchases.len()],
            by_intent: BTreeMap::new(),
            by_session: BTreeMap::new(),
            by_refund: BTreeMap::new(),
            sellers: Vec::new(),
            readers: BTreeMap::new(),
            untold_transfers: BTreeMap::new(),
            points: [0; LOYAL_CUSTOMERS],
            newest_event_of: BTreeMap::new(),
            event_numbers: BTreeMap::new(),
            last_body: String::new(),
            keys: BTreeMap::new(),
        }
    }

    /// Sellers sign up, accounts for points are opened, and the plan is made.
    async fn open_the_shop(&mut self) -> Result<()> {
        for seller in SELLERS {
            let account = self.sim.onboarded_account(
                seller.name,
                seller.country,
                tillroll_stripe_simulator::StripeCurrency::EUR,
            );
            self.sellers.push(account);
        }
        for place in crate::catalogue::StockPlace::ALL {
            let reader = self.sim.register_reader(place.text());
            self.readers.insert(place, reader);
        }
        self.collect_events();
        self.open_points().await?;
        self.plan_everything();
        Ok(())
    }

    fn plan_everything(&mut self) {
        let (start, end) = (self.story.starts(), self.story.ends());
        let days = i64::from(self.story.options.days);
        for place in 0..self.story.receipts.len() {
            self.agenda
                .plan(self.story.receipts[place].at, StoryAction::Receive(place));
        }
        for (order, purchase) in self.story.purchases.iter().enumerate() {
            self.agenda.plan(purchase.at, StoryAction::Place(order));
            if let Some(later) = purchase.uploaded_at {
                self.agenda.plan(later, StoryAction::Upload(order));
            }
        }
        for day in 1..=days {
            let midnight = start + day * DAY;
            // An overlap, because a poller never trusts its own bookmarks.
            let from = (midnight - DAY - 2 * HOUR).max(start);
            let poll = StoryAction::Poll { from, to: midnight };
            self.agenda.plan(midnight + 2 * HOUR + 600, poll);
        }
        let tail = StoryAction::Poll {
            from: end - 2 * HOUR,
            to: i64::MAX,
        };
        self.agenda.plan(end + 2 * DAY, tail);
        // Mondays, the story having started on a Saturday.
        for (week, day) in (0..).zip((2..days).step_by(7)) {
            let morning = start + day * DAY + 8 * HOUR;
            self.agenda.plan(morning, StoryAction::PaySellers);
            self.agenda
                .plan(morning + HOUR, StoryAction::PayOut { week });
        }
        for (number, day) in (0..).zip((1..days).step_by(3)) {
            let afternoon = start + day * DAY + 15 * HOUR + 137;
            self.agenda.plan(afternoon, StoryAction::SignUp(number));
        }
        let sold_out = limited_sale_opens(start, days) + 900;
        self.agenda.plan(sold_out, StoryAction::Oversell);
        self.agenda
            .plan(start + days / 10 * DAY + 14 * HOUR, StoryAction::Forge);
        self.agenda
            .plan(start + days / 4 * DAY + 16 * HOUR, StoryAction::Stale);
        self.agenda.plan(
            start + days * 3 / 5 * DAY + 17 * HOUR,
            StoryAction::Overspend,
        );
        self.agenda
            .plan(start + days / 2 * DAY + HOUR, StoryAction::StripeBill);
    }

    /// The next thing that happens, at Stripe or in the shop; false when the
    /// story is told.
    async fn step(&mut self) -> Result<bool> {
        let over = self.story.ends() + DAY;
        let stripe = self.sim.next_due().filter(|due| *due <= over);
        let shop = self.agenda.next_second();
        if let Some(due) = stripe
            && shop.is_none_or(|second| due < second)
        {
            self.sim.set_clock(due);
            self.collect_events();
            return Ok(true);
        }
        let Some((second, action)) = self.agenda.take() else {
            return Ok(false);
        };
        if second >= self.story.ends() && !action.outlives_the_story() {
            return Ok(true);
        }
        // What Stripe does by itself after the end is another story.
        self.sim.set_clock(second.min(over));
        self.collect_events();
        self.now = self.now.max(second * 1_000_000);
        let told = format!("{action:?}");
        self.perform(action).await.with_context(|| {
            let told: String = told.chars().take(200).collect();
            format!(
                "seed {}, {}, {told}",
                self.story.options.seed,
                self.time_text()
            )
        })?;
        self.collect_events();
        Ok(true)
    }

    async fn perform(&mut self, action: StoryAction) -> Result<()> {
        match action {
            StoryAction::Receive(place) => self.receive(place).await,
            StoryAction::Place(order) => self.place(order).await,
            StoryAction::Upload(order) => self.upload(order).await,
            StoryAction::Pay(order) => self.pay(order),
            StoryAction::PayAgain(order) => self.pay_again(order),
            StoryAction::Capture(order) => self.capture(order),
            StoryAction::Cancel(order) => self.cancel(order).await,
            StoryAction::Fulfil(order) => self.fulfil(order).await,
            StoryAction::Refund(order) => self.refund(order),
            StoryAction::Dispute(order) => self.dispute(order),
            StoryAction::Answer(dispute) => self.answer(&dispute),
            StoryAction::Resolve { order, dispute } => self.resolve(order, &dispute),
            StoryAction::Deliver(delivery) => self.deliver(*delivery).await,
            StoryAction::Poll { from, to } => self.poll(from, to).await,
            StoryAction::PaySellers => self.pay_sellers().await,
            StoryAction::PayOut { week } => self.pay_out(week),
            StoryAction::PayOutAgain { amount, currency } => self.pay_out_again(amount, currency),
            StoryAction::Oversell => self.oversell().await,
            StoryAction::Forge => self.forge().await,
            StoryAction::Stale => self.stale().await,
            StoryAction::Overspend => self.overspend().await,
            StoryAction::SignUp(number) => {
                self.sim
                    .create_customer(&format!("shopper{number}@example.com"));
                Ok(())
            }
            StoryAction::StripeBill => {
                self.sim.charge_platform_fee(
                    1_990,
                    ShopCurrency::Eur.stripe(),
                    "Radar for the month",
                )?;
                Ok(())
            }
        }
    }

    /// Compares every order with what Stripe knows, and looks at the books.
    async fn look_back(&mut self) -> Result<()> {
        let expected: BTreeMap<String, usize> = self
            .story
            .purchases
            .iter()
            .enumerate()
            .map(|(place, purchase)| (purchase.id.to_string(), place))
            .collect();
        let mut after = String::new();
        loop {
            let page: wire::ListAnswer<wire::OrderAnswer> =
                self.get(&format!("/v1/orders?limit=100{after}")).await?;
            for order in &page.data {
                if let Some(place) = expected.get(&order.id) {
                    self.report.audited_orders += 1;
                    self.compare(*place, order);
                }
            }
            match page.data.last() {
                Some(last) if page.has_more => after = format!("&starting_after={}", last.id),
                _ => break,
            }
        }
        let known = self.orders.iter().filter(|order| order.is_known).count();
        ensure!(
            self.report.audited_orders == u64::try_from(known)?,
            "the server lists {} of the {known} orders of the story",
            self.report.audited_orders
        );
        for path in ["/v1/trial-balance", "/v1/stock", "/v1/splits"] {
            self.read(path).await?;
        }
        Ok(())
    }

    fn compare(&mut self, place: usize, order: &wire::OrderAnswer) {
        let charge = self.charge_of(place);
        let (paid, refunded) = charge
            .and_then(|charge| self.sim.charge(&charge))
            .map_or((0, 0), |charge| {
                (charge.amount_captured, charge.amount_refunded)
            });
        if (order.paid, order.refunded) != (paid, refunded) {
            self.report.disagreements.push(format!(
                "{} is {} with {} paid and {} refunded in {}; at Stripe {paid} and {refunded}",
                order.id, order.status, order.paid, order.refunded, order.currency
            ));
        }
    }

    /// The charge that paid an order, if one did.
    pub(crate) fn charge_of(&self, order: usize) -> Option<ChargeId> {
        let intent = self.sim.intent(self.orders[order].intent.as_ref()?)?;
        intent.latest_charge.clone()
    }

    /// Seconds since the epoch.
    pub(crate) fn second(&self) -> i64 {
        self.now.div_euclid(1_000_000)
    }

    fn time_text(&self) -> String {
        Timestamp::from_microsecond(self.now)
            .map_or_else(|_| self.now.to_string(), |time| time.to_string())
    }

    fn hours(&self) -> u64 {
        u64::from(self.story.options.days) * 24
    }

    fn hour_has_changed(&mut self) -> Option<StoryProgress> {
        let hours = (self.second() - self.story.starts()).div_euclid(HOUR);
        let done = u64::try_from(hours).unwrap_or(0).min(self.hours());
        if done <= self.told_hours {
            return None;
        }
        self.told_hours = done;
        Some(StoryProgress {
            done,
            total: self.hours(),
            message: self.message(),
        })
    }

    fn message(&self) -> String {
        format!(
            "day {}: {} orders, {} webhooks",
            self.told_hours / 24 + 1,
            self.report.all_orders(),
            self.report.webhooks
        )
    }

    /// A key that no other request of the story has.
    pub(crate) fn key(&mut self, what: &'static str) -> String {
        let number = self.keys.entry(what).or_default();
        *number += 1;
        format!("demo-{}-{what}-{number}", self.story.options.seed)
    }

    /// Every request is a millisecond after the one before, at least.
    fn tick(&mut self) {
        self.now += 1_000;
        self.clock.set(self.now);
    }

    pub(crate) async fn send(&mut self, request: ShopRequest) -> Result<ShopAnswer> {
        self.tick();
        self.report.requests += 1;
        let answer = self.server.send(request).await?;
        if let Some(position) = answer.position {
            self.report.last_position = self.report.last_position.max(position);
        }
        Ok(answer)
    }

    /// Sends what changes something, with a key, and insists on `expected`.
    pub(crate) async fn change<T: Serialize>(
        &mut self,
        method: Method,
        path: &str,
        what: &'static str,
        body: &T,
        expected: &[u16],
    ) -> Result<(ShopRequest, ShopAnswer)> {
        let request = ShopRequest {
            method,
            path: path.to_owned(),
            key: Some(self.key(what)),
            signature: None,
            body: serde_json::to_vec(body)?.into(),
        };
        let answer = self.send(request.clone()).await?;
        insist(&request, &answer, expected)?;
        Ok((request, answer))
    }

    pub(crate) async fn post<T: Serialize>(
        &mut self,
        path: &str,
        what: &'static str,
        body: &T,
        expected: u16,
    ) -> Result<(ShopRequest, ShopAnswer)> {
        self.change(Method::POST, path, what, body, &[expected])
            .await
    }

    /// Sends a request again, as a client does that never saw the answer: the
    /// server must repeat itself and say so.
    pub(crate) async fn repeat(&mut self, request: ShopRequest, first: &ShopAnswer) -> Result<()> {
        let again = self.send(request.clone()).await?;
        insist(&request, &again, &[first.status])?;
        ensure!(
            again.replayed,
            "{} {} was sent twice with one key and was not replayed",
            request.method,
            request.path
        );
        self.report.replays += 1;
        Ok(())
    }

    /// Sends what the server must refuse with `code`.
    pub(crate) async fn provoke(&mut self, request: ShopRequest, codes: &[&str]) -> Result<()> {
        let answer = self.send(request.clone()).await?;
        insist(&request, &answer, &[400, 409, 422])?;
        let problem: wire::ProblemAnswer = parse(&request, &answer)?;
        ensure!(
            codes.is_empty() || codes.contains(&problem.code.as_str()),
            "{} {} was refused with `{}`, expected {codes:?}",
            request.method,
            request.path,
            problem.code
        );
        *self
            .report
            .refused_as_expected
            .entry(problem.code)
            .or_default() += 1;
        Ok(())
    }

    /// Reads something that has to know everything written so far.
    pub(crate) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T> {
        let (request, answer) = self.read(path).await?;
        parse(&request, &answer)
    }

    async fn read(&mut self, path: &str) -> Result<(ShopRequest, ShopAnswer)> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let request = ShopRequest {
            method: Method::GET,
            path: format!("{path}{joint}min_position={}", self.report.last_position),
            key: None,
            signature: None,
            body: Bytes::new(),
        };
        let answer = self.send(request.clone()).await?;
        insist(&request, &answer, &[200])?;
        Ok((request, answer))
    }
}

/// The answer has one of the expected statuses, or the story ends here.
pub(crate) fn insist(request: &ShopRequest, answer: &ShopAnswer, expected: &[u16]) -> Result<()> {
    if expected.contains(&answer.status) {
        return Ok(());
    }
    let body: String = String::from_utf8_lossy(&answer.body)
        .chars()
        .take(2_000)
        .collect();
    bail!(
        "{} {} was answered {}, expected {expected:?}: {body}",
        request.method,
        request.path,
        answer.status
    )
}

pub(crate) fn parse<T: DeserializeOwned>(request: &ShopRequest, answer: &ShopAnswer) -> Result<T> {
    serde_json::from_slice(&answer.body).with_context(|| {
        format!(
            "{} {} was answered something else: {}",
            request.method,
            request.path,
            String::from_utf8_lossy(&answer.body)
        )
    })
}
