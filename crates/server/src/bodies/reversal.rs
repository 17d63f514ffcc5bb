//! `POST /v1/entries/{id}/reverse`.

use std::borrow::Cow;

use serde::Deserialize;
use tillroll_book::{OriginalEntry, ReversalPart, ReverseEntry};
use tillroll_events::{CalendarDate, EntryId, Metadata};
use utoipa::ToSchema;

use super::entry::{AccountNameCache, PostingBody, postings};
use crate::findings::Findings;
use crate::new_ids::NewIds;
use crate::object::Object;
use crate::openapi::MetadataSchema;
use crate::problem::Problem;
use crate::scalar::{Minor, Positive};

/// How much of an entry to take back: all that is left of it when neither `amount` nor `postings`
/// is there.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReversalRequest)]
pub(crate) struct ReversalBody<'a> {
    /// Of the entry that is posted. Made up when it is left out.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "ent_01k3m8q5e5f4vb4rj2m9w7c0xb", pattern = "^ent_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "Booked twice", min_length = 1, max_length = 500)]
    description: Option<Cow<'a, str>>,
    /// A part of an entry with two postings.
    #[schema(value_type = Option<Positive>)]
    amount: Option<Minor>,
    /// A part of any entry, as it is to be posted: the entry's accounts on the opposite sides.
    #[serde(borrow)]
    #[schema(value_type = Option<Vec<PostingBody<'a>>>, min_items = 2, max_items = 4096)]
    postings: Option<Vec<Object<PostingBody<'a>>>>,
    /// Up to 50 keys of up to 40 characters, values of up to 500.
    #[schema(value_type = Option<MetadataSchema>)]
    metadata: Option<Metadata>,
    /// The day in whose accounts it belongs, where that is not the day on which it is posted.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "2026-08-31", format = Date)]
    effective_date: Option<Cow<'a, str>>,
}

/// What a body asks for, of whichever entry.
#[derive(Debug)]
pub(crate) struct ReversalRequest {
    id: EntryId,
    part: ReversalPart,
    description: Option<String>,
    metadata: Metadata,
    effective_date: Option<CalendarDate>,
}

impl ReversalBody<'_> {
    pub(crate) fn into_request(self, new_ids: &mut NewIds) -> Result<ReversalRequest, Problem> {
        let mut findings = Findings::default();
        let f = &mut findings;
        let id = match &self.id {
            Some(text) => f.parse::<EntryId>(text, format_args!("/id")),
            None => Some(EntryId::from_u128(new_ids.take())),
        };
        if let Some(description) = &self.description {
            f.text(description, 500, format_args!("/description"));
        }
        let effective_date = f.parse_option::<CalendarDate>(
            self.effective_date.as_deref(),
            format_args!("/effective_date"),
        );
        let metadata = self.metadata.unwrap_or_default();
        f.metadata(&metadata, format_args!("/metadata"));
        let part = match (self.amount, self.postings) {
            (None, None) => Some(ReversalPart::All),
            (Some(amount), None) => f
                .positive(amount, format_args!("/amount"))
                .map(ReversalPart::Amount),
            (None, Some(bodies)) => postings(
                &bodies,
                format_args!(""),
                &mut AccountNameCache::default(),
                f,
            )
            .map(ReversalPart::Postings),
            (Some(_), Some(_)) => {
                f.invalid(
                    format_args!("/postings"),
                    "say an amount or postings, not both",
                );
                None
            }
        };
        let description = self.description.map(Cow::into_owned);
        let request = (|| {
            Some(ReversalRequest {
                id: id?,
                part: part?,
                description,
                metadata,
                effective_date: effective_date?,
            })
        })();
        findings.conclude(request)
    }
}

impl ReversalRequest {
    pub(crate) fn of(self, original: OriginalEntry) -> ReverseEntry {
        let Self {
            id,
            part,
            description,
            metadata,
            effective_date,
        } = self;
        ReverseEntry {
            id,
            original,
            part,
            description,
            metadata,
            effective_date,
        }
    }
}
