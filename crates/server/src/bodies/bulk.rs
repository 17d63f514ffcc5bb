//! `POST /v1/entries/bulk`.

use serde::Deserialize;
use tillroll_book::PostEntry;
use utoipa::ToSchema;

use super::entry::{EntryBody, Names};
use crate::code::Code;
use crate::findings::Findings;
use crate::new_ids::NewIds;
use crate::object::Object;
use crate::problem::{FieldError, Problem};

/// What one bulk request may hold.
const MOST_ENTRIES: usize = 10_000;

/// Many entries in one request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkRequest)]
pub(crate) struct BulkBody<'a> {
    mode: BulkMode,
    /// 1 to 10,000.
    #[serde(borrow)]
    #[schema(value_type = Vec<EntryBody<'a>>, min_items = 1, max_items = 10000)]
    entries: Vec<Object<EntryBody<'a>>>,
}

/// `all`: one refusal refuses all. `each`: every entry stands on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BulkMode {
    All,
    Each,
}

/// An item that was refused before the book saw it. A function of the body alone, so that it is
/// the same again when the request is repeated.
#[derive(Debug)]
pub(crate) struct RefusedBefore {
    pub index: usize,
    pub error: FieldError,
}

/// A bulk request, ready for the book.
#[derive(Debug)]
pub(crate) struct BulkItems {
    pub mode: BulkMode,
    /// How many the request had.
    pub count: usize,
    /// What the book is asked for, in order.
    pub entries: Vec<PostEntry>,
    /// The rest, in order.
    pub refused: Vec<RefusedBefore>,
}

impl BulkBody<'_> {
    pub(crate) fn into_items(self, new_ids: &mut NewIds) -> Result<BulkItems, Problem> {
        let count = self.entries.len();
        if count == 0 || count > MOST_ENTRIES {
            return Err(Problem::new(
                Code::ParameterInvalid,
                format!("a bulk request has 1 to {MOST_ENTRIES} entries, this has {count}"),
            )
            .with_param("/entries"));
        }
        let mut names = Names::default();
        let mut entries = Vec::with_capacity(count);
        let mut refused = Vec::new();
        let mut all = Findings::default();
        for (index, Object(body)) in self.entries.into_iter().enumerate() {
            let mut own = Findings::default();
            let findings = match self.mode {
                BulkMode::All => &mut all,
                BulkMode::Each => &mut own,
            };
            let place = format_args!("/entries/{index}");
            if let Some(entry) = body.read(place, &mut names, findings, new_ids) {
                entries.push(entry);
            }
            if let Some(error) = own.first() {
                // Something may be wrong with an entry that could be read: its metadata.
                entries.truncate(index - refused.len());
                let error = error.clone();
                refused.push(RefusedBefore { index, error });
            }
        }
        all.finish()?;
        Ok(BulkItems {
            mode: self.mode,
            count,
            entries,
            refused,
        })
    }
}
