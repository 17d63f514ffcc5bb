//! Reading an object leniently where it does not matter and strictly where money is.
//!
//! A field that is absent, null or (as some tools write it) an empty text is not there. A field
//! that is there and is not what it should be is named. Notes, which nothing is decided by, are
//! never a reason to refuse an object.

use tillroll_events::{ExternalId, OrderId, Timestamp};
use tillroll_json::{Json, Member, REDACTED, contains_card_number, redact};

use crate::error::{FieldProblem, Reason};
use crate::{Currency, MinorUnitError};

/// Longest note in characters: of what others wrote, enough to recognise it.
const LONGEST_NOTE: usize = 255;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'t, 'a> {
    members: &'t [Member<'a>],
}

impl<'t, 'a> Fields<'t, 'a> {
    pub(crate) fn of(json: &'t Json<'a>) -> Option<Self> {
        match json {
            Json::Object(members) => Some(Self { members }),
            _ => None,
        }
    }

    /// The object itself, or the problem that it is none.
    pub(crate) fn required_of(json: &'t Json<'a>) -> Result<Self, FieldProblem> {
        Self::of(json).ok_or_else(|| FieldProblem::malformed("", "is not an object"))
    }

    /// Of two members with one name the later counts, as in the official libraries.
    pub(crate) fn get(self, name: &str) -> Option<&'t Json<'a>> {
        let after = self
            .members
            .partition_point(|(other, _)| other.as_ref() <= name);
        let (found, value) = self.members[..after].last()?;
        let empty = match value {
            Json::Null => true,
            Json::Text(text) => text.is_empty(),
            _ => false,
        };
        (found == name && !empty).then_some(value)
    }

    /// The object under `name`, where it is one: an expanded field.
    pub(crate) fn expanded(self, name: &str) -> Option<Self> {
        Self::of(self.get(name)?)
    }

