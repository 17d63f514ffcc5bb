//! One writer for one directory, whoever comes first.

use crate::command::{Command, Transfer};
use crate::server::{Ended, Launch, Running};

fn post(server: &Running, key: &str) {
    let command = Command::entry(key, Transfer { pair: 0, amount: 1 });
    server.send(&command.request()).expect(201);
}

fn open_accounts(server: &Running) {
    for opening in (Transfer { pair: 0, amount: 1 }).openings() {
        server.send(&opening).expect(200);
    }
}

/// It has to name the directory, the reason, and what to do.
fn turned_away(ended: Ended, data: &std::path::Path) {
    let ended = ended.failed();
    ended
        .says(&data.display().to_string())
        .says("is in use: another server is running on it")
        .says("  try: ");
}

#[test]
fn a_second_process_is_turned_away_and_the_first_goes_on() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path();
    let first = Launch::on(data).serve();
    open_accounts(&first);
    for attempt in 0..3 {
        let second = Launch::on(data).start();
        turned_away(second.expect_err("the directory is in use"), data);
        post(&first, &format!("during{attempt}"));
    }
    // The lock goes with the process, however it ends.
    first.kill();
    let second = Launch::on(data).serve();
    post(&second, "after");
    assert_eq!(second.get("/v1/digest").json()["position"], 6);
    second.stop();
}

#[test]
fn of_many_processes_on_a_new_directory_one_serves() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path().join("new");
    let racing: Vec<_> = (0..5).map(|_| Launch::on(&data).spawn()).collect();
    let mut serving = None;
    let mut turned = 0;
    for process in racing {
        match process.ready() {
            Ok(server) => {
                let before = serving.replace(server);
                assert!(before.is_none(), "two processes serve: {before:?}");
            }
            Err(ended) => {
                turned_away(ended, &data);
                turned += 1;
            }
        }
    }
    assert_eq!(turned, 4);
    let server = serving.expect("one of them has the directory");
    open_accounts(&server);
    post(&server, "once");
    server.stop();
    crate::server::verify(&data, &"after the race");
}
