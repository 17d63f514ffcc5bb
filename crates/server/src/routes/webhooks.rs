//! Webhooks from Stripe, and the list of those that were not understood.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use tillroll_book::{Action, CommandKey, Observe, Refusal};
use tillroll_engine::{Outcome, SubmitError};
use tillroll_events::{Caller, Event};
use tillroll_projections::{PositionPage, UnrecognisedRow};
use tillroll_stripe::{BodyError, SignatureError};
use utoipa::ToSchema;

use crate::app::{App, blocking};
use crate::body::{self, WEBHOOK_BYTES};
use crate::code::Code;
use crate::list::{List, ShortenedAt};
use crate::metrics::WebhookOutcome;
use crate::post;
use crate::problem::{Problem, headers};
use crate::query::{PAGE_DEFAULT, PAGE_LIMIT, Parameters};

/// Longer bodies are read aside, so that other requests do not wait behind them: the signature
/// and the facts of so many bytes take about a tenth of a millisecond.
const LONG: usize = 16 * 1024;

pub(crate) const ROUTE: &str = "/v1/webhooks/stripe";

/// Why a notification with the id of another one is kept and not applied.
const EVENT_ID_REUSED: &str = "event_id_reused";

/// What became of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct WebhookReceipt {
    #[schema(example = "webhook_receipt")]
    object: &'static str,
    /// The event's id.
    #[schema(example = "evt_1PqTrbLKXz")]
    id: String,
    /// `recorded`, `known`, `unrecognised` or `event_id_reused`.
    status: &'static str,
}

/// An authentic webhook that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct UnrecognisedWebhook {
    #[schema(example = "unrecognised_webhook")]
    object: &'static str,
    /// The event's id. An id may be here more than once; the cursor is the position.
    id: String,
    /// Its type: `charge.updated`.
    #[serde(rename = "type")]
    kind: String,
    account: Option<String>,
    api_version: Option<String>,
    created: Option<String>,
    livemode: bool,
    /// Why: `unknown_type`, `malformed`, `event_id_reused`, …
    reason: String,
    detail: Option<String>,
    /// As it was received; card numbers are taken out.
    body: Option<String>,
    recorded_at: String,
    position: u64,
}

impl UnrecognisedWebhook {
    fn of(row: UnrecognisedRow) -> Self {
        Self {
            object: "unrecognised_webhook",
            id: row.id,
            kind: row.kind,
            account: row.account,
            api_version: row.api_version,
            created: row.created.map(|time| time.to_string()),
            livemode: row.livemode,
            reason: row.reason,
            detail: row.detail,
            body: row.body,
            recorded_at: row.recorded_at.to_string(),
            position: row.position,
        }
    }
}

/// Receive a Stripe webhook
///
/// Answered 200 only when it is durable. A bad or old signature is refused and leaves no trace.
/// What is authentic is kept whether or not it is understood; the rest is listed at
/// `GET /v1/webhooks/unrecognised`.
#[utoipa::path(
    post, path = ROUTE, operation_id = "receive_stripe_webhook", tag = "Stripe",
    params(("Stripe-Signature" = String, Header, description = "As Stripe signs it")),
    request_body(content = serde_json::Value, description = "A Stripe event"),
    responses((status = 200, description = "It is on the roll", body = WebhookReceipt)),
)]
pub(crate) fn receive(
    State(app): State<App>,
    request: Request,
) -> impl Future<Output = Result<Response, Problem>> + Send {
    // Taken apart before there is a future: what a future is given takes room in it once more
    // for each that it is handed on to.
    let (parts, content) = request.into_parts();
    deliver(app, parts.headers, content)
}

async fn deliver(app: App, headers: HeaderMap, content: Body) -> Result<Response, Problem> {
    let received = record_notification(&app, &headers, content).await;
    let outcome = match &received {
        Ok((outcome, _)) => *outcome,
        Err(problem) if problem.status.is_server_error() => WebhookOutcome::Failed,
        Err(_) => WebhookOutcome::Rejected,
    };
    app.metrics().count_webhook(outcome);
    received.map(|(_, response)| response)
}

