//! A [`Storage`] as a place that holds a log.

use crate::error::OpenError;
use crate::file_log::{FileLog, LogOptions};
use crate::head_at::head_at;
use crate::identity::{Head, LogId, Position};
use crate::recovery::RecoveryReport;
use crate::storage::Storage;
use crate::store::{LogStore, OpenRequest};

/// Where a [`FileLog`] is, and how it is kept.
#[derive(Clone, Debug)]
pub struct FileStore<S> {
    storage: S,
    segment_bytes: u64,
    room: bool,
}

impl<S: Storage> FileStore<S> {
    /// The log in the segment files of a storage, kept as it is by default.
    #[must_use]
    pub fn new(storage: S) -> Self {
        LogOptions::default().store(storage).0
    }

    /// The same with other segments, see [`LogOptions::segment_bytes`].
    #[must_use]
    pub fn with_segment_bytes(self, segment_bytes: u64) -> Self {
        Self {
            segment_bytes,
            ..self
        }
    }
}

impl LogOptions {
    /// A storage that is kept as these options say, and what they ask of its log.
    #[must_use]
    pub fn store<S: Storage>(&self, storage: S) -> (FileStore<S>, OpenRequest) {
        let store = FileStore {
            storage,
            segment_bytes: self.segment_bytes,
            room: self.room,
        };
        let request = OpenRequest {
            id: self.id,
            check_from: self.check_from,
            durable: self.durable,
            durable_position: self.durable_position,
        };
        (store, request)
    }
}

impl<S: Storage> LogStore for FileStore<S> {
    type Log = FileLog<S>;

    fn open(
        self,
        request: &OpenRequest,
        visit: &mut dyn FnMut(Position, &[u8]),
    ) -> Result<(FileLog<S>, RecoveryReport), OpenError> {
        let options = LogOptions {
            segment_bytes: self.segment_bytes,
            room: self.room,
            id: request.id,
            check_from: request.check_from,
            durable: request.durable,
            durable_position: request.durable_position,
        };
        FileLog::open_with(self.storage, options, visit)
    }

    fn head_at(&self, position: Position) -> Result<Option<(LogId, Head)>, OpenError> {
        Ok(head_at(&self.storage, position)?)
    }
}
