//! What opening makes of what a crash, or something worse, left behind.

mod support;

use support::{
    BATCHES, FRAMES, HEADER, ID, all, batch, damage, open, options, segment, texts, with, written,
};
use tillroll_log::testing::{Injection, MemoryStorage, PowerCut, StorageFailure, TestLog};
use tillroll_log::{
    Deadline, Fault, FileLog, FrameHash, Head, Log, LogId, LogOptions, LogVerifyError, OpenError,
    Position, verify,
};

/// Up to the last that is not zero.
fn written_bytes(tail: &[u8]) -> u64 {
    let last = tail.iter().rposition(|byte| *byte != 0);
    last.map_or(0, |last| last as u64 + 1)
}

#[test]
fn a_torn_tail_is_cut_at_every_byte_and_reported() {
    let (storage, _) = written(BATCHES, 1 << 20);
    let name = segment(1);
    assert_eq!(storage.bytes(&name).len(), FRAMES[3]);
    for end in FRAMES[2] + 1..FRAMES[3] {
        let torn = with(&storage, &name, |bytes| bytes.truncate(end));
        let (mut log, report) = open(torn.clone(), 1 << 20).unwrap();
        let cut = report.torn_tail.unwrap();
        let torn_bytes = written_bytes(&storage.bytes(&name)[FRAMES[2]..end]);
        assert_eq!((cut.offset, cut.bytes), (FRAMES[2] as u64, torn_bytes));
        assert_eq!(cut.file, name);
        assert_eq!(texts(&log), ["one", "two", "three"], "cut at {end}");
        let committed = log.append_next(&mut batch(["again"])).unwrap();
        assert_eq!(committed.first, Position::new(4));
        drop(log);
        let (log, report) = open(torn, 1 << 20).unwrap();
        assert_eq!(report.torn_tail, None);
        assert_eq!(texts(&log), ["one", "two", "three", "again"]);
    }
}

#[test]
fn an_end_between_frames_is_no_tear() {
    let (storage, _) = written(BATCHES, 1 << 20);
    for (frames, end) in FRAMES.into_iter().enumerate() {
        let whole = with(&storage, &segment(1), |bytes| bytes.truncate(end));
        let (_, report) = open(whole, 1 << 20).unwrap();
        assert_eq!((report.frames, report.torn_tail), (frames as u64, None));
    }
}

#[test]
fn a_tail_of_noise_is_cut_and_reported_and_one_of_noughts_is_room() {
    let (storage, head) = written(BATCHES, 1 << 20);
    for (what, tail) in [
        ("one zero", vec![0]),
        ("zeros", vec![0; 5000]),
        ("many zeros", vec![0; 700_000]),
        ("a byte far behind", {
            let mut far = vec![0; 700_000];
            far[650_000] = 1;
            far
        }),
        (
            "noise",
            (0..5000u32)
                .map(|n| n.wrapping_mul(97).to_le_bytes()[1])
                .collect(),
        ),
        ("a magic number", b"TRFR".repeat(200)),
    ] {
        let torn = with(&storage, &segment(1), |bytes| bytes.extend(&tail));
        let (log, report) = open(torn.clone(), 1 << 20).unwrap();
        assert_eq!(log.end(), head, "{what}");
        let bytes = written_bytes(&tail);
        let reported = report.torn_tail.map_or(0, |tail| tail.bytes);
        assert_eq!(reported, bytes, "{what}");
        assert_eq!(torn.bytes(&segment(1)).len(), FRAMES[3]);
    }
}

#[test]
fn a_record_that_looks_like_a_frame_does_not_make_a_tear_into_damage() {
    // The third frame's record is a copy of the frame that would lie right
    // there. The frame itself is torn in its last bytes.
    let (plain, _) = written(&[&["one"]], 1 << 20);
    let start = plain.bytes(&segment(1)).len();
    let inner = start + 160 + 4;
    let mut decoy = batch(["decoy"]);
    let place = tillroll_log::frame::FramePlace {
        segment: 1,
        offset: inner as u64,
    };
    let link = tillroll_log::frame::FrameLink {
        first: Position::new(9),
        previous: FrameHash::GENESIS,
    };
    let decoy = tillroll_log::frame::seal(&mut decoy, place, link)
        .bytes()
        .to_vec();
    let (mut log, _) = open(plain.clone(), 1 << 20).unwrap();
    log.append_next(&mut batch([decoy])).unwrap();
    drop(log);
    let torn = with(&plain, &segment(1), |bytes| *bytes.last_mut().unwrap() ^= 1);
    let (log, report) = open(torn, 1 << 20).unwrap();
    assert_eq!(report.torn_tail.unwrap().fault, Fault::EndMark);
    assert_eq!(texts(&log), ["one"]);
}

