//! Every code that a problem can carry, with its status and what it means.
//!
//! Codes are part of the interface: they are never renamed. Those of refusals come from the
//! book; the others are about HTTP and live here.

use std::fmt::Write;

use axum::http::StatusCode;
use tillroll_book::{RefusalKind, Retry};

macro_rules! codes {
    ($($variant:ident $text:literal $status:ident $retry:ident $cause:literal $remedy:literal,)+) => {
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

            pub(crate) fn cause(self) -> &'static str {
                match self { $(Self::$variant => $cause,)+ }
            }

            pub(crate) fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)+ }
            }
        }
    };
}

codes! {
    JsonMalformed "json_malformed" BAD_REQUEST Never
        "The body is not JSON, or ends too early. `detail` says where."
        "Send well-formed JSON.",
    BodyNotUtf8 "body_not_utf8" BAD_REQUEST Never
        "The body is not UTF-8. JSON always is."
        "Encode the body as UTF-8.",
    BodyIncomplete "body_incomplete" BAD_REQUEST AfterChange
        "The connection ended before the body did. Nothing was recorded, or of a stream what was answered."
        "Send the request again.",
    BodyTooLarge "body_too_large" PAYLOAD_TOO_LARGE Never
        "The body, or a line of a stream, is longer than this route takes."
        "Split the request.",
    BodyTimeout "body_timeout" REQUEST_TIMEOUT AfterChange
        "The body did not arrive in time: a whole one within 20 s, of a stream of entries at least 10 KiB in each 20 s."
        "Send the request again.",
    MediaTypeUnsupported "media_type_unsupported" UNSUPPORTED_MEDIA_TYPE Never
        "A POST or PUT does not say `Content-Type: application/json`."
        "Say it, also where the body is empty; entries in bulk may be `application/x-ndjson`.",
    ParameterUnknown "parameter_unknown" UNPROCESSABLE_ENTITY Never
        "There is no such field. It is refused rather than ignored, because a misspelt field would otherwise be lost without a word. 422 in a body, 400 in a query."
        "Correct the name, or leave the field out.",
    ParameterMissing "parameter_missing" UNPROCESSABLE_ENTITY Never
        "A field that is needed is not there."
        "Add the field that `param` names.",
    ParameterInvalid "parameter_invalid" UNPROCESSABLE_ENTITY Never
        "A field has a value that cannot be used; `param` names it. 422 in a body, 400 in a path or query."
        "Correct the value as `detail` says.",
    AmountOutOfRange "amount_out_of_range" UNPROCESSABLE_ENTITY Never
        "An amount or a sum of amounts exceeds 9223372036854775807 minor units."
        "Send a smaller amount.",
    CardNumberRefused "card_number_refused" UNPROCESSABLE_ENTITY Never
        "A field holds a payment card number. Nothing of it was kept or logged."
        "Never send card numbers to this server: let Stripe collect them and send its ids.",
    IdempotencyKeyInvalid "idempotency_key_invalid" BAD_REQUEST Never
        "An Idempotency-Key has 1 to 255 visible ASCII characters, and there is only one."
        "Send one such key.",
    IdempotencyKeyInFlight "idempotency_key_in_flight" CONFLICT AfterChange
        "A request with this Idempotency-Key is being worked on."
        "Send it again in a moment to get its answer.",
    EntryNotFound "entry_not_found" NOT_FOUND AfterChange
        "There is no journal entry with this id."
        "Check the id; ask again once the entry is posted.",
    EntryNotReversible "entry_not_reversible" CONFLICT Never
        "What the posting rules booked for an order, a hold or a fact from Stripe is not reversed by hand: it would be booked again."
        "`detail` says what to do instead.",
    ReversesRefused "reverses_refused" UNPROCESSABLE_ENTITY Never
        "`reverses` in an entry to post would be a remark that nothing checks."
        "Reverse an entry with POST /v1/entries/{id}/reverse, which checks what is left of it.",
    RouteNotFound "route_not_found" NOT_FOUND Never
        "There is nothing at this path."
        "/openapi.json lists what there is.",
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED Never
        "This path does not take this method."
        "The Allow header lists those that it takes.",
    HostNotAllowed "host_not_allowed" MISDIRECTED_REQUEST Never
        "The Host header names another machine. Without authentication the server answers to localhost and loopback addresses only, so that no web page can reach it through a name of its own."
        "Use localhost or 127.0.0.1, or start the server with the name allowed.",
    HostInvalid "host_invalid" BAD_REQUEST Never
        "A request has exactly one Host header; this has none or several."
        "Send one Host header.",
    CrossSiteRequest "cross_site_request" FORBIDDEN Never
        "A web page of another origin sent this, by its Origin or Sec-Fetch-Site header. Only pages of this server may change something."
        "Send it from a program, which sends neither header, or from a page of this server.",
    PositionNotWritten "position_not_written" PRECONDITION_FAILED AfterChange
        "The roll does not reach as far as the position that was asked for."
        "Ask for a position that an answer named, or wait until more is written.",
    PositionNotReached "position_not_reached" SERVICE_UNAVAILABLE AfterChange
        "The read models have not come as far as the position yet."
        "Ask again after Retry-After.",
    ReadModelsFailed "read_models_failed" SERVICE_UNAVAILABLE AfterChange
        "The read models cannot be read, or do not follow the roll: `detail` says why (a full disk, say) and how far they are behind. What is acknowledged is safe on the roll."
        "Mend the cause; damaged read models can be deleted and are rebuilt at the next start.",
    ReadModelsBehind "read_models_behind" SERVICE_UNAVAILABLE AfterChange
        "The read models follow the roll and are more than a minute behind, as after a start at which they are built anew."
        "Ask again after Retry-After, or read with `as_of` a position that they have reached.",
    RollUnreadable "roll_unreadable" SERVICE_UNAVAILABLE AfterChange
        "Committed records cannot be read back."
        "Run `tillroll verify`, which names the place.",
    SignatureMissing "signature_missing" BAD_REQUEST Never
        "A webhook carries a Stripe-Signature header; this has none. Nothing was recorded."
        "Send webhooks from Stripe only, through nothing that drops headers.",
    SignatureMalformed "signature_malformed" BAD_REQUEST Never
        "The Stripe-Signature header has no readable timestamp. Nothing was recorded."
        "Pass the header on unchanged.",
    SignatureSchemeMissing "signature_scheme_missing" BAD_REQUEST Never
        "The Stripe-Signature header has no signature of scheme v1. Nothing was recorded."
        "Pass the header on unchanged.",
    SignatureMismatch "signature_mismatch" BAD_REQUEST Never
        "No signature matches this body and any of the configured secrets. Nothing was recorded."
        "Configure the endpoint's signing secret, and pass the body on unchanged.",
    SignatureStale "signature_stale" BAD_REQUEST Never
        "The signature is right, but too old. Nothing was recorded."
        "Correct this machine's clock; Stripe signs every retry anew.",
    BalanceTransactionsMissing "balance_transactions_missing" UNPROCESSABLE_ENTITY Never
        "The body is neither Stripe's list of balance transactions nor one of them."
        "Send what `GET /v1/balance_transactions` of Stripe answers.",
    TooManyBalanceTransactions "too_many_balance_transactions" UNPROCESSABLE_ENTITY Never
        "More balance transactions than one request may hold."
        "Split the request.",
    UnsupportedCurrency "unsupported_currency" UNPROCESSABLE_ENTITY Never
        "The currency is not one of ISO 4217."
        "Correct the currency.",
    AmountPrecision "amount_precision" UNPROCESSABLE_ENTITY Never
        "The amount cannot be expressed in the currency's minor unit."
        "Correct the amount.",
    WebhookSecretMissing "webhook_secret_missing" SERVICE_UNAVAILABLE AfterChange
        "No webhook secret is configured, so no webhook can be trusted."
        "Start the server with --stripe-webhook-secret; Stripe sends the webhook again.",
    Overloaded "overloaded" SERVICE_UNAVAILABLE AfterChange
        "More is asked of the server at once than it takes: commands that wait, bodies on their way, streams, or answers that are not read; `detail` says of what. Nothing was recorded."
        "Send the request again after Retry-After.",
    LogUnavailable "log_unavailable" SERVICE_UNAVAILABLE AfterChange
        "The roll takes no records at the moment. Nothing was recorded."
        "Send the request again after Retry-After.",
    WriterSuperseded "writer_superseded" SERVICE_UNAVAILABLE AfterChange
        "Another writer has appended to the roll, so this server does not lead. Nothing was recorded."
        "Send the request to the server that leads; here it helps again once this one has caught up and leads.",
    LogFailed "log_failed" SERVICE_UNAVAILABLE AfterChange
        "The roll could not be written (the disk is full or failing), or the server is going down. Nothing was acknowledged."
        "Mend the cause and restart the server; then send the request again.",
    InternalError "internal_error" INTERNAL_SERVER_ERROR Never
        "The server made a mistake."
        "Report it with the request_id.",
}

