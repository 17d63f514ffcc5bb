//! Every code that a problem can carry, with its status and what it means.
//!
//! Codes are part of the interface: they are never renamed. Those of refusals come from the
//! book; the others are about HTTP and live here.

use axum::http::StatusCode;
use tillroll_book::{Refusal, Retry};

macro_rules! codes {
    ($($variant:ident $text:literal $status:ident $retry:ident $description:literal,)+) => {
        /// What went wrong before or beside the book.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code {
            $($variant,)+
        }

        impl Code {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            pub(crate) fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            pub(crate) fn retry(self) -> Retry {
                match self { $(Self::$variant => Retry::$retry,)+ }
            }

            pub(crate) fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)+ }
            }
        }
    };
}

codes! {
    JsonMalformed "json_malformed" BAD_REQUEST Never
        "The body is not JSON, or ends too early. `detail` says where.",
    BodyNotUtf8 "body_not_utf8" BAD_REQUEST Never
        "The body is not UTF-8. JSON always is.",
    BodyIncomplete "body_incomplete" BAD_REQUEST AfterChange
        "The connection ended before the body did. Send the request again.",
    BodyTooLarge "body_too_large" PAYLOAD_TOO_LARGE Never
        "The body is longer than this route takes. Split the request.",
    BodyTimeout "body_timeout" REQUEST_TIMEOUT AfterChange
        "The body did not arrive in time: a whole one within 20 s, of a stream of entries at least 10 KiB in each 20 s. Send the request again.",
    MediaTypeUnsupported "media_type_unsupported" UNSUPPORTED_MEDIA_TYPE Never
        "The body must be `Content-Type: application/json`.",
    ParameterUnknown "parameter_unknown" UNPROCESSABLE_ENTITY Never
        "There is no such field. It is refused rather than ignored, because a misspelt field would otherwise be lost without a word. 422 in a body, 400 in a query.",
    ParameterMissing "parameter_missing" UNPROCESSABLE_ENTITY Never
        "A field that is needed is not there.",
    ParameterInvalid "parameter_invalid" UNPROCESSABLE_ENTITY Never
        "A field has a value that cannot be used; `param` names it. 422 in a body, 400 in a path or query.",
    AmountOutOfRange "amount_out_of_range" UNPROCESSABLE_ENTITY Never
        "An amount or a sum of amounts exceeds 9223372036854775807 minor units.",
    CardNumberRefused "card_number_refused" UNPROCESSABLE_ENTITY Never
        "A field holds a payment card number. Card numbers must never reach this server: let Stripe collect them and send its ids. Nothing of the request was kept or logged.",
    IdempotencyKeyInvalid "idempotency_key_invalid" BAD_REQUEST Never
        "An Idempotency-Key has 1 to 255 visible ASCII characters, and there is only one.",
    IdempotencyKeyInFlight "idempotency_key_in_flight" CONFLICT AfterChange
        "A request with this Idempotency-Key is being worked on. Send it again in a moment to get its answer.",
    EntryNotFound "entry_not_found" NOT_FOUND AfterChange
        "There is no journal entry with this id.",
    EntryNotReversible "entry_not_reversible" CONFLICT Never
        "What the posting rules booked for an order, a hold or a fact from Stripe is not reversed by hand: it would be booked again. `detail` says what to do instead.",
    ReversesRefused "reverses_refused" UNPROCESSABLE_ENTITY Never
        "An entry is reversed with POST /v1/entries/{id}/reverse, which checks what is left of it. `reverses` in an entry to post would be a remark that nothing checks.",
    RouteNotFound "route_not_found" NOT_FOUND Never
        "There is nothing at this path. /openapi.json lists what there is.",
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED Never
        "This path does not take this method; the Allow header lists those that it takes.",
    HostNotAllowed "host_not_allowed" MISDIRECTED_REQUEST Never
        "The Host header names another machine. Without authentication the server answers to localhost and loopback addresses only, so that no web page can reach it through a name of its own.",
    PositionNotWritten "position_not_written" PRECONDITION_FAILED AfterChange
        "The roll does not reach as far as the position that was asked for.",
    PositionNotReached "position_not_reached" SERVICE_UNAVAILABLE AfterChange
        "The read models have not come as far as the position yet. Ask again after Retry-After.",
    ReadModelsFailed "read_models_failed" SERVICE_UNAVAILABLE AfterChange
        "The read models cannot be read, or do not follow the roll: `detail` says why (a full disk, say) and how far they are behind. What is acknowledged is safe on the roll. Mend the cause; damaged read models can be deleted and are rebuilt at the next start.",
    ReadModelsBehind "read_models_behind" SERVICE_UNAVAILABLE AfterChange
        "The read models follow the roll and are more than a minute behind, as after a start at which they are built anew. Ask again after Retry-After, or read with `as_of` a position that they have reached.",
    RollUnreadable "roll_unreadable" SERVICE_UNAVAILABLE AfterChange
        "Committed records cannot be read back. Run `tillroll verify`.",
    SignatureMissing "signature_missing" BAD_REQUEST Never
        "A webhook carries a Stripe-Signature header.",
    SignatureMalformed "signature_malformed" BAD_REQUEST Never
        "The Stripe-Signature header has no readable timestamp. Nothing was recorded.",
    SignatureSchemeMissing "signature_scheme_missing" BAD_REQUEST Never
        "The Stripe-Signature header has no signature of scheme v1. Nothing was recorded.",
    SignatureMismatch "signature_mismatch" BAD_REQUEST Never
        "No signature matches this body and any of the configured secrets. Nothing was recorded.",
    SignatureStale "signature_stale" BAD_REQUEST Never
        "The signature is right, but too old. Stripe signs every retry anew. Nothing was recorded.",
    BalanceTransactionsMissing "balance_transactions_missing" UNPROCESSABLE_ENTITY Never
        "The body is neither Stripe's list of balance transactions nor one of them.",
    TooManyBalanceTransactions "too_many_balance_transactions" UNPROCESSABLE_ENTITY Never
        "More balance transactions than one request may hold. Split the request.",
    UnsupportedCurrency "unsupported_currency" UNPROCESSABLE_ENTITY Never
        "The currency is not one of ISO 4217.",
    AmountPrecision "amount_precision" UNPROCESSABLE_ENTITY Never
        "The amount cannot be expressed in the currency's minor unit.",
    WebhookSecretMissing "webhook_secret_missing" SERVICE_UNAVAILABLE AfterChange
        "No webhook secret is configured, so no webhook can be trusted. Start the server with --stripe-webhook-secret.",
    Overloaded "overloaded" SERVICE_UNAVAILABLE AfterChange
        "More is asked of the server at once than it takes: commands that wait, bodies on their way, streams, or answers that nobody reads; `detail` says of what. Nothing was recorded. Send the request again after Retry-After.",
    LogUnavailable "log_unavailable" SERVICE_UNAVAILABLE AfterChange
        "The roll takes no records at the moment. Nothing was recorded. Send the request again after Retry-After.",
    WriterSuperseded "writer_superseded" SERVICE_UNAVAILABLE AfterChange
        "Another writer has appended to the roll, so this server does not lead. Nothing was recorded. Send the request to the server that leads; here it helps again once this one has caught up and leads.",
    LogFailed "log_failed" SERVICE_UNAVAILABLE AfterChange
        "The roll could not be written: the disk is full or failing. Nothing was acknowledged, and nothing will be until the cause is mended and the server restarted.",
    InternalError "internal_error" INTERNAL_SERVER_ERROR Never
        "The server made a mistake. Please report it with the request_id.",
}

