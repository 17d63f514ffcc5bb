//! Idempotency keys: one effect and one answer for each, however often a request is sent.
//!
//! The key and the request's fingerprint go into the roll with the command's first record, so
//! that they survive a restart; the answer is rendered from the command's records, so that it
//! is the same again. Only keys whose request is still being worked on live in memory.
//!
//! A refusal leaves nothing on the roll: a refused key may be used again, also for another
//! request.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, Method};
use tillroll_book::CommandKey;
use tillroll_events::KeyScope;
use tillroll_json::Fingerprinter;

use crate::body::{self, Document};
use crate::code::Code;
use crate::problem::{Problem, headers};

/// A key and whose it is.
type ScopedKey = (KeyScope, Arc<str>);

/// Keys of requests that are being worked on.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashSet<ScopedKey>>>);

/// Frees its key when the request is over, however it ends, also where the client has gone away
/// early: the writer still sees one command after the other.
#[derive(Debug)]
pub(crate) struct Reservation {
    keys: InFlight,
    key: ScopedKey,
}

impl InFlight {
    fn reserve(&self, scope: &KeyScope, key: &str) -> Result<Reservation, Problem> {
        let key: ScopedKey = (scope.clone(), key.into());
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.insert(key.clone()) {
            return Ok(Reservation {
                keys: self.clone(),
                key,
            });
        }
        Err(Problem::new(
            Code::IdempotencyKeyInFlight,
            "a request with this key is being worked on",
        )
        .with_param("Idempotency-Key")
        .retry_after(1))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut keys = self.keys.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&self.key);
    }
}

/// The key that the client gave, when it gave one.
fn key_of(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut given = headers.get_all(headers::IDEMPOTENCY_KEY).iter();
    let Some(value) = given.next() else {
        return Ok(None);
    };
    let refuse = |detail: &str| {
        Problem::new(Code::IdempotencyKeyInvalid, detail).with_param("Idempotency-Key")
    };
    if given.next().is_some() {
        return Err(refuse("the request has more than one Idempotency-Key"));
    }
    let bytes = value.as_bytes();
    match value.to_str() {
        Ok(key) if (1..=255).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic) => {
            Ok(Some(key))
        }
        _ => Err(refuse(
            "an Idempotency-Key has 1 to 255 visible ASCII characters",
        )),
    }
}

impl Reservation {
    /// The key of the request's command: `http:` and the key that the client gave, so that it
    /// never meets one of another origin. The commands after the first of one request have
    /// their number behind it, after a space, which no client's key has.
    pub(crate) fn command_key(&self, number: usize, fingerprint: [u8; 16]) -> CommandKey {
        let (scope, key) = &self.key;
        let key = match number {
            0 => format!("http:{key}"),
            number => format!("http:{key} {number}"),
        };
        CommandKey {
            scope: scope.clone(),
            key,
            fingerprint,
        }
    }
}

/// Reserves the key that the client gave, when it gave one.
pub(crate) fn reserve(
    in_flight: &InFlight,
    scope: &KeyScope,
    headers: &HeaderMap,
) -> Result<Option<Reservation>, Problem> {
    let Some(key) = key_of(headers)? else {
        return Ok(None);
    };
    body::refuse_card_number("Idempotency-Key", key)?;
    in_flight.reserve(scope, key).map(Some)
}

/// Which operation on which thing.
#[derive(Debug)]
pub(crate) struct RequestName<'a> {
    pub method: &'a Method,
    /// With parameters in braces.
    pub route: &'a str,
    /// What stood in their places.
    pub parameters: Vec<(String, String)>,
}

impl RequestName<'_> {
    /// Covers the request's name, and whatever else is added.
    pub(crate) fn fingerprinter(&self) -> Fingerprinter {
        let mut fingerprint = Fingerprinter::new();
        fingerprint.add_text(self.method.as_str());
        fingerprint.add_text(self.route);
        for (name, value) in &self.parameters {
            fingerprint.add_text(name);
            fingerprint.add_text(value);
        }
        fingerprint
    }
}

/// Of a request that is one JSON document.
pub(crate) fn fingerprint(request: &RequestName<'_>, document: &Document<'_>) -> [u8; 16] {
    let mut fingerprint = request.fingerprinter();
    fingerprint.add_json(document.json());
    fingerprint.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn keys_are_visible_ascii_and_alone() {
        let table: &[(&[&[u8]], Result<Option<&str>, ()>)] = &[
            (&[], Ok(None)),
            (&[b"k-1"], Ok(Some("k-1"))),
            (&[b""], Err(())),
            (&[b"two words"], Err(())),
            (&["é".as_bytes()], Err(())),
            (&[b"a", b"b"], Err(())),
            (&[&[b'k'; 256]], Err(())),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(
                    "Idempotency-Key",
                    HeaderValue::from_bytes(value).expect("a header of the test"),
                );
            }
            let got = key_of(&headers).map_err(|problem| {
                assert_eq!(problem.code, "idempotency_key_invalid");
            });
            assert_eq!(got, *expected, "{values:?}");
        }
    }

    #[test]
    fn a_key_is_reserved_until_its_request_is_over() {
        let keys = InFlight::default();
        let (shared, till) = (KeyScope::Shared, KeyScope::Named("till-1".parse().unwrap()));
        let first = keys.reserve(&shared, "k").unwrap();
        assert_eq!(
            keys.reserve(&shared, "k").unwrap_err().code,
            "idempotency_key_in_flight"
        );
        drop(keys.reserve(&shared, "other").unwrap());
        drop(keys.reserve(&till, "k").unwrap());
        drop(first);
        assert!(keys.reserve(&shared, "k").is_ok());
    }
}
