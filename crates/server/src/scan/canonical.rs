//! The canonical form of an entry without a tree: the same bytes that the tree of its text has.

use std::sync::LazyLock;

use tillroll_json::canonical::{list, name, null, object, text, whole};
use tillroll_ledger::Side;

use super::{OptionalField, ScannedEntry, ScannedPosting};

/// What stands around the texts of a posting: always the same, and most of its bytes.
struct PostingForm {
    before_account: Vec<u8>,
    before_amount: Vec<u8>,
    debit: Vec<u8>,
    credit: Vec<u8>,
}

static POSTING: LazyLock<PostingForm> = LazyLock::new(|| {
    let form = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        out
    };
    let side = |side: &str| {
        form(&|out| {
            name(out, "side");
            text(out, side);
            name(out, "unit");
        })
    };
    PostingForm {
        before_account: form(&|out| {
            object(out, 4);
            name(out, "account");
        }),
        before_amount: form(&|out| name(out, "amount")),
        debit: side("debit"),
        credit: side("credit"),
    }
});

/// Appends what an entry says.
pub(crate) fn write(entry: &ScannedEntry<'_>, out: &mut Vec<u8>) {
    let given = [
        !entry.description.is_absent(),
        !entry.id.is_absent(),
        !entry.metadata.is_absent(),
        true,
    ];
    object(out, given.into_iter().filter(|given| *given).count());
    // In order of the names, as everywhere below.
    member(out, "description", &entry.description, |out, said| {
        text(out, said)
    });
    member(out, "id", &entry.id, |out, (id, _)| text(out, id));
    member(out, "metadata", &entry.metadata, |out, members| {
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_unstable();
        object(out, sorted.len());
        for (key, value) in sorted {
            name(out, key);
            text(out, value);
        }
    });
    name(out, "postings");
    list(out, entry.legs.len());
    let form = &*POSTING;
    entry.legs.iter().for_each(|leg| posting(out, form, leg));
}

fn posting(out: &mut Vec<u8>, form: &PostingForm, leg: &ScannedPosting<'_>) {
    out.extend_from_slice(&form.before_account);
    text(out, leg.account.as_str());
    out.extend_from_slice(&form.before_amount);
    whole(out, leg.amount);
    out.extend_from_slice(match leg.side {
        Side::Debit => &form.debit,
        Side::Credit => &form.credit,
    });
    text(out, leg.unit.as_str());
}

fn member<T>(
    out: &mut Vec<u8>,
    key: &str,
    given: &OptionalField<T>,
    write: impl Fn(&mut Vec<u8>, &T),
) {
    match given {
        OptionalField::Absent => {}
        OptionalField::Null => {
            name(out, key);
            null(out);
        }
        OptionalField::Value(value) => {
            name(out, key);
            write(out, value);
        }
    }
}