#[test]
fn bad_bytes_before_a_whole_frame_are_damage() {
    let (storage, _) = written(BATCHES, 1 << 20);
    for byte in HEADER..FRAMES[2] {
        let broken = with(&storage, &segment(1), |bytes| bytes[byte] ^= 0x10);
        let damage = damage(&broken, options(1 << 20));
        let frame = usize::from(byte >= FRAMES[1]);
        assert_eq!(damage.offset, FRAMES[frame] as u64, "byte {byte}: {damage}");
        assert_eq!(damage.frame, Some(frame as u64));
        assert_eq!(damage.position, Position::new([1, 3][frame]));
        assert_eq!(
            damage.followed_by,
            Some(FRAMES[frame + 1] as u64),
            "byte {byte}: {damage}"
        );
        assert!(!damage.torn_tail);
        let said = damage.to_string();
        let says = ["00000000000000000001.roll", "position", "restore"];
        assert!(says.iter().all(|word| said.contains(word)), "{said}");
    }
}

#[test]
fn a_hole_before_a_whole_frame_is_damage() {
    let (storage, _) = written(BATCHES, 1 << 20);
    let broken = with(&storage, &segment(1), |bytes| {
        bytes[FRAMES[1]..FRAMES[2]].fill(0)
    });
    let damage = damage(&broken, options(1 << 20));
    assert_eq!(
        (damage.fault, damage.followed_by),
        (Fault::Magic, Some(FRAMES[2] as u64))
    );
}

#[test]
fn any_damage_in_a_sealed_segment_is_refused() {
    let (storage, _) = written(BATCHES, 200);
    assert_eq!(storage.names(), [segment(1), segment(3), segment(4)]);
    let sealed = segment(3);
    let length = storage.bytes(&sealed).len();
    for byte in 0..length {
        let broken = with(&storage, &sealed, |bytes| bytes[byte] ^= 1);
        assert_eq!(damage(&broken, options(200)).file, sealed, "byte {byte}");
    }
    for end in 0..length {
        let cut = with(&storage, &sealed, |bytes| bytes.truncate(end));
        let damage = damage(&cut, options(200));
        let whole_header_only = end == HEADER;
        let named = if whole_header_only {
            segment(4)
        } else {
            sealed.clone()
        };
        assert_eq!(damage.file, named, "cut at {end}: {damage}");
    }
    let longer = with(&storage, &sealed, |bytes| bytes.push(0));
    assert_eq!(damage(&longer, options(200)).offset, length as u64);
}

#[test]
fn a_missing_segment_is_damage() {
    let (storage, _) = written(BATCHES, 200);
    for missing in [1, 3] {
        let storage = storage.restarted();
        storage.take(&segment(missing));
        let damage = damage(&storage, options(200));
        assert!(
            matches!(damage.fault, Fault::SegmentNumber { .. }),
            "{damage}"
        );
    }
}

#[test]
fn a_missing_last_segment_is_found_only_by_what_was_known_to_be_durable() {
    let (storage, head) = written(BATCHES, 200);
    storage.take(&segment(4));
    let with_mark = LogOptions {
        durable: Some(head),
        ..options(200)
    };
    let damage = damage(&storage, with_mark);
    assert_eq!(
        damage.fault,
        Fault::Lost {
            expected: head.position
        }
    );
    assert_eq!(
        texts(&open(storage, 200).unwrap().0),
        ["one", "two", "three"]
    );
}

