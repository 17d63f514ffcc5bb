//! What the processor says: recorded as said, joined with what was known, and the books follow.

use std::borrow::Cow;

use tillroll_events::{
    ApplicationFeeFacts, ApplicationFeeObserved, BalanceTransactionFacts, ChargeFacts,
    ChargeObserved, DisputeFacts, DisputeObserved, IntentFacts, IntentObserved, OrderId,
    PayoutFacts, PayoutObserved, RefundFacts, RefundObserved, TransferFacts, TransferObserved,
};

use super::reconcile::{self, Touched};
use crate::facts::Join;
use crate::store::{
    ApplicationFee, BalanceTransaction, Charge, Dispute, Intent, Payout, Refund, Transfer,
};
use crate::work::UnitOfWork;
use crate::{Fact, Observe, Refusal, posting};

/// Records the notification, and what its facts change. A fact that says nothing new leaves no
/// further trace.
pub(super) fn observe(work: &mut UnitOfWork<'_>, request: &Observe) -> Result<(), Refusal> {
    if let Some(created) = request.notification.created {
        // It happened when the processor says; never in our future.
        work.occurred_at = created.min(work.at);
    }
    work.emit(request.notification.clone(), None);
    let mut order = None;
    for fact in &request.facts {
        let of_fact = match fact {
            Fact::Intent(said) => intent(work, said),
            Fact::Charge(said) => charge(work, said),
            Fact::Refund(said) => refund(work, said),
            Fact::Dispute(said) => dispute(work, said),
            Fact::Transfer(said) => transfer(work, said),
            Fact::Payout(said) => payout(work, said),
            Fact::ApplicationFee(said) => application_fee(work, said),
            Fact::BalanceTransaction(said) => balance_transaction(work, said),
        }?;
        order = order.or(of_fact);
    }
    work.name_order_of_first(order);
    Ok(())
}

pub(super) fn balance_transactions(
    work: &mut UnitOfWork<'_>,
    rows: &[BalanceTransactionFacts],
) -> Result<(), Refusal> {
    let now = work.occurred_at;
    for row in rows {
        work.occurred_at = row.created.map_or(now, |created| created.min(now));
        balance_transaction(work, row)?;
    }
    Ok(())
}

/// What is known after joining, when that is more than what was known before.
fn news<F: Join + PartialEq + Clone>(known: Option<&F>, said: &F) -> Option<F> {
    match known {
        None => Some(said.clone()),
        Some(known) => Some(known.join(said)).filter(|joined| joined != known),
    }
}

fn intent(work: &mut UnitOfWork<'_>, said: &IntentFacts) -> Result<Option<OrderId>, Refusal> {
    let known = work.tables.get::<Intent>(&said.id);
    let new = news(known.as_ref().and_then(|row| row.facts.as_ref()), said);
    drop(known);
    if let Some(facts) = new {
        let mut touched = Touched::default();
        touched.intent(&work.tables, &said.id);
        let order = facts.order;
        work.emit(IntentObserved { facts }, order);
        touched.intent(&work.tables, &said.id);
        reconcile::touched(work, &touched)?;
    }
    Ok(work.tables.order_of(None, Some(&said.id)))
}

fn charge(work: &mut UnitOfWork<'_>, said: &ChargeFacts) -> Result<Option<OrderId>, Refusal> {
    let known = work.tables.get::<Charge>(&said.id);
    let new = news(known.as_ref().and_then(|row| row.facts.as_ref()), said);
    drop(known);
    if let Some(facts) = new {
        let mut touched = Touched::default();
        touched.charge(&work.tables, &said.id);
        let order = facts
            .order
            .or(work.tables.order_of(Some(&said.id), facts.intent.as_ref()));
        work.emit(ChargeObserved { facts }, order);
        touched.charge(&work.tables, &said.id);
        reconcile::touched(work, &touched)?;
    }
    Ok(work.tables.order_of_charge(&said.id))
}

