//! Clients that post at the same time, each until nobody answers, and remember what they were
//! told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tillroll_journal::testing::Random;

use crate::client::{Answer, Client};
use crate::command::Command;
use crate::witness::{Sent, Told};

/// Far more than any test lets a client send: whoever gets there waits for an end that does not
/// come.
const MOST: u32 = 20_000;

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
        let acknowledged = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..clients).map(|client| {
            let name = format!("{name}t{client}");
            let mut random = Random::new(seed ^ (client as u64 + 1) << 32);
            let (acknowledged, stop) = (Arc::clone(&acknowledged), Arc::clone(&stop));
            thread::spawn(move || post(address, &mut random, &name, None, &acknowledged, &stop))
        });
        Self {
            clients: clients.collect(),
            acknowledged,
            stop,
        }
    }

    /// Waits until so many commands are acknowledged, or nobody posts any more.
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
    post(
        address,
        random,
        name,
        Some(commands),
        &AtomicU64::new(0),
        &AtomicBool::new(false),
    )
}

fn post(
    address: SocketAddr,
    random: &mut Random,
    name: &str,
    most: Option<u32>,
    acknowledged: &AtomicU64,
    stop: &AtomicBool,
) -> Done {
    let mut done = Done::default();
    let mut unpaid = Vec::new();
    let Ok(mut client) = Client::connect(address) else {
        return done;
    };
    for number in 0.. {
        if most == Some(number) {
            break;
        }
        assert!(number < MOST, "{name}: nothing ends the load");
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let command = Command::draw(random, &format!("{name}n{number}"), &mut unpaid);
        let answer = client.send(&command.request());
        let told = Told::by(&answer);
        if let Told::Acknowledged { .. } = told {
            acknowledged.fetch_add(1, Ordering::SeqCst);
            unpaid.extend(command.order());
        }
        let lost = told == Told::Nothing;
        done.sent.push(Sent { command, told });
        if lost {
            done.failures.extend(answer);
            break;
        }
    }
    done
}
