//! `POST /v1/entries/bulk`, read with care: whatever is wrong is named.

use serde::Deserialize;
use utoipa::ToSchema;

use super::entry::{AccountNameCache, EntryBody};
use crate::body::Document;
use crate::bulk::CommandBatch;
use crate::code::Code;
use crate::findings::Findings;
use crate::object::Object;
use crate::problem::{FieldError, Problem};

/// What one command of a bulk request may hold.
pub(crate) const MOST_ENTRIES: usize = 10_000;

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

impl BulkMode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Each => "each",
        }
    }
}

impl std::str::FromStr for BulkMode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            "each" => Ok(Self::Each),
            _ => Err("`mode` is `all` or `each`"),
        }
    }
}

/// An item that was refused before the book saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedBefore {
    /// Its place in the command.
    pub index: usize,
    pub error: FieldError,
}

/// What a document says beside the entries that went into the batch.
#[derive(Debug)]
pub(crate) struct BulkRead {
    pub mode: BulkMode,
    pub count: usize,
    pub refused: Vec<RefusedBefore>,
}

impl BulkBody<'_> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Puts what can be put into `batch`.
    pub(crate) fn read(self, batch: &mut CommandBatch) -> Result<BulkRead, Problem> {
        let count = self.len();
        if count == 0 || count > MOST_ENTRIES {
            return Err(Problem::new(
                Code::ParameterInvalid,
                format!("a bulk request has 1 to {MOST_ENTRIES} entries, this has {count}"),
            )
            .with_param("/entries"));
        }
        let mut names = AccountNameCache::default();
        let mut refused = Vec::new();
        let mut all = Findings::default();
        for (index, Object(body)) in self.entries.into_iter().enumerate() {
            let mut own = Findings::default();
            let findings = match self.mode {
                BulkMode::All => &mut all,
                BulkMode::Each => &mut own,
            };
            let place = format_args!("/entries/{index}");
            let entry = body.read(place, &mut names, findings, batch.new_ids());
            match (own.first(), entry) {
                (Some(error), _) => {
                    let error = error.clone();
                    refused.push(RefusedBefore { index, error });
                }
                (None, Some(entry)) => batch.push(&entry),
                // What was found stands among the findings of all.
                (None, None) => {}
            }
        }
        all.finish()?;
        Ok(BulkRead {
            mode: self.mode,
            count,
            refused,
        })
    }
}

/// Reads one line of a stream, the entry at `place` of the whole stream. With mode `each` an
/// entry with wrong values is refused by itself; one of the wrong shape, or with a card number,
/// is a problem as it is in a document.
pub(crate) fn line(
    document: &Document<'_>,
    mode: BulkMode,
    place: usize,
    batch: &mut CommandBatch,
) -> Result<Option<FieldError>, Problem> {
    let body: EntryBody<'_> = document
        .read()
        .map_err(|problem| within_entry(problem, place))?;
    let mut findings = Findings::default();
    let place = format_args!("/entries/{place}");
    let entry = body.read(
        place,
        &mut AccountNameCache::default(),
        &mut findings,
        batch.new_ids(),
    );
    match (mode, findings.first()) {
        (BulkMode::Each, Some(error)) => Ok(Some(error.clone())),
        _ => {
            batch.push(&findings.conclude(entry)?);
            Ok(None)
        }
    }
}

/// A problem of a line as one of the entry at `place`.
pub(crate) fn within_entry(mut problem: Problem, place: usize) -> Problem {
    let within = problem.param.unwrap_or_default();
    problem.param = Some(format!("/entries/{place}{within}"));
    problem
}
