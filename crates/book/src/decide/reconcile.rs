//! Bringing the books in line with the facts, wherever a fact has touched them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use tillroll_events::{
    BalanceTransactionBooked, BalanceTransactionFacts, DisputeObserved, DisputeStatus, ExternalId,
    IntentStatus, OrderBooked, OrderId, RefundStatus,
};
use tillroll_money::Unit;

use crate::order::{self, Observed};
use crate::posting::balance_transaction::Link;
use crate::store::{
    BalanceTransaction, Charge, Dispute, ExternalIds, Intent, Order, OrderLinks, Refund, Tables,
};
use crate::work::UnitOfWork;
use crate::{Refusal, posting};

/// What a fact has touched.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub(super) orders: BTreeSet<OrderId>,
    /// Charges and refunds, whose balance transactions may have found their order.
    sources: BTreeSet<ExternalId>,
}

impl Touched {
    pub(super) fn intent(&mut self, tables: &Tables<'_>, id: &ExternalId) {
        let Some(intent) = tables.get::<Intent>(id) else {
            return;
        };
        self.orders.extend(intent.order);
        self.sources.extend(intent.refunds.iter().cloned());
        for charge in &intent.charges {
            self.sources.insert(charge.clone());
            if let Some(row) = tables.get::<Charge>(charge) {
                self.sources.extend(row.refunds.iter().cloned());
            }
        }
    }

    pub(super) fn charge(&mut self, tables: &Tables<'_>, id: &ExternalId) {
        self.sources.insert(id.clone());
        self.orders.extend(tables.order_of_charge(id));
        let Some(charge) = tables.get::<Charge>(id) else {
            return;
        };
        self.sources.extend(charge.refunds.iter().cloned());
        if let Some(intent) = &charge.intent {
            self.intent(tables, intent);
        }
    }

    /// A refund or dispute: what it hangs on.
    pub(super) fn parents(
        &mut self,
        tables: &Tables<'_>,
        charge: Option<&ExternalId>,
        intent: Option<&ExternalId>,
    ) {
        if let Some(charge) = charge {
            self.charge(tables, charge);
        }
        if let Some(intent) = intent {
            self.intent(tables, intent);
        }
    }
}

/// Posts what differs, for every order and balance transaction that was touched.
pub(super) fn touched(work: &mut UnitOfWork<'_>, touched: &Touched) -> Result<(), Refusal> {
    for id in &touched.orders {
        book_order(work, *id)?;
    }
    for source in &touched.sources {
        book_all_about(work, source)?;
    }
    Ok(())
}

fn book_all_about(work: &mut UnitOfWork<'_>, source: &ExternalId) -> Result<(), Refusal> {
    let ids = work.tables.get::<ExternalIds>(source).map(Cow::into_owned);
    let ids = ids.unwrap_or_default();
    for id in &ids {
        book_balance_transaction(work, id)?;
    }
    Ok(())
}

/// An order has become known: everything that was waiting for it.
pub(super) fn order(work: &mut UnitOfWork<'_>, id: OrderId) -> Result<(), Refusal> {
    let mut waiting = Touched::default();
    if let Some(links) = work.tables.get::<OrderLinks>(&id) {
        for intent in &links.intents {
            waiting.intent(&work.tables, intent);
        }
        for charge in &links.charges {
            waiting.charge(&work.tables, charge);
        }
    }
    touched(work, &waiting)
}

fn book_order(work: &mut UnitOfWork<'_>, id: OrderId) -> Result<(), Refusal> {
    let Some(order) = work.tables.order(id).map(Cow::into_owned) else {
        return Ok(());
    };
    let observed = observed(&work.tables, &order);
    let standing = order::standing(&order.standing, &observed);
    let legs = posting::order::legs(work, &order, &standing, &observed)?;
    let difference = legs.less(&order.booked);
    if difference.is_empty() && standing == order.standing {
        return Ok(());
    }
    work.book(&difference, Some(id), |entry| {
        OrderBooked {
            order: id,
            standing,
            entry,
        }
        .into()
    })
}

