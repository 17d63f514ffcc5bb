//! Each bit of a log is flipped, one at a time: whoever verifies finds it, and whoever reads
//! finds it or is not served anything from there on.

use std::ops::ControlFlow;

use tillroll_journal::testing::MemoryStorage;
use tillroll_journal::{Journal, Position, segment, verify};

use super::log::{self, BATCHES};
use super::{Caught, Verdict, ensure};

pub(super) fn check() -> Verdict {
    verification_finds_every_flip()?;
    readers_find_every_flip()
}

fn flip(storage: &MemoryStorage, name: &str, bit: usize) {
    let mut bytes = storage.bytes(name);
    bytes[bit / 8] ^= 1 << (bit % 8);
    storage.put(name, bytes);
}

fn verification_finds_every_flip() -> Verdict {
    let (storage, _) = log::written(BATCHES, 200)?;
    for name in storage.names() {
        for bit in 0..storage.bytes(&name).len() * 8 {
            flip(&storage, &name, bit);
            ensure(verify(&storage, |_| {}).is_err(), || {
                format!("verification overlooks bit {bit} of {name}")
            })?;
            flip(&storage, &name, bit);
        }
    }
    let sound = verify(&storage, |_| {});
    sound.map(drop).map_err(Caught::unexpected("a sound log"))
}

/// Bits that rot while the journal is open.
fn readers_find_every_flip() -> Verdict {
    let (storage, _) = log::written(BATCHES, 1 << 20)?;
    let opened = log::open(&storage, 1 << 20);
    let (journal, _) = opened.map_err(Caught::unexpected("a sound log"))?;
    let (reader, sent) = (journal.reader(), log::sent(BATCHES));
    let name = segment::file_name(Position::FIRST);
    for bit in segment::HEADER_BYTES * 8..storage.bytes(&name).len() * 8 {
        flip(&storage, &name, bit);
        let mut right = 0;
        let mut wrong = false;
        let read = reader.for_each(Position::FIRST, &mut |_, record| {
            wrong |= sent.get(right).is_none_or(|sent| sent != record);
            right += 1;
            ControlFlow::Continue(())
        });
        ensure(!wrong, || {
            format!("a reader is served wrong bytes after bit {bit} flipped")
        })?;
        ensure(read.is_err(), || format!("a reader overlooks bit {bit}"))?;
        flip(&storage, &name, bit);
    }
    Ok(())
}