/// The status of a refusal. One match, without a wildcard: a new refusal cannot be forgotten.
///
/// Validation is 422, what does not exist is 404, and what the present state of the books
/// forbids (also a limit, also want of stock) is 409: the same request may succeed later.
pub(crate) fn status_of(kind: RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::IdempotencyConflict
        | RefusalKind::Invalid
        | RefusalKind::AmountOutOfRange
        | RefusalKind::Unbalanced
        | RefusalKind::ReversalExceedsEntry
        | RefusalKind::AccountPathReserved
        | RefusalKind::CaptureExceedsHold => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalKind::AccountNotFound
        | RefusalKind::EntryNotFound
        | RefusalKind::OrderNotFound
        | RefusalKind::HoldNotFound => StatusCode::NOT_FOUND,
        RefusalKind::AccountTypeConflict
        | RefusalKind::EntryExists
        | RefusalKind::EntryAlreadyReversed
        | RefusalKind::OrderExists
        | RefusalKind::OrderState
        | RefusalKind::HoldExists
        | RefusalKind::HoldEnded
        | RefusalKind::HoldExpired
        | RefusalKind::InsufficientStock
        | RefusalKind::WouldExceedLimit
        | RefusalKind::BalanceOutOfRange
        | RefusalKind::LimitAlreadyExceeded => StatusCode::CONFLICT,
        RefusalKind::ClockWrong => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// What there is to know of a code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeRow {
    pub code: &'static str,
    pub status: StatusCode,
    pub retry: Retry,
    pub cause: &'static str,
    pub remedy: &'static str,
}

