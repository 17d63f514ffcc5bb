//! From the path of a field, as refusals name it, to a JSON Pointer (RFC 6901).

use tillroll_json::pointer::push_key;

/// `lines[2].unit_price`, as refusals name a field, as a pointer: `/lines/2/unit_price`.
pub(crate) fn from_path(path: &str) -> String {
    let mut pointer = String::with_capacity(path.len() + 1);
    for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        push_key(&mut pointer, part);
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_refusals_become_pointers() {
        for (path, pointer) in [
            ("id", "/id"),
            ("lines[2].unit_price", "/lines/2/unit_price"),
            (
                "entries[10].postings[0].account",
                "/entries/10/postings/0/account",
            ),
            ("", ""),
        ] {
            assert_eq!(from_path(path), pointer);
        }
    }
}
