//! Bytes that somebody wrote with care: every checksum holds, and the log is another one.

use super::log::{self, BATCHES};
use super::{Verdict, ensure};

const ONE_SEGMENT: u64 = 1 << 20;

// Of a frame, as `FORMAT.md` of the journal has it.
const HEADER: usize = 160;
const AT_PAYLOAD_CRC: usize = 144;
const AT_HEADER_CRC: usize = 156;
const END_MARK: usize = 8;
const LENGTH_OF_RECORD: usize = 4;

pub(super) fn check() -> Verdict {
    a_changed_record_with_honest_checksums_is_refused()?;
    a_frame_of_another_history_is_refused()
}

fn a_changed_record_with_honest_checksums_is_refused() -> Verdict {
    let (storage, _) = log::written(BATCHES, ONE_SEGMENT)?;
    let frames = log::extents(&storage);
    for frame in &frames {
        let forged = log::changed(&storage, &frame.file, |bytes| {
            let (payload, end) = (frame.start + HEADER, frame.end - END_MARK);
            bytes[payload + LENGTH_OF_RECORD] ^= 0x20;
            let crc = crc32c::crc32c(&bytes[payload..end]);
            let header = &mut bytes[frame.start..payload];
            header[AT_PAYLOAD_CRC..AT_PAYLOAD_CRC + 4].copy_from_slice(&crc.to_le_bytes());
            let crc = crc32c::crc32c(&header[..AT_HEADER_CRC]);
            header[AT_HEADER_CRC..].copy_from_slice(&crc.to_le_bytes());
            // The end mark repeats the header's checksum.
            bytes[frame.end - 4..frame.end].copy_from_slice(&crc.to_le_bytes());
        });
        let what = format!(
            "the record at position {} is another, with honest checksums",
            frame.first
        );
        log::damage(&forged, log::options(ONE_SEGMENT), &what)?;
    }
    Ok(())
}

fn a_frame_of_another_history_is_refused() -> Verdict {
    let (storage, _) = log::written(BATCHES, ONE_SEGMENT)?;
    let (other, _) = log::written(&[&["one", "TWO"], &["three"]], ONE_SEGMENT)?;
    let frame = log::extents(&storage).swap_remove(1);
    let theirs = other.bytes(&frame.file);
    ensure(theirs.len() == frame.end, || {
        "the other log is laid out alike".into()
    })?;
    for keep_rest in [true, false] {
        let forged = log::changed(&storage, &frame.file, |bytes| {
            bytes[frame.start..frame.end].copy_from_slice(&theirs[frame.start..]);
            if !keep_rest {
                bytes.truncate(frame.end);
            }
        });
        let what = "a frame of another history stands in the log";
        log::damage(&forged, log::options(ONE_SEGMENT), what)?;
    }
    Ok(())
}
