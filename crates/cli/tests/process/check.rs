//! The laws that a roll has to keep towards its clients, whatever happened to the process. Pure:
//! events and memories in, the first broken law out, so that each law is shown to be breakable.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use tillroll_events::OrderId;

use crate::command::{Command, PAIRS, Transfer, What};
use crate::roll::Event;
use crate::witness::{Told, Witness};

/// A law that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A position is missing, or comes twice.
    NotDense { found: u64, expected: u64 },
    /// The roll ends before what was read from it.
    Shorter { head: u64, known: u64 },
    /// Something else stands where an event was read before.
    Changed { position: u64 },
    /// An event of a command that was not sent.
    NotSent { position: u64, key: Option<String> },
    /// A command was applied a second time.
    Twice { key: String, first: u64, again: u64 },
    /// A command was not applied as it was sent.
    Otherwise { key: String, found: Vec<String> },
    /// It was acknowledged and is not there.
    Lost { key: String, position: u64 },
    /// It was acknowledged with another position than it has.
    Elsewhere {
        key: String,
        acknowledged: u64,
        found: u64,
    },
    /// It was refused and is there.
    Refused { key: String, position: u64 },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Where a command stands on the roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub first: u64,
    pub last: u64,
}

/// What was read from the roll so far.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    /// Of every event, from position 1 on.
    hashes: Vec<u64>,
    runs: BTreeMap<String, Run>,
    moved: [u64; PAIRS],
    paid: BTreeMap<OrderId, u64>,
}

impl Checker {
    /// The events of the set-up belong to no command of a client.
    pub fn after_setup(events: &[Event]) -> Result<Self, Fault> {
        let mut checker = Self::default();
        for event in events {
            checker.next(event)?;
        }
        Ok(checker)
    }

    /// The last position that was read.
    pub fn known(&self) -> u64 {
        self.hashes.len() as u64
    }

    pub fn run(&self, key: &str) -> Option<Run> {
        self.runs.get(key).copied()
    }

    /// What has to be debited to, and credited from, the accounts of each pair.
    pub fn moved(&self) -> [u64; PAIRS] {
        self.moved
    }

    /// Orders that are on the roll, and what has to be paid of each.
    pub fn orders(&self) -> impl Iterator<Item = (OrderId, u64)> {
        self.paid.iter().map(|(order, paid)| (*order, *paid))
    }

    fn next(&mut self, event: &Event) -> Result<(), Fault> {
        let expected = self.known() + 1;
        if event.position != expected {
            let found = event.position;
            return Err(Fault::NotDense { found, expected });
        }
        self.hashes.push(event.hash);
        Ok(())
    }

    /// Takes what the roll holds after the last known position, up to its end: dense, of
    /// commands that were sent, each applied once and as a whole.
    pub fn follow(&mut self, witness: &Witness, events: &[Event], head: u64) -> Result<(), Fault> {
        for event in events {
            self.next(event)?;
        }
        let known = self.known();
        if head < known {
            return Err(Fault::Shorter { head, known });
        }
        if head > known {
            return Err(Fault::NotDense {
                found: head,
                expected: known,
            });
        }
        for run in events.chunk_by(|_, next| next.key.is_none()) {
            self.take(witness, run)?;
        }
        Ok(())
    }

    fn take(&mut self, witness: &Witness, run: &[Event]) -> Result<(), Fault> {
        let (first, last) = (&run[0], &run[run.len() - 1]);
        let key = first.key.clone();
        let sent = key.as_ref().and_then(|key| witness.get(key));
        let Some((key, sent)) = key.as_ref().zip(sent) else {
            let position = first.position;
            return Err(Fault::NotSent { position, key });
        };
        let place = Run {
            first: first.position,
            last: last.position,
        };
        if let Some(before) = self.runs.insert(key.clone(), place) {
            return Err(Fault::Twice {
                key: key.clone(),
                first: before.first,
                again: place.first,
            });
        }
        if !is_what_was_sent(&sent.command, run) {
            return Err(Fault::Otherwise {
                key: key.clone(),
                found: run.iter().map(|event| format!("{event:?}")).collect(),
            });
        }
        match &sent.command.what {
            What::Entry(transfer) | What::Unbalanced(transfer) => self.book(*transfer),
            What::Bulk(transfers) => transfers.iter().for_each(|transfer| self.book(*transfer)),
            What::Order { order, .. } => {
                self.paid.entry(*order).or_default();
            }
            What::Paid { order, amount, .. } => *self.paid.entry(*order).or_default() += amount,
        }
        Ok(())
    }

    fn book(&mut self, transfer: Transfer) {
        self.moved[transfer.pair] += transfer.amount;
    }