/// All codes, each once, in order of the alphabet: the source of every table of them.
pub(crate) fn all() -> Vec<CodeRow> {
    let own = Code::ALL.iter().map(|code| CodeRow {
        code: code.as_str(),
        status: code.status(),
        retry: code.retry(),
        cause: code.cause(),
        remedy: code.remedy(),
    });
    let of_book = RefusalKind::ALL.iter().map(|kind| CodeRow {
        code: kind.code(),
        status: status_of(*kind),
        retry: kind.retry(),
        cause: kind.cause(),
        remedy: kind.remedy(),
    });
    let mut rows: Vec<_> = own.chain(of_book).collect();
    // Stable: what both know is told as HTTP tells it.
    rows.sort_by_key(|row| row.code);
    rows.dedup_by_key(|row| row.code);
    rows
}

/// What a code means: the target of a problem's `doc_url`.
pub(crate) fn describe(code: &str) -> Option<CodeRow> {
    all().into_iter().find(|row| row.code == code)
}

/// All codes as a Markdown table.
pub(crate) fn table() -> String {
    let mut table =
        "| code | status | cause | remedy | the same request again |\n|---|---|---|---|---|\n"
            .to_owned();
    for row in all() {
        let CodeRow {
            code,
            status,
            cause,
            remedy,
            retry,
        } = row;
        let again = match retry {
            Retry::Never => "never helps",
            Retry::AfterChange => "may help later",
        };
        let status = status.as_u16();
        writeln!(
            table,
            "| `{code}` | {status} | {cause} | {remedy} | {again} |"
        )
        .expect("memory takes text");
    }
    table
}

/// `insufficient_stock` as a person reads it: `Insufficient stock`.
pub(crate) fn title(code: &str) -> String {
    let mut title = code.replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}
