//! The roll as a follower reads it over HTTP: events, and the commands that they belong to.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde_json::Value;

use crate::client::{Client, Request};

/// An event of `GET /v1/events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub position: u64,
    /// `entry.posted`.
    pub kind: String,
    /// The key of the command whose first event this is.
    pub key: Option<String>,
    /// The order that it belongs to.
    pub subject: Option<String>,
    pub data: Value,
    /// Of the whole event, as it was sent.
    pub hash: u64,
}

impl Event {
    fn parse(line: &str) -> Self {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let text = |name: &str| event[name].as_str().map(str::to_owned);
        let sequence = text("sequence").unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        Self {
            position: sequence.parse().unwrap_or_else(|e| panic!("{e}: {line}")),
            kind: text("type")
                .unwrap_or_default()
                .trim_start_matches("tillroll.")
                .to_owned(),
            key: text("causationid"),
            subject: text("subject"),
            data: event["data"].clone(),
            hash: hasher.finish(),
        }
    }
}

/// Most events of one answer.
const PAGE: usize = 1000;

/// Everything after a position, and where the roll ended when it was read.
pub fn read_after(client: &mut Client, after: u64) -> std::io::Result<(Vec<Event>, u64)> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let last = events.last().map_or(after, |event| event.position);
        let request = Request::get(format!("/v1/events?after={last}&limit={PAGE}"))
            .with("accept", "application/x-ndjson");
        let answer = client.send(&request)?.expect(200);
        let head = answer.position().expect("a read says of which position");
        let before = events.len();
        events.extend(answer.body.lines().map(Event::parse));
        if events.len() - before < PAGE {
            return Ok((events, head));
        }
    }
}
