//! The state beside the ledger: orders, facts and the links between them, and the keys of the
//! commands that were applied.
//!
//! [`Tables`] may lie as a thin layer over others: deciding folds its own events into a layer
//! with the very code that later folds them into the book, and throws the layer away. Below the
//! tables of a book there may be a tier of rows that nobody has touched for long; whoever reads
//! here cannot tell where a row was.

use std::borrow::{Borrow, Cow};

use tillroll_events::{ChargeFacts, Event, ExternalId, OrderId, RefundFacts};

use crate::book::Applied;
use crate::cold::{Cold, Listed, Row};
use crate::facts::link;
use crate::ids::Ids;
use crate::order::Order;
use crate::rows::{
    BalanceTransaction, Charge, Dispute, Intent, OrderLinks, Payout, Refund, Transfer,
};
use crate::table::{Inline, Stored, Table, hash_of};

#[derive(Debug, Default)]
pub(crate) struct Tables<'a> {
    below: Option<&'a Tables<'a>>,
    /// Position of the record that is being folded.
    now: u64,
    keys: Table<Applied>,
    orders: Table<Order>,
    links: Table<OrderLinks>,
    intents: Table<Intent>,
    charges: Table<Charge>,
    refunds: Table<Refund>,
    disputes: Table<Dispute>,
    transfers: Table<Transfer>,
    payouts: Table<Payout>,
    balance_transactions: Table<BalanceTransaction>,
    /// Balance transactions by what they are about.
    by_source: Table<Ids>,
    cold: Option<Box<Cold>>,
}

/// What each table holds: its key, what it is asked for by, where it lives.
macro_rules! stored {
    ($($field:ident: $value:ty, $key:ty, $ask:ty, $home:ty, $row:ident;)*) => {
        $(impl Stored for $value {
            type Key = $key;
            type Ask = $ask;
            type Home = $home;

            fn table<'t>(tables: &'t Tables<'_>) -> &'t Table<Self> {
                &tables.$field
            }

            fn parts<'t>(
                tables: &'t mut Tables<'_>,
            ) -> (&'t mut Table<Self>, Option<&'t mut Cold>) {
                (&mut tables.$field, tables.cold.as_deref_mut())
            }

            fn into_row(self, key: $key) -> Row {
                Row::$row(key, self)
            }

            fn from_row(row: Row) -> Option<($key, Self)> {
                match row {
                    Row::$row(key, value) => Some((key, value)),
                    _ => None,
                }
            }
        })*

        impl Tables<'_> {
            /// Tables that no others lie below.
            pub(crate) fn of_a_book() -> Self {
                Self {
                    $($field: Table::of_a_book(),)*
                    ..Self::default()
                }
            }

            fn cool(&mut self, steps: u64) {
                let Some(cold) = self.cold.as_deref_mut() else {
                    return;
                };
                $(self.$field.cool(self.now, steps, cold);)*
            }
        }
    };
}

stored! {
    keys: Applied, Box<str>, str, Inline<Self>, Key;
    orders: Order, OrderId, OrderId, Box<Self>, Order;
    links: OrderLinks, OrderId, OrderId, Box<Self>, Links;
    intents: Intent, ExternalId, ExternalId, Box<Self>, Intent;
    charges: Charge, ExternalId, ExternalId, Box<Self>, Charge;
    refunds: Refund, ExternalId, ExternalId, Box<Self>, Refund;
    disputes: Dispute, ExternalId, ExternalId, Box<Self>, Dispute;
    transfers: Transfer, ExternalId, ExternalId, Box<Self>, Transfer;
    payouts: Payout, ExternalId, ExternalId, Box<Self>, Payout;
    balance_transactions:
        BalanceTransaction, ExternalId, ExternalId, Box<Self>, BalanceTransaction;
    by_source: Ids, ExternalId, ExternalId, Box<Self>, Source;
}

/// Every so many records the next rows are looked at, so that no record pays for many.
const STRIDE: u64 = 16;

impl<'a> Tables<'a> {
    pub(crate) fn layer(&'a self) -> Self {
        Self {
            below: Some(self),
            now: self.now,
            ..Self::default()
        }
    }

    pub(crate) fn set_cold(&mut self, cold: Cold) {
        self.cold = Some(Box::new(cold));
    }

    pub(crate) fn cold(&self) -> Option<&Cold> {
        self.cold.as_deref()
    }

