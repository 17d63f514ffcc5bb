//! What stands behind a question mark: cursors, positions, moments, limits.

use tillroll_server::fuzzed::{Question, question};

use super::request_body::is_a_refusal;

/// No query makes the parser panic. What is read is written as a query that reads back the same;
/// what is refused is the client's fault, and names the parameter.
pub fn cursor(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match question(&text) {
        None => {}
        Some(Ok(read)) => assert_eq!(question(&written(&read)), Some(Ok(read))),
        Some(Err(problem)) => {
            assert!(problem.param.is_some(), "{problem:?}");
            is_a_refusal(&problem);
        }
    }
}

/// Every byte escaped, so that none means anything else.
fn written(question: &Question) -> String {
    let parameters = question.parameters.iter().map(|(name, value)| {
        let escaped = value.bytes().map(|byte| format!("%{byte:02X}"));
        format!("{name}={}", escaped.collect::<String>())
    });
    parameters.collect::<Vec<_>>().join("&")
}