#[test]
fn a_bad_last_frame_below_the_durable_mark_is_damage() {
    let (storage, head) = written(BATCHES, 1 << 20);
    let broken = with(&storage, &segment(1), |bytes| bytes[FRAMES[2] + 165] ^= 1);
    let seen = head.position;
    for (durable, durable_position, refused) in [
        (None, Position::ZERO, false),
        (None, Position::FIRST, false),
        (None, seen, true),
        (Some(head), Position::ZERO, true),
    ] {
        let options = LogOptions {
            durable,
            durable_position,
            ..options(1 << 20)
        };
        match refused {
            true => assert!(matches!(damage(&broken, options).fault, Fault::Lost { .. })),
            false => drop(FileLog::open(broken.restarted(), options).unwrap()),
        }
    }
}

#[test]
fn another_history_at_the_durable_mark_is_damage() {
    let (_, head) = written(BATCHES, 1 << 20);
    let (storage, other) = written(
        &[&["one", "two"], &["THREE"], &["four", "five", "six"]],
        1 << 20,
    );
    assert_eq!(other.position, head.position);
    for (durable, frame) in [
        (head, 2),
        (
            Head {
                position: Position::new(5),
                hash: other.hash,
            },
            2,
        ),
    ] {
        let options = LogOptions {
            durable: Some(durable),
            ..options(1 << 20)
        };
        assert_eq!(damage(&storage, options).offset, FRAMES[frame] as u64);
    }
    let options = LogOptions {
        durable: Some(other),
        ..options(1 << 20)
    };
    FileLog::open(storage, options).unwrap();
}

#[test]
fn another_history_at_a_durable_mark_in_a_skipped_segment_is_damage() {
    let (_, head) = written(&BATCHES[..2], 200);
    let (storage, _) = written(BATCHES, 200);
    for (hash, refused) in [(head.hash, false), (FrameHash::new([9; 32]), true)] {
        let options = LogOptions {
            check_from: Position::new(4),
            durable: Some(Head {
                position: head.position,
                hash,
            }),
            ..options(200)
        };
        match refused {
            true => assert_eq!(damage(&storage, options).fault, Fault::Chain),
            false => drop(FileLog::open(storage.restarted(), options).unwrap()),
        }
    }
}

#[test]
fn a_segment_of_another_history_is_damage() {
    let (storage, _) = written(BATCHES, 200);
    let (other, _) = written(&[&["one", "two"], &["THREE"], &["four"]], 200);
    storage.put(&segment(4), other.bytes(&segment(4)));
    let damage = damage(&storage, options(200));
    assert_eq!((damage.file, damage.fault), (segment(4), Fault::Chain));
}

#[test]
fn a_segment_of_another_log_is_refused() {
    let (storage, _) = written(BATCHES, 200);
    let others = LogId::new([1; 16]);
    let other = MemoryStorage::new();
    let theirs = LogOptions {
        id: Some(others),
        ..options(200)
    };
    let (mut log, _) = FileLog::open(other.clone(), theirs.clone()).unwrap();
    for records in BATCHES {
        log.append_next(&mut batch(*records)).unwrap();
    }
    drop(log);
    storage.put(&segment(3), other.bytes(&segment(3)));
    assert_eq!(damage(&storage, options(200)).fault, Fault::Log);
    let refused = FileLog::open(other, options(200)).map(|_| ()).unwrap_err();
    assert!(
        matches!(refused, OpenError::OtherLog { expected: ID, found } if found == others),
        "{refused}"
    );
}

#[test]
fn a_renamed_segment_is_damage() {
    let (storage, _) = written(BATCHES, 200);
    storage.put(&segment(5), storage.bytes(&segment(4)));
    storage.take(&segment(4));
    let damage = damage(&storage, options(200));
    assert!(matches!(damage.fault, Fault::Position { .. }), "{damage}");
}

#[test]
fn a_stray_segment_name_is_refused_and_other_files_are_left_alone() {
    let (storage, _) = written(BATCHES, 200);
    storage.put("snapshot.bin", "not ours");
    open(storage.clone(), 200).unwrap();
    assert_eq!(storage.bytes("snapshot.bin"), b"not ours");
    storage.put("3.roll", "whose?");
    let refused = open(storage, 200).map(|_| ()).unwrap_err();
    assert!(matches!(refused, OpenError::StrayFile { file } if file == "3.roll"));
}