/// Books a balance transaction again, in case its order is known by now.
fn book_balance_transaction(work: &mut UnitOfWork<'_>, id: &ExternalId) -> Result<(), Refusal> {
    let row = work.tables.get::<BalanceTransaction>(id);
    let Some(row) = row.map(Cow::into_owned) else {
        return Ok(());
    };
    let Some(facts) = row.facts else {
        return Ok(());
    };
    let link = link(&work.tables, &facts);
    let legs = posting::balance_transaction::legs(work, &facts, link.as_ref())?;
    let difference = legs.less(&row.booked);
    let order = link.map(|link| link.order);
    if difference.is_empty() && order == row.order {
        return Ok(());
    }
    work.book(&difference, order, |entry| {
        BalanceTransactionBooked {
            facts,
            order,
            entry,
        }
        .into()
    })
}

/// The first booking of a balance transaction.
pub(super) fn new_balance_transaction(
    work: &mut UnitOfWork<'_>,
    facts: &BalanceTransactionFacts,
) -> Result<Option<OrderId>, Refusal> {
    let link = link(&work.tables, facts);
    let legs = posting::balance_transaction::legs(work, facts, link.as_ref())?;
    let order = link.map(|link| link.order);
    let facts = facts.clone();
    let source = facts.source.clone();
    work.book(&legs, order, |entry| {
        BalanceTransactionBooked {
            facts,
            order,
            entry,
        }
        .into()
    })?;
    if let Some(source) = source {
        // What it is about may read differently now that it is there.
        book_all_about(work, &source)?;
        book_dispute(work, &source)?;
    }
    Ok(order)
}

fn book_dispute(work: &mut UnitOfWork<'_>, id: &ExternalId) -> Result<(), Refusal> {
    let row = work.tables.get::<Dispute>(id);
    let Some(row) = row.map(Cow::into_owned) else {
        return Ok(());
    };
    let Some(facts) = row.facts else {
        return Ok(());
    };
    let difference = posting::processor::dispute(work, &facts)?.less(&row.booked);
    if difference.is_empty() {
        return Ok(());
    }
    let order = work
        .tables
        .order_of(facts.charge.as_ref(), facts.intent.as_ref());
    work.book(&difference, order, |entry| {
        DisputeObserved { facts, entry }.into()
    })
}

/// What a balance transaction is about, when that is known, placed, and in one currency.
fn link(tables: &Tables<'_>, facts: &BalanceTransactionFacts) -> Option<Link> {
    let source = facts.source.as_ref()?;
    let (charge, refund) = (tables.get::<Charge>(source), tables.get::<Refund>(source));
    let charge = charge.as_ref().and_then(|row| row.facts.as_ref());
    let refund = refund.as_ref().and_then(|row| row.facts.as_ref());
    let (order, presented, currency) = match (charge, refund) {
        (Some(charge), _) => {
            // A partial capture is two lines, the whole authorisation and what was not taken of
            // it, or one line of what was taken.
            let presented = match &*facts.category {
                "partial_capture_reversal" => charge.amount.saturating_sub(charge.captured),
                _ if charge.captured == 0 || reverses_a_part(tables, source) => charge.amount,
                _ => charge.captured,
            };
            (tables.order_of_charge(source)?, presented, charge.currency)
        }
        (None, Some(refund)) => (
            tables.order_of_refund(refund)?,
            refund.amount,
            refund.currency,
        ),
        (None, None) => return None,
    };
    let placed = tables.order(order)?;
    (placed.currency == currency).then_some(Link {
        order,
        presented,
        currency,
    })
}

fn reverses_a_part(tables: &Tables<'_>, source: &ExternalId) -> bool {
    tables.get::<ExternalIds>(source).is_some_and(|ids| {
        let rows = ids
            .iter()
            .filter_map(|id| tables.get::<BalanceTransaction>(id));
        rows.filter_map(|row| Some(row.facts.as_ref()?.category == "partial_capture_reversal"))
            .any(|reverses| reverses)
    })
}

/// Everything that was observed of an order's payments. Sums saturate: amounts near the end of
/// the range are refused where they are posted.
pub(super) fn observed(tables: &Tables<'_>, order: &Order) -> Observed {
    let mut sum = Observed::default();
    let Some(links) = tables.get::<OrderLinks>(&order.id) else {
        return sum;
    };
    for id in &links.intents {
        if let Some(intent) = tables.get::<Intent>(id)
            && intent.order == Some(order.id)
        {
            add_intent(tables, id, &intent, order.currency, &mut sum);
        }
    }
    for id in &links.charges {
        let Some(charge) = tables.get::<Charge>(id) else {
            continue;
        };
        let names_order = charge
            .facts
            .as_ref()
            .is_some_and(|facts| facts.order == Some(order.id));
        if charge.intent.is_none() && names_order {
            let paid = of_charge(tables, &charge, order.currency, &mut sum);
            sum.captured = sum.captured.saturating_add(paid.captured);
            if paid.captured == 0 {
                sum.authorised = sum.authorised.saturating_add(paid.authorised);
            }
        }
    }
    sum
}

