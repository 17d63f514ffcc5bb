//! Bodies of requests: the first byte says of which kind, the rest is the body.

use tillroll_json::contains_card_number;
use tillroll_server::ProblemBody;
use tillroll_server::fuzzed::{BodyKind, body};

/// No body makes a parser panic, the quick parser of entries takes nothing that the careful one does
/// not take as the same, and a stream is the same in whatever pieces it arrives. What is refused is the client's fault, has a code, names its
/// place as a JSON Pointer, and repeats no card number.
pub fn request_body(data: &[u8]) {
    let (kind, sent) = match data.split_first() {
        Some((kind, sent)) => (
            BodyKind::ALL[usize::from(*kind) % BodyKind::ALL.len()],
            sent,
        ),
        None => (BodyKind::Entry, data),
    };
    if let Err(problem) = body(kind, sent) {
        is_a_refusal(&problem);
        let pointer = problem.param.unwrap_or_default();
        assert!(
            pointer.is_empty() || pointer.starts_with('/'),
            "{pointer} points nowhere"
        );
    }
}

pub(super) fn is_a_refusal(problem: &ProblemBody) {
    assert!((400..500).contains(&problem.status), "{problem:?}");
    assert!(!problem.code.is_empty() && !problem.detail.is_empty());
    let errors = problem.errors.iter();
    let errors = errors.flat_map(|error| [&error.pointer, &error.detail]);
    let said = errors.chain(&problem.param).chain([&problem.detail]);
    for text in said {
        assert!(!contains_card_number(text), "{problem:?}");
    }
}
