//! What stands behind the question mark: cursors, limits, `as_of`, `min_position`, filters.
//! Unknown names are refused, so that a misspelt `as_of` is never answered with today.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use tillroll_events::Timestamp;

use crate::code::Code;
use crate::event_cursor::{EventCursor, EventCursorError};
use crate::problem::Problem;

/// The parameters of a request that were not taken yet.
#[derive(Debug)]
pub(crate) struct Parameters(Vec<(String, String)>);

/// At which moment to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AsOfParameter {
    Position(u64),
    Time(Timestamp),
}

/// Where on which page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageRequest {
    pub limit: usize,
    pub starting_after: Option<String>,
    pub ending_before: Option<String>,
}

impl PageRequest {
    /// The name of the cursor that was given.
    pub(crate) fn cursor(&self) -> &'static str {
        match self.ending_before {
            Some(_) => "ending_before",
            None => "starting_after",
        }
    }
}

/// `as_of` and `min_position`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct When {
    pub as_of: Option<AsOfParameter>,
    pub min_position: Option<u64>,
}

pub(crate) const PAGE_LIMIT: usize = 100;
pub(crate) const PAGE_DEFAULT: usize = 20;

impl Parameters {
    /// The value of `name`, at most one.
    pub(crate) fn take(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut found = None;
        let mut several = false;
        self.0.retain_mut(|(known, value)| {
            if known != name {
                return true;
            }
            several |= found.is_some();
            found = Some(std::mem::take(value));
            false
        });
        if several {
            return Err(Problem::parameter(
                name,
                format!("`{name}` is given more than once"),
            ));
        }
        Ok(found)
    }

    /// The value of `name`, read as `T`.
    pub(crate) fn parse<T>(&mut self, name: &str) -> Result<Option<T>, Problem>
    where
        T: FromStr<Err: Display>,
    {
        let Some(text) = self.take(name)? else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|error| Problem::parameter(name, T::Err::to_string(&error)))
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        match self.take(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::parameter(
                name,
                format!("`{name}` is `true` or `false`"),
            )),
        }
    }

    pub(crate) fn limit(&mut self, default: usize, most: usize) -> Result<usize, Problem> {
        let Some(text) = self.take("limit")? else {
            return Ok(default);
        };
        match text.parse::<usize>() {
            Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
            _ => Err(Problem::parameter(
                "limit",
                format!("`limit` is a number from 1 to {most}"),
            )),
        }
    }

    pub(crate) fn page(&mut self) -> Result<PageRequest, Problem> {
        let page = PageRequest {
            limit: self.limit(PAGE_DEFAULT, PAGE_LIMIT)?,
            starting_after: self.take("starting_after")?,
            ending_before: self.take("ending_before")?,
        };
        if page.starting_after.is_some() && page.ending_before.is_some() {
            return Err(Problem::parameter(
                "ending_before",
                "a page starts after one item or ends before one, not both",
            ));
        }
        Ok(page)
    }

    /// A position: a number from 0.
    pub(crate) fn position(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.take(name)? else {
            return Ok(None);
        };
        let position = position(&text).ok_or_else(|| {
            let detail = format!("`{name}` is a position: a whole number from 0");
            Problem::parameter(name, detail)
        })?;
        Ok(Some(position))
    }

    /// A position, or the `sequence` of an event.
    pub(crate) fn event_cursor(&mut self, name: &str) -> Result<Option<EventCursor>, Problem> {
        let Some(text) = self.take(name)? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|error: EventCursorError| {
            Problem::parameter(name, format!("`{name}` is {error}"))
        })
    }

    pub(crate) fn when(&mut self) -> Result<When, Problem> {
        let min_position = self.position("min_position")?;
        let as_of = match self.take("as_of")? {
            None => None,
            Some(text) if is_digits(&text) => {
                Some(AsOfParameter::Position(position(&text).ok_or_else(
                    || Problem::parameter("as_of", "`as_of` is a position or a time"),
                )?))
            }
            Some(text) => Some(AsOfParameter::Time(text.parse().map_err(|error| {
                Problem::parameter(
                    "as_of",
                    format!("`as_of` is a position or an RFC 3339 time: {error}"),
                )
            })?)),
        };
        Ok(When {
            as_of,
            min_position,
        })
    }

    /// Refuses parameters that no handler has read.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = name.chars().take(80).collect();
                let mut problem = Problem::new(
                    Code::ParameterUnknown,
                    format!("there is no query parameter `{name}` here"),
                );
                problem.status = axum::http::StatusCode::BAD_REQUEST;
                Err(problem.with_param(name))
            }
        }
    }
}

/// Digits and nothing else, no more than the read models can hold.
pub(crate) fn position(text: &str) -> Option<u64> {
    let position = text.parse().ok().filter(|_| is_digits(text))?;
    i64::try_from(position).is_ok().then_some(position)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let pairs: Result<Query<Vec<(String, String)>>, QueryRejection> =
            Query::from_request_parts(parts, state).await;
        pairs
            .map(|Query(pairs)| Self(pairs))
            .map_err(|error| Problem::parameter("query", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Parameters(owned.collect())
    }

    #[test]
    fn moments_are_positions_or_times() {
        let table: &[(&str, Option<AsOfParameter>)] = &[
            ("0", Some(AsOfParameter::Position(0))),
            ("17", Some(AsOfParameter::Position(17))),
            (
                "1970-01-01T00:00:01Z",
                Some(AsOfParameter::Time(Timestamp::from_seconds(1))),
            ),
            ("9223372036854775808", None),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("yesterday", None),
            ("2026-01-01", None),
        ];
        for (text, expected) in table {
            let got = parameters(&[("as_of", text)]).when();
            match expected {
                Some(_) => assert_eq!(got.unwrap().as_of, *expected, "{text}"),
                None => assert_eq!(got.unwrap_err().param.as_deref(), Some("as_of"), "{text}"),
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (pairs, param) in [
            (&[("limit", "0")][..], "limit"),
            (&[("limit", "101")], "limit"),
            (&[("limit", "ten")], "limit"),
            (&[("limit", "1"), ("limit", "2")], "limit"),
            (
                &[("starting_after", "a"), ("ending_before", "b")],
                "ending_before",
            ),
            (&[("as_off", "1")], "as_off"),
        ] {
            let mut given = parameters(pairs);
            let got = given.page().and_then(|_| given.finish());
            assert_eq!(got.unwrap_err().param.as_deref(), Some(param), "{pairs:?}");
        }
        let mut none = parameters(&[]);
        assert_eq!(none.page().unwrap().limit, PAGE_DEFAULT);
        assert!(none.finish().is_ok());
    }
}
