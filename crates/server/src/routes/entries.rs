//! Journal entries, one at a time.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use tillroll_book::{Action, CommandKey, PostEntry};
use tillroll_events::EntryId;
use tillroll_ledger::AccountPath;
use tillroll_money::Unit;

use super::{Segment, no_record, path_parameter};
use crate::app::App;
use crate::bodies::{EntryBody, ReversalBody};
use crate::body::{self, JsonText, REQUEST_BYTES};
use crate::code::Code;
use crate::idempotency::{self, RequestName, Reservation};
use crate::new_ids::NewIds;
use crate::post::{self, Post};
use crate::problem::Problem;
use crate::query::Parameters;
use crate::scan::{self, ScannedEntry};
use crate::sender::Sender;
use crate::views::{EntryAnswer, EntryView};

pub(crate) const ROUTE: &str = "/v1/entries";

/// Post a journal entry
///
/// Two or more postings that balance in every unit, to accounts that are open. An account's
/// limit may stand against it. To take an entry back, `POST /v1/entries/{id}/reverse`; `reverses`
/// in an entry to post is refused (`reverses_refused`).
#[utoipa::path(
    post, path = ROUTE, operation_id = "post_entry", tag = "Entries",
    request_body = EntryBody,
    responses(
        (status = 201, description = "The entry", body = EntryView),
    ),
)]
pub(crate) fn create(
    State(app): State<App>,
    request: Request,
) -> impl Future<Output = Result<Response, Problem>> + Send {
    // Taken apart before there is a future: what a future is given takes room in it once more
    // for each that it is handed on to.
    let (parts, content) = request.into_parts();
    post_entry(app, parts.headers, content)
}

async fn post_entry(app: App, headers: HeaderMap, content: Body) -> Result<Response, Problem> {
    let EntryPost {
        entry,
        key,
        legs,
        reservation,
    } = read_request(&app, headers, content).await?;
    let outcome = app
        .submit(
            Sender::ANONYMOUS.caller,
            key,
            None,
            Action::PostEntry(entry),
        )
        .await?;
    let view = EntryAnswer::of_request(&outcome.records, &legs)
        .ok_or_else(|| no_record("entry.posted"))?;
    let response = post::applied(StatusCode::CREATED, &outcome, &view);
    drop(reservation);
    Ok(response)
}

/// What a request asks for.
struct EntryPost {
    entry: PostEntry,
    key: Option<CommandKey>,
    /// Its accounts, in order: the request names what its record has numbers of, so that no
    /// name has to be looked up.
    legs: Vec<(AccountPath, Unit)>,
    /// Held until the answer is ready.
    reservation: Option<Reservation>,
}

/// By itself, so that nothing of the request takes room in the future that waits for the writer.
async fn read_request(app: &App, headers: HeaderMap, content: Body) -> Result<EntryPost, Problem> {
    let bytes = body::read_json(app.capacity(), &headers, content, REQUEST_BYTES).await?;
    let reservation = idempotency::reserve(app.in_flight(), &Sender::ANONYMOUS.scope, &headers)?;
    let (entry, fingerprint) = read_entry(bytes, app.new_ids(), reservation.is_some())?;
    let key = reservation.as_ref().zip(fingerprint);
    let key = key.map(|(key, fingerprint)| key.command_key(0, fingerprint));
    let legs = entry.postings.iter();
    let legs = legs.map(|leg| (leg.account.clone(), leg.unit)).collect();
    Ok(EntryPost {
        entry,
        key,
        legs,
        reservation,
    })
}

