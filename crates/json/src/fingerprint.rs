//! The fingerprint of a request: what is stored beside its key, to tell a repetition from another
//! request under the same key.

use crate::{Json, canonical};

/// Bytes that are hashed at once: short pieces one by one take several times as long.
const AT_ONCE: usize = 32 * 1024;

/// Takes the fingerprint of canonical forms, one after the other: the first 16 bytes of a BLAKE3
/// hash.
#[derive(Clone, Debug, Default)]
pub struct Fingerprinter {
    hasher: blake3::Hasher,
    pending: Vec<u8>,
}

impl Fingerprinter {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Covers what `write` appends in canonical form.
    #[inline]
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.pending);
        if self.pending.len() >= AT_ONCE {
            self.flush();
        }
    }

    pub fn add_text(&mut self, text: &str) {
        self.add(|out| canonical::text(out, text));
    }

    pub fn add_json(&mut self, json: &Json<'_>) {
        self.add(|out| json.write_canonical(out));
    }

    /// Covers canonical forms that were written before.
    pub fn add_written(&mut self, canonical: &[u8]) {
        self.flush();
        self.hasher.update(canonical);
    }

    #[must_use]
    pub fn finish(mut self) -> [u8; 16] {
        self.flush();
        let mut first = [0; 16];
        first.copy_from_slice(&self.hasher.finalize().as_bytes()[..16]);
        first
    }

    fn flush(&mut self) {
        self.hasher.update(&self.pending);
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_form_is_fed_changes_nothing() {
        let texts: Vec<String> = (0..3000).map(|n| format!("text {n}")).collect();
        let list = Json::List(texts.iter().map(|text| Json::Text(text.into())).collect());
        let mut written = Vec::new();
        list.write_canonical(&mut written);
        assert!(written.len() > AT_ONCE);

        let mut whole = Fingerprinter::new();
        whole.add_json(&list);
        let mut pieces = Fingerprinter::new();
        pieces.add(|out| canonical::list(out, texts.len()));
        texts.iter().for_each(|text| pieces.add_text(text));
        let mut halves = Fingerprinter::new();
        halves.add(|out| out.extend_from_slice(&written[..7]));
        halves.add_written(&written[7..]);
        let whole = whole.finish();
        assert_eq!(pieces.finish(), whole);
        assert_eq!(halves.finish(), whole);
        assert_ne!(Fingerprinter::new().finish(), whole);
    }
}
