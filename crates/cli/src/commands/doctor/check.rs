//! One thing that was looked at.

use std::fmt::Display;

use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    /// The operator should act, and nothing is wrong yet.
    Warn,
    Fail,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) status: Status,
    pub(super) found: String,
    pub(super) next: Option<String>,
}

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Display) -> Self {
        Self {
            name,
            status: Status::Ok,
            found: found.to_string(),
            next: None,
        }
    }

    pub(super) fn warn(name: &'static str, found: impl Display, next: impl Display) -> Self {
        Self {
            status: Status::Warn,
            next: Some(next.to_string()),
            ..Self::ok(name, found)
        }
    }

    pub(super) fn fail(name: &'static str, found: impl Display, next: impl Display) -> Self {
        Self {
            status: Status::Fail,
            ..Self::warn(name, found, next)
        }
    }

    pub(super) fn view(&self) -> Value {
        json!({
            "check": self.name,
            "status": self.status.as_str().to_ascii_lowercase(),
            "found": self.found,
            "next": self.next,
        })
    }
}
