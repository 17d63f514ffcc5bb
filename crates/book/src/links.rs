//! From one row to another: whose order is this?

use std::borrow::Cow;

use tillroll_events::{ExternalId, OrderId, RefundFacts};

use crate::store::{Charge, Intent, Order, Tables};

impl Tables<'_> {
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
}
