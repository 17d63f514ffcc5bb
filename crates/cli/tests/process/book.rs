//! A data directory under test: what was sent to it, what was read from it, and the examination
//! of a server that was started on it again.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::json;
use tillroll_log::testing::Random;

use crate::check::{Checker, Fault};
use crate::client::{Client, Request};
use crate::command::{PAIRS, Transfer};
use crate::load::Done;
use crate::roll;
use crate::server::{Launch, Running, verify};
use crate::witness::{Told, Witness};

/// Most commands with an answer that are sent again in one examination; that all of them are on
/// the roll is read from the roll.
const REPEATED: usize = 30;

#[derive(Clone, Debug)]
pub struct Book {
    pub data: PathBuf,
    pub witness: Witness,
    pub checker: Checker,
    /// In every message.
    pub context: String,
    /// Keys that were sent since the last examination.
    recent: Vec<String>,
    pub counts: Counts,
}

/// Figures for the report.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub acknowledged: u64,
    pub refused: u64,
    /// Commands without an answer, how many of these were sent again, and how many of those
    /// were on the roll already.
    pub unknown: u64,
    pub resolved: u64,
    pub unknown_applied: u64,
    /// Commands that were sent again, and whose answer was compared.
    pub replayed: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} acknowledged and found, {} refused and absent, {} without an answer ({} sent \
             again, {} of which were on the roll, none twice), {} repeated and answered the same",
            self.acknowledged,
            self.refused,
            self.unknown,
            self.resolved,
            self.unknown_applied,
            self.replayed,
        )
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.resolved += other.resolved;
        self.unknown_applied += other.unknown_applied;
        self.replayed += other.replayed;
    }
}

impl Book {
    /// Begins a book in a directory and opens the accounts that the load posts to.
    pub fn begin(data: &Path, context: impl fmt::Display) -> Self {
        let server = Launch::on(data).serve();
        let mut client = server.client();
        for pair in 0..PAIRS {
            for opening in (Transfer { pair, amount: 1 }).openings() {
                client.send(&opening).expect("it serves").expect(200);
            }
        }
        let (events, _) = roll::read_after(&mut client, 0).expect("it serves");
        server.stop();
        Self {
            data: data.to_owned(),
            witness: Witness::default(),
            checker: Checker::after_setup(&events).expect("a new roll is dense"),
            context: context.to_string(),
            recent: Vec::new(),
            counts: Counts::default(),
        }
    }

    pub fn launch(&self) -> Launch {
        Launch::on(&self.data)
    }

    /// Remembers what clients sent and were told.
    pub fn remember(&mut self, done: Done) {
        let keys = done.sent.iter().map(|sent| sent.command.key.clone());
        self.recent.extend(keys);
        for sent in &done.sent {
            match sent.told {
                Told::Acknowledged { .. } => self.counts.acknowledged += 1,
                Told::Refused { .. } => self.counts.refused += 1,
                Told::Nothing => self.counts.unknown += 1,
            }
        }
        self.witness.remember(done.sent);
    }

    /// Reads what is new on the roll and holds it against what clients know.
    pub fn compare(&mut self, client: &mut Client) -> Result<(), Fault> {
        let (events, head) = roll::read_after(client, self.checker.known())
            .unwrap_or_else(|error| panic!("{}: {error}", self.context));
        self.checker.follow(&self.witness, &events, head)?;
        self.checker.settle(&self.witness)
    }

    /// Examines a server that was started after its predecessor died: the roll, the balances,
    /// and the answers to commands that are repeated.
    #[track_caller]
    pub fn examine(&mut self, server: &Running, random: &mut Random) {
        let mut client = server.client();
        self.hold(&mut client);
        self.repeat(&mut client, random);
        self.hold(&mut client);
        self.balances(&mut client);
    }

    /// Starts a server on the directory as it was left, examines it, and kills it: what it said.
    #[track_caller]
    pub fn goes_on(&mut self, random: &mut Random) -> String {
        let server = self.launch().serve();
        self.examine(&server, random);
        server.kill().said
    }

    /// Also reads the whole roll again, sends old commands again, and has `tillroll verify` look
    /// at every byte and row.
    #[track_caller]
    pub fn examine_whole(&mut self, server: &Running, random: &mut Random) {
        self.examine(server, random);
        self.recent = self.witness.all().map(|s| s.command.key.clone()).collect();
        self.examine(server, random);
        let (events, _) = roll::read_after(&mut server.client(), 0).expect("it serves");
        let same = self.checker.same(&events);
        same.unwrap_or_else(|fault| panic!("{}: {fault}", self.context));
        let report = verify(&self.data, &self.context);
        assert_eq!(report["position"], self.checker.known(), "{}", self.context);
    }

