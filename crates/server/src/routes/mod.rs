//! Handlers, a file for each noun: read the request, submit a command or query, render the answer. Nothing is
//! decided here.

pub(crate) mod accounts;
pub(crate) mod bulk;
pub(crate) mod entries;
pub(crate) mod events;
pub(crate) mod holds;
pub(crate) mod operations;
pub(crate) mod orders;
pub(crate) mod splits;
pub(crate) mod stock;
pub(crate) mod stripe;
pub(crate) mod webhooks;

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::code::Code;
use crate::problem::Problem;

/// The parameter of a path that has one.
#[derive(Debug)]
pub(crate) struct Segment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(error) => Err(Problem::parameter("path", error.body_text())),
        }
    }
}

/// Reads a part of the path.
pub(crate) fn path_parameter<T>(name: &str, text: &str) -> Result<T, Problem>
where
    T: FromStr<Err: Display>,
{
    text.parse()
        .map_err(|error| Problem::parameter(name, T::Err::to_string(&error)))
}

/// A record that the book always writes is not among a command's records.
pub(crate) fn no_record(what: &str) -> Problem {
    Problem::new(
        Code::InternalError,
        format!("the command was recorded, but its records hold no {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<A, B, R>(_: impl FnOnce(A, B) -> R) -> usize {
        size_of::<R>()
    }

    /// Each is in memory of its own, with some 100 bytes around it. Up to a kilobyte the C
    /// library has that at hand; beyond it a search for every request.
    #[test]
    fn futures_of_frequent_requests_are_small() {
        for (route, bytes) in [
            (entries::ROUTE, size(entries::create)),
            (webhooks::ROUTE, size(webhooks::receive)),
        ] {
            assert!(bytes <= 900, "{route}: {bytes}");
        }
    }
}
