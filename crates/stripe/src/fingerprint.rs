//! Whether two deliveries of one event id say the same.
//!
//! Retries of an event differ in `pending_webhooks`, in `request` or in their spacing, and are
//! still the same event. What makes it another is its type, its account or its object. The
//! fingerprint is stored beside the id: what goes into it never changes.

use tillroll_json::{Fingerprinter, canonical};

use crate::envelope::{Content, EventEnvelope};

/// Of type, account and object.
pub(crate) fn of(event: &EventEnvelope<'_, '_>) -> [u8; 16] {
    let mut fingerprint = Fingerprinter::new();
    let account = match &event.account {
        Ok(Some(account)) => account.as_str(),
        Ok(None) | Err(_) => "",
    };
    fingerprint.add(|out| {
        canonical::name(out, event.kind);
        canonical::name(out, account);
    });
    match event.content {
        Content::Snapshot(object) => fingerprint.add_json(object),
        Content::Thin(fields) => {
            for part in [fields.get("related_object"), fields.get("data")] {
                match part {
                    Some(part) => fingerprint.add_json(part),
                    None => fingerprint.add(canonical::null),
                }
            }
        }
        Content::None => fingerprint.add(canonical::null),
    }
    fingerprint.finish()
}
