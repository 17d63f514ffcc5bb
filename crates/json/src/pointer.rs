//! Where in a JSON text an error lies, as a JSON Pointer (RFC 6901).
//!
//! The parser says at which byte it gave up; walking the tokens up to there says which field
//! that was. Nothing is tracked while parsing, so a good body pays nothing for it.

use std::fmt::Write;

/// One step from a value to one inside it.
#[derive(Debug)]
enum PathStep {
    /// The key, once it was read.
    Member(Option<String>),
    Item(usize),
}

/// The pointer to what stands before byte `offset` of `text`; empty for the whole text.
#[must_use]
pub fn at_offset(text: &str, offset: usize) -> String {
    let bytes = text.as_bytes();
    let mut steps: Vec<PathStep> = Vec::new();
    let mut at = 0;
    while at < bytes.len().min(offset) {
        match bytes[at] {
            b'{' => steps.push(PathStep::Member(None)),
            b'[' => steps.push(PathStep::Item(0)),
            b'}' | b']' => {
                steps.pop();
            }
            b',' => match steps.last_mut() {
                Some(PathStep::Item(index)) => *index += 1,
                Some(PathStep::Member(key)) => *key = None,
                None => {}
            },
            b'"' => {
                let end = end_of_string(bytes, at);
                if let Some(PathStep::Member(key @ None)) = steps.last_mut() {
                    *key = text
                        .get(at..end)
                        .and_then(|quoted| serde_json::from_str(quoted).ok());
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    let mut pointer = String::new();
    for step in &steps {
        match step {
            PathStep::Member(Some(key)) => push_key(&mut pointer, key),
            PathStep::Item(index) => push_index(&mut pointer, *index),
            PathStep::Member(None) => {}
        }
    }
    pointer
}

/// The byte after the string that opens at `start`, or the end of the text.
pub(crate) fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Appends a place in a list.
pub(crate) fn push_index(pointer: &mut String, index: usize) {
    write!(pointer, "/{index}").expect("writing to memory");
}

/// Appends one key, escaped.
pub fn push_key(pointer: &mut String, key: &str) {
    pointer.push('/');
    for character in key.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// The byte that a line and a column (both as the parser counts them, from 1) stand for.
#[must_use]
pub fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (before + column).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_before_an_offset_has_a_pointer() {
        let text = "{\"a\": [1, {\"b\": \"x\\\"y\"}],\n \"c/d\": {\"e\": 2}, \"f\": 3}";
        let table: &[(&str, &str)] = &[
            ("{\"a\"", "/a"),
            ("{\"a\": [1", "/a/0"),
            ("{\"b\"", "/a/1/b"),
            ("\"x\\\"y\"", "/a/1/b"),
            ("}]", "/a"),
            ("\"e\": 2", "/c~1d/e"),
            ("2}", "/c~1d"),
            ("\"f\": 3", "/f"),
            ("3}", ""),
        ];
        for (until, pointer) in table {
            let offset = text.find(until).expect(until) + until.len();
            assert_eq!(at_offset(text, offset), *pointer, "after {until}");
        }
    }

    #[test]
    fn broken_texts_never_panic() {
        let text = "{\"a\\\"é: [[}{]\\u00\"\"\\";
        for end in 0..=text.len() {
            if text.is_char_boundary(end) {
                for offset in 0..=end + 2 {
                    let pointer = at_offset(&text[..end], offset);
                    assert!(pointer.is_empty() || pointer.starts_with('/'));
                }
            }
        }
    }
}
