//! Proof files: each one of a small log holds, and nothing that was altered does.

mod support;

use std::sync::LazyLock;

use proptest::prelude::*;
use support::{checkpoint, golden, key, mutations, record, records, tree};
use tillroll_proofs::merkle::{consistency_proof, inclusion_proof};
use tillroll_proofs::{
    ConsistencyBundle, InclusionBundle, MAX_BUNDLE_BYTES, SigningKey, VerifiedBundle, VerifierKey,
    verify_bundle,
};

const SIZE: u64 = 7;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| key(1));
static KEYS: LazyLock<[VerifierKey; 1]> = LazyLock::new(|| [KEY.verifier().clone()]);

fn note(size: u64) -> String {
    checkpoint(records(size), &KEY).note().to_string()
}

fn inclusion(position: u64, size: u64) -> InclusionBundle {
    InclusionBundle {
        record: record(position),
        index: position - 1,
        path: inclusion_proof(&tree(records(size)), position - 1, size).unwrap(),
        note: note(size),
    }
}

fn consistency(old: u64, new: u64) -> ConsistencyBundle {
    ConsistencyBundle {
        path: consistency_proof(&tree(records(new)), old, new).unwrap(),
        older: note(old),
        newer: note(new),
    }
}

fn code(text: &str) -> &'static str {
    match verify_bundle(text.as_bytes(), &*KEYS) {
        Ok(_) => "holds",
        Err(error) => error.code(),
    }
}

#[test]
fn every_record_of_a_log_is_proved_and_comes_back() {
    for size in 1..=SIZE {
        for position in 1..=size {
            let text = inclusion(position, size).to_string();
            match verify_bundle(text.as_bytes(), &*KEYS) {
                Ok(VerifiedBundle::Inclusion(proof)) => {
                    assert_eq!((proof.position, proof.record), (position, record(position)));
                    assert_eq!(proof.checkpoint.checkpoint().size, size);
                }
                other => panic!("{position} of {size}: {other:?}"),
            }
        }
    }
}

#[test]
fn every_pair_of_checkpoints_of_a_log_is_proved() {
    for new in 0..=SIZE {
        for old in 0..=new {
            let text = consistency(old, new).to_string();
            match verify_bundle(text.as_bytes(), &*KEYS) {
                Ok(VerifiedBundle::Consistency(proof)) => {
                    assert_eq!(proof.older.checkpoint().size, old);
                    assert_eq!(proof.newer.checkpoint().size, new);
                }
                other => panic!("{old} to {new}: {other:?}"),
            }
        }
    }
}

#[test]
fn no_byte_of_a_proof_can_be_changed() {
    let keys = VerifierKey::parse_lines(&golden("verifiers")).unwrap();
    for file in ["record-3.tlog-proof", "from-3-to-5.consistency-proof"] {
        let bytes = golden(file).into_bytes();
        assert!(verify_bundle(&bytes, &keys).is_ok());
        // Each byte of the notes is changed in the tests of notes, so one in five will do here.
        let notes = golden(file).find("\n\n").unwrap();
        for (at, changed) in mutations(&bytes).filter(|(at, _)| *at < notes + 2 || at % 5 == 0) {
            let verified = verify_bundle(&changed, &keys);
            assert!(verified.is_err(), "{file}, byte {at}: {verified:?}");
        }
        for end in 0..bytes.len() {
            assert!(
                verify_bundle(&bytes[..end], &keys).is_err(),
                "{file} cut at {end}"
            );
        }
        for more in ["\n", " ", "\u{2014} x AAAAAAE="] {
            let longer = [&bytes, more.as_bytes()].concat();
            assert!(
                verify_bundle(&longer, &keys).is_err(),
                "{file} and {more:?}"
            );
        }
    }
}