#[test]
fn a_rotation_cut_short_at_any_byte_is_taken_back() {
    let (storage, head) = written(BATCHES, 200);
    let last = segment(7);
    let (mut log, _) = open(storage.restarted(), 200).unwrap();
    let begun = {
        let storage = storage.restarted();
        let (mut log, _) = open(storage.clone(), 200).unwrap();
        log.append_next(&mut batch(["seven"])).unwrap();
        storage.bytes(&last)
    };
    let committed = log.append_next(&mut batch(["seven"])).unwrap();
    for end in 0..=HEADER + 1 {
        let storage = storage.restarted();
        let mut left = begun[..end.min(HEADER)].to_vec();
        if end > HEADER {
            // All bytes are there and a sector of them is not what was meant.
            left[40] ^= 0xff;
        }
        storage.put(&last, left);
        let (mut log, report) = open(storage.clone(), 200).unwrap();
        assert_eq!(log.end(), head, "cut at {end}");
        let removed = (end != HEADER).then(|| last.clone());
        assert_eq!(report.removed_segment, removed, "cut at {end}");
        assert_eq!(log.append_next(&mut batch(["seven"])).unwrap(), committed);
        assert_eq!(storage.bytes(&last), begun);
    }
}

#[test]
fn a_sealed_segment_is_not_cut_because_a_rotation_was() {
    let (storage, _) = written(BATCHES, 200);
    let longer = with(&storage, &segment(4), |bytes| bytes.extend(b"not a frame"));
    longer.put(&segment(7), "TILL");
    assert_eq!(damage(&longer, options(200)).file, segment(4));
}

#[test]
fn a_creation_cut_short_at_any_byte_is_begun_again() {
    let (storage, _) = written(&[], 200);
    let whole = storage.bytes(&segment(1));
    assert_eq!(whole.len(), HEADER);
    for end in 0..HEADER {
        let storage = MemoryStorage::new();
        storage.put(&segment(1), &whole[..end]);
        let (mut log, report) = open(storage.clone(), 200).unwrap();
        assert!(
            report.created && report.removed_segment.is_some(),
            "{report:?}"
        );
        assert_eq!(storage.bytes(&segment(1)), whole);
        log.append_next(&mut batch(["one"])).unwrap();
        assert_eq!(all(&log).len(), 1);
    }
}

#[test]
fn a_bad_header_over_frames_is_damage() {
    let (storage, _) = written(BATCHES, 1 << 20);
    for byte in 0..HEADER {
        let broken = with(&storage, &segment(1), |bytes| bytes[byte] ^= 4);
        let damage = damage(&broken, options(1 << 20));
        assert_eq!((damage.offset, damage.torn_tail), (0, false), "byte {byte}");
    }
}

#[test]
fn an_unfinished_segment_out_of_place_is_damage() {
    let (storage, _) = written(BATCHES, 200);
    storage.put(&segment(9), "");
    let damage = damage(&storage, options(200));
    assert_eq!(damage.file, segment(9));
    let alone = MemoryStorage::new();
    alone.put(&segment(9), "");
    let refused = FileLog::open(alone, options(200)).map(|_| ()).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged(_)), "{refused}");
}

/// A sync fails, the process ends, the cache still shows the frame. It may be
/// accepted now, and then it must be on the disk.
#[test]
fn recovery_does_not_trust_the_cache() {
    let (storage, _) = written(&[&["one"]], 1 << 20);
    let (mut log, _) = open(storage.clone(), 1 << 20).unwrap();
    storage.inject(Injection {
        at: 1,
        failure: StorageFailure::Io,
        sticky: false,
    });
    log.append_next(&mut batch(["two"])).unwrap_err();
    drop(log);
    let lost = storage.power_cut(PowerCut::LoseAll);
    assert_eq!(texts(&open(lost, 1 << 20).unwrap().0), ["one"]);

    let cached = storage.restarted();
    let (log, _) = open(cached.clone(), 1 << 20).unwrap();
    assert_eq!(texts(&log), ["one", "two"]);
    let after = cached.power_cut(PowerCut::LoseAll);
    assert_eq!(texts(&open(after, 1 << 20).unwrap().0), ["one", "two"]);
}

