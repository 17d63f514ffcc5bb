//! Keys, notes, checkpoints and rotations: what is believed, and what is refused by which name.

mod support;

use proptest::prelude::*;
use support::{checkpoint, golden, key, mutations, name};
use tillroll_proofs::merkle::EMPTY_ROOT;
use tillroll_proofs::{
    CheckpointError, KeyId, KeyName, LogCheckpoint, Note, NoteError, NoteSignatureError,
    ParseKeyError, Rotation, RotationError, SignedCheckpoint, SigningKey, VerifierKey,
};

fn verifier(seed: u8) -> VerifierKey {
    key(seed).verifier().clone()
}

#[test]
fn a_key_that_was_altered_is_refused() {
    for seed in [1, 2] {
        let public = verifier(seed).to_string();
        assert_eq!(public.parse(), Ok(verifier(seed)));
        for (at, text) in mutations(public.as_bytes()) {
            let text = String::from_utf8(text).unwrap();
            assert!(text.parse::<VerifierKey>().is_err(), "byte {at}: {text}");
        }
        let secret = key(seed).secret_text();
        for (at, text) in mutations(secret.as_bytes()) {
            let text = String::from_utf8(text).unwrap();
            assert!(SigningKey::from_secret_text(&text).is_err(), "byte {at}");
        }
    }
}

#[test]
fn what_is_no_key_is_refused_by_name() {
    let shape = ParseKeyError::Shape {
        expected: "<name>+<8 hexadecimal digits>+<base64>",
    };
    // The identity point: every signature of a certain form would fit it.
    let weak = format!("AQEA{}", "A".repeat(40));
    for (text, error) in [
        (String::new(), shape.clone()),
        ("name+00000000".into(), shape.clone()),
        ("name+0000000+AA==".into(), shape.clone()),
        ("name+0000000G+AQ==".into(), shape.clone()),
        ("name+00000000+AQ==".into(), shape.clone()),
        ("name+00000000+".into(), shape),
        (format!("+00000000+{weak}"), ParseKeyError::Name),
        (format!("a name+00000000+{weak}"), ParseKeyError::Name),
        ("name+00000000+Ag==".into(), ParseKeyError::Algorithm(2)),
        (format!("name+00000000+{weak}"), ParseKeyError::Point),
    ] {
        assert_eq!(text.parse::<VerifierKey>(), Err(error), "{text}");
    }
    let public = verifier(1).to_string();
    assert!(matches!(
        SigningKey::from_secret_text(&public),
        Err(ParseKeyError::Shape { .. })
    ));
}

#[test]
fn lists_of_keys_have_comments_and_name_the_line_that_is_none() {
    let text = format!("# of the shop\n\n{}\r\n{}", verifier(1), verifier(2));
    let keys = VerifierKey::parse_lines(&text).unwrap();
    assert_eq!(keys, [verifier(1), verifier(2)]);
    let broken = format!("{text}\nno key");
    assert_eq!(VerifierKey::parse_lines(&broken).unwrap_err().0, 5);
}

#[test]
fn a_private_key_is_shown_by_nothing() {
    let key = key(0x5a);
    let secret = key.secret_text();
    let hidden = secret.rsplit('+').next().unwrap();
    let shown = [
        format!("{key:?}"),
        format!("{:?} {}", key.verifier(), key.verifier()),
        format!(
            "{:?}",
            SigningKey::from_secret_text(&secret[..secret.len() - 1])
        ),
        format!(
            "{:?}",
            secret.replace("PRIVATE", "PRIVAT").parse::<VerifierKey>()
        ),
    ];
    for shown in shown {
        assert!(
            !shown.contains(hidden) && !shown.contains("WlpaWlpa"),
            "{shown}"
        );
    }
}

