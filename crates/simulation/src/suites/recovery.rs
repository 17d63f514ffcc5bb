//! What opening makes of what a crash, or something worse, left behind.

use tillroll_journal::testing::{Failure, Injection, MemoryStorage, PowerCut};
use tillroll_journal::{Journal, Options, segment};

use super::log::{self, BATCHES};
use super::{Caught, Verdict, ensure};

const ONE_SEGMENT: u64 = 1 << 20;

pub(super) fn check() -> Verdict {
    a_torn_tail_is_cut_and_reported_once()?;
    damage_before_whole_frames_is_refused()?;
    what_only_the_cache_has_is_written_again()?;
    what_only_the_cache_has_cut_is_cut_again()?;
    what_only_the_cache_has_removed_is_removed_again()?;
    a_log_does_not_end_before_what_was_durable()
}

fn a_torn_tail_is_cut_and_reported_once() -> Verdict {
    let (storage, _) = log::written(BATCHES, ONE_SEGMENT)?;
    let frames = log::extents(&storage);
    let last = frames
        .last()
        .ok_or_else(|| Caught::new("no frame is there"))?;
    for end in last.start + 1..last.end {
        let what = format!("torn at byte {end}");
        let torn = log::changed(&storage, &last.file, |bytes| bytes.truncate(end));
        let opened = log::open(&torn, ONE_SEGMENT);
        let (mut journal, report) = opened.map_err(Caught::unexpected(&what))?;
        ensure(report.torn_tail.is_some(), || {
            format!("{what}: nothing is reported")
        })?;
        let left = torn.bytes(&last.file).len();
        ensure(left == last.start, || {
            format!("{what}: {left} bytes are left of {}", last.start)
        })?;
        let appended = journal.append(&mut log::batch(&["new"]));
        appended.map_err(Caught::unexpected(&what))?;
        drop(journal);
        let opened = log::open(&torn, ONE_SEGMENT);
        let (journal, report) = opened.map_err(Caught::unexpected(&what))?;
        ensure(report.torn_tail.is_none(), || {
            format!("{what}: the tail is there again")
        })?;
        let mut expected = log::sent(&BATCHES[..2]);
        expected.push(b"new".to_vec());
        ensure(log::read(&journal)? == expected, || {
            format!("{what}: other records than were sent")
        })?;
    }
    Ok(())
}

fn damage_before_whole_frames_is_refused() -> Verdict {
    let (storage, _) = log::written(BATCHES, ONE_SEGMENT)?;
    let frames = log::extents(&storage);
    for (number, frame) in frames[..2].iter().enumerate() {
        for byte in frame.start..frame.end {
            let what = format!("byte {byte} is wrong in frame {number} of {}", frames.len());
            let broken = log::changed(&storage, &frame.file, |bytes| bytes[byte] ^= 0x10);
            let damage = log::damage(&broken, log::options(ONE_SEGMENT), &what)?;
            ensure(damage.offset == frame.start as u64, || {
                format!("{what}: found at {}", damage.offset)
            })?;
        }
        let what = format!("frame {number} of {} is nothing but noughts", frames.len());
        let wiped = log::changed(&storage, &frame.file, |bytes| {
            bytes[frame.start..frame.end].fill(0);
        });
        let damage = log::damage(&wiped, log::options(ONE_SEGMENT), &what)?;
        ensure(damage.offset == frame.start as u64, || {
            format!("{what}: found at {}", damage.offset)
        })?;
    }
    Ok(())
}

/// A sync fails, the process ends, the system's cache still shows the frame. It may be accepted,
/// and then it must reach the disk.
fn what_only_the_cache_has_is_written_again() -> Verdict {
    let (storage, _) = log::written(&[&["one"]], ONE_SEGMENT)?;
    let unopened = Caught::unexpected("a log that was closed in good order does not open");
    let (mut journal, _) = log::open(&storage, ONE_SEGMENT).map_err(&unopened)?;
    storage.inject(Injection {
        at: 1,
        failure: Failure::Io,
        sticky: false,
    });
    let failed = journal.append(&mut log::batch(&["two"]));
    ensure(failed.is_err(), || "a failed sync is acknowledged".into())?;
    drop(journal);
    let cached = storage.restarted();
    let (journal, _) = log::open(&cached, ONE_SEGMENT).map_err(&unopened)?;
    let accepted = log::read(&journal)?;
    drop(journal);
    let after = cached.power_cut(PowerCut::LoseAll);
    let (journal, _) = log::open(&after, ONE_SEGMENT).map_err(&unopened)?;
    let left = log::read(&journal)?;
    ensure(left == accepted, || {
        format!(
            "{} records were accepted from the cache, {} are left after a power cut",
            accepted.len(),
            left.len()
        )
    })
}

