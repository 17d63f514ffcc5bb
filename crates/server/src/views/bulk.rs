//! What became of a bulk request.

use serde::Serialize;
use tillroll_engine::Position;
use tillroll_events::{EntryId, Event, Record, RefusedItem};
use utoipa::ToSchema;

use crate::bodies::{BulkMode, RefusedBefore};
use crate::pointer;

/// Which results an answer holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Results {
    /// Those of entries that were refused: what a client has to look at.
    #[default]
    Refused,
    /// One for each entry.
    All,
}

impl std::str::FromStr for Results {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "refused" => Ok(Self::Refused),
            "all" => Ok(Self::All),
            _ => Err("`results` is `refused` or `all`"),
        }
    }
}

/// What became of one item of a bulk request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// Its place in the request, from 0.
    index: usize,
    status: BulkStatus,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "tillroll_events::serde_text::option::serialize"
    )]
    #[schema(value_type = Option<String>)]
    id: Option<EntryId>,
    /// Of the event that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// JSON Pointer to the field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BulkStatus {
    Posted,
    Refused,
}

/// What became of a bulk request, or of one command of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BulkResults)]
pub(crate) struct BulkView {
    #[schema(example = "bulk")]
    object: &'static str,
    mode: BulkModeView,
    /// The place of the first entry that this speaks of: 0, but for later commands of a stream.
    first_index: usize,
    posted: usize,
    refused: usize,
    /// Where the events lie on the roll, when there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_position: Option<u64>,
    /// In a stream: whether the command had been applied before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replayed: Option<bool>,
    /// In order of the request: of the entries that were refused, or with `results=all` of each.
    results: Vec<BulkResult>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum BulkModeView {
    All,
    Each,
}

impl BulkView {
    /// Of the records of the command, and of what was refused before it. Both are the same when
    /// the request is repeated. `first` is the place of the command's first entry, `count` how
    /// many it has.
    pub(crate) fn of_records(
        mode: BulkMode,
        first: usize,
        count: usize,
        before: Vec<RefusedBefore>,
        records: &[(Position, Record)],
        results: Results,
    ) -> Self {
        let asked = RequestedPlaces::new(count, &before);
        let mut refused: Vec<BulkResult> = before
            .into_iter()
            .map(|RefusedBefore { index, error }| BulkResult {
                code: Some(error.code),
                detail: Some(error.detail),
                param: Some(error.pointer),
                ..BulkResult::new(first + index, BulkStatus::Refused)
            })
            .collect();
        refused.extend(by_book(records).filter_map(|item| {
            let index = first + asked.index(usize::try_from(item.index).ok()?)?;
            Some(of_item(index, item))
        }));
        refused.sort_unstable_by_key(|result| result.index);
        let count_refused = refused.len();
        let results = match results {
            Results::Refused => refused,
            Results::All => all(first, count, refused, records),
        };
        let ends = records.first().zip(records.last());
        Self {
            object: "bulk",
            mode: match mode {
                BulkMode::All => BulkModeView::All,
                BulkMode::Each => BulkModeView::Each,
            },
            first_index: first,
            posted: count - count_refused,
            refused: count_refused,
            first_position: ends.map(|((position, _), _)| position.get()),
            last_position: ends.map(|(_, (position, _))| position.get()),
            replayed: None,
            results,
        }
    }
}

impl BulkResult {
    fn new(index: usize, status: BulkStatus) -> Self {
        Self {
            index,
            status,
            id: None,
            position: None,
            code: None,
            detail: None,
            param: None,
        }
    }
}

/// What the book refused.
fn by_book(records: &[(Position, Record)]) -> impl Iterator<Item = &RefusedItem> {
    let closed = records
        .iter()
        .filter_map(|(_, record)| match &record.event {
            Event::BulkClosed(closed) => Some(&closed.refused),
            _ => None,
        });
    closed.flatten()
}

fn of_item(index: usize, item: &RefusedItem) -> BulkResult {
    let param = match &item.param {
        Some(param) => format!("/entries/{index}{}", pointer::from_path(param)),
        None => format!("/entries/{index}"),
    };
    BulkResult {
        code: Some(item.code.clone()),
        detail: Some(item.detail.clone()),
        param: Some(param),
        ..BulkResult::new(index, BulkStatus::Refused)
    }
}

/// Those that were refused, and between them those that were posted, in order.
fn all(
    first: usize,
    count: usize,
    refused: Vec<BulkResult>,
    records: &[(Position, Record)],
) -> Vec<BulkResult> {
    let mut posted = posted(records, count).into_iter();
    let mut refused = refused.into_iter().peekable();
    let result = |index| match refused.next_if(|result| result.index == index) {
        Some(result) => Some(result),
        None => posted.next().map(|(position, id)| BulkResult {
            id: Some(id),
            position: Some(position.get()),
            ..BulkResult::new(index, BulkStatus::Posted)
        }),
    };
    (first..first + count).filter_map(result).collect()
}

/// The entries that were posted, in the order of the request.
fn posted(records: &[(Position, Record)], at_most: usize) -> Vec<(Position, EntryId)> {
    let mut posted = Vec::with_capacity(at_most);
    for (position, record) in records {
        match &record.event {
            Event::EntryPosted(event) => posted.push((*position, event.id)),
            Event::EntriesPosted(event) => {
                event.entries.for_each(|id, _| posted.push((*position, id)));
            }
            _ => {}
        }
    }
    posted
}

/// Which places of the request the book was asked for.
struct RequestedPlaces {
    /// None when it was asked for all.
    places: Option<Vec<usize>>,
    count: usize,
}

impl RequestedPlaces {
    fn new(count: usize, before: &[RefusedBefore]) -> Self {
        let mut skipped = before.iter().map(|refused| refused.index).peekable();
        let places = (!before.is_empty()).then(|| {
            let asked = |index: &usize| skipped.next_if_eq(index).is_none();
            (0..count).filter(asked).collect()
        });
        Self { places, count }
    }

    fn index(&self, asked: usize) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(asked).copied(),
            None => (asked < self.count).then_some(asked),
        }
    }
}
