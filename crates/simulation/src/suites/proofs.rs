//! Proofs and checkpoints that were altered, forged, or made for a log that was rewritten.

use tillroll_journal::{Batch, Journal, MemoryJournal};
use tillroll_proofs::merkle::{
    Frontier, MemoryTree, TreeHash, consistency_proof, leaf_hash, node_hash, verify_consistency,
};
use tillroll_proofs::{
    Checkpoint, KeyName, Keyring, Prover, ProverError, SignedCheckpoint, SigningKey,
};

use super::{Caught, Verdict, ensure};

const BOOK: [u8; 16] = *b"a book of suites";

pub(super) fn check() -> Verdict {
    a_record_never_passes_for_a_node()?;
    only_our_key_signs_for_us()?;
    a_rewritten_log_has_not_grown()?;
    a_rewritten_log_is_not_signed()
}

fn record(number: u64) -> Vec<u8> {
    format!("record {number}").into_bytes()
}

fn a_record_never_passes_for_a_node() -> Verdict {
    let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
    let disguised = [*left.as_bytes(), *right.as_bytes()].concat();
    ensure(leaf_hash(&disguised) != node_hash(left, right), || {
        "a record of two hashes has the hash of their node".into()
    })?;
    // Of the empty record, as RFC 6962 has it and other implementations compute it.
    let known = TreeHash::from_base64("bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=");
    ensure(known == Some(leaf_hash(b"")), || {
        format!("the empty record has the hash {}", leaf_hash(b""))
    })
}

fn only_our_key_signs_for_us() -> Verdict {
    let name = KeyName::of_book(BOOK);
    let ours = SigningKey::from_seed(name.clone(), &[1; 32]);
    let trusted = [ours.verifier().clone()];
    let mut tree = Frontier::new();
    (0..5).for_each(|number| tree.push(leaf_hash(&record(number))));
    let checkpoint = Checkpoint {
        origin: name,
        size: tree.size(),
        root: tree.root(),
    };
    let signed = SignedCheckpoint::sign(checkpoint, &ours);
    let note = signed.map_err(Caught::unexpected("a checkpoint"))?;
    let note = note.note().to_string();
    let opened = SignedCheckpoint::open(note.as_bytes(), &trusted);
    opened.map_err(Caught::unexpected("a checkpoint of ours"))?;
    let altered = note.replacen("\n5\n", "\n6\n", 1);
    let opened = SignedCheckpoint::open(altered.as_bytes(), &trusted);
    ensure(opened.is_err(), || {
        "a checkpoint is believed whose size was altered after it was signed".into()
    })
}

fn a_rewritten_log_has_not_grown() -> Verdict {
    let tree = |altered: Option<u64>, size: u64| -> MemoryTree {
        let leaf = |number| match altered == Some(number) {
            true => leaf_hash(b"nothing to see here"),
            false => leaf_hash(&record(number)),
        };
        (0..size).map(leaf).collect()
    };
    let root = |altered, size: u64| {
        let mut frontier = Frontier::new();
        for number in 0..size {
            frontier.push(match altered == Some(number) {
                true => leaf_hash(b"nothing to see here"),
                false => leaf_hash(&record(number)),
            });
        }
        frontier.root()
    };
    for (altered, grown) in [(None, true), (Some(2), false), (Some(12), true)] {
        let (old, new) = (11, 19);
        let path = consistency_proof(&tree(altered, new), old, new);
        let path = path.map_err(Caught::unexpected("a proof"))?;
        let verdict = verify_consistency(old, root(None, old), new, root(altered, new), &path);
        ensure(verdict.is_ok() == grown, || {
            format!(
                "with {altered:?} altered, a log of {old} records has grown to {new}: {verdict:?}"
            )
        })?;
    }
    Ok(())
}

/// Somebody writes the log anew, with valid frames, checksums and hashes.
fn a_rewritten_log_is_not_signed() -> Verdict {
    let directory = tempfile::tempdir();
    let directory = directory.map_err(Caught::unexpected("no place for temporary files"))?;
    let keys = directory.path().join("keys");
    let made = Keyring::create(&keys, KeyName::of_book(BOOK), &[1; 32]);
    drop(made.map_err(Caught::unexpected("keys"))?);
    let signed = |altered: Option<u64>, size: u64| -> Result<Result<u64, ProverError>, Caught> {
        let mut journal = MemoryJournal::new();
        for number in 0..size {
            let mut batch = Batch::new();
            let bytes = match altered == Some(number) {
                true => b"nothing to see here".to_vec(),
                false => record(number),
            };
            batch.push(&bytes).expect("it is small");
            let appended = journal.append(&mut batch);
            appended.map_err(Caught::unexpected("memory does not fail"))?;
        }
        let keyring = Keyring::open(&keys).map_err(Caught::unexpected("keys"))?;
        let proofs = directory.path().join("proofs");
        let opened = Prover::open(proofs, BOOK, keyring, journal.reader(), &mut |_| {});
        let (mut prover, _) = opened.map_err(Caught::unexpected("a prover"))?;
        let checkpoint = prover.checkpoint();
        Ok(checkpoint.map(|signed| signed.checkpoint().size))
    };
    for size in [11, 19] {
        let size_signed =
            signed(None, size)?.map_err(Caught::unexpected("a log that has grown"))?;
        ensure(size_signed == size, || {
            format!("{size_signed} records of {size} are signed for")
        })?;
    }
    match signed(Some(2), 23)? {
        Err(ProverError::History(_)) => Ok(()),
        Err(error) => Err(Caught(format!("a log that was rewritten: {error}"))),
        Ok(size) => Err(Caught(format!(
            "a log of {size} records is signed for that contradicts an older checkpoint"
        ))),
    }
}