/// The entry, and the fingerprint of a request with a key.
fn read_entry(
    bytes: Bytes,
    mut new_ids: NewIds,
    keyed: bool,
) -> Result<(PostEntry, Option<[u8; 16]>), Problem> {
    let name = RequestName {
        method: &Method::POST,
        route: ROUTE,
        parameters: Vec::new(),
    };
    let mut scanned = ScannedEntry::default();
    if let Ok(text) = std::str::from_utf8(&bytes)
        && scan::line(text, &mut scanned).is_some()
    {
        let fingerprint = keyed.then(|| {
            let mut fingerprint = name.fingerprinter();
            fingerprint.add(|out| scan::canonical::write(&scanned, out));
            fingerprint.finish()
        });
        return Ok((scanned.to_entry(&mut new_ids), fingerprint));
    }
    // Something is unusual, or wrong: the careful way finds out what.
    let text = JsonText::new(bytes)?;
    let document = text.document()?;
    let entry = document
        .read::<EntryBody<'_>>()?
        .into_action(&mut new_ids)?;
    let fingerprint = keyed.then(|| idempotency::fingerprint(&name, &document));
    Ok((entry, fingerprint))
}

/// Reverse a journal entry
///
/// Posts an entry that takes it back: to the same accounts, on the opposite sides. In whole (an
/// empty body: all that is left of it), by `amount` where it has two postings, or by `postings`.
/// An entry is reversed once, as far as amounts go: parts add up to at most the whole. A reversal is
/// an entry like any other, and may be reversed itself.
///
/// What the posting rules booked for orders and facts from Stripe has no entry id, and is not
/// reversed by hand: refund or cancel the order.
#[utoipa::path(
    post, path = "/v1/entries/{id}/reverse", operation_id = "reverse_entry", tag = "Entries",
    params(("id" = String, Path, description = "The entry's id", pattern = "^ent_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body(content = ReversalBody, description = "None at all reverses all that is left"),
    responses(
        (status = 201, description = "The entry that takes it back", body = EntryView),
    ),
)]
pub(crate) async fn reverse(
    State(app): State<App>,
    Segment(id): Segment,
    post: Post,
) -> Result<Response, Problem> {
    let id = reversible(&id)?;
    let document = post.document_or_empty()?;
    let body: ReversalBody<'_> = document.read()?;
    let request = body.into_request(&mut app.new_ids())?;
    let original = app.original(id).await?;
    let action = Action::ReverseEntry(request.of(original));
    let key = post.key(&document);
    let outcome = app.submit(post.caller(), key, None, action).await?;
    let names = app.names(&outcome.records).await;
    let view = EntryView::of_reversal(&outcome.records, &names)
        .ok_or_else(|| no_record("entry.reversed"))?;
    Ok(post::applied(StatusCode::CREATED, &outcome, &view))
}

/// The id of an entry that was posted by command; only those have one.
fn reversible(text: &str) -> Result<EntryId, Problem> {
    let instead = [
        (
            "ord_",
            "what is booked for an order follows the order: refund it with Stripe, or cancel it with POST /v1/orders/{id}/cancel",
        ),
        (
            "hld_",
            "what a hold has posted is no entry of its own: POST /v1/entries with the opposite sides gives it back",
        ),
        (
            "evt_",
            "an event is no entry: reverse an entry by its own id (`ent_`); what is booked for an order or a fact from Stripe follows that",
        ),
    ];
    for (prefix, instead) in instead {
        if text.starts_with(prefix) {
            return Err(Problem::new(Code::EntryNotReversible, instead).with_param("id"));
        }
    }
    path_parameter("id", text)
}

/// Get a journal entry
#[utoipa::path(
    get, path = "/v1/entries/{id}", operation_id = "get_entry", tag = "Entries",
    params(("id" = String, Path, description = "The entry's id", pattern = "^ent_[0-7][0-9a-hjkmnp-tv-z]{25}$"), crate::openapi::WhenParameters),
    responses(
        (status = 200, description = "The entry", body = EntryView),
    ),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Segment(id): Segment,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let id: EntryId = path_parameter("id", &id)?;
    let when = parameters.when()?;
    parameters.finish()?;
    let found = app
        .read(when, move |models, as_of| models.entry(id, as_of))
        .await?;
    match found.value {
        Some(row) => Ok(post::read(found.position, &EntryView::of_row(row))),
        None => Err(Problem::new(
            Code::EntryNotFound,
            format!("there is no entry {id}"),
        )),
    }
}