#[test]
fn what_is_no_note_is_refused_by_name() {
    let line = "\u{2014} name AAAAAAE=\n";
    assert!(Note::parse(format!("text\n\n{line}").as_bytes()).is_ok());
    assert!(Note::parse(format!("two\n\nparts\n\n{line}{line}").as_bytes()).is_ok());
    for text in [
        String::new(),
        "text\n".into(),
        "text\n\n".into(),
        format!("text\n{line}"),
        format!("text\n\n{}", line.trim_end()),
    ] {
        let parsed = Note::parse(text.as_bytes());
        assert_eq!(parsed, Err(NoteError::Shape), "{text:?}");
    }
    for bad in [
        "- name AAAAAAE=\n",
        "\u{2014}  AAAAAAE=\n",
        "\u{2014} name\n",
        "\u{2014} name AAAAAA==\n",
        "\u{2014} name AAAAAAE\n",
        "\u{2014} na+me AAAAAAE=\n",
        "\u{2014} name AAAAAAE= \n",
    ] {
        let parsed = Note::parse(format!("text\n\n{line}{bad}").as_bytes());
        assert!(
            matches!(parsed, Err(NoteError::SignatureLine { .. })),
            "{bad:?}"
        );
    }
    for bytes in [&b"te\tt\n\n"[..], b"te\0t\n\n", b"\xff\n\n"] {
        assert_eq!(Note::parse(bytes), Err(NoteError::NotText), "{bytes:?}");
    }
    let many = |lines| format!("text\n\n{}", line.repeat(lines));
    assert!(Note::parse(many(100).as_bytes()).is_ok());
    assert_eq!(Note::parse(many(101).as_bytes()), Err(NoteError::TooLarge));
    let long = format!("{}\n\n{line}", "x".repeat(1024 * 1024));
    assert_eq!(Note::parse(long.as_bytes()), Err(NoteError::TooLarge));
}

#[test]
fn a_text_that_would_read_otherwise_is_not_signed() {
    for text in ["no newline", "", "a\ttab\n", "a return\r\n"] {
        assert!(Note::sign(text, &[&key(1)]).is_err(), "{text:?}");
    }
    assert!(Note::sign("unsigned\n", &[]).is_err());
}

#[test]
fn unknown_signers_are_ignored_and_one_false_signature_is_enough() {
    let both = Note::sign("text\n", &[&key(1), &key(2)]).unwrap();
    let signers = |keys: &[VerifierKey]| -> Result<Vec<KeyId>, NoteSignatureError> {
        let signers = both.verify(keys)?;
        Ok(signers.into_iter().map(VerifierKey::id).collect())
    };
    let (one, two, three) = (verifier(1), verifier(2), verifier(3));
    assert_eq!(signers(std::slice::from_ref(&one)), Ok(vec![one.id()]));
    assert_eq!(signers(&[three.clone(), two.clone()]), Ok(vec![two.id()]));
    assert_eq!(
        signers(&[two.clone(), one.clone()]),
        Ok(vec![one.id(), two.id()])
    );
    for keys in [vec![], vec![three]] {
        let found = [&one, &two].map(|key| format!("{}+{}", key.name(), key.id()));
        let found = found.to_vec();
        assert_eq!(
            signers(&keys),
            Err(NoteSignatureError::NoKnownKey { found })
        );
    }
    // A good signature beside a false one that names a known key.
    let other = Note::sign("other\n", &[&key(2)]).unwrap().to_string();
    let line = other.lines().last().unwrap();
    let good = Note::sign("text\n", &[&key(1)]).unwrap();
    let mixed = Note::parse(format!("{good}{line}\n").as_bytes()).unwrap();
    assert!(mixed.verify(std::slice::from_ref(&one)).is_ok());
    let refused = mixed.verify(&[one, two.clone()]).unwrap_err();
    assert_eq!(
        refused,
        NoteSignatureError::Invalid {
            name: name(),
            id: two.id()
        }
    );
}

