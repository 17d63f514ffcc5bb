//! No flipped bit of a segment is overlooked, whoever reads it.

mod support;

use std::ops::ControlFlow;

use support::{open, options, segment, written};
use tillroll_journal::testing::MemoryStorage;
use tillroll_journal::{FileJournal, Journal, Options, Position, verify};

fn flip(storage: &MemoryStorage, name: &str, bit: usize) {
    let mut bytes = storage.bytes(name);
    bytes[bit / 8] ^= 1 << (bit % 8);
    storage.put(name, bytes);
}

#[test]
fn verification_finds_every_flipped_bit() {
    let (storage, _) = written(&[&["one", ""], &["three"], &["four", "five"]], 500);
    assert_eq!(storage.names().len(), 2);
    let mut flips = 0;
    for name in storage.names() {
        for bit in 0..storage.bytes(&name).len() * 8 {
            flip(&storage, &name, bit);
            let found = verify(&storage, |_| {});
            assert!(found.is_err(), "bit {bit} of {name}");
            flip(&storage, &name, bit);
            flips += 1;
        }
    }
    assert!(flips > 6000, "{flips}");
    verify(&storage, |_| {}).unwrap();
}

/// Opening may cut the last frame, which looks torn; it never serves anything
/// that was not written.
#[test]
fn opening_serves_nothing_wrong_after_any_flip() {
    let (storage, _) = written(&[&["one", ""], &["three"], &["four", "five"]], 500);
    let sent = ["one", "", "three", "four", "five"];
    for name in storage.names() {
        let last = name != segment(1);
        for bit in 0..storage.bytes(&name).len() * 8 {
            let broken = storage.restarted();
            flip(&broken, &name, bit);
            let opened = open(broken, 500);
            assert!(last || opened.is_err(), "bit {bit} of a sealed segment");
            if let Ok((journal, report)) = opened {
                let found = support::texts(&journal);
                assert!(report.torn_tail.is_some(), "bit {bit}");
                assert_eq!(found, sent[..found.len()], "bit {bit}");
            }
        }
    }
}

/// Bits that rot while the journal is open are found by the reader.
#[test]
fn readers_serve_nothing_wrong_after_any_flip_in_a_frame() {
    let (storage, _) = written(&[&["one", ""], &["three"], &["four", "five"]], 1 << 20);
    let name = segment(1);
    let skip_nothing = Options {
        check_from: Position::ZERO,
        ..options(1 << 20)
    };
    let (journal, _) = FileJournal::open(storage.clone(), skip_nothing).unwrap();
    let reader = journal.reader();
    for bit in 128 * 8..storage.bytes(&name).len() * 8 {
        flip(&storage, &name, bit);
        let mut seen = Vec::new();
        let read = reader.for_each(Position::FIRST, &mut |_, record| {
            seen.push(record.to_vec());
            ControlFlow::Continue(())
        });
        assert!(read.is_err(), "bit {bit}");
        let sent = [&b"one"[..], b"", b"three", b"four", b"five"];
        assert_eq!(seen, sent[..seen.len()], "bit {bit}");
        flip(&storage, &name, bit);
    }
}