    pub(crate) fn get<V: Stored>(&self, ask: &V::Ask) -> Option<Cow<'_, V>> {
        self.find(hash_of(ask), ask)
    }

    fn find<V: Stored>(&self, hash: u64, ask: &V::Ask) -> Option<Cow<'_, V>> {
        let table = V::table(self);
        match (table.held(hash, ask), self.below, self.cold()) {
            (Some(row), ..) => Some(Cow::Borrowed(row)),
            (None, Some(below), _) => below.find(hash, ask),
            (None, None, Some(cold)) => table.cold(hash, ask, cold).map(Cow::Owned),
            (None, None, None) => None,
        }
    }

    /// Brings a row to where it can be changed; false when there is none.
    fn warm<V: Stored>(&mut self, hash: u64, key: &V::Key) -> bool {
        let (ask, now) = (key.borrow(), self.now);
        if V::table(self).held(hash, ask).is_some() {
            return true;
        }
        let value = match self.below {
            Some(below) => below.find::<V>(hash, ask).map(Cow::into_owned),
            None => {
                let (table, cold) = V::parts(self);
                cold.and_then(|cold| table.take_cold(hash, ask, cold))
            }
        };
        value
            .map(|value| V::parts(self).0.hold(hash, key.clone(), value, now))
            .is_some()
    }

    /// The row to change, if there is one.
    fn change<V: Stored>(&mut self, key: &V::Key) -> Option<&mut V> {
        let (hash, now) = (hash_of(key.borrow()), self.now);
        match self.warm::<V>(hash, key) {
            true => V::parts(self).0.touch(hash, key.borrow(), now),
            false => None,
        }
    }

    /// The row to change, an empty one when there is none yet.
    fn edit<V: Stored + Default>(&mut self, key: &V::Key) -> &mut V {
        let (hash, now) = (hash_of(key.borrow()), self.now);
        let is_there = self.warm::<V>(hash, key);
        let (table, _) = V::parts(self);
        match is_there {
            true => table.touch(hash, key.borrow(), now).expect("it is there"),
            false => table.hold(hash, key.clone(), V::default(), now),
        }
    }

    /// Puts a row there, in place of one that may be there.
    pub(crate) fn put<V: Stored>(&mut self, key: V::Key, value: V) {
        let (hash, now) = (hash_of(key.borrow()), self.now);
        let is_there = self.warm::<V>(hash, &key);
        let (table, _) = V::parts(self);
        match is_there {
            true => *table.touch(hash, key.borrow(), now).expect("it is there") = value,
            false => {
                table.hold(hash, key, value, now);
            }
        }
    }

    /// Puts a row there that is part of a state that was kept: where there is a tier for rows
    /// that nobody has touched, it begins there. Gives the key back when it is there already.
    pub(crate) fn restore<V: Stored>(&mut self, key: V::Key, value: V) -> Result<(), V::Key> {
        let (hash, now) = (hash_of(key.borrow()), self.now);
        if self.find::<V>(hash, key.borrow()).is_some() {
            return Err(key);
        }
        match V::parts(self) {
            (table, Some(cold)) => table.put_cold(hash, key, value, cold),
            (table, None) => {
                table.hold(hash, key, value, now);
            }
        }
        Ok(())
    }

    /// All rows of a table that lies on no other, by key.
    pub(crate) fn sorted<'t, V: Stored + 't>(
        &'t self,
    ) -> impl Iterator<Item = Listed<'t, V::Key, V>> {
        debug_assert!(self.below.is_none(), "only the book itself is listed");
        V::table(self).sorted(self.cold())
    }

    /// The record at `position` is about to be folded.
    pub(crate) fn advance(&mut self, position: u64) {
        self.now = position;
        if let Some(after) = self.cold().map(|cold| cold.after)
            && (position.is_multiple_of(STRIDE) || after < 2 * STRIDE)
        {
            // All rows are looked at twice in the time after which they go.
            let stride = if after < 2 * STRIDE { 1 } else { STRIDE };
            self.cool(after / 2 / stride);
        }
    }

    pub(crate) fn order(&self, id: OrderId) -> Option<Cow<'_, Order>> {
        self.get::<Order>(&id)
    }

    /// The order that a charge pays: its intent's, or the one it names itself.
    pub(crate) fn order_of_charge(&self, id: &ExternalId) -> Option<OrderId> {
        let charge = self.get::<Charge>(id)?;
        match &charge.intent {
            Some(intent) => self.get::<Intent>(intent)?.order,
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
            .or_else(|| self.get::<Intent>(intent?)?.order)
    }

    /// Folds an event into the tables.
    pub(crate) fn evolve(&mut self, event: &Event) {
        match event {
            Event::OrderPlaced(event) => {
                self.put(event.order, Order::placed(event));
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
                if let Some(entry) = &event.entry {
                    dispute.booked.add_entry(entry);
                }
                match (&facts.charge, &facts.intent) {
                    (Some(charge), intent) => {
                        self.edit::<Charge>(charge)
                            .disputes
                            .insert(facts.id.clone());
                        self.link_charge(charge, intent.as_ref());
                    }
                    (None, Some(intent)) => {
                        self.edit::<Intent>(intent)
                            .disputes
                            .insert(facts.id.clone());
                    }
                    (None, None) => {}
                }
            }
            Event::TransferObserved(event) => {
                let transfer = self.edit::<Transfer>(&event.facts.id);
                transfer.facts = Some(event.facts.clone());
                if let Some(entry) = &event.entry {
                    transfer.booked.add_entry(entry);
                }
            }
            Event::PayoutObserved(event) => {
                let payout = self.edit::<Payout>(&event.facts.id);
                payout.facts = Some(event.facts.clone());
                if let Some(entry) = &event.entry {
                    payout.booked.add_entry(entry);
                }
            }
            Event::BalanceTransactionBooked(event) => {
                if let Some(source) = &event.facts.source {
                    self.edit::<Ids>(source).insert(event.facts.id.clone());
                }
                let row = self.edit::<BalanceTransaction>(&event.facts.id);
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
        if let Some(order) = self.change(&id) {
            change(order);
        }
    }

    fn charge_observed(&mut self, facts: &ChargeFacts) {
        self.edit::<Charge>(&facts.id).facts = Some(facts.clone());
        self.link_charge(&facts.id, facts.intent.as_ref());
        match (&self.edit::<Charge>(&facts.id).intent.clone(), facts.order) {
            (Some(intent), order) => self.link_intent(intent, order),
            (None, Some(order)) => {
                self.edit::<OrderLinks>(&order)
                    .charges
                    .insert(facts.id.clone());
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
            self.edit::<OrderLinks>(&order)
                .intents
                .insert(intent.clone());
        }
    }
}
