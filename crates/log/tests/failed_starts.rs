//! Starts that fail, one or two in a row, and what the next one finds.

mod support;

use support::{BATCHES, batch, open, segment, texts, with, written};
use tillroll_log::Storage;
use tillroll_log::testing::{Injection, MemoryStorage, PowerCut, StorageFailure, TestLog};

/// Whether a start of which this call fails does not open the log, and what it leaves.
fn start_that_fails(
    storage: &MemoryStorage,
    segment_bytes: u64,
    call: u64,
) -> (bool, MemoryStorage) {
    let machine = storage.restarted();
    machine.inject(Injection {
        at: call,
        failure: StorageFailure::Io,
        sticky: false,
    });
    let failed = open(machine.clone(), segment_bytes).is_err();
    (failed, machine)
}

/// What the next process may find: after so many cuts that tear, two that do not, and a kill.
fn ways_to_go_down(
    machine: &MemoryStorage,
    seeds: u64,
) -> impl Iterator<Item = (String, MemoryStorage)> {
    let cuts = (0..seeds).map(PowerCut::Torn);
    let cuts = cuts.chain([PowerCut::LoseAll, PowerCut::KeepAll]);
    let cut = cuts.map(|cut| (format!("{cut:?}"), machine.power_cut(cut)));
    cut.chain([("killed".to_owned(), machine.restarted())])
}

/// A start that fails at any call, and a machine that goes on or loses its power: the next start
/// finds all records and no torn tail, and the tail that was cut never comes back.
#[test]
fn a_cut_tail_never_comes_back_and_a_start_that_dies_leaves_none() {
    let (torn_bytes, room) = (vec![0x54; 40], vec![0; 900]);
    let mixed = [&torn_bytes[..], &room].concat();
    for (tail, segment_bytes) in [
        (vec![], 1 << 20),
        (torn_bytes.clone(), 1 << 20),
        (torn_bytes, 400),
        (room, 1 << 20),
        (mixed, 1 << 20),
    ] {
        let torn = tail.contains(&0x54);
        let (whole, _) = written(BATCHES, segment_bytes);
        let (log, _) = open(whole.restarted(), segment_bytes).unwrap();
        let mut expected = texts(&log);
        expected.push("new".to_owned());
        let name = whole.names().pop().unwrap();
        let storage = match tail.is_empty() {
            false => with(&whole, &name, |bytes| bytes.extend(&tail)),
            true => whole,
        };
        for call in 0.. {
            let (failed, machine) = start_that_fails(&storage, segment_bytes, call);
            for (death, next) in ways_to_go_down(&machine, 20) {
                let behind = tail.len();
                let what =
                    format!("torn {torn}, {behind} behind, {segment_bytes}, call {call}, {death}");
                let (mut log, report) = open(next.clone(), segment_bytes).unwrap();
                let cut = report.torn_tail.is_some();
                assert!(torn || !cut, "{what}: nothing was torn");
                log.append_next(&mut batch(["new"])).unwrap();
                drop(log);
                let (log, report) =
                    open(next.power_cut(PowerCut::LoseAll), segment_bytes).expect(&what);
                assert_eq!(report.torn_tail, None, "{what}: it is back");
                assert_eq!(texts(&log), expected, "{what}");
            }
            if !failed {
                break;
            }
        }
    }
}

/// Two starts that fail one after the other, at any two calls, whatever the last crash left. The
/// first may have taken something away without making that durable, and the second then does not
/// see it: nothing that it does may be in the way when it is back.
#[test]
fn whatever_two_failed_starts_leave_the_third_opens() {
    let segment_bytes = 400;
    let (whole, head) = written(BATCHES, segment_bytes);
    let (log, _) = open(whole.restarted(), segment_bytes).unwrap();
    let mut expected = texts(&log);
    expected.push("new".to_owned());
    let next = segment(head.position.next().get());
    let last = whole.names().pop().unwrap();
    let unfinished = whole.restarted();
    unfinished.put(&next, &b"TILL"[..]);
    let unnamed = whole.restarted();
    unnamed.create(&next).unwrap();
    let behind = |tail: Vec<u8>| with(&whole, &last, |bytes| bytes.extend(tail));
    let mut pairs = 0;
    for (left, storage, torn) in [
        ("an unfinished segment", unfinished, false),
        ("one whose name may be lost", unnamed, false),
        ("a torn tail", behind(vec![0x54; 40]), true),
        ("room", behind(vec![0; 900]), false),
        (
            "both",
            behind([vec![0x54; 40], vec![0; 900]].concat()),
            true,
        ),
        ("nothing", whole.restarted(), false),
    ] {
        for first in 0.. {
            let (first_failed, machine) = start_that_fails(&storage, segment_bytes, first);
            for (between, storage) in ways_to_go_down(&machine, 2) {
                for second in 0.. {
                    let (second_failed, machine) =
                        start_that_fails(&storage, segment_bytes, second);
                    for (death, storage) in ways_to_go_down(&machine, 4) {
                        let what =
                            format!("{left}, call {first}, {between}, call {second}, {death}");
                        let (mut log, report) = open(storage.clone(), segment_bytes).expect(&what);
                        assert!(torn || report.torn_tail.is_none(), "{what}");
                        log.append_next(&mut batch(["new"])).expect(&what);
                        drop(log);
                        let after = storage.power_cut(PowerCut::LoseAll);
                        let (log, report) = open(after, segment_bytes).expect(&what);
                        assert_eq!(report.torn_tail, None, "{what}: it is back");
                        assert_eq!(texts(&log), expected, "{what}");
                        pairs += 1;
                    }
                    if !second_failed {
                        break;
                    }
                }
            }
            if !first_failed {
                break;
            }
        }
    }
    assert!(pairs > 30_000, "{pairs} pairs of failed starts");
}
