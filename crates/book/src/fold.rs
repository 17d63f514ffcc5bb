//! What an event changes in the tables.

use tillroll_events::{ChargeFacts, Event, ExternalId, OrderId, OrderStanding};
use tillroll_ledger::Entry;

use crate::facts::link;
use crate::order;
use crate::store::{
    ApplicationFee, BalanceTransaction, Charge, Dispute, EntryKey, ExternalIds, Intent, Order,
    OrderLinks, Payout, Refund, ReversedEntry, Tables, Transfer,
};

impl Tables<'_> {
    /// Folds an event into the tables.
    pub(crate) fn evolve(&mut self, event: &Event) {
        let entry = event.posted_entry();
        match event {
            Event::EntryReversed(event) => {
                let row = ReversedEntry {
                    position: event.reverses_position,
                    left: event.left.clone(),
                };
                self.put(EntryKey(event.reverses), row);
            }
            Event::OrderPlaced(event) => self.put(event.order, order::placed(event, entry)),
            Event::OrderBooked(event) => self.book_order(event.order, &event.standing, entry),
            Event::OrderFulfilled(event) => self.book_order(event.order, &event.standing, entry),
            Event::OrderCancelled(event) => self.book_order(event.order, &event.standing, entry),
            Event::IntentObserved(event) => {
                self.edit::<Intent>(&event.facts.id).facts = Some(event.facts.clone());
                self.link_intent(&event.facts.id, event.facts.order);
            }
            Event::ChargeObserved(event) => self.charge_observed(&event.facts),
            Event::RefundObserved(event) => {
                let facts = &event.facts;
                self.edit::<Refund>(&facts.id).facts = Some(facts.clone());
                match (&facts.charge, &facts.intent) {
                    (Some(charge), intent) => {
                        self.edit::<Charge>(charge).refunds.insert(facts.id.clone());
                        self.link_charge(charge, intent.as_ref());
                    }
                    (None, Some(intent)) => {
                        self.edit::<Intent>(intent).refunds.insert(facts.id.clone());
                    }
                    (None, None) => {}
                }
            }
            Event::DisputeObserved(event) => {
                let facts = &event.facts;
                let dispute = self.edit::<Dispute>(&facts.id);
                dispute.facts = Some(facts.clone());
                dispute.booked.add_entry(entry);
                match (&facts.charge, &facts.intent) {
                    (Some(charge), intent) => {
                        let id = facts.id.clone();
                        self.edit::<Charge>(charge).disputes.insert(id);
                        self.link_charge(charge, intent.as_ref());
                    }
                    (None, Some(intent)) => {
                        let id = facts.id.clone();
                        self.edit::<Intent>(intent).disputes.insert(id);
                    }
                    (None, None) => {}
                }
            }
            Event::TransferObserved(event) => {
                let transfer = self.edit::<Transfer>(&event.facts.id);
                transfer.facts = Some(event.facts.clone());
                transfer.booked.add_entry(entry);
            }
            Event::PayoutObserved(event) => {
                let payout = self.edit::<Payout>(&event.facts.id);
                payout.facts = Some(event.facts.clone());
                payout.booked.add_entry(entry);
            }
            Event::ApplicationFeeObserved(event) => {
                let fee = self.edit::<ApplicationFee>(&event.facts.id);
                fee.facts = Some(event.facts.clone());
            }
            Event::BalanceTransactionBooked(event) => {
                if let Some(source) = &event.facts.source {
                    self.edit::<ExternalIds>(source)
                        .insert(event.facts.id.clone());
                }
                let row = self.edit::<BalanceTransaction>(&event.facts.id);
                row.facts = Some(event.facts.clone());
                row.order = event.order;
                row.booked.add_entry(entry);
            }
            Event::AccountOpened(_)
            | Event::AccountLimitSet(_)
            | Event::EntryPosted(_)
            | Event::EntriesPosted(_)
            | Event::HoldPlaced(_)
            | Event::HoldCaptured(_)
            | Event::HoldEnded(_)
            | Event::BulkClosed(_)
            | Event::ClockConfirmed(_)
            | Event::StockReceived(_)
            | Event::NotificationReceived(_)
            | Event::SellerBalanceAdjusted(_) => {}
        }
    }

    fn book_order(&mut self, id: OrderId, standing: &OrderStanding, entry: Option<&Entry>) {
        if let Some(order) = self.change::<Order>(&id) {
            order.standing = standing.clone();
            order.booked.add_entry(entry);
        }
    }

    fn charge_observed(&mut self, facts: &ChargeFacts) {
        self.edit::<Charge>(&facts.id).facts = Some(facts.clone());
        self.link_charge(&facts.id, facts.intent.as_ref());
        match (&self.edit::<Charge>(&facts.id).intent.clone(), facts.order) {
            (Some(intent), order) => self.link_intent(intent, order),
            (None, Some(order)) => {
                let links = self.edit::<OrderLinks>(&order);
                links.charges.insert(facts.id.clone());
            }
            (None, None) => {}
        }
    }

    /// A charge belongs to an intent, and brings its order with it.
    fn link_charge(&mut self, charge: &ExternalId, intent: Option<&ExternalId>) {
        let row = self.edit::<Charge>(charge);
        row.intent = link(row.intent.as_ref(), intent);
        let order = row.facts.as_ref().and_then(|facts| facts.order);
        if let Some(intent) = row.intent.clone() {
            self.edit::<Intent>(&intent).charges.insert(charge.clone());
            self.link_intent(&intent, order);
        }
    }

    fn link_intent(&mut self, intent: &ExternalId, order: Option<OrderId>) {
        let row = self.edit::<Intent>(intent);
        row.order = link(row.order.as_ref(), order.as_ref());
        if let Some(order) = row.order {
            let links = self.edit::<OrderLinks>(&order);
            links.intents.insert(intent.clone());
        }
    }
}
