//! Request bodies: read within their limit and time, parsed once, searched for card numbers, made
//! into a type, and every way to get that wrong named.
//!
//! Bodies are never logged, here or anywhere.

use std::future::{Future, poll_fn};
use std::task::Poll;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::error::Category;
use tillroll_json::{Json, Numbers, pointer};

use crate::byte_budget::ByteLease;
use crate::capacity::{Capacity, overloaded};
use crate::code::Code;
use crate::object::Object;
use crate::problem::Problem;

/// What a webhook may be long.
pub(crate) const WEBHOOK_BYTES: usize = 1024 * 1024;
/// What a request may be long where nothing else is said.
pub(crate) const REQUEST_BYTES: usize = 2 * 1024 * 1024;
/// What a bulk request may be long.
pub(crate) const BULK_BYTES: usize = 8 * 1024 * 1024;

/// A body that is too long is read on and thrown away up to here, so that the client is done
/// sending and sees the answer rather than a broken connection.
pub(crate) const DRAINED_BYTES: usize = 16 * 1024 * 1024;
/// What of a body is not counted: the connection has room for as much in any case.
pub(crate) const UNCOUNTED_BYTES: usize = 64 * 1024;

/// Reads the whole body, no more than `limit` bytes of it.
pub(crate) async fn read(
    capacity: &Capacity,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Bytes, Problem> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let too_large = || {
        Problem::new(
            Code::BodyTooLarge,
            format!("the body is longer than {limit} bytes, the most that this route takes"),
        )
    };
    let waits_to_be_asked = headers.contains_key(header::EXPECT);
    if announced.is_some_and(|length| {
        length > DRAINED_BYTES as u64 || (waits_to_be_asked && length > limit as u64)
    }) {
        return Err(too_large());
    }
    let mut gathering = std::pin::pin!(gather(capacity, body, limit, announced));
    // Most bodies are there with their heads, and need no clock, nor room for one.
    let gathered = match poll_fn(|context| Poll::Ready(gathering.as_mut().poll(context))).await {
        Poll::Ready(gathered) => Ok(gathered),
        Poll::Pending => {
            let _place = capacity.arriving.try_take()?;
            Box::pin(tokio::time::timeout(capacity.bounds.body_time, gathering)).await
        }
    };
    match gathered {
        Ok(Ok(Gathered::Whole(bytes))) => Ok(bytes),
        Ok(Ok(Gathered::TooLong)) => Err(too_large()),
        Ok(Ok(Gathered::NoRoom)) => Err(overloaded(
            "bodies of requests hold as many bytes as they may",
        )),
        Ok(Err(_)) => Err(Problem::new(
            Code::BodyIncomplete,
            "the body ended before it was complete",
        )),
        Err(_) => Err(Problem::new(
            Code::BodyTimeout,
            format!(
                "the body did not arrive within {} s",
                capacity.bounds.body_time.as_secs()
            ),
        )),
    }
}

/// Reads a body that has to be JSON, and has to say so also where it is empty.
pub(crate) async fn read_json(
    capacity: &Capacity,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Bytes, Problem> {
    let bytes = read(capacity, headers, body, limit).await?;
    require_json(headers)?;
    Ok(bytes)
}

/// What became of a body.
enum Gathered {
    Whole(Bytes),
    TooLong,
    /// With others it was more than may be held.
    NoRoom,
}

/// The body, or why it is not kept. What is not kept is read to its end all the same.
async fn gather(
    capacity: &Capacity,
    mut body: Body,
    limit: usize,
    announced: Option<u64>,
) -> Result<Gathered, axum::Error> {
    let mut read = 0_usize;
    let mut whole = BytesMut::new();
    let mut only: Option<Bytes> = None;
    let mut lease: Option<ByteLease> = None;
    let mut no_room = false;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        read = read.saturating_add(data.len());
        if read > DRAINED_BYTES {
            break;
        }
        if read > limit || no_room {
            (whole, only, lease) = (BytesMut::new(), None, None);
            continue;
        }
        if read > UNCOUNTED_BYTES {
            let lease = lease.get_or_insert_with(|| capacity.bodies.lease());
            if !lease.try_grow(read) {
                no_room = true;
                continue;
            }
        }
        // Most bodies come in one piece, which need not be copied.
        if whole.is_empty() && only.is_none() {
            only = Some(data);
            continue;
        }
        if let Some(first) = only.take() {
            let expected = announced.and_then(|length| usize::try_from(length).ok());
            whole.reserve(expected.unwrap_or(0).min(limit));
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&data);
    }
    if read > limit {
        return Ok(Gathered::TooLong);
    }
    if no_room {
        return Ok(Gathered::NoRoom);
    }
    let bytes = only.unwrap_or_else(|| whole.freeze());
    Ok(Gathered::Whole(match lease {
        Some(lease) => lease.hold(bytes),
        None => bytes,
    }))
}

