//! `POST /v1/holds` and its captures.

use std::borrow::Cow;

use serde::Deserialize;
use tillroll_book::{CaptureHold, CapturePart, PlaceHold};
use tillroll_events::{HoldId, Metadata, Timestamp};
use utoipa::ToSchema;

use super::entry::{AccountNameCache, PostingBody, postings};
use crate::findings::Findings;
use crate::new_ids::NewIds;
use crate::object::Object;
use crate::openapi::MetadataSchema;
use crate::problem::Problem;
use crate::scalar::{Minor, Positive};

/// A hold to place: an entry that is pending until it is captured, in part or whole, or voided.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HoldRequest)]
pub(crate) struct HoldBody<'a> {
    /// Made up when it is left out.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "hld_01k3m8q5e5f4vb4rj2m9w7c0xa", pattern = "^hld_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    #[schema(value_type = Vec<PostingBody<'a>>, min_items = 2, max_items = 4096)]
    postings: Vec<Object<PostingBody<'a>>>,
    /// RFC 3339. From then on it can no longer be captured, and what it holds is free again.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Cow<'a, str>>,
    #[schema(value_type = Option<MetadataSchema>)]
    metadata: Option<Metadata>,
}

/// How much to capture: all of it when the body is empty, an `amount` of a hold with two
/// postings, or `postings` that are part of the hold. The rest is released.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CaptureRequest)]
pub(crate) struct CaptureBody<'a> {
    #[schema(value_type = Option<Positive>)]
    amount: Option<Minor>,
    #[serde(borrow)]
    #[schema(value_type = Option<Vec<PostingBody<'a>>>)]
    postings: Option<Vec<Object<PostingBody<'a>>>>,
}

impl HoldBody<'_> {
    pub(crate) fn into_action(self, new_ids: &mut NewIds) -> Result<PlaceHold, Problem> {
        let mut findings = Findings::default();
        let f = &mut findings;
        let id = match &self.id {
            Some(text) => f.parse::<HoldId>(text, format_args!("/id")),
            None => Some(HoldId::from_u128(new_ids.take())),
        };
        if let Some(description) = &self.description {
            f.text(description, 500, format_args!("/description"));
        }
        let expires_at =
            f.parse_option::<Timestamp>(self.expires_at.as_deref(), format_args!("/expires_at"));
        let metadata = self.metadata.unwrap_or_default();
        f.metadata(&metadata, format_args!("/metadata"));
        let postings = postings(
            &self.postings,
            format_args!(""),
            &mut AccountNameCache::default(),
            f,
        );
        let description = self.description.map(Cow::into_owned);
        let hold = (|| {
            Some(PlaceHold {
                id: id?,
                postings: postings?,
                expires_at: expires_at?,
                description,
                metadata,
            })
        })();
        findings.conclude(hold)
    }
}

impl CaptureBody<'_> {
    pub(crate) fn into_action(self, id: HoldId) -> Result<CaptureHold, Problem> {
        let mut findings = Findings::default();
        let f = &mut findings;
        let part = match (self.amount, self.postings) {
            (None, None) => Some(CapturePart::All),
            (Some(amount), None) => f
                .positive(amount, format_args!("/amount"))
                .map(CapturePart::Amount),
            (None, Some(bodies)) => postings(
                &bodies,
                format_args!(""),
                &mut AccountNameCache::default(),
                f,
            )
            .map(CapturePart::Postings),
            (Some(_), Some(_)) => {
                f.invalid(
                    format_args!("/postings"),
                    "say an amount or postings, not both",
                );
                None
            }
        };
        findings.conclude(part.map(|part| CaptureHold { id, part }))
    }
}