    pub(crate) fn text(self, name: &str) -> Result<Option<&'t str>, FieldProblem> {
        match self.get(name) {
            None => Ok(None),
            // A number stood here, so the body that is kept must not say more than the body did.
            Some(Json::Text(text)) if text == REDACTED => {
                Err(FieldProblem::malformed(name, "was a card number"))
            }
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => Err(FieldProblem::malformed(name, "is not a text")),
        }
    }

    pub(crate) fn truth(self, name: &str) -> Result<Option<bool>, FieldProblem> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::Truth(truth)) => Ok(Some(*truth)),
            Some(_) => Err(FieldProblem::malformed(name, "is not true or false")),
        }
    }

    /// An id, or the id of the object that it was expanded into.
    pub(crate) fn id(self, name: &str) -> Result<Option<ExternalId>, FieldProblem> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Json::Text(text)) => text.as_ref(),
            Some(Json::Object(_)) => match self.expanded(name).and_then(|inner| inner.get("id")) {
                Some(Json::Text(text)) => text.as_ref(),
                _ => return Err(FieldProblem::malformed(name, "is an object without an id")),
            },
            Some(_) => return Err(FieldProblem::malformed(name, "is not an id")),
        };
        match id(text) {
            Some(id) => Ok(Some(id)),
            None => Err(FieldProblem::malformed(name, "is not an id")),
        }
    }

    pub(crate) fn required_id(self, name: &str) -> Result<ExternalId, FieldProblem> {
        self.id(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn currency(self, name: &str) -> Result<Currency, FieldProblem> {
        let code = self.text(name)?.ok_or_else(|| missing(name))?;
        Currency::parse(code).map_err(|error| FieldProblem {
            reason: Reason::UnsupportedCurrency,
            path: name.into(),
            detail: format!("is not supported: {error}"),
        })
    }

    /// A signed amount in ISO minor units.
    pub(crate) fn signed(
        self,
        name: &str,
        currency: Currency,
    ) -> Result<Option<i64>, FieldProblem> {
        let Some(minor) = self.whole(name)? else {
            return Ok(None);
        };
        let iso = currency.to_iso(minor).map_err(|error| FieldProblem {
            reason: match error {
                MinorUnitError::Precision { .. } => Reason::AmountPrecision,
                MinorUnitError::OutOfRange { .. } => Reason::Malformed,
            },
            path: name.into(),
            detail: format!("cannot be counted: {error}"),
        })?;
        Ok(Some(iso))
    }

    pub(crate) fn required_signed(
        self,
        name: &str,
        currency: Currency,
    ) -> Result<i64, FieldProblem> {
        self.signed(name, currency)?.ok_or_else(|| missing(name))
    }

    /// An amount in ISO minor units that is never below zero.
    pub(crate) fn amount(
        self,
        name: &str,
        currency: Currency,
    ) -> Result<Option<u64>, FieldProblem> {
        match self.signed(name, currency)? {
            None => Ok(None),
            Some(minor) => match u64::try_from(minor) {
                Ok(minor) => Ok(Some(minor)),
                Err(_) => Err(FieldProblem::malformed(name, "is negative")),
            },
        }
    }

    pub(crate) fn required_amount(
        self,
        name: &str,
        currency: Currency,
    ) -> Result<u64, FieldProblem> {
        self.amount(name, currency)?.ok_or_else(|| missing(name))
    }

    fn whole(self, name: &str) -> Result<Option<i64>, FieldProblem> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Json::Whole(number)) => i64::try_from(*number).ok(),
            Some(Json::Negative(number)) => Some(*number),
            Some(_) => return Err(FieldProblem::malformed(name, "is not an integer")),
        };
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(FieldProblem::malformed(
                name,
                "is above what an amount can hold",
            )),
        }
    }

    /// A text to be shown to people, of bounded length and without card numbers.
    pub(crate) fn note(self, name: &str) -> Option<String> {
        self.text(name).ok().flatten().map(note)
    }

    /// Seconds since 1970, as every snapshot has them.
    pub(crate) fn time(self, name: &str) -> Option<Timestamp> {
        self.whole(name).ok().flatten().map(Timestamp::from_seconds)
    }

    /// The items of a list: Stripe's list object, or a bare array as in old versions. What is
    /// neither holds no items.
    pub(crate) fn list(self, name: &str) -> EmbeddedList<'t, 'a> {
        let (items, whole) = match self.get(name) {
            Some(Json::List(items)) => (items.as_slice(), true),
            Some(object @ Json::Object(_)) => {
                let list = Self::of(object);
                let more = list.and_then(|list| list.get("has_more"));
                match list.and_then(|list| list.get("data")) {
                    Some(Json::List(items)) => {
                        (items.as_slice(), !matches!(more, Some(Json::Truth(true))))
                    }
                    _ => (&[][..], false),
                }
            }
            _ => (&[][..], false),
        };
        EmbeddedList { items, whole }
    }

    /// The order that the merchant wrote into the metadata when asking for the payment.
    pub(crate) fn order(self) -> Option<OrderId> {
        let metadata = self.expanded("metadata")?;
        ["order_id", "tillroll_order"]
            .into_iter()
            .find_map(|name| metadata.text(name).ok().flatten()?.parse().ok())
    }
}

/// Items embedded in an object, and whether they are all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EmbeddedList<'t, 'a> {
    pub(crate) items: &'t [Json<'a>],
    pub(crate) whole: bool,
}

pub(crate) fn missing(name: &str) -> FieldProblem {
    FieldProblem::malformed(name, "is missing")
}

/// An id as it may be stored: ids are kept as they are, so none may be a card number, and what
/// a card number was replaced by is the id of nothing.
pub(crate) fn id(text: &str) -> Option<ExternalId> {
    let hidden = contains_card_number(text) || text.contains(REDACTED);
    if hidden { None } else { text.parse().ok() }
}

