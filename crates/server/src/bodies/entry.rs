//! `POST /v1/entries`.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use tillroll_book::{PostEntry, PostingRequest};
use tillroll_events::{CalendarDate, EntryId, Metadata};
use tillroll_ledger::{AccountPath, MAX_POSTINGS};
use tillroll_money::Unit;
use utoipa::ToSchema;

use crate::code::Code;
use crate::findings::Findings;
use crate::new_ids::NewIds;
use crate::object::Object;
use crate::openapi::MetadataSchema;
use crate::problem::Problem;
use crate::scalar::{Minor, Positive};

/// A journal entry to post: postings that balance in every unit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EntryRequest)]
pub(crate) struct EntryBody<'a> {
    /// Made up when it is left out.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "ent_01k3m8q5e5f4vb4rj2m9w7c0xa", pattern = "^ent_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "Opening balance", min_length = 1, max_length = 500)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    #[schema(value_type = Vec<PostingBody<'a>>, min_items = 2, max_items = 4096)]
    postings: Vec<Object<PostingBody<'a>>>,
    /// Up to 50 keys of up to 40 characters, values of up to 500.
    #[schema(value_type = Option<MetadataSchema>)]
    metadata: Option<Metadata>,
    /// Refused: POST /v1/entries/{id}/reverse does it.
    #[serde(borrow)]
    #[schema(ignore)]
    reverses: Option<Cow<'a, str>>,
    /// The day in whose accounts it belongs, where that is not the day on which it is posted: the
    /// last of a month for what is booked when the month is over. It may be in the future, up to ten
    /// years.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "2026-08-31", format = Date)]
    effective_date: Option<Cow<'a, str>>,
}

/// One leg of an entry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PostingRequest)]
pub(crate) struct PostingBody<'a> {
    /// The path of an open account.
    #[serde(borrow)]
    #[schema(value_type = String, example = "bank:account", pattern = "^[A-Za-z0-9._-]+(:[A-Za-z0-9._-]+){0,7}$", max_length = 160)]
    account: Cow<'a, str>,
    /// An ISO 4217 code, `sku:CODE`, `points` or `points:NAME`.
    #[serde(borrow)]
    #[schema(value_type = String, example = "EUR", max_length = 47, pattern = "^([A-Z]{3}|sku:[A-Za-z0-9._-]+|points(:[A-Za-z0-9._-]+)?)$")]
    unit: Cow<'a, str>,
    /// `debit` or `credit`.
    #[serde(borrow)]
    #[schema(value_type = String, example = "debit")]
    side: Cow<'a, str>,
    #[schema(value_type = Positive)]
    amount: Minor,
}

/// Paths and units that were read before: a request names few of them, many times.
#[derive(Debug, Default)]
pub(crate) struct AccountNameCache {
    paths: HashMap<String, AccountPath>,
    units: HashMap<String, Unit>,
}

impl AccountNameCache {
    fn path(
        &mut self,
        text: &str,
        pointer: std::fmt::Arguments<'_>,
        f: &mut Findings,
    ) -> Option<AccountPath> {
        if let Some(path) = self.paths.get(text) {
            return Some(path.clone());
        }
        let path = f.path(text, pointer)?;
        self.paths.insert(text.to_owned(), path.clone());
        Some(path)
    }

    fn unit(
        &mut self,
        text: &str,
        pointer: std::fmt::Arguments<'_>,
        f: &mut Findings,
    ) -> Option<Unit> {
        if let Some(unit) = self.units.get(text) {
            return Some(*unit);
        }
        let unit = f.unit(text, pointer)?;
        self.units.insert(text.to_owned(), unit);
        Some(unit)
    }
}

/// Reads postings; `place` is the pointer to what holds them.
pub(crate) fn postings(
    bodies: &[Object<PostingBody<'_>>],
    place: std::fmt::Arguments<'_>,
    names: &mut AccountNameCache,
    f: &mut Findings,
) -> Option<Vec<PostingRequest>> {
    if bodies.len() < 2 || bodies.len() > MAX_POSTINGS {
        f.invalid(
            format_args!("{place}/postings"),
            format!(
                "there are 2 to {MAX_POSTINGS} postings, this has {}",
                bodies.len()
            ),
        );
        return None;
    }
    let mut whole = true;
    let mut requests = Vec::with_capacity(bodies.len());
    for (index, Object(body)) in bodies.iter().enumerate() {
        let account = names.path(
            &body.account,
            format_args!("{place}/postings/{index}/account"),
            f,
        );
        let unit = names.unit(&body.unit, format_args!("{place}/postings/{index}/unit"), f);
        let side = f.side(&body.side, format_args!("{place}/postings/{index}/side"));
        let amount = f.positive(body.amount, format_args!("{place}/postings/{index}/amount"));
        match (account, unit, side, amount) {
            (Some(account), Some(unit), Some(side), Some(amount)) => {
                requests.push(PostingRequest {
                    account,
                    unit,
                    side,
                    amount,
                });
            }
            _ => whole = false,
        }
    }
    whole.then_some(requests)
}

impl EntryBody<'_> {
    pub(super) fn read(
        self,
        place: std::fmt::Arguments<'_>,
        names: &mut AccountNameCache,
        f: &mut Findings,
        new_ids: &mut NewIds,
    ) -> Option<PostEntry> {
        let id = match &self.id {
            Some(text) => f.parse::<EntryId>(text, format_args!("{place}/id")),
            None => Some(EntryId::from_u128(new_ids.take())),
        };
        if let Some(description) = &self.description {
            f.text(description, 500, format_args!("{place}/description"));
        }
        if let Some(original) = &self.reverses {
            f.add(
                Code::ReversesRefused,
                format_args!("{place}/reverses"),
                format!(
                    "an entry is reversed with POST /v1/entries/{original}/reverse, in whole or in part"
                ),
            );
        }
        let effective_date = f.parse_option::<CalendarDate>(
            self.effective_date.as_deref(),
            format_args!("{place}/effective_date"),
        );
        let metadata = self.metadata.unwrap_or_default();
        f.metadata(&metadata, format_args!("{place}/metadata"));
        let postings = postings(&self.postings, place, names, f);
        Some(PostEntry {
            id: id?,
            postings: postings?,
            description: self.description.map(Cow::into_owned),
            metadata,
            effective_date: effective_date?,
        })
    }

    pub(crate) fn into_action(self, new_ids: &mut NewIds) -> Result<PostEntry, Problem> {
        let mut findings = Findings::default();
        let entry = self.read(
            format_args!(""),
            &mut AccountNameCache::default(),
            &mut findings,
            new_ids,
        );
        findings.conclude(entry)
    }
}