/// Whether the body says that it is of this kind.
pub(crate) fn is(headers: &HeaderMap, kind: &str) -> bool {
    let named = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = named.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(kind))
}

/// Refuses what says neither that it is JSON nor that it is lines of it. Each route that takes
/// one of them alone refuses the other.
pub(crate) fn require_json_or_lines(headers: &HeaderMap) -> Result<(), Problem> {
    match is(headers, "application/x-ndjson") {
        true => Ok(()),
        false => require_json(headers),
    }
}

/// Refuses what does not say that it is JSON.
fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    if is(headers, "application/json") {
        return Ok(());
    }
    let named = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let detail = match named {
        Some(other) => format!(
            "the body is `{}`, it must be `application/json`",
            other.chars().take(80).collect::<String>()
        ),
        None => "the request has no Content-Type, it must be `application/json`, also where the body is empty".into(),
    };
    Err(Problem::new(Code::MediaTypeUnsupported, detail).with_param("Content-Type"))
}

/// A body that is UTF-8.
#[derive(Debug)]
pub(crate) struct JsonText(Bytes);

impl JsonText {
    pub(crate) fn new(bytes: Bytes) -> Result<Self, Problem> {
        match std::str::from_utf8(&bytes) {
            Ok(_) => Ok(Self(bytes)),
            Err(error) => Err(Problem::new(
                Code::BodyNotUtf8,
                format!("byte {} of the body is not UTF-8", error.valid_up_to()),
            )),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("checked when it was made")
    }

    pub(crate) fn document(&self) -> Result<Document<'_>, Problem> {
        Document::parse(self.as_str())
    }

    /// An empty body asks for what an empty object asks for.
    pub(crate) fn document_or_empty(&self) -> Result<Document<'_>, Problem> {
        let is_blank = self.0.iter().all(u8::is_ascii_whitespace);
        Document::parse(if is_blank { "{}" } else { self.as_str() })
    }
}

/// A JSON text that was parsed, and holds no card number. Everything that is asked of a body is
/// answered by the one tree: what it says as a type, and its fingerprint.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    text: &'a str,
    json: Json<'a>,
}

impl<'a> Document<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Problem> {
        let json = Json::parse(text).map_err(|error| explain(text, &error))?;
        // Every number that a request may hold is an amount or a quantity; another one is refused
        // by its type, and no problem repeats it.
        match json.find_card_number(Numbers::Amounts) {
            None => Ok(Self { text, json }),
            Some(place) => Err(card_number().with_param(place)),
        }
    }

    pub(crate) fn json(&self) -> &Json<'a> {
        &self.json
    }

    /// The body as a `T`, or which field is wrong. Only a wrong one is parsed again, because the
    /// text alone has places.
    pub(crate) fn read<T: Deserialize<'a>>(&self) -> Result<T, Problem> {
        match self.json.read() {
            Some(Object(value)) => Ok(value),
            None => parse(self.text),
        }
    }
}

/// Parses a JSON object into `T`; the problem names the field.
pub(crate) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Problem> {
    serde_json::from_str::<Object<T>>(text)
        .map(|Object(value)| value)
        .map_err(|error| explain(text, &error))
}

fn explain(text: &str, error: &serde_json::Error) -> Problem {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let detail = said.strip_suffix(&place).unwrap_or(&said).to_owned();
    match error.classify() {
        Category::Data => {}
        Category::Syntax | Category::Eof | Category::Io => {
            let detail = match detail.as_str() {
                "recursion limit exceeded" => {
                    format!("the body is nested more than 127 levels deep{place}")
                }
                detail => format!("the body is not valid JSON: {detail}{place}"),
            };
            return Problem::new(Code::JsonMalformed, detail);
        }
    }
    let mut at = match error.line() {
        0 => String::new(),
        line => pointer::at_offset(text, pointer::offset_of(text, line, error.column())),
    };
    // A number is no text, until it is shown.
    if tillroll_json::contains_card_number(&detail) {
        return card_number().with_param(tillroll_json::redact(&at));
    }
    let code = if detail.starts_with("unknown field") {
        Code::ParameterUnknown
    } else if let Some(name) = detail
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next())
    {
        pointer::push_key(&mut at, name);
        Code::ParameterMissing
    } else {
        Code::ParameterInvalid
    };
    Problem::new(code, detail).with_param(at)
}

/// Refuses a single text, such as a part of the path, that holds a card number.
pub(crate) fn refuse_card_number(name: &str, text: &str) -> Result<(), Problem> {
    if tillroll_json::contains_card_number(text) {
        return Err(card_number().with_param(name));
    }
    Ok(())
}

