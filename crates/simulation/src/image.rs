//! What lies on a disk, as bytes: which frames, where, and a log written anew with other
//! records.

use std::collections::BTreeMap;
use std::sync::Arc;

use tillroll_log::frame::{self, Depth, FrameHeader};
use tillroll_log::testing::{MemoryStorage, TestLog};
use tillroll_log::{Batch, FileLog, LogId, LogOptions, segment};

/// All files by name. Names of segments sort as their positions do. Those that do not change
/// are not copied.
pub(crate) type Files = BTreeMap<String, Arc<Vec<u8>>>;

pub(crate) fn files(storage: &MemoryStorage) -> Files {
    let names = storage.names().into_iter();
    names
        .map(|name| {
            let bytes = storage.shared(&name);
            (name, bytes)
        })
        .collect()
}

/// A disk with these files, all of them durable.
pub(crate) fn storage(files: &Files) -> MemoryStorage {
    let storage = MemoryStorage::new();
    for (name, bytes) in files {
        storage.put_shared(name, Arc::clone(bytes));
    }
    storage
}

/// Where a frame lies, and the positions in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) file: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// The frames in files, in order: of each file, those before the first that is not whole.
pub(crate) fn extents(files: &Files) -> Vec<Extent> {
    let mut extents = Vec::new();
    for (file, bytes) in files {
        let mut start = segment::HEADER_BYTES;
        while let Some(header) = bytes
            .get(start..)
            .and_then(|rest| FrameHeader::decode(rest).ok())
        {
            let end = start + header.bytes();
            if end > bytes.len() {
                break;
            }
            extents.push(Extent {
                file: file.clone(),
                start,
                end,
                first: header.link.first.get(),
                last: header.last().get(),
            });
            start = end;
        }
    }
    extents
}

/// The records of a log, by frame.
pub(crate) fn frames(files: &Files) -> Vec<Vec<Vec<u8>>> {
    let extents = extents(files).into_iter();
    extents
        .filter_map(|extent| {
            let bytes = &files[&extent.file][extent.start..extent.end];
            let place = FrameHeader::decode(bytes).ok()?.place;
            let view = frame::decode(bytes, place, Depth::Checksums).ok()?;
            Some(view.records().map(|(_, record)| record.to_vec()).collect())
        })
        .collect()
}

/// A log with these frames, as a writer of sound mind would have left it.
///
/// # Panics
/// Never: memory does not fail.
pub(crate) fn written(frames: &[Vec<Vec<u8>>], id: [u8; 16], segment_bytes: u64) -> MemoryStorage {
    let storage = MemoryStorage::new();
    let options = LogOptions {
        id: Some(LogId::new(id)),
        segment_bytes,
        room: false,
        ..LogOptions::default()
    };
    let opened = FileLog::open(storage.clone(), options);
    let (mut log, _) = opened.expect("an empty storage opens");
    for frame in frames.iter().filter(|frame| !frame.is_empty()) {
        let mut batch = Batch::new();
        for record in frame {
            batch.push(record).expect("it was in a frame before");
        }
        log.append_next(&mut batch).expect("memory does not fail");
    }
    storage
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_where_they_were_written() {
        let frames: Vec<Vec<Vec<u8>>> = (1..40_u8)
            .map(|n| vec![vec![n; usize::from(n)]; usize::from(n % 3 + 1)])
            .collect();
        let storage = written(&frames, [1; 16], 1024);
        let files = files(&storage);
        assert!(files.len() > 3, "{} segments", files.len());
        assert_eq!(super::frames(&files), frames);
        let extents = extents(&files);
        let records: u64 = frames.iter().map(|frame| frame.len() as u64).sum();
        assert_eq!(extents.last().map(|extent| extent.last), Some(records));
        assert!(
            extents
                .windows(2)
                .all(|two| two[0].last + 1 == two[1].first)
        );
    }
}
