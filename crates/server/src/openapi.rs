//! The OpenAPI document, and the routes that it describes: made together, so that none is
//! missing.

use std::sync::LazyLock;

use axum::Router;
use axum::http::Method;
use bytes::Bytes;
use utoipa::openapi::path::Operation;
use utoipa::openapi::path::{HttpMethod, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ContentBuilder, HeaderBuilder, InfoBuilder, LicenseBuilder, OpenApi,
    OpenApiBuilder, PathItem, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::code;
use crate::problem::{FieldError, ProblemBody, RetryHint};
use crate::routes::{
    accounts, bulk, entries, events, holds, operations, orders, splits, stock, stripe, webhooks,
};
use crate::words;

/// Free text that a client attaches, as Stripe's.
#[derive(Debug)]
pub(crate) struct MetadataSchema;

impl PartialSchema for MetadataSchema {
    fn schema() -> RefOr<Schema> {
        let text = |longest| {
            ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::String))
                .max_length(Some(longest))
        };
        ObjectBuilder::new()
            .description(Some(
                "Up to 50 keys of up to 40 characters without brackets, values of up to 500.",
            ))
            .property_names(Some(
                text(40).min_length(Some(1)).pattern(Some("^[^\\[\\]]*$")),
            ))
            .additional_properties(Some(text(500)))
            .max_properties(Some(50))
            .examples([serde_json::json!({"till": "4"})])
            .into()
    }
}

impl ToSchema for MetadataSchema {
    fn name() -> std::borrow::Cow<'static, str> {
        "Metadata".into()
    }
}

/// Cursors of a list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `query` reads")]
pub(crate) struct PageParameters {
    /// 1 to 100, 20 when it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `id` of the last item of the page before.
    starting_after: Option<String>,
    /// The `id` of the first item of the page after.
    ending_before: Option<String>,
}

/// Which moment of the books to read.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `query` reads")]
pub(crate) struct WhenParameters {
    /// As the books stood at a position of the roll, or at an RFC 3339 time: after the last event
    /// that was recorded at or before it. Events that a wrong clock has stamped (an event
    /// `clock.confirmed` says which) count from when the clock was confirmed.
    #[param(min_length = 1)]
    as_of: Option<String>,
    /// Not before the read models show this position: the `Tillroll-Position` of an answer, so
    /// that what was written is seen. Waits up to five seconds.
    min_position: Option<u64>,
}

const DESCRIPTION: &str = "\
One roll for app, web and POS: every payment action becomes an immutable event, and everything \
else is computed from the roll.

**Amounts** are integers of minor units (1999 EUR is 19.99 €) and never negative: a posting has a \
side. **Unknown fields** and query parameters are refused.

**Positions.** Every answer to a command carries `Tillroll-Position`, where it ended up on the \
roll; every answer to a question says of which position it is true. A question without \
`min_position` waits a moment (250 ms) for what was acknowledged before it, and then answers with \
what is there: `Tillroll-Lag-Positions` and `Tillroll-Lag-Seconds` say how far that is behind. Where \
the read models do not follow the roll any more and are five seconds behind, or follow and are a \
minute behind, the answer is 503 `read_models_failed` or `read_models_behind`, with the reason.

**Bounds.** A page ends before it is longer than 4 MiB, with `has_more`; an item that is longer comes \
alone. Bodies that are on their way, answers that are written and streams share bounds, beyond which \
it is 503 `overloaded` with Retry-After; a client that takes nothing of an answer for 30 s is cut off.

**Idempotency.** Any POST may carry an `Idempotency-Key`. The same key with the same request (its \
meaning, not its spacing) gets the first answer again, byte for byte, with `Idempotent-Replayed: \
true`, for ever and across restarts. The same key with another request is refused with 422 \
`idempotency_key_reused`; while the first request is being worked on, it is 409 \
`idempotency_key_in_flight`. A refusal is not kept: a key whose request was refused may be used \
again.

**Requests** have exactly one `Host` (400 `host_invalid`), and it names this machine (421). A POST or \
PUT says `Content-Type: application/json`, also where its body is empty, or 415 \
`media_type_unsupported`; bulk entries may be `application/x-ndjson`. What changes something is \
refused with 403 `cross_site_request` where an `Origin` is another than the server's own, or \
`Sec-Fetch-Site` is neither `same-origin` nor `none`: only pages of this server may ask for it. \
Programs send neither header. Webhooks are signed, and none of this is asked of them but the `Host`.