/// The status of a refusal. One match, without a wildcard: a new refusal cannot be forgotten.
///
/// Validation is 422, what does not exist is 404, and what the present state of the books
/// forbids (also a limit, also want of stock) is 409: the same request may succeed later.
pub(crate) fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::IdempotencyConflict { .. }
        | Refusal::Invalid { .. }
        | Refusal::AmountOutOfRange { .. }
        | Refusal::Unbalanced(_)
        | Refusal::ReversalExceedsEntry { .. }
        | Refusal::CaptureExceedsHold(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::AccountNotFound { .. }
        | Refusal::EntryNotFound(_)
        | Refusal::OrderNotFound(_)
        | Refusal::HoldNotFound(_) => StatusCode::NOT_FOUND,
        Refusal::AccountTypeConflict { .. }
        | Refusal::EntryExists(_)
        | Refusal::EntryAlreadyReversed(_)
        | Refusal::OrderExists(_)
        | Refusal::OrderState { .. }
        | Refusal::HoldExists(_)
        | Refusal::HoldExpired(_)
        | Refusal::InsufficientStock { .. }
        | Refusal::WouldExceedLimit { .. }
        | Refusal::BalanceOutOfRange { .. }
        | Refusal::LimitAlreadyExceeded { .. } => StatusCode::CONFLICT,
        Refusal::ClockWrong(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::InBulk { refusal, .. } => status_of(refusal),
    }
}

/// What a code means: the target of a problem's `doc_url`.
pub(crate) fn describe(code: &str) -> Option<&'static str> {
    let own = Code::ALL.iter().find(|known| known.as_str() == code);
    own.map(|code| code.description()).or_else(|| {
        let refusals = Refusal::CODES.iter();
        refusals
            .copied()
            .find_map(|(known, text)| (known == code).then_some(text))
    })
}

/// All codes, each once, in order of the alphabet.
pub(crate) fn all() -> Vec<&'static str> {
    let own = Code::ALL.iter().map(|code| code.as_str());
    let mut codes: Vec<_> = own
        .chain(Refusal::CODES.iter().map(|(code, _)| *code))
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// `insufficient_stock` as a person reads it: `Insufficient stock`.
pub(crate) fn title(code: &str) -> String {
    let mut title = code.replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}
