//! What is wrong with a body beyond its shape, collected so that a client sees all of it at
//! once.

use std::fmt::{Arguments, Display};
use std::str::FromStr;

use tillroll_events::Metadata;
use tillroll_ledger::{AccountPath, Side};
use tillroll_money::{Rate, Unit};

use crate::code::Code;
use crate::problem::{FieldError, Problem};
use crate::scalar::Minor;

/// More would not be read.
const MOST: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<(Code, FieldError)>);

impl Findings {
    pub(crate) fn add(&mut self, code: Code, pointer: Arguments<'_>, detail: impl Into<String>) {
        if self.0.len() < MOST {
            let error = FieldError {
                code: code.as_str().into(),
                pointer: pointer.to_string(),
                detail: detail.into(),
            };
            self.0.push((code, error));
        }
    }

    pub(crate) fn invalid(&mut self, pointer: Arguments<'_>, detail: impl Into<String>) {
        self.add(Code::ParameterInvalid, pointer, detail);
    }

    /// The first finding.
    pub(crate) fn first(&self) -> Option<&FieldError> {
        self.0.first().map(|(_, error)| error)
    }

    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Problem::of_findings(self.0))
        }
    }

    /// The value, or the problem that its absence was found to be.
    pub(crate) fn conclude<T>(self, value: Option<T>) -> Result<T, Problem> {
        match (self.finish(), value) {
            (Err(problem), _) => Err(problem),
            (Ok(()), Some(value)) => Ok(value),
            (Ok(()), None) => Err(Problem::new(
                Code::InternalError,
                "a value is missing and no finding says why",
            )),
        }
    }

    /// Reads a text as `T`.
    pub(crate) fn parse<T>(&mut self, text: &str, pointer: Arguments<'_>) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.invalid(pointer, T::Err::to_string(&error));
                None
            }
        }
    }

    /// Reads a text as `T` where there is one. `Some(None)` is its absence.
    pub(crate) fn parse_option<T>(
        &mut self,
        text: Option<&str>,
        pointer: Arguments<'_>,
    ) -> Option<Option<T>>
    where
        T: FromStr<Err: Display>,
    {
        match text {
            None => Some(None),
            Some(text) => self.parse(text, pointer).map(Some),
        }
    }

    pub(crate) fn unit(&mut self, text: &str, pointer: Arguments<'_>) -> Option<Unit> {
        self.parse(text, pointer)
    }

    pub(crate) fn path(&mut self, text: &str, pointer: Arguments<'_>) -> Option<AccountPath> {
        self.parse(text, pointer)
    }

    pub(crate) fn rate(&mut self, text: &str, pointer: Arguments<'_>) -> Option<Rate> {
        self.parse(text, pointer)
    }

    pub(crate) fn side(&mut self, text: &str, pointer: Arguments<'_>) -> Option<Side> {
        match text {
            "debit" => Some(Side::Debit),
            "credit" => Some(Side::Credit),
            _ => {
                self.invalid(pointer, "a side is `debit` or `credit`");
                None
            }
        }
    }

    /// Minor units, none above the largest amount.
    pub(crate) fn minor(&mut self, minor: Minor, pointer: Arguments<'_>) -> Option<u64> {
        match minor {
            Minor::Units(units) => Some(units),
            Minor::Negative => {
                self.invalid(
                    pointer,
                    "an amount is never negative: say the other side instead",
                );
                None
            }
            Minor::NotWhole => {
                self.invalid(
                    pointer,
                    "an amount is a whole number of minor units, written without decimal point or exponent",
                );
                None
            }
            Minor::TooLarge => {
                self.add(
                    Code::AmountOutOfRange,
                    pointer,
                    "an amount is at most 9223372036854775807 minor units",
                );
                None
            }
        }
    }

    /// Minor units that must not be zero.
    pub(crate) fn positive(&mut self, minor: Minor, pointer: Arguments<'_>) -> Option<u64> {
        match self.minor(minor, pointer)? {
            0 => {
                self.invalid(pointer, "this must be at least 1");
                None
            }
            units => Some(units),
        }
    }

    /// A short free text.
    pub(crate) fn text(&mut self, text: &str, longest: usize, pointer: Arguments<'_>) {
        let length = text.chars().count();
        if length == 0 || length > longest {
            self.invalid(
                pointer,
                format!("this text has {length} characters: it must have 1 to {longest}"),
            );
        }
    }

    /// Stripe's rules for metadata.
    pub(crate) fn metadata(&mut self, metadata: &Metadata, pointer: Arguments<'_>) {
        if metadata.len() > 50 {
            self.invalid(
                pointer,
                format!("metadata has at most 50 keys, this has {}", metadata.len()),
            );
            return;
        }
        for (key, value) in metadata {
            let mut place = pointer.to_string();
            tillroll_json::pointer::push_key(&mut place, key);
            if !(1..=40).contains(&key.chars().count()) || key.contains(['[', ']']) {
                self.invalid(
                    format_args!("{place}"),
                    "a key has 1 to 40 characters, and no brackets",
                );
            } else if value.chars().count() > 500 {
                self.invalid(
                    format_args!("{place}"),
                    "a value has at most 500 characters",
                );
            }
        }
    }
}
