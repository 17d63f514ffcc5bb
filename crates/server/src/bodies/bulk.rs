//! `POST /v1/entries/bulk`, read with care: whatever is wrong is named.

use serde::Deserialize;
use serde_json::value::RawValue;
use tillroll_json::{Fingerprinter, canonical, redact};
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

impl RefusedBefore {
    /// Repeats no more of what was sent than a reader needs.
    pub(crate) fn of_problem(index: usize, problem: &Problem) -> Self {
        let short = |text: &str| -> String { redact(text).chars().take(300).collect() };
        let error = FieldError {
            code: problem.code.into(),
            pointer: short(problem.param.as_deref().unwrap_or_default()),
            detail: short(&problem.detail),
        };
        Self { index, error }
    }
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

/// Many entries in one request, each of which may be anything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LooseBulkBody<'a> {
    mode: BulkMode,
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

/// Reads a document with mode `each` entry by entry, so that one of the wrong shape or with a card
/// number is refused by itself. `None` when the document cannot be taken apart, or has another mode:
/// then what is wrong with the whole of it is the answer.
pub(crate) fn each(
    text: &str,
    batch: &mut CommandBatch,
    mut fingerprint: Option<&mut Fingerprinter>,
) -> Option<BulkRead> {
    let Object(body) = serde_json::from_str::<Object<LooseBulkBody<'_>>>(text).ok()?;
    let count = body.entries.len();
    if body.mode != BulkMode::Each || count == 0 || count > MOST_ENTRIES {
        return None;
    }
    let mut refused = Vec::new();
    for (index, entry) in body.entries.iter().enumerate() {
        let read = entry_at(index, entry.get(), batch, fingerprint.as_deref_mut());
        if let Err(problem) = read {
            refused.push(RefusedBefore::of_problem(index, &problem));
        }
    }
    Some(BulkRead {
        mode: body.mode,
        count,
        refused,
    })
}

/// Reads the text of one entry, which is at `place` of the request.
pub(crate) fn entry_at(
    place: usize,
    text: &str,
    batch: &mut CommandBatch,
    fingerprint: Option<&mut Fingerprinter>,
) -> Result<(), Problem> {
    let document = Document::parse(text);
    if let Some(fingerprint) = fingerprint {
        match &document {
            Ok(document) => fingerprint.add_json(document.json()),
            Err(_) => add_unreadable(fingerprint, text),
        }
    }
    let body: Result<EntryBody<'_>, Problem> = document.and_then(|document| document.read());
    let body = body.map_err(|problem| within_entry(problem, place))?;
    let mut findings = Findings::default();
    let entry = body.read(
        format_args!("/entries/{place}"),
        &mut AccountNameCache::default(),
        &mut findings,
        batch.new_ids(),
    );
    batch.push(&findings.conclude(entry)?);
    Ok(())
}

/// Covers an entry that is no JSON, or of which nothing may be kept.
pub(crate) fn add_unreadable(fingerprint: &mut Fingerprinter, text: &str) {
    let text = match tillroll_json::contains_card_number(text) {
        true => "",
        false => text,
    };
    fingerprint.add(|out| {
        canonical::list(out, 2);
        canonical::text(out, "unreadable");
        canonical::text(out, text);
    });
}

/// A problem of a line as one of the entry at `place`.
pub(crate) fn within_entry(mut problem: Problem, place: usize) -> Problem {
    let within = problem.param.unwrap_or_default();
    problem.param = Some(format!("/entries/{place}{within}"));
    problem
}