async fn record_notification(
    app: &App,
    headers: &HeaderMap,
    content: Body,
) -> Result<(WebhookOutcome, Response), Problem> {
    if app.secrets().is_empty() {
        return Err(Problem::new(
            Code::WebhookSecretMissing,
            "no webhook secret is configured: start the server with --stripe-webhook-secret",
        ));
    }
    let (bytes, id, submitted) = {
        let (bytes, (key, observe)) = read_notification(app, headers, content).await?;
        let id = observe.notification.id.to_string();
        let submitted = app.submit(Caller::STRIPE, Some(key), None, Action::Observe(observe));
        (bytes, id, submitted)
    };
    let (what, outcome) = match submitted.await {
        Ok(outcome) => (outcome_of(&outcome), outcome),
        // In memory of its own, because few need it: the future of every webhook is the smaller.
        // Nothing can be recorded now, and Stripe sends it again.
        Err(error @ SubmitError::Refused(Refusal::ClockWrong(_))) => return Err(error.into()),
        Err(SubmitError::Refused(refusal)) => {
            Box::pin(record_refused(app, refusal, &bytes)).await?
        }
        Err(error) => return Err(error.into()),
    };
    let receipt = WebhookReceipt {
        object: "webhook_receipt",
        id,
        status: what.as_str(),
    };
    Ok((what, post::applied(StatusCode::OK, &outcome, &receipt)))
}

/// The body, and what it says. By itself, so that nothing of the request takes room in the future
/// that waits for the writer.
async fn read_notification(
    app: &App,
    given: &HeaderMap,
    content: Body,
) -> Result<(Bytes, (CommandKey, Observe)), Problem> {
    let bytes = body::read(app.capacity(), given, content, WEBHOOK_BYTES).await?;
    let signature = given.get(headers::STRIPE_SIGNATURE);
    let signature = signature.map(axum::http::HeaderValue::as_bytes);
    let said = if bytes.len() < LONG {
        verify_and_translate(app, signature, &bytes)?
    } else {
        let (app, bytes) = (app.clone(), bytes.clone());
        let signature = signature.map(<[u8]>::to_vec);
        let aside = blocking(move || verify_and_translate(&app, signature.as_deref(), &bytes));
        Box::pin(aside).await??
    };
    Ok((bytes, said))
}

/// What an authentic delivery says. The body is read once as JSON, and once for its signature.
fn verify_and_translate(
    app: &App,
    signature: Option<&[u8]>,
    bytes: &[u8],
) -> Result<(CommandKey, Observe), Problem> {
    tillroll_stripe::verify(signature, bytes, app.secrets(), app.now()).map_err(not_authentic)?;
    tillroll_stripe::translate(bytes).map_err(|error| no_event(&error))
}

/// What is authentic is never lost: what the book cannot apply is kept as not understood.
async fn record_refused(
    app: &App,
    refusal: Refusal,
    bytes: &[u8],
) -> Result<(WebhookOutcome, Outcome), Problem> {
    // Few are refused: reading those again costs less than a copy of every one.
    let (key, observe) = tillroll_stripe::translate(bytes).map_err(|error| no_event(&error))?;
    if matches!(refusal, Refusal::IdempotencyConflict { .. }) {
        return record_again(app, key, observe, bytes).await;
    }
    let detail = format!("{}: {refusal}", refusal.code());
    keep(app, key, observe, bytes, "refused", detail).await
}