**Problems** are RFC 9457 documents with a stable `code`, the field at fault in `param` (a JSON \
Pointer into the body, or the name of a parameter or header) and `retry`; `GET /problems` lists \
them all. 422 is a request that \
can never succeed as it is, 404 something that is not there, 409 what the present state of the \
books forbids (a limit, want of stock, an id that is taken): it may succeed later. 503 comes with \
Retry-After where waiting helps.

**Card numbers** are refused in every text and every name with 422 `card_number_refused`, whatever \
hides them; a number is an amount.";

const TAGS: [(&str, &str); 9] = [
    ("Orders", "What is sold, and where it stands."),
    (
        "Stripe",
        "What Stripe says: webhooks, balance transactions.",
    ),
    ("Entries", "Journal entries, one or many at a time."),
    ("Holds", "Reserve now, take later."),
    ("Accounts", "Balances, statements, the trial balance."),
    ("Stock", "Goods by location."),
    ("Splits", "What sellers have earned and received."),
    ("Events", "The roll itself."),
    (
        "Operations",
        "Health, metrics and the description of the interface.",
    ),
];

/// What is answered from the roll, or by the writer.
pub(crate) const NOT_OF_READ_MODELS: [&str; 2] = ["/v1/events", "/v1/digest"];

/// All routes and their description.
pub(crate) fn routes() -> (Router<App>, OpenApi) {
    let (router, mut api) = OpenApiRouter::with_openapi(document())
        .routes(routes!(webhooks::receive))
        .routes(routes!(webhooks::unrecognised))
        .routes(routes!(stripe::record_balance_transactions))
        .routes(routes!(orders::place, orders::list))
        .routes(routes!(orders::get))
        .routes(routes!(orders::timeline))
        .routes(routes!(orders::cancel))
        .routes(routes!(orders::fulfil))
        .routes(routes!(entries::create))
        .routes(routes!(entries::get))
        .routes(routes!(entries::reverse))
        .routes(routes!(bulk::create))
        .routes(routes!(holds::place))
        .routes(routes!(holds::get))
        .routes(routes!(holds::capture))
        .routes(routes!(holds::void))
        .routes(routes!(accounts::put, accounts::get))
        .routes(routes!(accounts::list))
        .routes(routes!(accounts::statement))
        .routes(routes!(accounts::trial_balance))
        .routes(routes!(stock::receive))
        .routes(routes!(stock::list))
        .routes(routes!(splits::list))
        .routes(routes!(events::list))
        .routes(routes!(operations::digest))
        .routes(routes!(operations::health))
        .routes(routes!(operations::ready))
        .routes(routes!(operations::metrics))
        .routes(routes!(operations::openapi_document))
        .routes(routes!(operations::problem_codes))
        .routes(routes!(operations::problem_code))
        .routes(routes!(operations::event_schema))
        .split_for_parts();
    describe_what_all_have(&mut api);
    (router, api)
}

fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Tillroll")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT OR Apache-2.0")
                .identifier(Some("MIT OR Apache-2.0"))
                .build(),
        ))
        .build();
    let tags = TAGS.map(|(name, description)| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    });
    OpenApiBuilder::new().info(info).tags(Some(tags)).build()
}

/// What every operation has in common is written down once.
fn describe_what_all_have(api: &mut OpenApi) {
    let components = api.components.get_or_insert_default();
    for (name, schema) in [
        ("Problem", ProblemBody::schema()),
        (&*FieldError::name(), FieldError::schema()),
        (&*RetryHint::name(), RetryHint::schema()),
    ] {
        components.schemas.insert(name.to_owned(), schema);
    }
    for (schema, property, values) in words::all() {
        let listed = list_values(components, schema, property, values);
        debug_assert!(listed, "{schema} has no text `{property}`");
    }
    describe_codes(components);
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            if method == HttpMethod::Post && path != "/v1/webhooks/stripe" {
                take_a_key(operation);
            }
            let asks = method == HttpMethod::Get && !NOT_OF_READ_MODELS.contains(&path.as_str());
            finish(operation, path.starts_with("/v1/"), asks);
        }
    }
}

/// The table of all codes stands where a reader of the document meets them.
fn describe_codes(components: &mut Components) {
    if let Some(RefOr::T(Schema::Object(problem))) = components.schemas.get_mut("Problem")
        && let Some(RefOr::T(Schema::Object(code))) = problem.properties.get_mut("code")
    {
        code.description = Some(format!("Stable, for programs.\n\n{}", code::table()));
    }
}

