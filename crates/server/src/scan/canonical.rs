//! What an entry's fingerprint is taken of, without a tree of JSON values: the same bytes as
//! [`crate::canonical::write`] appends for the entry's object.

use tillroll_ledger::Side;

use super::{Given, Leg, Scanned};
use crate::canonical::{array, key, length, null, object, text};

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

/// What stands around the texts of a posting is always the same, and most of its bytes.
fn posting(out: &mut Vec<u8>, leg: &Leg<'_>) {
    const ACCOUNT: &[u8] = b"{\x08\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0:\x07\0\0\0\0\0\0\0account\"";
    const AMOUNT: &[u8] = b":\x06\0\0\0\0\0\0\0amount#";
    const DEBIT: &[u8] =
        b":\x04\0\0\0\0\0\0\0side\"\x05\0\0\0\0\0\0\0debit:\x04\0\0\0\0\0\0\0unit\"";
    const CREDIT: &[u8] =
        b":\x04\0\0\0\0\0\0\0side\"\x06\0\0\0\0\0\0\0credit:\x04\0\0\0\0\0\0\0unit\"";
    let side = match leg.side {
        Side::Debit => DEBIT,
        Side::Credit => CREDIT,
    };
    let texts = [
        (ACCOUNT, leg.account.as_str()),
        (AMOUNT, leg.digits),
        (side, leg.unit.as_str()),
    ];
    for (around, text) in texts {
        out.extend_from_slice(around);
        out.extend_from_slice(&length(text.len()));
        out.extend_from_slice(text.as_bytes());
    }
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