#[test]
fn opening_folds_the_log_while_it_checks() {
    let (storage, _) = written(BATCHES, 200);
    for (check_from, skipped, expected) in [
        (0, 0, &["one", "two", "three", "four", "five", "six"][..]),
        (2, 0, &["two", "three", "four", "five", "six"]),
        (3, 1, &["three", "four", "five", "six"]),
        (5, 2, &["five", "six"]),
        (7, 2, &[]),
        (99, 2, &[]),
    ] {
        let options = LogOptions {
            check_from: Position::new(check_from),
            ..options(200)
        };
        let mut seen = Vec::new();
        let (mut log, report) =
            FileLog::open_with(storage.restarted(), options, |position, bytes| {
                seen.push((position, String::from_utf8(bytes.to_vec()).unwrap()));
            })
            .unwrap();
        assert_eq!(report.segments_skipped, skipped, "from {check_from}");
        let positions: Vec<_> = seen.iter().map(|(position, _)| position.get()).collect();
        let texts_seen: Vec<_> = seen.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts_seen, expected);
        assert!(
            positions.iter().copied().eq(check_from.max(1)..7),
            "{positions:?}"
        );
        log.append_next(&mut batch(["seven"])).unwrap();
        let expected = ["one", "two", "three", "four", "five", "six", "seven"];
        assert_eq!(texts(&log), expected, "from {check_from}");
        for (position, text) in (1..).map(Position::new).zip(expected) {
            let one = log.reader().read_one(position, Deadline::NEVER).unwrap();
            assert_eq!(one.as_deref(), Some(text.as_bytes()));
        }
    }
}

#[test]
fn damage_in_a_segment_that_open_skipped_is_found_when_it_is_read() {
    let (storage, _) = written(BATCHES, 200);
    let length = storage.bytes(&segment(3)).len();
    for byte in HEADER..length {
        let broken = with(&storage, &segment(3), |bytes| bytes[byte] ^= 2);
        let options = LogOptions {
            check_from: Position::new(4),
            ..options(200)
        };
        let (log, _) = FileLog::open(broken, options).unwrap();
        let reader = log.reader();
        // The bytes of the hash itself are covered by the header's checksum.
        reader
            .read_one(Position::new(3), Deadline::NEVER)
            .unwrap_err();
        assert_eq!(
            reader
                .read_one(Position::new(1), Deadline::NEVER)
                .unwrap()
                .unwrap(),
            b"one"
        );
        let read: Vec<_> = reader
            .read_from(Position::FIRST, Deadline::NEVER)
            .unwrap()
            .collect();
        assert_eq!(read.len(), 3, "two records and an error");
        assert!(read[2].is_err());
    }
}

#[test]
fn verification_reports_what_opening_would_mend() {
    let (storage, _) = written(BATCHES, 200);
    let torn = with(&storage, &segment(4), |bytes| bytes.truncate(HEADER + 9));
    let begun = storage.restarted();
    begun.put(&segment(7), "TILL");
    for storage in [torn, begun] {
        let LogVerifyError::Damaged(damage) = verify(&storage, |_| {}).unwrap_err() else {
            panic!("another failure");
        };
        assert!(damage.torn_tail, "{damage}");
        open(storage.clone(), 200).unwrap();
        verify(&storage, |_| {}).unwrap();
    }
}

#[test]
fn verification_counts_and_ends_at_the_head() {
    let (storage, head) = written(BATCHES, 200);
    let mut steps = Vec::new();
    let report = verify(&storage, |step| {
        steps.push((step.segment, step.bytes, step.length))
    })
    .unwrap();
    assert_eq!(report.head, head);
    assert_eq!((report.segments, report.frames, report.records), (3, 3, 6));
    assert_eq!(report.log, Some(ID));
    let lengths: Vec<_> = [1, 3, 4]
        .map(|first| storage.bytes(&segment(first)).len() as u64)
        .into();
    assert_eq!(report.bytes, lengths.iter().sum::<u64>());
    let expected: Vec<_> = (1..)
        .zip(lengths)
        .map(|(number, length)| (number, length, length))
        .collect();
    assert_eq!(steps, expected);
    let nothing = verify(&MemoryStorage::new(), |_| {}).unwrap();
    assert_eq!((nothing.log, nothing.head), (None, Head::EMPTY));
}
