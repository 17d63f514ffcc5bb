//! What a poller got from Stripe.

use std::collections::HashSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use tillroll_book::Action;
use tillroll_events::{Event, ExternalId};
use tillroll_stripe::{ImportError, Reason};
use utoipa::ToSchema;

use crate::app::App;
use crate::code::Code;
use crate::pointer;
use crate::post::{self, Post};
use crate::problem::Problem;

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Import)]
pub(crate) struct ImportView {
    #[schema(example = "import")]
    object: &'static str,
    /// How many are new on the roll.
    recorded: usize,
    /// How many were there before.
    known: usize,
}

/// Record balance transactions
///
/// Stripe sends no webhook for them: poll `GET /v1/balance_transactions` and send what it
/// answers, the list or a single object. Sending the same ones again does no harm.
#[utoipa::path(
    post, path = "/v1/stripe/balance-transactions", operation_id = "record_balance_transactions", tag = "Stripe",
    request_body(content = serde_json::Value, description = "Stripe's list of balance transactions, or one of them"),
    responses((status = 200, description = "How many were new", body = ImportView)),
)]
pub(crate) async fn record_balance_transactions(
    State(app): State<App>,
    post: Post,
) -> Result<Response, Problem> {
    let document = post.document()?;
    let facts = tillroll_stripe::balance_transactions_in(document.json())
        .map_err(|error| refused(&error))?;
    let asked: HashSet<ExternalId> = facts.iter().map(|fact| fact.id.clone()).collect();
    let outcome = app
        .submit(
            post.caller(),
            post.key(&document),
            None,
            Action::RecordBalanceTransactions(facts),
        )
        .await?;
    let booked: HashSet<&ExternalId> = outcome
        .records
        .iter()
        .filter_map(|(_, record)| match &record.event {
            Event::BalanceTransactionBooked(booked) => Some(&booked.facts.id),
            _ => None,
        })
        .filter(|id| asked.contains(*id))
        .collect();
    let view = ImportView {
        object: "import",
        recorded: booked.len(),
        known: asked.len() - booked.len(),
    };
    Ok(post::applied(StatusCode::OK, &outcome, &view))
}

fn refused(error: &ImportError) -> Problem {
    let code = match error {
        ImportError::NotUtf8 => Code::BodyNotUtf8,
        ImportError::NotJson(_) => Code::JsonMalformed,
        ImportError::NotAList => Code::BalanceTransactionsMissing,
        ImportError::TooMany { .. } => Code::TooManyBalanceTransactions,
        ImportError::BalanceTransaction { reason, .. } => match reason {
            Reason::UnsupportedCurrency => Code::UnsupportedCurrency,
            Reason::AmountPrecision => Code::AmountPrecision,
            Reason::UnknownType
            | Reason::NoFacts
            | Reason::ThinEvent
            | Reason::ConnectedAccount
            | Reason::Malformed => Code::ParameterInvalid,
        },
    };
    let problem = Problem::new(code, error.to_string());
    match error.param() {
        Some(param) => problem.with_param(pointer::from_path(&param)),
        None => problem,
    }
}