/// The event id came before with other content: two endpoints of different API versions render
/// one event differently, and a test system may use an id again. Both are authentic, and facts
/// join in any order, so what it says counts; what says nothing is kept and listed.
async fn record_again(
    app: &App,
    key: CommandKey,
    observe: Observe,
    bytes: &[u8],
) -> Result<(WebhookOutcome, Outcome), Problem> {
    let key = CommandKey {
        scope: key.scope,
        key: format!("{}:{}", key.key, hex(&key.fingerprint)),
        fingerprint: key.fingerprint,
    };
    let detail = "the event id came before with other content";
    if observe.facts.is_empty() {
        return keep(app, key, observe, bytes, EVENT_ID_REUSED, detail.to_owned()).await;
    }
    let mut again = observe.clone();
    again.notification.detail = Some(detail.to_owned());
    match app
        .submit(
            Caller::STRIPE,
            Some(key.clone()),
            None,
            Action::Observe(again),
        )
        .await
    {
        Ok(outcome) => Ok((outcome_of(&outcome), outcome)),
        Err(SubmitError::Refused(refusal)) => {
            let detail = format!("{detail}; {}: {refusal}", refusal.code());
            keep(app, key, observe, bytes, EVENT_ID_REUSED, detail).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Keeps a notification without its facts, and its body with it.
async fn keep(
    app: &App,
    key: CommandKey,
    observe: Observe,
    bytes: &[u8],
    reason: &str,
    detail: String,
) -> Result<(WebhookOutcome, Outcome), Problem> {
    let mut notification = observe.notification;
    notification.unrecognised = Some(reason.into());
    // A refusal names what the event said.
    notification.detail = Some(tillroll_json::redact(&detail));
    if notification.body.is_none() {
        let body = tillroll_stripe::storable(bytes).map_err(|error| no_event(&error))?;
        notification.body = Some(body);
    }
    let kept = Observe {
        notification,
        facts: Vec::new(),
    };
    let outcome = app
        .submit(Caller::STRIPE, Some(key), None, Action::Observe(kept))
        .await?;
    let what = match (outcome.replayed, reason) {
        (true, _) => WebhookOutcome::Known,
        (false, EVENT_ID_REUSED) => WebhookOutcome::EventIdReused,
        (false, _) => WebhookOutcome::Unrecognised,
    };
    Ok((what, outcome))
}

fn outcome_of(outcome: &Outcome) -> WebhookOutcome {
    if outcome.replayed || outcome.is_empty() {
        return WebhookOutcome::Known;
    }
    let unrecognised = outcome.records.iter().any(|(_, record)| {
        matches!(&record.event, Event::NotificationReceived(n) if n.unrecognised.is_some())
    });
    if unrecognised {
        WebhookOutcome::Unrecognised
    } else {
        WebhookOutcome::Recorded
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn not_authentic(error: SignatureError) -> Problem {
    let code = match error {
        SignatureError::Missing => Code::SignatureMissing,
        SignatureError::Malformed => Code::SignatureMalformed,
        SignatureError::NoV1 => Code::SignatureSchemeMissing,
        SignatureError::NoMatch => Code::SignatureMismatch,
        SignatureError::Stale { .. } => Code::SignatureStale,
    };
    Problem::new(code, error.to_string()).with_param("Stripe-Signature")
}

fn no_event(error: &BodyError) -> Problem {
    let code = match error {
        BodyError::NotUtf8 => Code::BodyNotUtf8,
        BodyError::NotJson(_) => Code::JsonMalformed,
        BodyError::NotAnObject | BodyError::Id | BodyError::Type => Code::ParameterInvalid,
    };
    let mut problem = Problem::new(code, error.to_string());
    problem.status = StatusCode::BAD_REQUEST;
    match error.param() {
        Some(param) => problem.with_param(format!("/{param}")),
        None => problem,
    }
}

/// List webhooks that were not understood
///
/// Newest first. A cursor is an item's `position`.
#[utoipa::path(
    get, path = "/v1/webhooks/unrecognised", operation_id = "list_unrecognised_webhooks", tag = "Stripe",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 when it is left out", minimum = 1, maximum = 100),
        ("starting_after" = Option<u64>, Query, description = "Older than the one at this position"),
        ("ending_before" = Option<u64>, Query, description = "Newer than the one at this position"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "A page of webhooks", body = List<UnrecognisedWebhook>)),
)]
pub(crate) async fn unrecognised(
    State(app): State<App>,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let page = PositionPage {
        limit: parameters.limit(PAGE_DEFAULT, PAGE_LIMIT)?,
        after: parameters.position("starting_after")?,
        before: parameters.position("ending_before")?,
        as_of: None,
    };
    let shortened = match page.before {
        Some(_) => ShortenedAt::Start,
        None => ShortenedAt::End,
    };
    let when = parameters.when()?;
    parameters.finish()?;
    let found = app
        .read(when, move |models, as_of| {
            models.unrecognised(&PositionPage { as_of, ..page })
        })
        .await?;
    let page = found.value.map(UnrecognisedWebhook::of);
    let list = List::new("/v1/webhooks/unrecognised", page.items, page.has_more);
    Ok(post::read_list(&app, found.position, &list, shortened))
}
