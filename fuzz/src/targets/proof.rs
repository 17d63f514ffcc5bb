//! Proof files, signed notes and keys, as an auditor reads them from a stranger.
//!
//! There is one log, of a few records, and its key, which has signed a checkpoint of each size. No
//! fuzzer guesses a signature, so where a line is `honest`, the key's signature of the text before
//! the empty line above it is put in its place, and where it is `heir`, another key's: any size and
//! any root can be had signed.

use std::sync::LazyLock;

use tillroll_proofs::merkle::{FullTree, TreeHash, leaf_hash, root_at};
use tillroll_proofs::{
    ConsistencyBundle, InclusionBundle, KeyName, LogCheckpoint, Note, Rotation, SignedCheckpoint,
    SigningKey, VerifiedBundle, VerifierKey, verify_bundle,
};

const BOOK: [u8; 16] = *b"a log of a book.";
const RECORDS: [&str; 5] = ["order placed", "", "order paid", "refund of 1200", "payout"];

/// Every byte of a seed is the number.
fn key_of(number: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::of_book(BOOK), &[number; 32])
}

struct Log {
    key: SigningKey,
    heir: SigningKey,
    trusted: [VerifierKey; 1],
    /// The root of each size.
    roots: Vec<TreeHash>,
}

static LOG: LazyLock<Log> = LazyLock::new(|| {
    let key = key_of(1);
    let tree: FullTree = RECORDS.iter().map(|r| leaf_hash(r.as_bytes())).collect();
    let root = |size| root_at(&tree, size).expect("a size of the log");
    Log {
        trusted: [key.verifier().clone()],
        roots: (0..=RECORDS.len() as u64).map(root).collect(),
        heir: key_of(2),
        key,
    }
});

/// No bytes make a reader panic. What a signature of the log's own checkpoints vouches for is what
/// the log holds; and what is read, a proof, a note, a checkpoint, a key, is written as it was.
pub fn proof(data: &[u8]) {
    if let Ok(verified) = verify_bundle(data, &LOG.trusted) {
        is_of_the_log(&verified);
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    reads_back(text);
    let signed = signed(text);
    if signed != text {
        if let Ok(VerifiedBundle::Inclusion(proof)) = verify_bundle(signed.as_bytes(), &LOG.trusted)
        {
            assert!(proof.position <= proof.checkpoint.checkpoint().size);
        }
        let known = [LOG.key.verifier(), LOG.heir.verifier()];
        if let Ok(keys) = Rotation::follow(&LOG.trusted, &[&signed]) {
            assert!(keys.iter().all(|key| known.contains(&key)), "{keys:?}");
        }
    }
}

fn is_of_the_log(verified: &VerifiedBundle) {
    match verified {
        VerifiedBundle::Inclusion(proof) => {
            is_signed(&proof.checkpoint);
            let index = usize::try_from(proof.position - 1).expect("one of few");
            assert_eq!(proof.record, RECORDS[index].as_bytes());
        }
        VerifiedBundle::Consistency(proof) => {
            is_signed(&proof.older);
            is_signed(&proof.newer);
        }
    }
}

/// The key has signed checkpoints of this log and nothing else.
fn is_signed(checkpoint: &SignedCheckpoint) {
    let LogCheckpoint { size, root, .. } = checkpoint.checkpoint();
    let size = usize::try_from(*size).expect("one of few");
    assert_eq!(LOG.roots.get(size), Some(root));
}

fn reads_back(text: &str) {
    if let Ok(bundle) = InclusionBundle::parse(text) {
        assert_eq!(bundle.to_string(), text);
    }
    if let Ok(bundle) = ConsistencyBundle::parse(text) {
        assert_eq!(bundle.to_string(), text);
    }
    if let Ok(note) = Note::parse(text.as_bytes()) {
        assert_eq!(note.to_string(), text);
        if let Ok(checkpoint) = LogCheckpoint::parse(note.text()) {
            assert_eq!(checkpoint.to_string(), note.text());
        }
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    match SigningKey::from_secret_text(text) {
        Ok(key) => assert_eq!(key.secret_text(), text),
        // It may be a private key with a slip in it, and then is long. What an error says of its own,
        // as of an empty text, is no key.
        Err(error) => {
            let own = SigningKey::from_secret_text("").expect_err("it is no key");
            let repeated = error.to_string().contains(text) && !own.to_string().contains(text);
            assert!(text.len() < 64 || !repeated);
        }
    }
    drop(VerifierKey::parse_lines(text));
}

/// With signatures in place of `honest` and `heir`.
fn signed(text: &str) -> String {
    let mut whole = String::new();
    let mut statement = String::new();
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let key = signer(line);
        match key {
            Some(key) => {
                let note = Note::sign(statement.as_str(), &[key]);
                let note = note.map(|note| note.to_string()).unwrap_or_default();
                whole.extend(note.lines().last());
                whole.push('\n');
            }
            None => whole.push_str(line),
        }
        let goes_on = key.is_some() || lines.peek().is_some_and(|line| signer(line).is_some());
        match line {
            "\n" if !goes_on => statement.clear(),
            "\n" => {}
            _ if key.is_none() => statement.push_str(line),
            _ => {}
        }
    }
    whole
}

fn signer(line: &str) -> Option<&'static SigningKey> {
    match line {
        "honest\n" => Some(&LOG.key),
        "heir\n" => Some(&LOG.heir),
        _ => None,
    }
}