fn card_number() -> Problem {
    Problem::new(
        Code::CardNumberRefused,
        "this field holds a payment card number: it was not kept",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Minor;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Outer {
        id: Option<String>,
        lines: Vec<Object<Inner>>,
        metadata: Option<std::collections::BTreeMap<String, String>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        quantity: Minor,
        tax: Option<Object<Tax>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Tax {
        rate: String,
    }

    #[test]
    fn a_problem_names_the_field() {
        let table: &[(&str, &str, Option<&str>)] = &[
            ("", "json_malformed", None),
            ("{", "json_malformed", None),
            ("{\"lines\": [}", "json_malformed", None),
            ("{\"lines\": []} x", "json_malformed", None),
            ("nope", "json_malformed", None),
            ("5", "parameter_invalid", Some("")),
            ("[null, [], null]", "parameter_invalid", Some("")),
            (
                "{\"lines\": [[1, null]]}",
                "parameter_invalid",
                Some("/lines/0"),
            ),
            ("{}", "parameter_missing", Some("/lines")),
            ("{\"lines\": 5}", "parameter_invalid", Some("/lines")),
            ("{\"lines\": [], \"x\": 1}", "parameter_unknown", Some("/x")),
            (
                "{\"lines\": [], \"id\": 5}",
                "parameter_invalid",
                Some("/id"),
            ),
            (
                "{\"lines\": [{}]}",
                "parameter_missing",
                Some("/lines/0/quantity"),
            ),
            (
                "{\"lines\": [{\"quantity\": 1},\n {\"quantity\": \"2\"}]}",
                "parameter_invalid",
                Some("/lines/1/quantity"),
            ),
            (
                "{\"lines\": [{\"quantity\": 1, \"tax\": {\"rate\": 0.2}}]}",
                "parameter_invalid",
                Some("/lines/0/tax/rate"),
            ),
            (
                "{\"lines\": [{\"quantity\": 1, \"tax\": {\"rate\": \"0.2\", \"z/z\": []}}]}",
                "parameter_unknown",
                Some("/lines/0/tax/z~1z"),
            ),
            (
                "{\"lines\": [], \"metadata\": {\"a: b\": 7}}",
                "parameter_invalid",
                Some("/metadata/a: b"),
            ),
            (
                "{\"id\": \"a\", \"id\": \"b\", \"lines\": []}",
                "parameter_invalid",
                Some("/id"),
            ),
        ];
        for (text, code, param) in table {
            let problem = parse::<Outer>(text).expect_err(text);
            assert_eq!(
                (problem.code, problem.param.as_deref()),
                (*code, *param),
                "{text}: {}",
                problem.detail
            );
        }
    }

    /// Nothing of these is found by looking through what the body says, and what a parser says of
    /// them would show it.
    #[test]
    fn no_problem_repeats_a_card_number() {
        let table = [
            (r#"{"4242424242424242": 1"#, "json_malformed", None),
            (r#"{"\u0034242424242424242": ["#, "json_malformed", None),
            (
                r#"{"id": "4242424242424242", "lines": {}"#,
                "json_malformed",
                None,
            ),
            (
                r#"{"lines": "4242 4242 4242 4242", "lines": []}"#,
                "card_number_refused",
                Some("/lines"),
            ),
            (
                r#"{"lines": 4242424242424242}"#,
                "card_number_refused",
                Some("/lines"),
            ),
        ];
        for (text, code, param) in table {
            let body = JsonText::new(Bytes::from_static(text.as_bytes()));
            let read = |body: JsonText| body.document()?.read::<Outer>().map(drop);
            let problem = body.and_then(read);
            let problem = problem.expect_err(text);
            let said = (problem.code, problem.param.as_deref());
            assert_eq!(said, (code, param), "{text}: {}", problem.detail);
            assert!(!problem.detail.contains("4242"), "{}", problem.detail);
        }
    }

    #[test]
    fn card_numbers_are_refused_wherever_they_stand() {
        let table: &[(&str, Option<&str>)] = &[
            (r#"{"a": "4242424242424242"}"#, Some("/a")),
            (r#"{"a": "4242 4242-4242 4242"}"#, Some("/a")),
            (r#"{"a": "\u0034242424242424242"}"#, Some("/a")),
            (
                r#"{"a": [{"b": "x"}, {"c": "card 4242424242424242."}]}"#,
                Some("/a/1/c"),
            ),
            (r#"{"m": {"4242424242424242": "x"}}"#, Some("/m")),
            (r#"{"a": "4242424242424241"}"#, None),
            // What a later member hides.
            (r#"{"a": "4242424242424242", "a": "x"}"#, Some("/a")),
            (r#"{"a": {"b": "4242424242424242"}, "a": 1}"#, Some("/a/b")),
            // An amount.
            (r#"{"a": 4242424242424242}"#, None),
            (r#"{"a": "424242", "b": "4242424242"}"#, None),
        ];
        for (text, expected) in table {
            match (Document::parse(text), expected) {
                (Ok(_), None) => {}
                (Err(problem), Some(place)) => {
                    assert_eq!(problem.code, "card_number_refused");
                    assert_eq!(problem.param.as_deref(), Some(*place), "{text}");
                    assert!(!problem.detail.contains("4242"));
                }
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }
}
