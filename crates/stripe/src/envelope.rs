//! The envelope of an event, snapshot or thin, of any API version.

use tillroll_events::{ExternalId, Timestamp};
use tillroll_json::{Json, contains_card_number};

use crate::error::{BodyError, FieldProblem};
use crate::fields::{self, Fields};

/// Longest API version that is kept: `2026-09-30.endive` and more.
const LONGEST_VERSION: usize = 64;

#[derive(Debug)]
pub(crate) struct EventEnvelope<'t, 'a> {
    pub(crate) id: ExternalId,
    /// The event's type: `charge.updated`.
    pub(crate) kind: &'t str,
    /// The connected account that the event happened on.
    pub(crate) account: Result<Option<ExternalId>, FieldProblem>,
    pub(crate) api_version: Option<&'t str>,
    pub(crate) created: Option<Timestamp>,
    pub(crate) livemode: bool,
    pub(crate) content: Content<'t, 'a>,
}

/// What the event is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'t, 'a> {
    /// `data.object`: the object as it was when the event happened.
    Snapshot(&'t Json<'a>),
    /// A notification of API v2: only the name of what changed, in `related_object`.
    Thin(Fields<'t, 'a>),
    /// Neither.
    None,
}

impl<'t, 'a> EventEnvelope<'t, 'a> {
    pub(crate) fn read(json: &'t Json<'a>) -> Result<Self, BodyError> {
        let fields = Fields::of(json).ok_or(BodyError::NotAnObject)?;
        let id = match fields.get("id") {
            Some(Json::Text(text)) => fields::id(text).ok_or(BodyError::Id)?,
            _ => return Err(BodyError::Id),
        };
        let kind = match fields.get("type") {
            Some(Json::Text(text)) if is_visible(text, 255) => text.as_ref(),
            _ => return Err(BodyError::Type),
        };
        let snapshot = fields.expanded("data").and_then(|data| data.get("object"));
        let thin = fields.get("related_object").is_some()
            || kind.starts_with("v1.")
            || kind.starts_with("v2.");
        let content = match snapshot {
            Some(object) => Content::Snapshot(object),
            None if thin => Content::Thin(fields),
            None => Content::None,
        };
        let account = match content {
            // A snapshot's `context` may also be our own account within an organisation: only
            // `account` says that an event is someone else's. Until API version 2017-05-25 the
            // field was called `user_id`.
            Content::Snapshot(_) | Content::None => match fields.id("account") {
                Ok(None) => fields.id("user_id"),
                account => account,
            },
            Content::Thin(_) => fields.id("context"),
        };
        let version = fields.text("api_version").ok().flatten();
        Ok(Self {
            id,
            kind,
            account,
            api_version: version.filter(|version| is_visible(version, LONGEST_VERSION)),
            created: match fields.get("created") {
                Some(Json::Text(text)) => text.parse().ok(),
                _ => fields.time("created"),
            },
            livemode: fields.truth("livemode").ok().flatten().unwrap_or(false),
            content,
        })
    }
}

/// Whether `text` is a name that may be stored as it is.
fn is_visible(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && !contains_card_number(text)
}
