//! A bulk request as one JSON document: how, and an array of entries.

use super::{Cursor, ScannedEntry};
use crate::bodies::{BulkMode, MOST_ENTRIES};

/// Gives each entry of a document to `take`, with the bytes that are left behind it, and answers
/// the mode. After `None`, what was given counts for nothing.
pub(crate) fn document<'a>(
    text: &'a str,
    mut take: impl FnMut(&ScannedEntry<'a>, usize),
) -> Option<BulkMode> {
    let mut cursor = Cursor::new(text);
    let (mut mode, mut count) = (None, 0);
    let mut entry = ScannedEntry::default();
    cursor.space();
    cursor.expect(b'{')?;
    cursor.space();
    loop {
        if mode.is_none() && cursor.eat(b"\"mode\"") {
            cursor.colon()?;
            mode = if cursor.eat(b"\"all\"") {
                Some(BulkMode::All)
            } else if cursor.eat(b"\"each\"") {
                Some(BulkMode::Each)
            } else {
                return None;
            };
        } else if count == 0 && cursor.eat(b"\"entries\"") {
            cursor.colon()?;
            cursor.expect(b'[')?;
            cursor.space();
            loop {
                cursor.entry(&mut entry)?;
                count += 1;
                if count > MOST_ENTRIES {
                    return None;
                }
                take(&entry, cursor.rest().len());
                if !cursor.goes_on(b']')? {
                    break;
                }
            }
        } else {
            return None;
        }
        if !cursor.goes_on(b'}')? {
            break;
        }
    }
    cursor.end()?;
    (count > 0).then_some(mode).flatten()
}