/// A recovery cuts a torn tail, fails at its sync, and the system lives on: the next one is shown
/// a file without the tail, which the disk still has. The tail must not come back once the log
/// has gone on, least of all in a segment that is no longer the last.
fn what_only_the_cache_has_cut_is_cut_again() -> Verdict {
    for segment_bytes in [ONE_SEGMENT, 300] {
        let (storage, _) = log::written(&[&["one"]], segment_bytes)?;
        let file = log::extents(&storage)
            .pop()
            .ok_or_else(|| Caught::new("no frame is there"))?
            .file;
        let torn = log::changed(&storage, &file, |bytes| bytes.extend([0x54; 40]));
        // Whichever call of the recovery fails, as the last before the process is killed.
        for call in 0.. {
            let what = format!("call {call} of a recovery fails, segments of {segment_bytes}");
            let (failed, machine) = start_that_fails(&torn, segment_bytes, call);
            let opened = log::open(&machine, segment_bytes);
            let (mut journal, _) = opened.map_err(Caught::unexpected(&what))?;
            let appended = journal.append(&mut log::batch(&["two"]));
            appended.map_err(Caught::unexpected(&what))?;
            drop(journal);
            let after = machine.power_cut(PowerCut::LoseAll);
            let opened = log::open(&after, segment_bytes);
            let (journal, report) = opened.map_err(Caught::unexpected(&what))?;
            ensure(report.torn_tail.is_none(), || {
                format!("{what}: the tail that was cut is there again")
            })?;
            ensure(
                log::read(&journal)? == log::sent(&[&["one"], &["two"]]),
                || format!("{what}: other records than were sent"),
            )?;
            if !failed {
                break;
            }
        }
    }
    Ok(())
}

/// A rotation was cut short. Two starts fail one after the other, and between them the system
/// lives: the second does not see what the first has removed, and the disk may still have it.
fn what_only_the_cache_has_removed_is_removed_again() -> Verdict {
    let (storage, head) = log::written(BATCHES, ONE_SEGMENT)?;
    storage.put(&segment::file_name(head.position.next()), &b"TILL"[..]);
    for first in 0.. {
        let (failed, machine) = start_that_fails(&storage, ONE_SEGMENT, first);
        for second in 0.. {
            let (failed, machine) = start_that_fails(&machine, ONE_SEGMENT, second);
            for seed in 0..8 {
                let what = format!("calls {first} and {second} of two starts fail, cut {seed}");
                let after = machine.power_cut(PowerCut::Torn(seed));
                let opened = log::open(&after, ONE_SEGMENT);
                let (journal, _) = opened.map_err(Caught::unexpected(&what))?;
                ensure(log::read(&journal)? == log::sent(BATCHES), || {
                    format!("{what}: other records than were sent")
                })?;
            }
            if !failed {
                break;
            }
        }
        if !failed {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether a start fails of which one call does, and what the next process finds.
fn start_that_fails(
    storage: &MemoryStorage,
    segment_bytes: u64,
    call: u64,
) -> (bool, MemoryStorage) {
    let machine = storage.restarted();
    machine.inject(Injection {
        at: call,
        failure: Failure::Io,
        sticky: false,
    });
    let failed = log::open(&machine, segment_bytes).is_err();
    (failed, machine.restarted())
}

fn a_log_does_not_end_before_what_was_durable() -> Verdict {
    let (storage, head) = log::written(BATCHES, ONE_SEGMENT)?;
    let frames = log::extents(&storage);
    let last = frames
        .last()
        .ok_or_else(|| Caught::new("no frame is there"))?;
    let broken = log::changed(&storage, &last.file, |bytes| bytes[last.start + 165] ^= 1);
    let marked = Options {
        durable: Some(head),
        ..log::options(ONE_SEGMENT)
    };
    let what = "the last frame is wrong, and was known to be durable";
    log::damage(&broken, marked, what).map(drop)
}