fn add_intent(
    tables: &Tables<'_>,
    id: &ExternalId,
    intent: &Intent,
    currency: Unit,
    sum: &mut Observed,
) {
    let mut charges = Paid::default();
    for charge in &intent.charges {
        let Some(charge) = tables.get::<Charge>(charge) else {
            continue;
        };
        if charge.intent.as_ref() == Some(id) {
            let paid = of_charge(tables, &charge, currency, sum);
            charges.captured = charges.captured.saturating_add(paid.captured);
            charges.authorised = charges.authorised.saturating_add(paid.authorised);
            charges.expired |= paid.expired;
        }
    }
    let (known, refused) = refunds(tables, &intent.refunds, currency);
    sum.refunded = sum.refunded.saturating_add(known.saturating_sub(refused));
    disputes(tables, &intent.disputes, currency, sum);

    let facts = intent
        .facts
        .as_ref()
        .filter(|facts| facts.currency == currency);
    let received = facts.map_or(0, |facts| facts.received);
    let captured = charges.captured.max(received);
    sum.captured = sum.captured.saturating_add(captured);
    let is_over = facts.is_some_and(|facts| facts.status >= IntentStatus::Cancelled);
    if captured == 0 && !is_over && !charges.expired {
        let capturable = facts.map_or(0, |facts| facts.capturable);
        sum.authorised = sum
            .authorised
            .saturating_add(charges.authorised.max(capturable));
    }
}

#[derive(Default)]
struct Paid {
    captured: u64,
    authorised: u64,
    expired: bool,
}

/// Adds a charge's refunds, disputes and failure to the sum; answers what it has paid.
fn of_charge(tables: &Tables<'_>, charge: &Charge, currency: Unit, sum: &mut Observed) -> Paid {
    let facts = charge
        .facts
        .as_ref()
        .filter(|facts| facts.currency == currency);
    let (known, refused) = refunds(tables, &charge.refunds, currency);
    // The charge's own total also counts refunds that were not observed one by one.
    let untold = facts
        .map_or(0, |facts| facts.refunded)
        .saturating_sub(known);
    sum.refunded = sum
        .refunded
        .saturating_add(known.saturating_sub(refused))
        .saturating_add(untold);
    disputes(tables, &charge.disputes, currency, sum);
    let Some(facts) = facts else {
        return Paid::default();
    };
    if facts.failed {
        sum.failed_attempts = sum.failed_attempts.saturating_add(1);
    }
    let waits = facts.authorised && facts.captured == 0 && !facts.expired && !facts.failed;
    Paid {
        captured: facts.captured,
        authorised: if waits { facts.amount } else { 0 },
        expired: facts.expired,
    }
}

/// All refunds of a set, and those among them that failed.
fn refunds(tables: &Tables<'_>, ids: &ExternalIds, currency: Unit) -> (u64, u64) {
    let (mut known, mut refused) = (0_u64, 0_u64);
    for id in ids {
        let row = tables.get::<Refund>(id);
        let facts = row.as_ref().and_then(|row| row.facts.as_ref());
        let Some(facts) = facts.filter(|facts| facts.currency == currency) else {
            continue;
        };
        known = known.saturating_add(facts.amount);
        if facts.status == RefundStatus::Failed {
            refused = refused.saturating_add(facts.amount);
        }
    }
    (known, refused)
}

fn disputes(tables: &Tables<'_>, ids: &ExternalIds, currency: Unit, sum: &mut Observed) {
    for id in ids {
        let row = tables.get::<Dispute>(id);
        let facts = row.as_ref().and_then(|row| row.facts.as_ref());
        let Some(facts) = facts.filter(|facts| facts.currency == currency) else {
            continue;
        };
        match facts.status {
            DisputeStatus::NeedsResponse | DisputeStatus::UnderReview => {
                sum.disputed = sum.disputed.saturating_add(facts.amount);
            }
            DisputeStatus::Lost => {
                sum.charged_back = sum.charged_back.saturating_add(facts.amount);
            }
            DisputeStatus::Warning | DisputeStatus::WarningClosed | DisputeStatus::Won => {}
        }
    }
}