    /// What clients were told is so: what was acknowledged stands where they were told, and
    /// what was refused does not.
    pub fn settle(&self, witness: &Witness) -> Result<(), Fault> {
        for sent in witness.all() {
            let key = sent.command.key.clone();
            match (&sent.told, self.run(&key)) {
                (Told::Acknowledged { position, .. }, None) => {
                    let position = *position;
                    return Err(Fault::Lost { key, position });
                }
                (Told::Acknowledged { position, .. }, Some(run)) if *position != run.last => {
                    return Err(Fault::Elsewhere {
                        key,
                        acknowledged: *position,
                        found: run.last,
                    });
                }
                (Told::Refused { .. }, Some(run)) => {
                    let position = run.first;
                    return Err(Fault::Refused { key, position });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The whole roll, read again, is what was read before.
    pub fn same(&self, events: &[Event]) -> Result<(), Fault> {
        for (event, (hash, position)) in events.iter().zip(self.hashes.iter().zip(1..)) {
            if event.position != position {
                return Err(Fault::NotDense {
                    found: event.position,
                    expected: position,
                });
            }
            if event.hash != *hash {
                return Err(Fault::Changed { position });
            }
        }
        let (head, known) = (events.len() as u64, self.known());
        match head < known {
            true => Err(Fault::Shorter { head, known }),
            false => Ok(()),
        }
    }
}

fn is_what_was_sent(command: &Command, run: &[Event]) -> bool {
    match &command.what {
        What::Entry(transfer) => {
            matches!(run, [posted] if posted.kind == "entry.posted"
                && is_of(&posted.data["entry"], *transfer))
        }
        What::Bulk(transfers) => {
            let [posted, closed] = run else { return false };
            let entries = posted.data["entries"].as_array();
            posted.kind == "entries.posted"
                && closed.kind == "bulk.closed"
                && entries.is_some_and(|entries| {
                    let mut pairs = entries.iter().zip(transfers);
                    entries.len() == transfers.len()
                        && pairs.all(|(entry, transfer)| is_of(entry, *transfer))
                })
        }
        What::Order { order, total } => {
            let placed: Vec<_> = of_kind(run, "order.placed").collect();
            let opened = of_kind(run, "account.opened").count();
            run.len() == placed.len() + opened
                && placed.len() == 1
                && placed[0].subject == Some(order.to_string())
                && placed[0].data["entry"]["postings"][0]["amount"] == *total
        }
        What::Paid { event, .. } => {
            let received: Vec<_> = of_kind(run, "notification.received").collect();
            received.len() == 1 && received[0].data["id"] == event.as_str()
        }
        // Whatever is there, it should not be: `settle` says so.
        What::Unbalanced(_) => true,
    }
}

fn of_kind<'a>(run: &'a [Event], kind: &'a str) -> impl Iterator<Item = &'a Event> {
    run.iter().filter(move |event| event.kind == kind)
}

fn is_of(entry: &Value, transfer: Transfer) -> bool {
    let postings = &entry["postings"];
    let (to, from) = transfer.accounts();
    let leg = |account: &str, side: &str| {
        let mut postings = postings.as_array().into_iter().flatten();
        postings.any(|posting| {
            posting["account"] == account
                && posting["side"] == side
                && posting["amount"] == transfer.amount
        })
    };
    leg(&to, "debit") && leg(&from, "credit")
}

/// Every law, broken on purpose.
mod tests {
    use serde_json::json;

    use super::*;
    use crate::witness::Sent;

    fn posted(position: u64, key: Option<&str>, transfer: Transfer) -> Event {
        let (to, from) = transfer.accounts();
        Event {
            position,
            kind: "entry.posted".into(),
            key: key.map(str::to_owned),
            subject: None,
            data: json!({"entry": {"postings": [
                {"account": to, "side": "debit", "amount": transfer.amount},
                {"account": from, "side": "credit", "amount": transfer.amount},
            ]}}),
            hash: position,
        }
    }

    fn many(position: u64, key: Option<&str>, transfers: &[Transfer]) -> Event {
        let entries = transfers.iter().map(|transfer| {
            let mut one = posted(position, key, *transfer);
            one.data["entry"].take()
        });
        Event {
            kind: "entries.posted".into(),
            data: json!({"entries": entries.collect::<Vec<_>>()}),
            ..posted(position, key, ONE)
        }
    }

    fn closed(position: u64) -> Event {
        Event {
            kind: "bulk.closed".into(),
            data: json!({}),
            ..posted(position, None, ONE)
        }
    }

    const ONE: Transfer = Transfer { pair: 1, amount: 5 };
    const TWO: Transfer = Transfer { pair: 0, amount: 7 };

    fn acknowledged(position: u64) -> Told {
        Told::Acknowledged {
            position,
            body: String::new(),
        }
    }

    /// An entry `http:a`, a bulk `http:b` and an entry `http:c` that is unknown.
    fn witness(a: Told, b: Told) -> Witness {
        let bulk = Command {
            key: "http:b".into(),
            what: What::Bulk(vec![ONE, TWO]),
        };
        let commands = [
            (Command::entry("a", ONE), a),
            (bulk, b),
            (Command::entry("c", TWO), Told::Nothing),
        ];
        let mut witness = Witness::default();
        witness.remember(commands.map(|(command, told)| Sent {
            command,
            told,
            marks: (0, 0),
        }));
        witness
    }

    fn roll() -> Vec<Event> {
        vec![
            posted(1, Some("http:a"), ONE),
            many(2, Some("http:b"), &[ONE, TWO]),
            closed(3),
        ]
    }

    fn judge(witness: &Witness, roll: &[Event], head: u64) -> Result<Checker, Fault> {
        let mut checker = Checker::default();
        checker.follow(witness, roll, head)?;
        checker.settle(witness)?;
        Ok(checker)
    }

    #[test]
    fn a_roll_that_keeps_every_law_passes() {
        let witness = witness(acknowledged(1), Told::Nothing);
        let checker = judge(&witness, &roll(), 3).unwrap();
        assert_eq!(checker.moved(), [7, 10, 0, 0]);
        assert_eq!(checker.run("http:b"), Some(Run { first: 2, last: 3 }));
        checker.same(&roll()).unwrap();
    }

    #[test]
    fn every_broken_law_is_found() {
        let sound = || witness(acknowledged(1), acknowledged(3));
        let key = |key: &str| key.to_owned();
        let changed = |change: fn(&mut Vec<Event>)| {
            let mut roll = roll();
            change(&mut roll);
            roll
        };
        let table: Vec<(&str, Witness, Vec<Event>, Fault)> = vec![
            (
                "a lost acknowledgement at the end",
                sound(),
                changed(|roll| roll.truncate(1)),
                Fault::Lost {
                    key: key("http:b"),
                    position: 3,
                },
            ),
            (
                "a lost acknowledgement in the middle, and another in its place",
                sound(),
                changed(|roll| roll[0] = posted(1, Some("http:c"), TWO)),
                Fault::Lost {
                    key: key("http:a"),
                    position: 1,
                },
            ),
            (
                "a phantom with a key",
                sound(),
                changed(|roll| roll.push(posted(4, Some("http:z"), ONE))),
                Fault::NotSent {
                    position: 4,
                    key: Some(key("http:z")),
                },
            ),
            (
                "a phantom without one",
                sound(),
                changed(|roll| roll[0].key = None),
                Fault::NotSent {
                    position: 1,
                    key: None,
                },
            ),
            (
                "a command that was applied twice",
                sound(),
                changed(|roll| roll.push(posted(4, Some("http:a"), ONE))),
                Fault::Twice {
                    key: key("http:a"),
                    first: 1,
                    again: 4,
                },
            ),
            (
                "a gap",
                sound(),
                changed(|roll| roll[1].position = 3),
                Fault::NotDense {
                    found: 3,
                    expected: 2,
                },
            ),
            (
                "another position than was told",
                witness(acknowledged(2), acknowledged(3)),
                roll(),
                Fault::Elsewhere {
                    key: key("http:a"),
                    acknowledged: 2,
                    found: 1,
                },
            ),
            (
                "what was refused is there",
                witness(
                    Told::Refused {
                        status: 409,
                        body: String::new(),
                    },
                    acknowledged(3),
                ),
                roll(),
                Fault::Refused {
                    key: key("http:a"),
                    position: 1,
                },
            ),
        ];
        for (what, witness, roll, expected) in table {
            let head = roll.len() as u64;
            assert_eq!(judge(&witness, &roll, head).err(), Some(expected), "{what}");
        }
    }

    #[test]
    fn a_command_that_is_there_in_part_or_otherwise_is_found() {
        let witness = witness(Told::Nothing, Told::Nothing);
        let table: [(&str, fn(&mut Vec<Event>)); 4] = [
            ("half a bulk", |roll| {
                roll[1] = many(2, Some("http:b"), &[ONE]);
            }),
            ("a bulk without its end", |roll| {
                roll.pop();
            }),
            ("another amount", |roll| {
                roll[0] = posted(1, Some("http:a"), TWO);
            }),
            ("an entry with something behind it", |roll| {
                roll.insert(1, closed(2));
                (1..).zip(roll).for_each(|(at, event)| event.position = at);
            }),
        ];
        for (what, change) in table {
            let mut roll = roll();
            change(&mut roll);
            let found = judge(&witness, &roll, roll.len() as u64);
            assert!(
                matches!(found, Err(Fault::Otherwise { .. })),
                "{what}: {found:?}"
            );
        }
    }

    #[test]
    fn a_history_that_changes_or_shrinks_is_found() {
        let witness = witness(acknowledged(1), acknowledged(3));
        let mut checker = judge(&witness, &roll(), 3).unwrap();
        let shorter = Fault::Shorter { head: 2, known: 3 };
        assert_eq!(checker.same(&roll()[..2]), Err(shorter.clone()));
        assert_eq!(checker.follow(&witness, &[], 2), Err(shorter));
        let mut changed = roll();
        changed[2].hash += 1;
        assert_eq!(checker.same(&changed), Err(Fault::Changed { position: 3 }));
    }
}
