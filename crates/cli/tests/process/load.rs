//! Clients that post at the same time, each until no answer comes, and remember what they were
//! told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tillroll_log::testing::Random;

use crate::client::{Answer, Client};
use crate::command::Command;
use crate::witness::{Sent, Told};

/// Far more than any test lets a client send: whoever gets there waits for an end that does not
/// come.
const MOST: u32 = 20_000;

/// A clock of a test.
pub type Mark = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Clients at work.
#[derive(Debug)]
pub struct Load {
    clients: Vec<JoinHandle<Done>>,
    acknowledged: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

/// What a client did.
#[derive(Debug, Default)]
pub struct Done {
    pub sent: Vec<Sent>,
    /// Answers that say that the server failed.
    pub failures: Vec<Answer>,
}

impl Load {
    /// Starts clients that draw whatever there is. `name` is new each time.
    pub fn start(address: SocketAddr, clients: usize, seed: u64, name: &str) -> Self {
        Self::marked(address, clients, seed, name, Arc::new(|| 0))
    }

    /// The same with a clock that is looked at before each command and after each answer.
    pub fn marked(address: SocketAddr, clients: usize, seed: u64, name: &str, mark: Mark) -> Self {
        let acknowledged = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..clients).map(|client| {
            let name = format!("{name}t{client}");
            let mut random = Random::new(seed ^ (client as u64 + 1) << 32);
            let (acknowledged, stop) = (Arc::clone(&acknowledged), Arc::clone(&stop));
            let mark = Arc::clone(&mark);
            thread::spawn(move || {
                let many = Many {
                    most: None,
                    acknowledged: &acknowledged,
                    stop: &stop,
                    mark: &*mark,
                };
                post(address, &mut random, &name, &many)
            })
        });
        Self {
            clients: clients.collect(),
            acknowledged,
            stop,
        }
    }

    /// Waits until so many commands are acknowledged, or no client posts any more.
    pub fn reach(&self, acknowledged: u64) {
        while self.acknowledged.load(Ordering::SeqCst) < acknowledged
            && self.clients.iter().any(|client| !client.is_finished())
        {
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// Waits until all clients have lost their server.
    pub fn join(self) -> Done {
        let mut all = Done::default();
        for client in self.clients {
            let done = client.join().expect("a client does not panic");
            all.sent.extend(done.sent);
            all.failures.extend(done.failures);
        }
        all
    }

    /// Has every client end after its present request.
    pub fn stop(self) -> Done {
        self.stop.store(true, Ordering::SeqCst);
        self.join()
    }
}

/// One client, and so many commands at the most.
pub fn few(address: SocketAddr, random: &mut Random, name: &str, commands: u32) -> Done {
    let many = Many {
        most: Some(commands),
        acknowledged: &AtomicU64::new(0),
        stop: &AtomicBool::new(false),
        mark: &|| 0,
    };
    post(address, random, name, &many)
}

/// How long a client goes on, and who hears of it.
struct Many<'a> {
    most: Option<u32>,
    acknowledged: &'a AtomicU64,
    stop: &'a AtomicBool,
    mark: &'a dyn Fn() -> u64,
}

fn post(address: SocketAddr, random: &mut Random, name: &str, many: &Many<'_>) -> Done {
    let mut done = Done::default();
    let mut unpaid = Vec::new();
    let Ok(mut client) = Client::connect(address) else {
        return done;
    };
    for number in 0.. {
        if many.most == Some(number) {
            break;
        }
        assert!(number < MOST, "{name}: nothing ends the load");
        if many.stop.load(Ordering::SeqCst) {
            break;
        }
        let command = Command::draw(random, &format!("{name}n{number}"), &mut unpaid);
        let asked = (many.mark)();
        let answer = client.send(&command.request());
        let told = Told::by(&answer);
        let marks = (asked, (many.mark)());
        if let Told::Acknowledged { .. } = told {
            many.acknowledged.fetch_add(1, Ordering::SeqCst);
            unpaid.extend(command.order());
        }
        let lost = told == Told::Nothing;
        done.sent.push(Sent {
            command,
            told,
            marks,
        });
        if lost {
            done.failures.extend(answer);
            break;
        }
    }
    done
}
