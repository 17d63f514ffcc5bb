//! Why an event was not understood, and why a body is none.

/// Why an authentic event states no fact for us. Stored with the event, so codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No family of events that we have heard of.
    UnknownType,
    /// We know what it is about: nothing that moves money or could have, as far as it says.
    NoFacts,
    /// A notification without a snapshot: the object has to be fetched.
    ThinEvent,
    /// A payment on a connected account is in the seller's books, not in ours.
    ConnectedAccount,
    /// A field that is needed is missing or is not what it should be; the detail names it.
    Malformed,
    UnsupportedCurrency,
    /// An amount that the currency's minor unit cannot express.
    AmountPrecision,
}

impl Reason {
    pub const ALL: [Self; 7] = [
        Self::UnknownType,
        Self::NoFacts,
        Self::ThinEvent,
        Self::ConnectedAccount,
        Self::Malformed,
        Self::UnsupportedCurrency,
        Self::AmountPrecision,
    ];

    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownType => "unknown_type",
            Self::NoFacts => "no_facts",
            Self::ThinEvent => "thin_event",
            Self::ConnectedAccount => "connected_account",
            Self::Malformed => "malformed",
            Self::UnsupportedCurrency => "unsupported_currency",
            Self::AmountPrecision => "amount_precision",
        }
    }
}

/// A body that is no event at all: nothing to record, and the same bytes will never be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("the body is not UTF-8")]
    NotUtf8,
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("the body is not a JSON object")]
    NotAnObject,
    #[error(
        "`id` is not the id of an event: one to 255 visible ASCII characters that are no card number"
    )]
    Id,
    #[error(
        "`type` is not the type of an event: one to 255 visible ASCII characters that are no card number"
    )]
    Type,
}

impl BodyError {
    /// The stable code, part of the interface.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "body_not_utf8",
            Self::NotJson(_) => "body_not_json",
            Self::NotAnObject => "body_not_an_object",
            Self::Id => "event_id_missing",
            Self::Type => "event_type_missing",
        }
    }

    /// The field at fault, where it is one.
    #[must_use]
    pub fn param(&self) -> Option<&'static str> {
        match self {
            Self::Id => Some("id"),
            Self::Type => Some("type"),
            Self::NotUtf8 | Self::NotJson(_) | Self::NotAnObject => None,
        }
    }
}

/// What keeps an object from being translated, and where: `refunds.data[0].amount`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldProblem {
    pub(crate) reason: Reason,
    pub(crate) path: String,
    pub(crate) detail: String,
}

impl FieldProblem {
    pub(crate) fn malformed(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            reason: Reason::Malformed,
            path: path.into(),
            detail: detail.into(),
        }
    }

    /// The same problem, seen from the object that holds this one under `outer`.
    #[must_use]
    pub(crate) fn within(self, outer: &str) -> Self {
        let path = match self.path.as_str() {
            "" => outer.to_owned(),
            inner => format!("{outer}.{inner}"),
        };
        Self { path, ..self }
    }
}

impl std::fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.path, self.detail)
    }
}
