//! Frame and segment headers as they come, and with honest checksums: a fuzzer
//! does not guess a CRC32C, and what stands behind it must hold against
//! an attacker who computes one.

use tillroll_log::Batch;
use tillroll_log::frame::{self, Depth, FrameHeader, FrameLink, FramePlace};
use tillroll_log::segment::{self, SegmentHeader};

const AT_PAYLOAD_LENGTH: usize = 20;
const AT_PAYLOAD_CRC: usize = 144;
const AT_CRC: usize = 156;

/// No input makes a decoder panic, and what it accepts is what would have been
/// written: encoding it again gives the same bytes.
pub fn frame(data: &[u8]) {
    segment_header(data);
    one_frame(data, true);
    if let Some(honest) = with_honest_checksums(data) {
        one_frame(&honest, false);
    }
}

fn segment_header(data: &[u8]) {
    if let Ok(header) = SegmentHeader::decode(data) {
        assert_eq!(header.encode(), data[..segment::HEADER_BYTES]);
    }
}

fn one_frame(data: &[u8], hash_is_checked: bool) {
    let Ok(header) = FrameHeader::decode(data) else {
        let nowhere = FramePlace {
            segment: 1,
            offset: 0,
        };
        assert!(frame::decode(data, nowhere, Depth::Checksums).is_err());
        return;
    };
    assert!(header.last() >= header.link.first);
    let elsewhere = FramePlace {
        segment: header.place.segment,
        offset: !header.place.offset,
    };
    assert!(frame::decode(data, elsewhere, Depth::Checksums).is_err());
    let depth = match hash_is_checked {
        true => Depth::Hash,
        false => Depth::Checksums,
    };
    let Ok(view) = frame::decode(data, header.place, depth) else {
        return;
    };
    assert_eq!(view.records().count(), view.count as usize);
    let mut batch = Batch::new();
    for (index, (position, record)) in (0..).zip(view.records()) {
        assert_eq!(position.get(), view.first.get() + index);
        batch.push(record).expect("what was read can be written");
    }
    let link = FrameLink {
        first: view.first,
        previous: view.previous,
    };
    let sealed = frame::seal(&mut batch, header.place, link);
    let original = &data[..header.bytes()];
    assert_eq!(sealed.bytes().len(), original.len());
    // A forged hash is found by computing it, which is what recovery does.
    if sealed.hash == header.hash {
        assert_eq!(sealed.bytes(), original);
    } else {
        assert!(!hash_is_checked && frame::decode(data, header.place, Depth::Hash).is_err());
    }
}

fn with_honest_checksums(data: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = data.to_vec();
    bytes.get(..frame::HEADER_BYTES)?;
    bytes[..4].copy_from_slice(&frame::MAGIC);
    bytes[4..8].copy_from_slice(&[1, 0, 0, 0]);
    let length = u32::from_le_bytes(*bytes[AT_PAYLOAD_LENGTH..].first_chunk()?);
    let start = frame::HEADER_BYTES;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    if let Some(payload) = bytes.get(start..end) {
        let crc = crc32c::crc32c(payload);
        bytes[AT_PAYLOAD_CRC..][..4].copy_from_slice(&crc.to_le_bytes());
    }
    let crc = crc32c::crc32c(&bytes[..AT_CRC]).to_le_bytes();
    bytes[AT_CRC..][..4].copy_from_slice(&crc);
    if let Some(mark) = bytes.get_mut(end..).and_then(<[u8]>::first_chunk_mut::<8>) {
        mark[..4].copy_from_slice(b"TREN");
        mark[4..].copy_from_slice(&crc);
    }
    Some(bytes)
}