#[test]
fn no_altered_checkpoint_is_believed() {
    let keys = [verifier(0x11), verifier(0x22)];
    let text = golden("checkpoint-3.note");
    assert!(SignedCheckpoint::open(text.as_bytes(), &keys).is_ok());
    for (at, bytes) in mutations(text.as_bytes()) {
        let opened = SignedCheckpoint::open(&bytes, &keys);
        assert!(
            opened.is_err(),
            "byte {at}: {}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

#[test]
fn a_text_that_is_no_checkpoint_is_refused_by_line() {
    let root = EMPTY_ROOT;
    for (text, line) in [
        (String::new(), 1),
        (format!("\n0\n{root}\n"), 1),
        (format!("a log\n0\n{root}\n"), 1),
        (format!("log\n\n{root}\n"), 2),
        (format!("log\n00\n{root}\n"), 2),
        (format!("log\n-1\n{root}\n"), 2),
        (format!("log\n18446744073709551616\n{root}\n"), 2),
        ("log\n0\n\n".into(), 3),
        ("log\n0\nAA==\n".into(), 3),
        (format!("log\n0\n{root}"), 4),
        (format!("log\n0\n{root}\n\n"), 4),
        (format!("log\n0\n{root}\nextension\n"), 4),
    ] {
        let refused = LogCheckpoint::parse(&text).unwrap_err();
        assert_eq!(refused.line, line, "{text:?}: {refused}");
    }
    assert!(LogCheckpoint::parse(&format!("log\n18446744073709551615\n{root}\n")).is_ok());
}

#[test]
fn the_key_of_another_log_does_not_speak_for_this_one() {
    let other = SigningKey::from_seed(KeyName::of_book([9; 16]), &[1; 32]);
    let statement = checkpoint(["a"], &key(1)).checkpoint().clone();
    let refused = SignedCheckpoint::sign(statement.clone(), &other).unwrap_err();
    assert!(
        matches!(refused, CheckpointError::OtherLog { .. }),
        "{refused}"
    );
    let note = Note::sign(statement.to_string(), &[&other]).unwrap();
    let keys = [other.verifier().clone(), verifier(1)];
    let refused = SignedCheckpoint::open(note.to_string().as_bytes(), &keys).unwrap_err();
    assert!(
        matches!(refused, CheckpointError::OtherLog { .. }),
        "{refused}"
    );
}

#[test]
fn statements_lead_from_any_trusted_key_to_the_newest() {
    let statements = [(1, 2), (2, 3), (3, 4)].map(|(old, new)| {
        let note = Rotation::sign(&key(old), &key(new)).unwrap();
        note.to_string().into_bytes()
    });
    let [first, second, third] = statements.clone();
    let follow =
        |seed: u8, statements: &[Vec<u8>]| Rotation::follow(&[verifier(seed)], statements).unwrap();
    let all = [1, 2, 3, 4].map(verifier);
    assert_eq!(follow(1, &statements), all);
    assert_eq!(
        follow(1, &[third.clone(), second.clone(), first.clone()]),
        all
    );
    assert_eq!(follow(3, &statements), all[2..]);
    assert_eq!(follow(1, &[first, third]), all[..2], "with a gap");
    assert_eq!(follow(9, &[second]), [verifier(9)], "of others");
}

#[test]
fn no_false_statement_about_a_key_is_believed() {
    let trusted = [verifier(1)];
    let good = Rotation::sign(&key(1), &key(2)).unwrap().to_string();
    assert!(Rotation::open(good.as_bytes(), &trusted).is_ok());
    for (at, bytes) in mutations(good.as_bytes()) {
        assert!(Rotation::open(&bytes, &trusted).is_err(), "byte {at}");
    }
    let text = good.split("\n\n").next().unwrap().to_owned() + "\n";
    let signed = |text: &str, keys: &[&SigningKey]| Note::sign(text, keys).unwrap().to_string();
    let elsewhere = SigningKey::from_seed(KeyName::of_book([9; 16]), &[2; 32]);
    let abroad = text.replace(&verifier(2).to_string(), &elsewhere.verifier().to_string());
    let cases = [
        (
            "by the new key alone",
            signed(&text, &[&key(2)]),
            "Signature",
        ),
        (
            "by the old key alone",
            signed(&text, &[&key(1)]),
            "Signature",
        ),
        (
            "of another log",
            signed(&abroad, &[&key(1), &elsewhere]),
            "OtherLog",
        ),
        (
            "a checkpoint",
            checkpoint(["a"], &key(1)).note().to_string(),
            "Text",
        ),
        ("no note", text, "Note"),
    ];
    for (case, note, kind) in cases {
        let refused: RotationError = Rotation::open(note.as_bytes(), &trusted).unwrap_err();
        assert!(
            format!("{refused:?}").starts_with(kind),
            "{case}: {refused:?}"
        );
    }
    let refused = Rotation::sign(&key(1), &elsewhere).unwrap_err();
    assert!(
        matches!(refused, RotationError::OtherLog { .. }),
        "{refused}"
    );
}

#[test]
fn a_statement_about_a_key_is_no_checkpoint() {
    let note = Rotation::sign(&key(1), &key(2)).unwrap().to_string();
    let refused = SignedCheckpoint::open(note.as_bytes(), &[verifier(1)]).unwrap_err();
    assert!(matches!(refused, CheckpointError::Text(_)), "{refused}");
}

proptest! {
    #[test]
    fn what_parses_as_a_note_prints_the_same(
        text in "[a-z\n\u{2014} ]{0,12}\n\n(\u{2014} [a-z]{1,3} [A-Z]{8}\n){0,3}",
    ) {
        if let Ok(note) = Note::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_string(), text);
        }
    }

    #[test]
    fn reading_keys_and_notes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Note::parse(&bytes).is_err());
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(text.parse::<VerifierKey>().is_err());
        prop_assert!(SigningKey::from_secret_text(&text).is_err());
        prop_assert!(LogCheckpoint::parse(&text).is_err());
        if let Ok(name) = text.parse::<KeyName>() {
            prop_assert_eq!(name.as_str(), text);
        }
    }
}
