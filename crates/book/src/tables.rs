//! The state beside the ledger: orders, facts and the links between them.
//!
//! A [`Table`] may lie as a thin layer over another: deciding folds its own events into a
//! layer with the very code that later folds them into the book, and throws the layer away.

use std::borrow::Borrow;
use std::hash::Hash;

use foldhash::quality::FixedState;
use hashbrown::HashMap;
use tillroll_events::{
    BalanceTransactionFacts, ChargeFacts, DisputeFacts, Event, ExternalId, IntentFacts, OrderId,
    PayoutFacts, RefundFacts, TransferFacts,
};

use crate::facts::link;
use crate::ids::Ids;
use crate::legs::Legs;
use crate::order::Order;

/// A map that copies on write from the one below it.
#[derive(Debug)]
pub(crate) struct Table<'a, K, V> {
    below: Option<&'a Table<'a, K, V>>,
    /// Rows are long, and a map has room for twice as many as are in it: boxes cost less.
    own: HashMap<K, Box<V>, FixedState>,
}

impl<K, V> Default for Table<'_, K, V> {
    fn default() -> Self {
        Self {
            below: None,
            own: HashMap::with_hasher(FixedState::default()),
        }
    }
}

impl<'a, K: Hash + Eq + Clone, V: Clone + Default> Table<'a, K, V> {
    fn layer(&'a self) -> Self {
        Self {
            below: Some(self),
            own: HashMap::with_hasher(FixedState::default()),
        }
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match self.own.get(key) {
            Some(row) => Some(row),
            None => self.below?.get(key),
        }
    }

    /// The value to change, an empty one when there is none yet.
    pub(crate) fn edit(&mut self, key: &K) -> &mut V {
        if !self.own.contains_key(key) {
            let value = self
                .below
                .and_then(|below| below.get(key))
                .cloned()
                .unwrap_or_default();
            self.own.insert(key.clone(), Box::new(value));
        }
        self.own.get_mut(key).expect("inserted above")
    }

    /// Puts a row there.
    pub(crate) fn put(&mut self, key: K, value: V) {
        self.own.insert(key, Box::new(value));
    }

    /// All rows of a table that lies on no other, by key.
    pub(crate) fn sorted(&self) -> Vec<(&K, &V)>
    where
        K: Ord,
    {
        debug_assert!(self.below.is_none(), "only the book itself is listed");
        let own = self.own.iter();
        let mut rows: Vec<(&K, &V)> = own.map(|(key, row)| (key, &**row)).collect();
        rows.sort_unstable_by(|a, b| a.0.cmp(b.0));
        rows
    }
}