/// Others' text as it may be stored.
pub(crate) fn note(text: &str) -> String {
    let clean = redact(text);
    match clean.char_indices().nth(LONGEST_NOTE) {
        Some((end, _)) => clean[..end].to_owned(),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_or_named() {
        let json = Json::parse(
            r#"{"id":"ch_1","expanded":{"id":"pi_1","x":1},"empty":"","null":null,"idless":{},
                "spaced":"a b","amount":500,"float":1.5,"whole_float":5.0,"text":"5","negative":-5,
                "huge":18446744073709551615,"list":{"data":[1]},"more":{"data":[1],"has_more":true},
                "bare":[1,2],"none":{},"twice":1,"twice":2}"#,
        )
        .expect("JSON");
        let fields = Fields::of(&json).expect("an object");
        let eur = Currency::parse("eur").expect("EUR");
        let id = |name: &str| match fields.id(name) {
            Ok(id) => id.map_or("-".into(), |id| id.to_string()),
            Err(problem) => problem.to_string(),
        };
        for (name, expected) in [
            ("id", "ch_1"),
            ("expanded", "pi_1"),
            ("empty", "-"),
            ("null", "-"),
            ("absent", "-"),
            ("idless", "idless is an object without an id"),
            ("spaced", "spaced is not an id"),
            ("amount", "amount is not an id"),
        ] {
            assert_eq!(id(name), expected, "{name}");
        }
        let amount = |name: &str| match fields.amount(name, eur) {
            Ok(amount) => amount.map_or("-".into(), |amount| amount.to_string()),
            Err(problem) => problem.to_string(),
        };
        for (name, expected) in [
            ("amount", "500"),
            ("absent", "-"),
            ("null", "-"),
            ("twice", "2"),
            ("float", "float is not an integer"),
            ("whole_float", "whole_float is not an integer"),
            ("text", "text is not an integer"),
            ("negative", "negative is negative"),
            ("huge", "huge is above what an amount can hold"),
            ("list", "list is not an integer"),
        ] {
            assert_eq!(amount(name), expected, "{name}");
        }
        for (name, items, whole) in [
            ("list", 1, true),
            ("more", 1, false),
            ("bare", 2, true),
            ("none", 0, false),
            ("absent", 0, false),
        ] {
            let list = fields.list(name);
            assert_eq!((list.items.len(), list.whole), (items, whole), "{name}");
        }
    }

    #[test]
    fn no_id_is_a_card_number_or_what_stands_for_one() {
        for (text, expected) in [
            ("pi_3TillApp00000000000001", true),
            ("ch_4242424242424242", true),
            ("4242424242424242", false),
            ("a-4242-4242-4242-4242", false),
            ("[redacted]", false),
            ("a-[redacted]", false),
            ("a b", false),
        ] {
            assert_eq!(id(text).is_some(), expected, "{text}");
        }
        for (text, problem) in [
            (r#"{"type":"[redacted]"}"#, "type was a card number"),
            (r#"{"type":4242424242424242}"#, "type is not a text"),
        ] {
            let json = Json::parse(text).expect("JSON");
            let found = Fields::of(&json).expect("an object").text("type");
            assert_eq!(found.expect_err(text).to_string(), problem);
        }
    }

    #[test]
    fn notes_are_short_and_hold_no_card_number() {
        assert_eq!(note("paid with 4242424242424242"), "paid with [redacted]");
        assert_eq!(note(&"é".repeat(300)).chars().count(), LONGEST_NOTE);
    }

    #[test]
    fn orders_are_found_in_metadata() {
        let order = "ord_00000000000000000000000001";
        let other = "ord_00000000000000000000000002";
        for (metadata, expected) in [
            (format!(r#"{{"order_id":"{order}"}}"#), Some(order)),
            (format!(r#"{{"tillroll_order":"{order}"}}"#), Some(order)),
            (
                format!(r#"{{"order_id":"{order}","tillroll_order":"{other}"}}"#),
                Some(order),
            ),
            (
                format!(r#"{{"order_id":"6735","tillroll_order":"{other}"}}"#),
                Some(other),
            ),
            (r#"{"order_id":"6735"}"#.into(), None),
            (r#"{"order_id":6735}"#.into(), None),
            ("{}".into(), None),
            ("[]".into(), None),
            ("null".into(), None),
        ] {
            let text = format!(r#"{{"metadata":{metadata}}}"#);
            let json = Json::parse(&text).expect("JSON");
            let found = Fields::of(&json).expect("an object").order();
            assert_eq!(
                found.map(|order| order.to_string()).as_deref(),
                expected,
                "{metadata}"
            );
        }
    }
}
