//! What clients know: what they sent, and what they were told.

use std::collections::BTreeMap;

use crate::client::Answer;
use crate::command::Command;

/// What a client was told about its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is on the roll, up to this position.
    Acknowledged { position: u64, body: String },
    /// It is not on the roll.
    Refused { status: u16, body: String },
    /// Neither yes nor no: the connection broke, or the server said that it failed.
    Nothing,
}

impl Told {
    /// What an answer tells; none is an answer, too.
    pub fn by(answer: &std::io::Result<Answer>) -> Self {
        match answer {
            Ok(answer) if answer.is_success() => match answer.position() {
                Some(position) => Self::Acknowledged {
                    position,
                    body: answer.body.clone(),
                },
                None => panic!("a success without a position: {answer:?}"),
            },
            Ok(answer) if answer.status < 500 => Self::Refused {
                status: answer.status,
                body: answer.body.clone(),
            },
            Ok(_) | Err(_) => Self::Nothing,
        }
    }
}

/// A command as a client remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub command: Command,
    pub told: Told,
    /// What a clock of the test said when it was asked, and when the answer came; noughts where
    /// there is none.
    pub marks: (u64, u64),
}

/// All commands that were ever sent, by key.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    sent: BTreeMap<String, Sent>,
}

impl Witness {
    pub fn remember(&mut self, sent: impl IntoIterator<Item = Sent>) {
        for sent in sent {
            let key = sent.command.key.clone();
            let before = self.sent.insert(key, sent);
            assert_eq!(before, None, "the tests draw each key once");
        }
    }

    /// A command was sent again and this time there was an answer.
    pub fn learn(&mut self, key: &str, told: Told) {
        let sent = self.sent.get_mut(key).expect("it was sent before");
        sent.told = told;
    }

    pub fn get(&self, key: &str) -> Option<&Sent> {
        self.sent.get(key)
    }

    pub fn all(&self) -> impl Iterator<Item = &Sent> {
        self.sent.values()
    }

    pub fn acknowledged(&self) -> impl Iterator<Item = (&Sent, u64)> {
        self.all().filter_map(|sent| match sent.told {
            Told::Acknowledged { position, .. } => Some((sent, position)),
            _ => None,
        })
    }
}