/// Writes down the values that a text of a schema can have; false where there is no such text.
fn list_values(
    components: &mut Components,
    schema: &str,
    property: &str,
    values: Vec<&'static str>,
) -> bool {
    let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(schema) else {
        return false;
    };
    let Some(RefOr::T(Schema::Object(member))) = object.properties.get_mut(property) else {
        return false;
    };
    let mut values: Vec<serde_json::Value> = values.into_iter().map(Into::into).collect();
    if let SchemaType::Array(types) = &member.schema_type
        && types.contains(&Type::Null)
    {
        values.push(serde_json::Value::Null);
    }
    member.enum_values = Some(values);
    true
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

fn take_a_key(operation: &mut Operation) {
    let key = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("1 to 255 visible ASCII characters"))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::String))
                .min_length(Some(1))
                .max_length(Some(255))
                .pattern(Some("^[!-~]+$")),
        ));
    operation
        .parameters
        .get_or_insert_default()
        .push(RefOr::T(key.build()));
    for response in successes(operation) {
        let replayed = HeaderBuilder::new()
            .schema(Some(
                ObjectBuilder::new().schema_type(SchemaType::new(Type::Boolean)),
            ))
            .description(Some("`true`: this is the first answer again"))
            .build();
        let headers = &mut response.headers;
        headers.insert("Idempotent-Replayed".into(), replayed.into());
    }
}

fn finish(operation: &mut Operation, of_books: bool, asks: bool) {
    if of_books {
        for response in successes(operation) {
            let position = HeaderBuilder::new()
                .schema(Some(
                    ObjectBuilder::new()
                        .schema_type(SchemaType::new(Type::Integer))
                        .minimum(Some(0)),
                ))
                .description(Some("The position that the answer is true for"))
                .build();
            let headers = &mut response.headers;
            headers.insert("Tillroll-Position".into(), position.into());
            if !asks {
                continue;
            }
            for (name, says) in [
                (
                    "Tillroll-Lag-Positions",
                    "How many positions the answer is behind, when it is",
                ),
                (
                    "Tillroll-Lag-Seconds",
                    "For how long the read models have been behind",
                ),
            ] {
                let lag = HeaderBuilder::new()
                    .schema(Some(
                        ObjectBuilder::new()
                            .schema_type(SchemaType::new(Type::Integer))
                            .minimum(Some(0)),
                    ))
                    .description(Some(says))
                    .build();
                headers.insert(name.into(), lag.into());
            }
        }
    }
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let problem = ResponseBuilder::new()
        .description("A problem")
        .content("application/problem+json", content)
        .build();
    let responses = &mut operation.responses.responses;
    responses.insert("default".into(), problem.into());
}

fn successes(operation: &mut Operation) -> impl Iterator<Item = &mut Response> {
    let responses = operation.responses.responses.iter_mut();
    responses.filter_map(|(status, response)| match response {
        RefOr::T(response) if status.starts_with('2') => Some(response),
        _ => None,
    })
}

/// The page about problems: every code, made from where it is defined.
#[must_use]
pub fn problems_page() -> String {
    format!(
        "# Problems\n\nEvery answer that is no success is an RFC 9457 document with one of these \
         codes. A server shows the same at `GET /problems`, and each at `GET /problems/{{code}}`, \
         which is where `doc_url` leads. A path, a query or a header that is wrong is 400, whatever \
         the table says. This page is generated.\n\n{}",
        code::table()
    )
}

/// Whether a route takes a method that changes something.
pub(crate) fn takes(method: &Method, route: &str) -> bool {
    static TAKEN: LazyLock<Vec<(Method, String)>> = LazyLock::new(|| {
        let (_, mut api) = routes();
        let mut taken = Vec::new();
        for (path, item) in &mut api.paths.paths {
            for (method, _) in operations(item) {
                taken.extend(match method {
                    HttpMethod::Post => Some((Method::POST, path.clone())),
                    HttpMethod::Put => Some((Method::PUT, path.clone())),
                    _ => None,
                });
            }
        }
        taken
    });
    let mut taken = TAKEN.iter();
    taken.any(|(known, path)| known == method && path == route)
}

/// The OpenAPI document as text.
#[must_use]
pub fn text() -> String {
    let (_, api) = routes();
    let mut text = api.to_pretty_json().expect("the document is plain data");
    text.push('\n');
    text
}

/// The same, made once.
pub(crate) fn json() -> Bytes {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(text()));
    TEXT.clone()
}
