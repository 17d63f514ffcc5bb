//! What comes from Stripe: webhooks, in the state in which the network leaves
//! them, and the list of balance transactions, which is asked for.

use crate::client::{Exchange, ShopRequest};
use crate::driver::{Driver, insist, parse};
use crate::schedule::StoryAction;
use crate::shoppers::OrderEnding;
use crate::story::{DAY, HOUR};
use crate::wire;
use anyhow::{Result, ensure};
use hyper::Method;
use tillroll_stripe_simulator::{
    IntentId, PayoutId, RefundId, SessionId, StripeId, TransferId, WebhookDelivery, signing,
};

const WEBHOOKS: &str = "/v1/webhooks/stripe";
/// Beyond what a server accepts, which is five minutes.
const TOO_OLD: i64 = 400;

impl<E: Exchange> Driver<'_, E> {
    /// Plans when, how often and in which order new events arrive.
    pub(crate) fn collect_events(&mut self) {
        for event in self.sim.drain_events() {
            let number = u64::try_from(self.event_numbers.len()).expect("events are countable");
            self.event_numbers.insert(event.id.to_string(), number);
            let never_comes = event.kind == "payout.paid"
                && self.report.unreported_payout.as_deref() == Some(&*event.object);
            if never_comes {
                continue;
            }
            for delivery in self.deliveries.schedule(&event) {
                self.agenda
                    .plan(delivery.due, StoryAction::Deliver(Box::new(delivery)));
            }
        }
    }

    pub(crate) async fn deliver(&mut self, delivery: WebhookDelivery) -> Result<()> {
        let signature = signing::header(self.secret, self.second(), delivery.body.as_bytes());
        let request = ShopRequest {
            method: Method::POST,
            path: WEBHOOKS.to_owned(),
            key: None,
            signature: Some(signature),
            body: delivery.body.clone().into(),
        };
        let answer = self.send(request.clone()).await?;
        insist(&request, &answer, &[200])?;
        self.count(&delivery);
        self.last_body = delivery.body;
        if !delivery.duplicate {
            self.react(delivery.kind, &delivery.object);
        }
        Ok(())
    }

    fn count(&mut self, delivery: &WebhookDelivery) {
        let number = self.event_numbers[delivery.event.as_str()];
        let newest = self
            .newest_event_of
            .entry(delivery.object.clone())
            .or_default();
        let report = &mut self.report;
        report.webhooks += 1;
        *report.webhook_types.entry(delivery.kind).or_default() += 1;
        report.duplicates += u64::from(delivery.duplicate);
        report.reordered += u64::from(number < *newest && !delivery.duplicate);
        report.retried += u64::from(delivery.attempt > 1 && !delivery.duplicate);
        *newest = number.max(*newest);
    }

    /// What the shop does when the server has been told of something.
    fn react(&mut self, kind: &str, object: &str) {
        match kind {
            "payment_intent.succeeded" => {
                let order = IntentId::parse(object).and_then(|id| self.by_intent.get(&id));
                if let Some(order) = order.copied() {
                    self.learn_of_payment(order);
                }
            }
            "checkout.session.expired" | "checkout.session.async_payment_failed" => {
                let order = SessionId::parse(object).and_then(|id| self.by_session.get(&id));
                if let Some(order) = order {
                    let action = StoryAction::Cancel(*order);
                    self.agenda.plan(self.second() + 600, action);
                }
            }
            "transfer.created" => {
                if let Some(id) = TransferId::parse(object) {
                    self.untold_transfers.remove(&id);
                }
            }
            "refund.created" => {
                let order = RefundId::parse(object).and_then(|id| self.by_refund.get(&id));
                if let Some(order) = order.copied() {
                    self.take_back_from_sellers(order);
                }
            }
            "refund.failed" => {
                self.report.refunds_failed += 1;
                let order = RefundId::parse(object).and_then(|id| self.by_refund.get(&id));
                if let Some(order) = order
                    && self.story.purchases[*order].ending == OrderEnding::RefundFailed
                {
                    let action = StoryAction::Refund(*order);
                    self.agenda.plan(self.second() + 2 * HOUR, action);
                }
            }
            "payout.failed" => {
                if let Some(id) = PayoutId::parse(object) {
                    self.plan_payout_again(&id);
                }
            }
            _ => {}
        }
    }

    /// A poller's turn: what appeared in a window of time, page by page.
    pub(crate) async fn poll(&mut self, from: i64, to: i64) -> Result<()> {
        for page in self.sim.balance_transactions_between(from, to) {
            let request = ShopRequest {
                method: Method::POST,
                path: "/v1/stripe/balance-transactions".to_owned(),
                key: Some(self.key("poll")),
                signature: None,
                body: page.body.into(),
            };
            let answer = self.send(request.clone()).await?;
            insist(&request, &answer, &[200])?;
            let recorded: wire::ImportAnswer = parse(&request, &answer)?;
            let count = u64::try_from(page.count)?;
            ensure!(
                recorded.recorded + recorded.known == count,
                "{count} balance transactions became {} new and {} known",
                recorded.recorded,
                recorded.known
            );
            self.report.balance_transactions += recorded.recorded;
            self.report.balance_transactions_known += recorded.known;
        }
        Ok(())
    }

    /// A sender without the secret claims that a payment is worth more.
    pub(crate) async fn forge(&mut self) -> Result<()> {
        let body = self.last_body.replacen("\"amount\":", "\"amount\":9", 1);
        let signature = signing::header("whsec_guessed", self.second(), body.as_bytes());
        self.call_webhook(body, signature).await
    }

    /// The signature is right, but from before the last coffee.
    pub(crate) async fn stale(&mut self) -> Result<()> {
        let body = self.last_body.clone();
        let signed_at = self.second() - TOO_OLD;
        let signature = signing::header(self.secret, signed_at, body.as_bytes());
        self.call_webhook(body, signature).await
    }

    async fn call_webhook(&mut self, body: String, signature: String) -> Result<()> {
        let request = ShopRequest {
            method: Method::POST,
            path: WEBHOOKS.to_owned(),
            key: None,
            signature: Some(signature),
            body: body.into(),
        };
        self.provoke(request, &[]).await
    }

    /// When a payout that came back is made again: the next morning.
    pub(crate) fn next_morning(&self) -> i64 {
        (self.second().div_euclid(DAY) + 1) * DAY + 9 * HOUR
    }
}