fn refund(work: &mut UnitOfWork<'_>, said: &RefundFacts) -> Result<Option<OrderId>, Refusal> {
    let known = work.tables.get::<Refund>(&said.id);
    let new = news(known.as_ref().and_then(|row| row.facts.as_ref()), said);
    drop(known);
    if let Some(facts) = new {
        let mut touched = Touched::default();
        let (charge, intent) = (facts.charge.clone(), facts.intent.clone());
        touched.parents(&work.tables, charge.as_ref(), intent.as_ref());
        let order = work.tables.order_of(charge.as_ref(), intent.as_ref());
        work.emit(RefundObserved { facts }, order);
        touched.parents(&work.tables, charge.as_ref(), intent.as_ref());
        reconcile::touched(work, &touched)?;
    }
    Ok(work
        .tables
        .order_of(said.charge.as_ref(), said.intent.as_ref()))
}

fn dispute(work: &mut UnitOfWork<'_>, said: &DisputeFacts) -> Result<Option<OrderId>, Refusal> {
    let row = work.tables.get::<Dispute>(&said.id);
    let row = row.map(Cow::into_owned).unwrap_or_default();
    if let Some(facts) = news(row.facts.as_ref(), said) {
        let mut touched = Touched::default();
        let (charge, intent) = (facts.charge.clone(), facts.intent.clone());
        touched.parents(&work.tables, charge.as_ref(), intent.as_ref());
        let order = work.tables.order_of(charge.as_ref(), intent.as_ref());
        let difference = posting::processor::dispute(work, &facts)?.less(&row.booked);
        work.book(&difference, order, |entry| {
            DisputeObserved { facts, entry }.into()
        })?;
        touched.parents(&work.tables, charge.as_ref(), intent.as_ref());
        reconcile::touched(work, &touched)?;
    }
    Ok(work
        .tables
        .order_of(said.charge.as_ref(), said.intent.as_ref()))
}

fn transfer(work: &mut UnitOfWork<'_>, said: &TransferFacts) -> Result<Option<OrderId>, Refusal> {
    let row = work.tables.get::<Transfer>(&said.id);
    let row = row.map(Cow::into_owned).unwrap_or_default();
    let order = work.tables.order_of(said.source_charge.as_ref(), None);
    if let Some(facts) = news(row.facts.as_ref(), said) {
        let difference = posting::processor::transfer(work, &facts)?.less(&row.booked);
        work.book(&difference, order, |entry| {
            TransferObserved { facts, entry }.into()
        })?;
    }
    Ok(order)
}

fn payout(work: &mut UnitOfWork<'_>, said: &PayoutFacts) -> Result<Option<OrderId>, Refusal> {
    let row = work.tables.get::<Payout>(&said.id);
    let row = row.map(Cow::into_owned).unwrap_or_default();
    if let Some(facts) = news(row.facts.as_ref(), said) {
        let difference = posting::processor::payout(work, &facts)?.less(&row.booked);
        work.book(&difference, None, |entry| {
            PayoutObserved { facts, entry }.into()
        })?;
    }
    Ok(None)
}

/// Recorded only: what a fee has on the books follows from its balance transactions.
fn application_fee(
    work: &mut UnitOfWork<'_>,
    said: &ApplicationFeeFacts,
) -> Result<Option<OrderId>, Refusal> {
    let order = work.tables.order_of(said.charge.as_ref(), None);
    let known = work.tables.get::<ApplicationFee>(&said.id);
    let new = news(known.as_ref().and_then(|row| row.facts.as_ref()), said);
    drop(known);
    if let Some(facts) = new {
        work.emit(ApplicationFeeObserved { facts }, order);
    }
    Ok(order)
}

fn balance_transaction(
    work: &mut UnitOfWork<'_>,
    said: &BalanceTransactionFacts,
) -> Result<Option<OrderId>, Refusal> {
    let known = work.tables.get::<BalanceTransaction>(&said.id);
    match known.map(|known| known.order) {
        Some(order) => Ok(order),
        None => reconcile::new_balance_transaction(work, said),
    }
}
