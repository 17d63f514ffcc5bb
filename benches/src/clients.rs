//! Clients that each send one command, wait for its answer, and send the next.

use std::time::Duration;

use tillroll_book::Command;
use tillroll_engine::{Handle, SubmitError};
use tokio::runtime::{Builder, Runtime};

use crate::timed;

/// The commands of each client.
#[derive(Debug)]
pub struct Clients(Vec<Vec<Command>>);

impl Clients {
    /// So many clients with so many commands each.
    pub fn new(clients: usize, each: usize, mut command: impl FnMut() -> Command) -> Self {
        let list = |_| (0..each).map(|_| command()).collect();
        Self((0..clients).map(list).collect())
    }

    /// Lets them all run, and answers how long it took until the last had its last answer.
    ///
    /// # Panics
    /// When a command is refused or fails, which would measure something else.
    #[must_use]
    pub fn run(self, runtime: &Runtime, handle: &Handle) -> Duration {
        let Self(clients) = self;
        let work = async {
            let tasks: Vec<_> = clients
                .into_iter()
                .map(|commands| tokio::spawn(client(handle.clone(), commands)))
                .collect();
            for task in tasks {
                let done = task.await.expect("a client does not panic");
                done.expect("nothing is refused and nothing fails");
            }
        };
        timed(|| runtime.block_on(work)).1
    }
}

async fn client(handle: Handle, commands: Vec<Command>) -> Result<(), SubmitError> {
    for command in commands {
        handle.submit(command).await?;
    }
    Ok(())
}

/// Two workers, as a small server has.
///
/// # Panics
/// When the system starts no thread.
#[must_use]
pub fn runtime() -> Runtime {
    let built = Builder::new_multi_thread().worker_threads(2).build();
    built.expect("the system starts threads")
}