#[test]
fn a_proof_that_does_not_hold_says_what_failed() {
    let good = inclusion(3, 5);
    let grown = consistency(3, 5);
    let include = |change: fn(&mut InclusionBundle)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        bundle.to_string()
    };
    let grow = |change: fn(&mut ConsistencyBundle)| {
        let mut bundle = grown.clone();
        change(&mut bundle);
        bundle.to_string()
    };
    let stranger = checkpoint(records(5), &key(9)).note().to_string();
    let forged = note(5).replacen("\n5\n", "\n6\n", 1);
    let rewritten = checkpoint(["another past", "b", "c", "d", "e"], &KEY);
    let cases = [
        (good.to_string(), "holds"),
        (grown.to_string(), "holds"),
        (include(|b| b.record = b"altered".to_vec()), "root_mismatch"),
        (include(|b| b.index = 3), "root_mismatch"),
        (include(|b| b.index = 4), "path_length"),
        (include(|b| b.index = 5), "position_out_of_range"),
        (include(|b| b.index = u64::MAX), "position_out_of_range"),
        (include(|b| b.path.truncate(2)), "path_length"),
        (include(|b| b.path.swap(0, 1)), "root_mismatch"),
        (include(|b| b.note = note(6)), "root_mismatch"),
        (include(|b| b.note = note(2)), "position_out_of_range"),
        (include(|b| b.note.clear()), "checkpoint_malformed"),
        (
            include(|b| b.path = vec![b.path[0]; 129]),
            "proof_malformed",
        ),
        (
            grow(|b| std::mem::swap(&mut b.older, &mut b.newer)),
            "checkpoints_reversed",
        ),
        (grow(|b| b.path.truncate(2)), "path_length"),
        (grow(|b| b.path.swap(0, 1)), "root_mismatch"),
        (grow(|b| b.older = note(2)), "path_length"),
        (grow(|b| b.newer.clear()), "proof_malformed"),
        (
            format!("{}{stranger}", before_note(&good)),
            "signature_missing",
        ),
        (
            format!("{}{forged}", before_note(&good)),
            "signature_invalid",
        ),
        (
            format!("{}{}", before_note(&good), rewritten.note()),
            "root_mismatch",
        ),
        (
            good.to_string().replacen("extra", "Extra", 1),
            "proof_malformed",
        ),
        (
            good.to_string().replacen("index 2", "index 02", 1),
            "proof_malformed",
        ),
        ("c2sp.org/tlog-proof@v2\n".into(), "proof_format_unknown"),
        (String::new(), "proof_format_unknown"),
    ];
    for (text, expected) in cases {
        assert_eq!(code(&text), expected, "{text}");
    }
    let long = vec![b'x'; MAX_BUNDLE_BYTES + 1];
    let refused = verify_bundle(&long, &*KEYS).unwrap_err();
    assert_eq!(refused.code(), "proof_too_large");
    assert_eq!(
        verify_bundle(b"\xff", &*KEYS).unwrap_err().code(),
        "proof_malformed"
    );
    assert_eq!(
        verify_bundle(good.to_string().as_bytes(), &[])
            .unwrap_err()
            .code(),
        "signature_missing"
    );
}

fn before_note(bundle: &InclusionBundle) -> String {
    let text = bundle.to_string();
    text[..text.len() - bundle.note.len()].to_owned()
}

#[test]
fn checkpoints_of_two_logs_are_not_compared() {
    let other = SigningKey::from_seed(tillroll_proofs::KeyName::of_book([9; 16]), &[9; 32]);
    let mut bundle = consistency(3, 5);
    bundle.older = checkpoint(records(3), &other).note().to_string();
    let keys = [KEY.verifier().clone(), other.verifier().clone()];
    let refused = verify_bundle(bundle.to_string().as_bytes(), &keys).unwrap_err();
    assert_eq!(refused.code(), "different_logs");
}

#[test]
fn an_error_names_the_checkpoint_and_the_line() {
    let mut bundle = consistency(3, 5);
    bundle.newer = checkpoint(records(5), &key(9)).note().to_string();
    let refused = verify_bundle(bundle.to_string().as_bytes(), &*KEYS).unwrap_err();
    let said = refused.to_string();
    assert!(
        said.starts_with("the newer checkpoint: none of the given keys has signed"),
        "{said}"
    );
    let text = inclusion(1, 4)
        .to_string()
        .replacen("index 0\n", "index 0\n?\n", 1);
    let said = verify_bundle(text.as_bytes(), &*KEYS)
        .unwrap_err()
        .to_string();
    assert!(said.starts_with("line 4 is not a hash"), "{said}");
}

fn golden_bytes() -> impl Strategy<Value = Vec<u8>> {
    let files = ["record-3.tlog-proof", "from-3-to-5.consistency-proof"];
    prop::sample::select(files.map(|file| golden(file).into_bytes()).to_vec())
}

fn edit() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    (
        any::<prop::sample::Index>(),
        0..40_usize,
        prop::collection::vec(any::<u8>(), 0..40),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn verifying_never_panics_and_believes_nothing(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            "(c2sp.org/tlog-proof@v1|tillroll/consistency-proof@v1)\n[a-z0-9=\n \u{2014}]{0,80}"
                .prop_map(String::into_bytes),
        ],
    ) {
        prop_assert!(verify_bundle(&bytes, &*KEYS).is_err());
    }

    #[test]
    fn an_edited_proof_does_not_hold(
        original in golden_bytes(),
        edits in prop::collection::vec(edit(), 1..4),
    ) {
        let keys = VerifierKey::parse_lines(&golden("verifiers")).unwrap();
        let mut bytes = original.clone();
        for (at, removed, added) in edits {
            let start = at.index(bytes.len() + 1);
            let end = bytes.len().min(start + removed);
            bytes.splice(start..end, added);
        }
        prop_assert!(bytes == original || verify_bundle(&bytes, &keys).is_err());
    }
}
