//! What an entry's fingerprint is taken of, without a tree of JSON values: the same bytes as
//! [`crate::canonical::write`] appends for the entry's object.

use super::{Given, Leg, Scanned};
use crate::canonical::{array, digits, key, null, object, text};

/// Appends what an entry says.
pub(crate) fn write(entry: &Scanned<'_>, out: &mut Vec<u8>) {
    let given = [
        !entry.description.is_absent(),
        !entry.id.is_absent(),
        !entry.metadata.is_absent(),
        true,
        !entry.reverses.is_absent(),
    ];
    object(out, given.into_iter().filter(|given| *given).count());
    // In order of the keys, as everywhere below.
    member(out, "description", &entry.description, |out, said| {
        text(out, said)
    });
    member(out, "id", &entry.id, |out, (id, _)| text(out, id));
    member(out, "metadata", &entry.metadata, |out, members| {
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_unstable();
        object(out, sorted.len());
        for (name, value) in sorted {
            key(out, name);
            text(out, value);
        }
    });
    key(out, "postings");
    array(out, entry.legs.len());
    entry.legs.iter().for_each(|leg| posting(out, leg));
    member(out, "reverses", &entry.reverses, |out, (id, _)| {
        text(out, id)
    });
}

fn posting(out: &mut Vec<u8>, leg: &Leg<'_>) {
    object(out, 4);
    key(out, "account");
    text(out, leg.account.as_str());
    key(out, "amount");
    digits(out, leg.digits);
    key(out, "side");
    text(out, leg.side.as_str());
    key(out, "unit");
    text(out, leg.unit.as_str());
}

fn member<T>(out: &mut Vec<u8>, name: &str, given: &Given<T>, write: impl Fn(&mut Vec<u8>, &T)) {
    match given {
        Given::Absent => {}
        Given::Null => {
            key(out, name);
            null(out);
        }
        Given::Value(value) => {
            key(out, name);
            write(out, value);
        }
    }
}