    /// Starts a server on the directory as it was left, examines it whole, shows that it takes
    /// a command, stops it, and verifies what it left.
    #[track_caller]
    pub fn recovers(&mut self, random: &mut Random) -> String {
        let server = self.launch().serve();
        self.examine_whole(&server, random);
        let key = format!("recovered{}", self.checker.known());
        let transfer = Transfer { pair: 0, amount: 1 };
        let command = crate::command::Command::entry(&key, transfer);
        let answer = server.client().send(&command.request());
        let told = Told::by(&answer);
        assert!(
            matches!(told, Told::Acknowledged { .. }),
            "{}: {answer:?}",
            self.context
        );
        self.witness.remember([crate::witness::Sent {
            command,
            told,
            marks: (0, 0),
        }]);
        self.hold(&mut server.client());
        let ended = server.stop();
        verify(&self.data, &self.context);
        ended.said
    }

    #[track_caller]
    fn hold(&mut self, client: &mut Client) {
        let held = self.compare(client);
        held.unwrap_or_else(|fault| panic!("{}: {fault}", self.context));
    }

    /// Of what was sent lately, some that was answered and about half of what was not: the
    /// other half is never asked for again.
    fn choose(&mut self, random: &mut Random) -> Vec<String> {
        let recent = std::mem::take(&mut self.recent);
        let (mut open, mut answered): (Vec<_>, Vec<_>) = recent.into_iter().partition(|key| {
            let sent = self.witness.get(key);
            sent.is_some_and(|sent| sent.told == Told::Nothing)
        });
        open.retain(|_| random.coin());
        for _ in 0..REPEATED.min(answered.len()) {
            open.push(answered.swap_remove(random.below(answered.len())));
        }
        open
    }

    /// Sends again what was sent lately: what is on the roll is answered as before, what is not
    /// is applied now, and what was refused is refused again.
    #[track_caller]
    fn repeat(&mut self, client: &mut Client, random: &mut Random) {
        for key in self.choose(random) {
            let sent = self.witness.get(&key).expect("it was sent").clone();
            let run = self.checker.run(&key);
            let answer = client.send(&sent.command.request());
            let told = Told::by(&answer);
            let context = format!("{}: {sent:?}, now {answer:?}", self.context);
            let answer = answer.expect(&context);
            match &sent.told {
                Told::Acknowledged { position, body } => {
                    assert!(answer.is_replayed(), "{context}");
                    assert_eq!(answer.position(), Some(*position), "{context}");
                    match sent.command.is_webhook() {
                        false => assert_eq!(answer.body, *body, "{context}"),
                        true => assert_eq!(answer.json()["status"], "known", "{context}"),
                    }
                    self.counts.replayed += 1;
                }
                Told::Refused { status, .. } => assert_eq!(answer.status, *status, "{context}"),
                Told::Nothing => {
                    assert_eq!(answer.is_replayed(), run.is_some(), "{context}");
                    if let Some(run) = run {
                        assert_eq!(answer.position(), Some(run.last), "{context}");
                    }
                    self.counts.resolved += 1;
                    self.counts.unknown_applied += u64::from(run.is_some());
                    self.witness.learn(&key, told);
                }
            }
        }
    }

    /// Balances are the sums of what is on the roll, by the clients' own reckoning.
    #[track_caller]
    fn balances(&self, client: &mut Client) {
        let known = self.checker.known();
        let mut get = |path: String| {
            let request = Request::get(format!("{path}?min_position={known}"));
            let answer = client.send(&request);
            let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", self.context));
            assert_eq!(answer.status, 200, "{}: {answer:?}", self.context);
            answer.json()
        };
        let trial = get("/v1/trial-balance".into());
        let units = trial["units"].as_array().expect("a list of units");
        for unit in units {
            assert_eq!(unit["debits"], unit["credits"], "{}: {unit}", self.context);
        }
        let accounts = units.iter().flat_map(|unit| unit["accounts"].as_array());
        let accounts: Vec<_> = accounts.flatten().collect();
        for (pair, moved) in self.checker.moved().into_iter().enumerate() {
            let (to, from) = Transfer { pair, amount: 1 }.accounts();
            for (path, debits, credits) in [(to, moved, 0), (from, 0, moved)] {
                let account = accounts.iter().find(|account| account["path"] == path);
                let found = account.map(|account| (&account["debits"], &account["credits"]));
                let expected = (&json!(debits), &json!(credits));
                // An account that nothing moves may be left out.
                let fits = found.map_or(moved == 0, |found| found == expected);
                assert!(
                    fits,
                    "{}: {path}: {found:?}, not {expected:?}",
                    self.context
                );
            }
        }
        for (order, paid) in self.checker.orders().take(3) {
            let found = get(format!("/v1/orders/{order}"));
            assert_eq!(found["paid"], paid, "{}: {found}", self.context);
        }
    }
}
