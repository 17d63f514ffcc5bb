//! Whether two deliveries of one event id say the same.
//!
//! Retries of an event differ in `pending_webhooks`, in `request` or in their spacing, and are
//! still the same event. What makes it another is its type, its account or its object. The
//! fingerprint is stored beside the id: what goes into it never changes.

use crate::envelope::{Content, Envelope};

/// The first 16 bytes of a BLAKE3 hash of type, account and object.
pub(crate) fn of(event: &Envelope<'_, '_>) -> [u8; 16] {
    let mut content = Vec::with_capacity(4096);
    let account = match &event.account {
        Ok(Some(account)) => account.as_str(),
        Ok(None) | Err(_) => "",
    };
    for text in [event.kind, account] {
        content.extend_from_slice(&(text.len() as u64).to_le_bytes());
        content.extend_from_slice(text.as_bytes());
    }
    match event.content {
        Content::Snapshot(object) => object.write_canonical(&mut content),
        Content::Thin(fields) => {
            for part in [fields.get("related_object"), fields.get("data")] {
                match part {
                    Some(part) => part.write_canonical(&mut content),
                    None => content.push(b'n'),
                }
            }
        }
        Content::None => content.push(b'n'),
    }
    let mut first = [0; 16];
    first.copy_from_slice(&blake3::hash(&content).as_bytes()[..16]);
    first
}
