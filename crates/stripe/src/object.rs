//! Stripe's objects, each read into the facts that it states.
//!
//! Every reader is a function of the object alone. Fields that only a snapshot of one API
//! version has are used where they are there and never needed.

mod application_fee;
mod balance_transaction;
mod charge;
mod checkout_session;
mod dispute;
mod intent;
mod payout;
mod refund;
mod transfer;

use tillroll_book::Fact;
use tillroll_events::ExternalId;
use tillroll_json::Json;

use crate::error::FieldProblem;
use crate::family::Family;
use crate::fields::Fields;

pub(crate) use balance_transaction::balance_transaction;

/// What an event has stated so far.
#[derive(Debug)]
pub(crate) struct ObjectStatement<'t> {
    /// The event's type.
    pub(crate) kind: &'t str,
    /// The connected account that the event happened on.
    pub(crate) account: Option<&'t ExternalId>,
    pub(crate) facts: Vec<Fact>,
}

impl ObjectStatement<'_> {
    /// An object may say the same in two places; once is enough.
    fn say(&mut self, fact: Fact) {
        if !self.facts.contains(&fact) {
            self.facts.push(fact);
        }
    }

    /// Reads the event's object.
    pub(crate) fn read(&mut self, family: Family, json: &Json<'_>) -> Result<(), FieldProblem> {
        let fields = Fields::required_of(json)?;
        if let Some(expected) = family.object()
            && let Some(object) = fields.text("object")?
            && object != expected
        {
            return Err(FieldProblem::malformed(
                "object",
                format!("is not `{expected}`"),
            ));
        }
        match family {
            Family::Intent => intent::read(fields, self),
            Family::Charge => charge::read(fields, None, self),
            Family::Refund => refund::read(fields, refund::Of::default(), self),
            Family::Dispute => dispute::read(fields, self),
            Family::CheckoutSession => checkout_session::read(fields, self),
            Family::Transfer => transfer::read(fields, self),
            Family::Payout => payout::read(fields, self),
            Family::ApplicationFee => application_fee::read(fields, self),
            Family::ApplicationFeeRefund => application_fee::read_refund(fields, self),
            Family::Funds => self.balance_transaction(fields, "balance_transaction"),
            Family::Known | Family::Unknown => Ok(()),
        }
    }

    /// The balance transaction under `name`, where it is expanded: its id alone says nothing.
    fn balance_transaction(
        &mut self,
        fields: Fields<'_, '_>,
        name: &str,
    ) -> Result<(), FieldProblem> {
        let Some(expanded) = fields.expanded(name) else {
            return Ok(());
        };
        let facts = balance_transaction::read(expanded, self.account, false)
            .map_err(|problem| problem.within(name))?;
        self.say(Fact::BalanceTransaction(facts));
        Ok(())
    }
}

/// Reads the objects embedded under `name`; a bare id says nothing.
fn each<'t, 'a>(
    fields: Fields<'t, 'a>,
    name: &str,
    mut read: impl FnMut(Fields<'t, 'a>) -> Result<(), FieldProblem>,
) -> Result<(), FieldProblem> {
    for (index, item) in fields.list(name).items.iter().enumerate() {
        if let Some(item) = Fields::of(item) {
            read(item).map_err(|problem| problem.within(&format!("{name}[{index}]")))?;
        }
    }
    Ok(())
}

/// The problem that a status is none that we know. What it is may be anything, so it is shown
/// as a note.
fn unknown_status(status: &str) -> FieldProblem {
    FieldProblem::malformed(
        "status",
        format!("`{}` is not known", crate::fields::note(status)),
    )
}
