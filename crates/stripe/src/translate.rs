//! From the body of an authentic delivery to a command of the book.

use tillroll_book::{CommandKey, Fact, Observe};
use tillroll_events::{KeyScope, NotificationReceived};
use tillroll_json::{Json, without_card_numbers};

use crate::envelope::{Content, EventEnvelope};
use crate::error::{BodyError, FieldProblem, Reason};
use crate::family::Family;
use crate::fields::note;
use crate::fingerprint;
use crate::object::ObjectStatement;

/// What a delivery states, and the key under which it is applied once.
///
/// Give it only what [`verify`](crate::verify) has passed. Every body that is a JSON object
/// with an `id` and a `type` is translated: what it says and we do not understand becomes a
/// notification without facts, whose `unrecognised` is the code of a [`Reason`], and which
/// keeps the body (as received, unless a card number had to be taken out of it).
///
/// The key is `stripe:` and the event's id; its fingerprint covers type, account and object, so
/// that a retry is the same command and an id used for something else is a conflict.
pub fn translate(body: &[u8]) -> Result<(CommandKey, Observe), BodyError> {
    let (text, json) = parse(body)?;
    let event = EventEnvelope::read(&json)?;
    let key = CommandKey {
        scope: KeyScope::Stripe,
        key: format!("stripe:{}", event.id),
        fingerprint: fingerprint::of(&event),
    };
    let (facts, unrecognised) = match facts(&event) {
        Ok(facts) => (facts, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    let notification = NotificationReceived {
        id: event.id,
        kind: event.kind.to_owned(),
        account: event.account.ok().flatten(),
        api_version: event.api_version.map(ToOwned::to_owned),
        created: event.created,
        livemode: event.livemode,
        unrecognised: unrecognised
            .as_ref()
            .map(|problem| problem.reason.code().to_owned()),
        detail: unrecognised
            .as_ref()
            .map(|problem| note(&problem.to_string())),
        body: unrecognised
            .is_some()
            .then(|| without_card_numbers(text, &json).into_owned()),
    };
    Ok((
        key,
        Observe {
            notification,
            facts,
        },
    ))
}

/// The body of an event as it may be stored where the book refuses what it states.
///
/// # Errors
/// The body is no JSON.
pub fn storable(body: &[u8]) -> Result<String, BodyError> {
    let (text, json) = parse(body)?;
    Ok(without_card_numbers(text, &json).into_owned())
}

fn parse(body: &[u8]) -> Result<(&str, Json<'_>), BodyError> {
    let text = std::str::from_utf8(body).map_err(|_| BodyError::NotUtf8)?;
    let json = Json::parse(text).map_err(|error| BodyError::NotJson(error.to_string()))?;
    Ok((text, json))
}

/// The facts that an event states for this book: one at least, or the reason why none.
fn facts(event: &EventEnvelope<'_, '_>) -> Result<Vec<Fact>, FieldProblem> {
    let object = match event.content {
        Content::Snapshot(object) => object,
        Content::Thin(_) => {
            let detail = "was not sent: fetch the related object";
            return Err(because(Reason::ThinEvent, detail));
        }
        Content::None => return Err(FieldProblem::malformed("data.object", "is missing")),
    };
    let account = match &event.account {
        Ok(account) => account.as_ref(),
        Err(problem) => return Err(problem.clone()),
    };
    let family = Family::of(event.kind);
    let mut statement = ObjectStatement {
        kind: event.kind,
        account,
        facts: Vec::new(),
    };
    let read = statement
        .read(family, object)
        .map_err(|problem| problem.within("data.object"));
    let mut facts = statement.facts;
    if account.is_some() {
        facts.retain(|fact| matches!(fact, Fact::Payout(_) | Fact::BalanceTransaction(_)));
        let is_sellers = matches!(
            family,
            Family::Intent
                | Family::Charge
                | Family::Refund
                | Family::Dispute
                | Family::CheckoutSession
                | Family::Transfer
        );
        if is_sellers && (read.is_err() || facts.is_empty()) {
            let detail = "is in the books of the connected account";
            return Err(because(Reason::ConnectedAccount, detail));
        }
    }
    read?;
    if !facts.is_empty() {
        return Ok(facts);
    }
    Err(match family {
        Family::Unknown => because(Reason::UnknownType, "is of a type that is not known"),
        _ => because(Reason::NoFacts, "states nothing that concerns the books"),
    })
}

fn because(reason: Reason, detail: &str) -> FieldProblem {
    FieldProblem {
        reason,
        path: "data.object".into(),
        detail: detail.into(),
    }
}
