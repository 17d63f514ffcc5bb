//! Two engines on one log: one leads, the other follows and takes over, and a client that sends
//! its commands again has one effect for each, whichever of them answers.

mod support;

use std::collections::BTreeMap;
use std::thread;

use support::{apply, balance, engine, folded, fund, opening, pay, start};
use tillroll_engine::{EngineOptions, Handle, Position, SubmitError, Succession, spawn};
use tillroll_log::{Deadline, Log, MemoryLog};

fn runtime() -> tokio::runtime::Runtime {
    let built = tokio::runtime::Builder::new_current_thread().build();
    built.expect("a runtime")
}

/// A log with two wallets, of which the first has 1000.
fn funded() -> MemoryLog {
    let mut plain = engine();
    apply(&mut plain, opening(2));
    apply(&mut plain, vec![fund(1, "wallet:0", 1000)]);
    plain.into_log()
}

fn wallet(handle: &Handle, name: &'static str) -> (Position, i64) {
    let looked = handle.inspect(move |book| balance(book, name));
    runtime().block_on(looked).expect("it can be looked at")
}

fn take_over(handle: &Handle) -> Position {
    let taken = runtime().block_on(handle.take_over());
    taken.expect("it takes over")
}

/// Waits until a standby has seen a position.
fn seen(handle: &Handle, position: Position) {
    let mut committed = handle.committed();
    let seen = committed.wait_for(|committed| *committed >= position);
    drop(runtime().block_on(seen).expect("it follows"));
}

#[test]
fn a_standby_follows_and_takes_over_and_the_leader_before_follows_it() {
    let log = funded();
    let first = start(log.clone());
    let mut second = start(log.clone());
    second.stand_by().expect("nothing is staged");
    let options = EngineOptions::default();
    let (first, first_thread) = spawn(first, options);
    let (second, second_thread) = spawn(second, options);
    assert!(first.leads() && !second.leads());

    let paid = first.submit_blocking(pay(2, "wallet:0", "wallet:1", 5));
    let paid = paid.expect("it leads");
    let refused = second.submit_blocking(pay(3, "wallet:0", "wallet:1", 5));
    assert!(
        matches!(refused, Err(SubmitError::Superseded)),
        "{refused:?}"
    );
    seen(&second, paid.last);
    assert_eq!(wallet(&second, "wallet:1"), (paid.last, 5));

    assert_eq!(take_over(&second), paid.last);
    assert!(second.leads());
    // The client does not know whether it was applied, and asks the other one.
    let again = second.submit_blocking(pay(2, "wallet:0", "wallet:1", 5));
    let again = again.expect("it leads");
    assert_eq!((again.replayed, again.last), (true, paid.last));
    let paid = second.submit_blocking(pay(3, "wallet:0", "wallet:1", 5));
    let paid = paid.expect("it leads");

    let lost = first.submit_blocking(pay(4, "wallet:0", "wallet:1", 5));
    assert!(matches!(lost, Err(SubmitError::Superseded)), "{lost:?}");
    assert!(!first.leads());
    assert_eq!(wallet(&first, "wallet:1"), (paid.last, 10));
    let paid = second.submit_blocking(pay(4, "wallet:0", "wallet:1", 5));
    let paid = paid.expect("it leads");
    seen(&first, paid.last);
    assert_eq!(wallet(&first, "wallet:1"), (paid.last, 15));
    assert_eq!(first.metrics().superseded, 1);

    let digests = [&first, &second]
        .map(|handle| runtime().block_on(handle.inspect(tillroll_book::Book::digest)));
    let [first_digest, second_digest] = digests.map(|digest| digest.expect("it is durable"));
    assert_eq!(first_digest, second_digest);
    drop((first, second));
    first_thread.join().expect("it ends in good order");
    second_thread.join().expect("it ends in good order");
    assert_eq!(folded(&*log.reader(), None).digest(), second_digest.1);
}

/// Both lead whenever a command comes, so that they are superseded all the time.
#[test]
fn one_effect_per_key_whichever_of_two_leaders_answers() {
    let log = funded();
    let [first, second] = [(); 2].map(|()| {
        let engine = start(log.clone()).with_succession(Succession::TakeOver);
        spawn(engine, EngineOptions::default())
    });
    let clients: Vec<_> = (0..4)
        .map(|client: usize| {
            let handles = [first.0.clone(), second.0.clone()];
            thread::spawn(move || {
                (2..=60)
                    .map(|id| (id, answered(&handles, client + id as usize, id)))
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let mut applied = BTreeMap::new();
    for client in clients {
        for (id, position) in client.join().expect("a client ends") {
            if let Some(position) = position {
                let known = *applied.entry(id).or_insert(position);
                assert_eq!(known, position, "pay-{id}");
            }
        }
    }
    // 1000 pays for 33 times 30, and for no more.
    assert_eq!(applied.len(), 33);
    for (handle, thread) in [first, second] {
        drop(handle);
        thread.join().expect("it ends in good order");
    }
    let book = folded(&*log.reader(), None);
    let balances = (balance(&book, "wallet:0"), balance(&book, "wallet:1"));
    assert_eq!(balances, (10, 990));
}

/// Sends a command to one and the other until it is answered.
fn answered(handles: &[Handle; 2], turn: usize, id: u128) -> Option<Position> {
    for turn in turn.. {
        let submitted = handles[turn % 2].submit_blocking(pay(id, "wallet:0", "wallet:1", 30));
        match submitted {
            Ok(outcome) => return Some(outcome.last),
            Err(SubmitError::Refused(_)) => return None,
            Err(SubmitError::Superseded | SubmitError::Unavailable(_)) => {}
            Err(other) => panic!("pay-{id}: {other:?}"),
        }
    }
    unreachable!("it is answered in the end")
}

#[test]
fn a_leader_that_is_asked_to_take_over_goes_on() {
    let (handle, thread) = spawn(start(funded()), EngineOptions::default());
    let head = handle.head();
    assert_eq!(take_over(&handle), head);
    assert!(handle.leads());
    handle.stop();
    let stopped = runtime().block_on(handle.take_over());
    assert!(matches!(stopped, Err(SubmitError::Stopped)), "{stopped:?}");
    thread.join().expect("it ends in good order");
}

#[test]
fn a_start_folds_what_was_appended_meanwhile() {
    let log = funded();
    let mut leader = start(log.clone());
    let mut standby = start(log.clone());
    standby.stand_by().expect("nothing is staged");
    for id in 2..10 {
        apply(&mut leader, vec![pay(id, "wallet:0", "wallet:1", 1)]);
        assert_eq!(standby.follow().expect("memory answers"), leader.head());
        assert_eq!(standby.book().digest(), leader.book().digest(), "pay-{id}");
        assert!(standby.moment().is_some());
    }
    let end = log.reader().head(Deadline::NEVER).expect("memory answers");
    assert_eq!(standby.head(), end.position);
}