/// An attempt to be paid, and what hangs on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intent {
    pub facts: Option<IntentFacts>,
    /// Also learned from its charges.
    pub order: Option<OrderId>,
    pub charges: Ids,
    /// Refunds and disputes that name the intent and no charge.
    pub refunds: Ids,
    pub disputes: Ids,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    pub facts: Option<ChargeFacts>,
    /// Also learned from refunds and disputes.
    pub intent: Option<ExternalId>,
    pub refunds: Ids,
    pub disputes: Ids,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refund {
    pub facts: Option<RefundFacts>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dispute {
    pub facts: Option<DisputeFacts>,
    pub booked: Legs,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    pub facts: Option<TransferFacts>,
    pub booked: Legs,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payout {
    pub facts: Option<PayoutFacts>,
    pub booked: Legs,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BalanceTransaction {
    pub facts: Option<BalanceTransactionFacts>,
    pub order: Option<OrderId>,
    pub booked: Legs,
}

/// What names an order, placed or not. May hold stale names: whoever reads checks that the
/// link still stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderLinks {
    pub intents: Ids,
    /// Charges without an intent.
    pub charges: Ids,
}

#[derive(Debug, Default)]
pub(crate) struct Tables<'a> {
    pub(crate) orders: Table<'a, OrderId, Option<Order>>,
    pub(crate) links: Table<'a, OrderId, OrderLinks>,
    pub(crate) intents: Table<'a, ExternalId, Intent>,
    pub(crate) charges: Table<'a, ExternalId, Charge>,
    pub(crate) refunds: Table<'a, ExternalId, Refund>,
    pub(crate) disputes: Table<'a, ExternalId, Dispute>,
    pub(crate) transfers: Table<'a, ExternalId, Transfer>,
    pub(crate) payouts: Table<'a, ExternalId, Payout>,
    pub(crate) balance_transactions: Table<'a, ExternalId, BalanceTransaction>,
    /// Balance transactions by what they are about.
    pub(crate) by_source: Table<'a, ExternalId, Ids>,
}

impl<'a> Tables<'a> {
    pub(crate) fn layer(&'a self) -> Self {
        Self {
            orders: self.orders.layer(),
            links: self.links.layer(),
            intents: self.intents.layer(),
            charges: self.charges.layer(),
            refunds: self.refunds.layer(),
            disputes: self.disputes.layer(),
            transfers: self.transfers.layer(),
            payouts: self.payouts.layer(),
            balance_transactions: self.balance_transactions.layer(),
            by_source: self.by_source.layer(),
        }
    }

    pub(crate) fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id)?.as_ref()
    }

    /// The order that a charge pays: its intent's, or the one it names itself.
    pub(crate) fn order_of_charge(&self, id: &ExternalId) -> Option<OrderId> {
        let charge = self.charges.get(id)?;
        match &charge.intent {
            Some(intent) => self.intents.get(intent)?.order,
            None => charge.facts.as_ref()?.order,
        }
    }

    pub(crate) fn order_of_refund(&self, facts: &RefundFacts) -> Option<OrderId> {
        self.order_of(facts.charge.as_ref(), facts.intent.as_ref())
    }

    pub(crate) fn order_of(
        &self,
        charge: Option<&ExternalId>,
        intent: Option<&ExternalId>,
    ) -> Option<OrderId> {
        charge
            .and_then(|charge| self.order_of_charge(charge))
            .or_else(|| self.intents.get(intent?)?.order)
    }

    /// Folds an event into the tables.
    pub(crate) fn evolve(&mut self, event: &Event) {
        match event {
            Event::OrderPlaced(event) => {
                *self.orders.edit(&event.order) = Some(Order::placed(event));
            }
            Event::OrderBooked(event) => {
                self.edit_order(event.order, |order| {
                    order.booked(&event.standing, event.entry.as_deref())
                });
            }
            Event::OrderFulfilled(event) => {
                self.edit_order(event.order, |order| {
                    order.booked(&event.standing, event.entry.as_deref())
                });
            }
            Event::OrderCancelled(event) => {
                self.edit_order(event.order, |order| {
                    order.booked(&event.standing, event.entry.as_deref())
                });
            }
            Event::IntentObserved(event) => {
                self.intents.edit(&event.facts.id).facts = Some(event.facts.clone());
                self.link_intent(&event.facts.id, event.facts.order);
            }
            Event::ChargeObserved(event) => self.charge_observed(&event.facts),
            Event::RefundObserved(event) => {
                let facts = &event.facts;
                self.refunds.edit(&facts.id).facts = Some(facts.clone());
                match (&facts.charge, &facts.intent) {
                    (Some(charge), intent) => {
                        self.charges.edit(charge).refunds.insert(facts.id.clone());
                        self.link_charge(charge, intent.as_ref());
                    }
                    (None, Some(intent)) => {
                        self.intents.edit(intent).refunds.insert(facts.id.clone());
                    }
                    (None, None) => {}
                }
            }
            Event::DisputeObserved(event) => {
                let facts = &event.facts;
                let dispute = self.disputes.edit(&facts.id);
                dispute.facts = Some(facts.clone());
                if let Some(entry) = &event.entry {
                    dispute.booked.add_entry(entry);
                }
                match (&facts.charge, &facts.intent) {
                    (Some(charge), intent) => {
                        self.charges.edit(charge).disputes.insert(facts.id.clone());
                        self.link_charge(charge, intent.as_ref());
                    }
                    (None, Some(intent)) => {
                        self.intents.edit(intent).disputes.insert(facts.id.clone());
                    }
                    (None, None) => {}
                }
            }
            Event::TransferObserved(event) => {
                let transfer = self.transfers.edit(&event.facts.id);
                transfer.facts = Some(event.facts.clone());
                if let Some(entry) = &event.entry {
                    transfer.booked.add_entry(entry);
                }
            }
            Event::PayoutObserved(event) => {
                let payout = self.payouts.edit(&event.facts.id);
                payout.facts = Some(event.facts.clone());
                if let Some(entry) = &event.entry {
                    payout.booked.add_entry(entry);
                }
            }
            Event::BalanceTransactionBooked(event) => {
                if let Some(source) = &event.facts.source {
                    self.by_source.edit(source).insert(event.facts.id.clone());
                }
                let row = self.balance_transactions.edit(&event.facts.id);
                row.facts = Some(event.facts.clone());
                row.order = event.order;
                if let Some(entry) = &event.entry {
                    row.booked.add_entry(entry);
                }
            }
            Event::AccountOpened(_)
            | Event::AccountLimitSet(_)
            | Event::EntryPosted(_)
            | Event::EntriesPosted(_)
            | Event::HoldPlaced(_)
            | Event::HoldCaptured(_)
            | Event::HoldEnded(_)
            | Event::BulkClosed(_)
            | Event::StockReceived(_)
            | Event::NotificationReceived(_)
            | Event::SellerBalanceAdjusted(_) => {}
        }
    }

    fn edit_order(&mut self, id: OrderId, change: impl FnOnce(&mut Order)) {
        if let Some(order) = self.orders.edit(&id) {
            change(order);
        }
    }

    fn charge_observed(&mut self, facts: &ChargeFacts) {
        self.charges.edit(&facts.id).facts = Some(facts.clone());
        self.link_charge(&facts.id, facts.intent.as_ref());
        match (&self.charges.edit(&facts.id).intent.clone(), facts.order) {
            (Some(intent), order) => self.link_intent(intent, order),
            (None, Some(order)) => {
                self.links.edit(&order).charges.insert(facts.id.clone());
            }
            (None, None) => {}
        }
    }

    /// A charge belongs to an intent, and brings its order with it.
    fn link_charge(&mut self, charge: &ExternalId, intent: Option<&ExternalId>) {
        let row = self.charges.edit(charge);
        row.intent = link(row.intent.as_ref(), intent);
        let order = row.facts.as_ref().and_then(|facts| facts.order);
        if let Some(intent) = row.intent.clone() {
            self.intents.edit(&intent).charges.insert(charge.clone());
            self.link_intent(&intent, order);
        }
    }

    fn link_intent(&mut self, intent: &ExternalId, order: Option<OrderId>) {
        let row = self.intents.edit(intent);
        row.order = link(row.order.as_ref(), order.as_ref());
        if let Some(order) = row.order {
            self.links.edit(&order).intents.insert(intent.clone());
        }
    }
}
