//! Being told to stop, under load: in good order, in time, and nothing is lost.

use std::io::{BufRead, BufReader, Read, Write};

use tillroll_log::testing::Random;

use crate::book::Book;
use crate::load::Load;
use crate::report::seed;

/// The next start is as quick as the stop was orderly.
#[test]
fn a_stop_in_good_order_leaves_complete_read_models() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut book = Book::begin(directory.path(), "");
    for round in 0..5 {
        let server = book.launch().serve();
        let load = Load::start(server.address, 4, round, &format!("r{round}"));
        load.reach(50);
        let ended = server.stop();
        assert!(!ended.said.contains("left behind"), "{ended:?}");
        book.remember(load.join());
    }
}

#[test]
fn a_server_that_is_told_to_stop_under_load_loses_nothing_and_goes_on() {
    let seed = seed();
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut book = Book::begin(directory.path(), "");
    for (round, signal) in ["TERM", "INT", "TERM", "INT"].into_iter().enumerate() {
        book.context = format!("seed {seed}, round {round}, SIG{signal}");
        let server = book.launch().serve();
        book.examine(&server, &mut random);
        let load = Load::start(server.address, 4, random.number(), &format!("r{round}"));
        // Neither an idle connection nor one that waits for ever delays the end.
        let idle = server.client();
        let mut follower = server.client();
        follower
            .stream()
            .write_all(b"GET /v1/events?stream=true HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .expect("it serves");
        let mut follower = BufReader::new(follower.stream().try_clone().expect("a stream"));
        let mut line = String::new();
        while !line.starts_with("id:") {
            line.clear();
            let read = follower.read_line(&mut line).expect("events are streamed");
            assert_ne!(read, 0, "{}: the stream ended", book.context);
        }
        load.reach(1 + random.below(60) as u64);

        server.signal(signal);
        let ended = server.wait();
        assert_eq!(ended.status.code(), Some(0), "{}: {ended:?}", book.context);
        // The server itself gives up on what does not end, long before a supervisor does.
        assert!(
            !ended.said.contains("did not end in time"),
            "{}: {ended:?}",
            book.context
        );
        ended.says("stopped in good order");
        assert!(!ended.said.contains("ERROR"), "{}: {ended:?}", book.context);
        let mut rest = Vec::new();
        drop(follower.read_to_end(&mut rest));
        drop(idle);
        let done = load.join();
        for answer in &done.failures {
            // Who came too late is told so.
            assert_eq!(answer.json()["code"], "log_failed", "{answer:?}");
            assert!(answer.body.contains("shutting down"), "{answer:?}");
        }
        book.remember(done);
    }
    book.context = format!("seed {seed}, at the end");
    let said = book.recovers(&mut random);
    assert!(!said.contains("cut short"), "{said}");
    assert!(book.counts.acknowledged >= 4, "{}", book.counts);
}
