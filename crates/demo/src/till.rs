//! Orders: placed, paid, fulfilled, cancelled, given back.

use crate::catalogue::{ARTICLES, LIMITED, SELLERS, StockPlace, TaxRule};
use crate::client::{Exchange, ShopRequest};
use crate::driver::{Driver, parse};
use crate::schedule::StoryAction;
use crate::shoppers::{OrderEnding, PaymentFlow, Purchase};
use crate::story::{DAY, HOUR};
use crate::wire;
use anyhow::{Context, Result, ensure};
use hyper::Method;
use jiff::Timestamp;
use std::collections::BTreeMap;
use tillroll_events::OrderId;
use tillroll_stripe_simulator::{
    CreateIntent, CreateRefund, CreateSession, Decline, MethodKind, PaymentMethod, PaymentStatus,
    RefundOutcome, StripeError, StripeIntentStatus,
};

/// One order in so many is sent twice.
const SENT_TWICE: usize = 83;

impl<E: Exchange> Driver<'_, E> {
    pub(crate) async fn receive(&mut self, place: usize) -> Result<()> {
        let receipt = &self.story.receipts[place];
        let body = wire::StockReceiptJson {
            location: receipt.place.text(),
            lines: receipt
                .lines
                .iter()
                .map(|(article, quantity)| wire::StockLineJson {
                    sku: ARTICLES[*article].sku,
                    quantity: *quantity,
                })
                .collect(),
            reference: &receipt.reference,
        };
        let (request, answer) = self
            .post("/v1/stock/receipts", "receipt", &body, 201)
            .await?;
        self.report.receipts += 1;
        if place % 11 == 4 {
            self.repeat(request, &answer).await?;
        }
        Ok(())
    }

    /// A customer orders. A store without a line takes the money and keeps the
    /// order to itself for now.
    pub(crate) async fn place(&mut self, order: usize) -> Result<()> {
        let purchase = &self.story.purchases[order];
        let due = if purchase.is_offline() {
            purchase.inclusive_total()
        } else {
            self.tell_order(order).await?.due
        };
        self.orders[order].due = due;
        self.open_payment(order)?;
        self.agenda
            .plan(self.second() + purchase.thinks_for, StoryAction::Pay(order));
        Ok(())
    }

    /// The line is back: the sale is told, and the customer has long gone.
    pub(crate) async fn upload(&mut self, order: usize) -> Result<()> {
        let told = self.tell_order(order).await?;
        ensure!(
            told.total == self.orders[order].due,
            "{} comes to {} at the server and to {} at the till",
            told.id,
            told.total,
            self.orders[order].due
        );
        self.report.offline_orders += 1;
        self.agenda
            .plan(self.second() + 2, StoryAction::Fulfil(order));
        Ok(())
    }

    async fn tell_order(&mut self, order: usize) -> Result<wire::OrderAnswer> {
        let purchase = &self.story.purchases[order];
        let body = self.order_body(purchase)?;
        let (request, answer) = self.post("/v1/orders", "order", &body, 201).await?;
        let told: wire::OrderAnswer = parse(&request, &answer)?;
        ensure!(
            told.id == purchase.id.to_string() && told.currency == purchase.currency.code(),
            "{} in {} became {} in {}",
            purchase.id,
            purchase.currency.code(),
            told.id,
            told.currency
        );
        self.orders[order].is_known = true;
        let report = &mut self.report;
        *report.orders.entry(purchase.channel.text()).or_default() += 1;
        *report
            .currencies
            .entry(purchase.currency.code())
            .or_default() += 1;
        if order % SENT_TWICE == 7 {
            self.repeat(request, &answer).await?;
        }
        Ok(told)
    }

    fn order_body(&self, purchase: &Purchase) -> Result<wire::OrderJson<'static>> {
        let lines = purchase
            .lines
            .iter()
            .map(|line| {
                let article = &ARTICLES[line.article];
                Ok(wire::OrderLineJson {
                    sku: article.sku,
                    description: article.description,
                    quantity: line.quantity,
                    unit_price: article.price(purchase.currency),
                    tax: purchase
                        .currency
                        .tax()
                        .map(|(rate, behavior)| wire::TaxJson {
                            rate,
                            behavior: TaxRule::text(behavior),
                        }),
                    seller: article.seller.map(|seller| wire::SellerShareJson {
                        account: self.sellers[seller].to_string(),
                        commission: SELLERS[seller].commission,
                    }),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let mut metadata = BTreeMap::new();
        if let Some(customer) = purchase.customer {
            metadata.insert("customer", format!("c{}", customer + 1));
        }
        let offline = purchase.is_offline();
        let occurred_at = if offline {
            Some(Timestamp::from_second(purchase.at)?.to_string())
        } else {
            None
        };
        Ok(wire::OrderJson {
            id: purchase.id.to_string(),
            channel: purchase.channel.text(),
            location: purchase.place.text(),
            currency: purchase.currency.code(),
            occurred_at,
            offline: offline.then_some(true),
            lines,
            metadata,
        })
    }

    /// The shop asks Stripe for something that can be paid.
    fn open_payment(&mut self, order: usize) -> Result<()> {
        let purchase = &self.story.purchases[order];
        let (id, due) = (purchase.id.to_string(), self.orders[order].due);
        let currency = purchase.currency.stripe();
        let intent = CreateIntent::new(due, currency).for_order(&id);
        let params = match purchase.flow {
            PaymentFlow::Checkout | PaymentFlow::SlowCheckout { .. } => {
                let params = CreateSession::for_order(&id, due, currency);
                let session = self.sim.create_session(params)?;
                self.by_session.insert(session.clone(), order);
                self.orders[order].session = Some(session);
                return Ok(());
            }
            PaymentFlow::Intent => intent,
            PaymentFlow::ByHand { .. } => intent.captured_by_hand(),
            PaymentFlow::Reader => intent.paid_with(MethodKind::CardPresent),
        };
        let intent = self.sim.create_intent(params)?;
        self.by_intent.insert(intent.clone(), order);
        self.orders[order].intent = Some(intent);
        Ok(())
    }

    /// The first attempt.
    pub(crate) fn pay(&mut self, order: usize) -> Result<()> {
        let purchase = &self.story.purchases[order];
        if purchase.ending == OrderEnding::Abandoned {
            // Some try once and give up; others never come back to the page.
            if purchase.thinks_for % 2 == 0 {
                self.decline(order, Decline::InsufficientFunds)?;
            }
            if purchase.flow == PaymentFlow::Intent {
                self.agenda
                    .plan(self.second() + DAY, StoryAction::Cancel(order));
            }
            return Ok(());
        }
        if purchase.declined_first {
            let reason = if purchase.thinks_for % 3 == 0 {
                Decline::ExpiredCard
            } else {
                Decline::Generic
            };
            self.decline(order, reason)?;
            let pause = 20 + purchase.thinks_for;
            self.agenda
                .plan(self.second() + pause, StoryAction::PayAgain(order));
            return Ok(());
        }
        self.pay_with(order, good_method(purchase))
    }

    /// The second attempt, on the same intent.
    pub(crate) fn pay_again(&mut self, order: usize) -> Result<()> {
        let method = match self.story.purchases[order].flow {
            PaymentFlow::Reader => PaymentMethod::card_present(),
            _ => PaymentMethod::other_card(),
        };
        self.pay_with(order, method)
    }

    fn pay_with(&mut self, order: usize, method: PaymentMethod) -> Result<()> {
        self.attempt(order, method)
            .with_context(|| format!("Stripe refuses to be paid for order {order}"))?;
        if let PaymentFlow::ByHand { .. } = self.story.purchases[order].flow {
            let packed = self.second() + 16 * HOUR;
            self.agenda.plan(packed, StoryAction::Capture(order));
        }
        Ok(())
    }

    fn decline(&mut self, order: usize, reason: Decline) -> Result<()> {
        let method = match self.story.purchases[order].flow {
            PaymentFlow::Reader => PaymentMethod::card_present_declined(reason),
            _ => PaymentMethod::declined(reason),
        };
        let refused = self.attempt(order, method);
        ensure!(refused.is_err(), "a bad card was accepted");
        self.report.declined += 1;
        Ok(())
    }

    fn attempt(&mut self, order: usize, method: PaymentMethod) -> Result<(), StripeError> {
        let purchase = &self.story.purchases[order];
        if let Some(session) = self.orders[order].session.clone() {
            let answer: Result<PaymentStatus, StripeError> = self.sim.pay_session(&session, method);
            // The page makes its intent at the first attempt, good or bad.
            if let Some(intent) = self
                .sim
                .session(&session)
                .and_then(|session| session.payment_intent.clone())
            {
                self.by_intent.insert(intent.clone(), order);
                self.orders[order].intent = Some(intent);
            }
            return answer.map(drop);
        }
        let intent = self.orders[order]
            .intent
            .clone()
            .expect("an order without a page has an intent");
        let answer: Result<StripeIntentStatus, StripeError> =
            if purchase.flow == PaymentFlow::Reader {
                let reader = self.readers[&purchase.place].clone();
                self.sim.process_on_reader(&reader, &intent)?;
                self.sim.present_card(&reader, method)
            } else {
                self.sim.confirm_intent(&intent, method)
            };
        answer.map(drop)
    }

    /// What was authorised is packed and taken; one piece may be missing.
    pub(crate) fn capture(&mut self, order: usize) -> Result<()> {
        let purchase = &self.story.purchases[order];
        let due = self.orders[order].due;
        let step = purchase.currency.stripe().charge_step();
        let part = match purchase.flow {
            PaymentFlow::ByHand { in_part: true } => Some(due * 2 / 3 / step * step),
            _ => None,
        };
        let intent = self.orders[order]
            .intent
            .clone()
            .context("an authorisation has an intent")?;
        self.sim.capture_intent(&intent, part)?;
        self.report.captured_in_part += u64::from(part.is_some());
        Ok(())
    }

    /// Not paid: the intent is cancelled, and the goods go back on the shelf.
    pub(crate) async fn cancel(&mut self, order: usize) -> Result<()> {
        if std::mem::replace(&mut self.orders[order].is_cancelled, true) {
            return Ok(());
        }
        let open = self.orders[order].intent.clone().filter(|intent| {
            self.sim
                .intent(intent)
                .is_some_and(|intent| intent.status == StripeIntentStatus::RequiresPaymentMethod)
        });
        if let Some(intent) = open {
            self.sim.cancel_intent(&intent)?;
        }
        let path = format!("/v1/orders/{}/cancel", self.story.purchases[order].id);
        let (request, answer) = self.post(&path, "cancel", &wire::EmptyJson {}, 200).await?;
        let told: wire::OrderAnswer = parse(&request, &answer)?;
        ensure!(told.paid == 0, "{} is cancelled and paid", told.id);
        self.report.cancelled += 1;
        Ok(())
    }

    /// The server has been told that the order is paid.
    pub(crate) fn learn_of_payment(&mut self, order: usize) {
        if std::mem::replace(&mut self.orders[order].is_paid, true) {
            return;
        }
        let purchase = &self.story.purchases[order];
        if purchase.is_offline() {
            // The store tells of the sale, and of the bag that left with it.
            return;
        }
        let at = (purchase.at + purchase.ships_after).max(self.second() + 5);
        self.agenda.plan(at, StoryAction::Fulfil(order));
    }

    pub(crate) async fn fulfil(&mut self, order: usize) -> Result<()> {
        let purchase = &self.story.purchases[order];
        let path = format!("/v1/orders/{}/fulfil", purchase.id);
        let (request, answer) = self.post(&path, "fulfil", &wire::EmptyJson {}, 200).await?;
        let told: wire::OrderAnswer = parse(&request, &answer)?;
        ensure!(
            told.paid > 0 || purchase.is_offline(),
            "{} was fulfilled and not paid",
            told.id
        );
        self.report.fulfilled += 1;
        if order % SENT_TWICE == 11 {
            self.repeat(request, &answer).await?;
        }
        self.earn_points(order).await?;
        self.pay_sellers_of(order).await?;
        self.plan_ending(order);
        Ok(())
    }

    fn plan_ending(&mut self, order: usize) {
        let now = self.second();
        // Spread by the order's own number: no more draws while telling.
        let spread = i64::try_from(order).expect("orders are few");
        let hours = HOUR * (spread % 9) + 60 * (spread % 53);
        match self.story.purchases[order].ending {
            OrderEnding::RefundedInPart
            | OrderEnding::RefundedInWhole
            | OrderEnding::RefundFailed => {
                let days = 2 + spread % 8;
                self.agenda
                    .plan(now + days * DAY + hours, StoryAction::Refund(order));
            }
            OrderEnding::DisputeWon | OrderEnding::DisputeLost => {
                let days = 4 + spread % 4;
                self.agenda
                    .plan(now + days * DAY + hours, StoryAction::Dispute(order));
            }
            OrderEnding::Kept | OrderEnding::Abandoned => {}
        }
    }

    /// Something comes back, and so does the money for it.
    pub(crate) fn refund(&mut self, order: usize) -> Result<()> {
        let charge = self.charge_of(order).context("a refund needs a charge")?;
        let purchase = &self.story.purchases[order];
        let left = self
            .sim
            .charge(&charge)
            .context("the charge exists")?
            .refundable();
        let first = &purchase.lines[0];
        let piece = ARTICLES[first.article].price(purchase.currency);
        let step = purchase.currency.stripe().charge_step();
        // A store of the only piece keeps half for the wear.
        let part = if piece < left {
            piece
        } else {
            left / 2 / step * step
        };
        let refund = match purchase.ending {
            OrderEnding::RefundedInPart => CreateRefund::part(charge, part),
            OrderEnding::RefundFailed if self.report.refunds_failed == 0 => {
                CreateRefund::whole(charge).that(RefundOutcome::FailsLater { after: 2 * DAY })
            }
            _ if order.is_multiple_of(3) => {
                CreateRefund::whole(charge).that(RefundOutcome::SucceedsLater)
            }
            _ => CreateRefund::whole(charge),
        };
        let refund = self.sim.create_refund(refund)?;
        self.by_refund.insert(refund, order);
        self.report.refunds += 1;
        Ok(())
    }

    /// Five pieces were there, five are sold, and a sixth customer comes.
    pub(crate) async fn oversell(&mut self) -> Result<()> {
        let at = u128::from(self.second().unsigned_abs()) * 1_000;
        let article = &ARTICLES[LIMITED];
        let currency = crate::catalogue::ShopCurrency::Eur;
        let body = wire::OrderJson {
            id: OrderId::from_u128(at << 80 | 0x7 << 76 | 0x2 << 62 | 6).to_string(),
            channel: "web",
            location: StockPlace::Warehouse.text(),
            currency: currency.code(),
            occurred_at: None,
            offline: None,
            lines: vec![wire::OrderLineJson {
                sku: article.sku,
                description: article.description,
                quantity: 1,
                unit_price: article.price(currency),
                tax: None,
                seller: None,
            }],
            metadata: BTreeMap::new(),
        };
        let request = ShopRequest {
            method: Method::POST,
            path: "/v1/orders".to_owned(),
            key: Some(self.key("oversell")),
            signature: None,
            body: serde_json::to_vec(&body)?.into(),
        };
        self.provoke(request, &["insufficient_stock"]).await
    }
}

fn good_method(purchase: &Purchase) -> PaymentMethod {
    match purchase.flow {
        PaymentFlow::Reader => PaymentMethod::card_present(),
        PaymentFlow::SlowCheckout { succeeds } => {
            PaymentMethod::sepa_debit(succeeds, 3 * DAY + purchase.thinks_for * 60)
        }
        PaymentFlow::Intent | PaymentFlow::Checkout | PaymentFlow::ByHand { .. } => {
            PaymentMethod::card()
        }
    }
}
