//! The formats, byte by byte. The golden files were made by another program, from the
//! specifications and not from this crate; they are never changed.

mod support;

use support::{RECORDS, checkpoint, golden, key, tree};
use tillroll_proofs::merkle::{consistency_proof, inclusion_proof};
use tillroll_proofs::{
    ConsistencyBundle, InclusionBundle, LogCheckpoint, Rotation, SignedCheckpoint, SigningKey,
    VerifiedBundle, VerifierKey, verify_bundle,
};

fn verifiers() -> Vec<VerifierKey> {
    VerifierKey::parse_lines(&golden("verifiers")).unwrap()
}

#[test]
fn keys_are_written_and_read_to_the_byte() {
    let text = golden("signing.key");
    let read = SigningKey::from_secret_text(text.trim_end()).unwrap();
    assert_eq!(read.verifier(), key(0x11).verifier());
    assert_eq!(format!("{}\n", key(0x11).secret_text()), text);
    let lines: String = verifiers().iter().map(|key| format!("{key}\n")).collect();
    assert_eq!(lines, golden("verifiers"));
    assert_eq!(
        verifiers(),
        [0x11, 0x22].map(|seed| key(seed).verifier().clone())
    );
}

#[test]
fn checkpoints_are_written_and_read_to_the_byte() {
    for (size, seed) in [(3, 0x11), (5, 0x22)] {
        let text = golden(&format!("checkpoint-{size}.note"));
        let signed = checkpoint(&RECORDS[..size], &key(seed));
        assert_eq!(signed.note().to_string(), text);
        let opened = SignedCheckpoint::open(text.as_bytes(), &verifiers()).unwrap();
        assert_eq!(opened.checkpoint(), signed.checkpoint());
        let parsed = LogCheckpoint::parse(opened.note().text()).unwrap();
        assert_eq!(parsed.to_string(), opened.note().text());
    }
}

#[test]
fn rotations_are_written_and_read_to_the_byte() {
    let text = golden("rotation.note");
    let (old, new) = (key(0x11), key(0x22));
    assert_eq!(Rotation::sign(&old, &new).unwrap().to_string(), text);
    let trusted = [old.verifier().clone()];
    let keys = Rotation::follow(&trusted, &[text.as_bytes()]).unwrap();
    assert_eq!(keys, verifiers());
}

#[test]
fn proofs_are_written_and_read_to_the_byte() {
    let tree = tree(RECORDS);
    let inclusion = InclusionBundle {
        record: RECORDS[2].into(),
        index: 2,
        path: inclusion_proof(&tree, 2, 5).unwrap(),
        note: golden("checkpoint-5.note"),
    };
    let text = golden("record-3.tlog-proof");
    assert_eq!(inclusion.to_string(), text);
    assert_eq!(InclusionBundle::parse(&text), Ok(inclusion));

    let consistency = ConsistencyBundle {
        path: consistency_proof(&tree, 3, 5).unwrap(),
        older: golden("checkpoint-3.note"),
        newer: golden("checkpoint-5.note"),
    };
    let text = golden("from-3-to-5.consistency-proof");
    assert_eq!(consistency.to_string(), text);
    assert_eq!(ConsistencyBundle::parse(&text), Ok(consistency));
}

#[test]
fn golden_proofs_hold_and_say_what_they_prove() {
    let open = |file| verify_bundle(golden(file).as_bytes(), &verifiers()).unwrap();
    let VerifiedBundle::Inclusion(inclusion) = open("record-3.tlog-proof") else {
        panic!("another kind");
    };
    assert_eq!(
        (inclusion.position, &*inclusion.record),
        (3, &b"order paid"[..])
    );
    assert_eq!(
        inclusion.to_string(),
        "The log tillroll/000102030405060708090a0b0c0d0e0f holds exactly these 10 bytes at \
         position 3. They lead to the root ilkoaehK+fOYDHxz7Rmv8zMviK6yGyjvNJliMA0FGZs= of its \
         first 5 records, which key 55c77570 signed."
    );
    let consistency = open("from-3-to-5.consistency-proof");
    assert_eq!(
        consistency.to_string(),
        "The log tillroll/000102030405060708090a0b0c0d0e0f has only grown from 3 records to 5: \
         nothing up to position 3 was altered, removed, inserted or moved between the checkpoint \
         of root 9R7zs3LKdBJ5yeXWzXTuipqXSttQ/x1QpIt2TPcwQrg=, which key 34570609 signed, and \
         that of root ilkoaehK+fOYDHxz7Rmv8zMviK6yGyjvNJliMA0FGZs=, which key 55c77570 signed."
    );
}

#[test]
fn the_example_in_the_documentation_is_the_golden_proof() {
    let text = include_str!("../PROOFS.md");
    assert!(text.contains(&golden("record-3.tlog-proof")));
    for size in [3, 5] {
        let note = golden(&format!("checkpoint-{size}.note"));
        let opened = SignedCheckpoint::open(note.as_bytes(), &verifiers()).unwrap();
        assert!(text.contains(&format!("# {}\n", opened.checkpoint().root)));
    }
}
