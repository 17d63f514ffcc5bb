//! The writer: one frame, one write, one sync for each append.

use std::io;
use std::sync::Arc;

use crate::batch::Batch;
use crate::catalog::Catalog;
use crate::deadline::Deadline;
use crate::dir_storage::DirStorage;
use crate::error::{AppendError, AppendFault, LogReadError, OpenError, Operation, StorageError};
use crate::file_reader::FileReader;
use crate::frame::{self, FrameLink, FramePlace};
use crate::identity::{Committed, FrameHash, Head, LogId, Position};
use crate::log::{Log, LogReader, answer_behind};
use crate::recovery::{self, RecoveryReport};
use crate::room::{Room, RoomStep};
use crate::segment::{self, SegmentHeader};
use crate::storage::{Storage, StorageFile};

/// How a log is opened.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// A frame that would take a segment past this many bytes goes into a new
    /// one. A segment holds at least one frame, so a longer frame gets a
    /// segment of its own. Default: 64 MiB.
    pub segment_bytes: u64,
    /// The id for a log that does not exist yet, and the only id accepted
    /// for one that does. `None` accepts any, and makes one up for a new one.
    pub id: Option<LogId>,
    /// Segments that end before this position are not read at open, only their
    /// headers; their frames are checked when they are read. A caller with a
    /// snapshot at position P sets P + 1. Default: everything is checked.
    pub check_from: Position,
    /// A head that the caller knows to have been durable, from a snapshot or a
    /// signed checkpoint. A log that ends before it, or holds another history
    /// at that place, is refused: without it, a damaged last frame cannot be
    /// told from one that was never acknowledged.
    pub durable: Option<Head>,
    /// A position that the caller knows to have been durable without knowing
    /// the hash there: what a projection has seen. A log that ends before it
    /// is refused like one that ends before [`LogOptions::durable`].
    pub durable_position: Position,
    /// Whether zeros are written ahead of short frames, so that their syncs
    /// have less to do. It gains nothing where a file system never writes over
    /// blocks in place. Default: yes.
    pub room: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * 1024 * 1024,
            id: None,
            check_from: Position::ZERO,
            durable: None,
            durable_position: Position::ZERO,
            room: true,
        }
    }
}

/// The failure after which nothing is appended.
#[derive(Debug)]
struct WriterFailure {
    cause: StorageError,
    /// The frame that may be in the log.
    in_doubt: Option<FrameHash>,
}

impl WriterFailure {
    /// Before anything of a frame was written.
    fn before_frame(cause: StorageError) -> Self {
        Self {
            cause,
            in_doubt: None,
        }
    }
}

/// The log in segment files of a [`Storage`].
#[derive(Debug)]
pub struct FileLog<S: Storage = DirStorage> {
    catalog: Arc<Catalog<S>>,
    id: LogId,
    segment_bytes: u64,
    /// The active segment.
    file: S::File,
    name: String,
    number: u64,
    /// Where the next frame goes.
    offset: u64,
    room: Room,
    /// Length of the frame before it.
    frame_bytes: u64,
    head: Head,
    /// The failure after which nothing is appended.
    stopped: Option<WriterFailure>,
}

impl<S: Storage> FileLog<S> {
    /// Opens the log, or creates it in an empty storage, and recovers it.
    ///
    /// # Errors
    /// [`OpenError`]; no record was cut.
    pub fn open(storage: S, options: LogOptions) -> Result<(Self, RecoveryReport), OpenError> {
        Self::open_with(storage, options, |_, _| {})
    }

    /// Like [`FileLog::open`], and hands every record from
    /// [`LogOptions::check_from`] on to `visit` while recovery reads it, so that
    /// a start folds the log in the same pass that checks it.
    ///
    /// What `visit` has made counts only when this returns `Ok`: damage may
    /// come after the records that it has seen.
    ///
    /// # Errors
    /// [`OpenError`]; no record was cut.
    pub fn open_with(
        storage: S,
        options: LogOptions,
        mut visit: impl FnMut(Position, &[u8]),
    ) -> Result<(Self, RecoveryReport), OpenError> {
        let recovered = recovery::recover(&storage, &options, &mut visit)?;
        let log = Self {
            id: recovered.report.log,
            segment_bytes: options.segment_bytes,
            file: recovered.file,
            name: segment::file_name(recovered.active.first),
            number: recovered.active.number,
            offset: recovered.active.length,
            room: Room::none(recovered.active.length, options.room),
            frame_bytes: 0,
            head: recovered.report.head,
            stopped: None,
            catalog: Arc::new(Catalog::new(
                storage,
                recovered.sealed,
                recovered.active,
                recovered.report.head,
            )),
        };
        Ok((log, recovered.report))
    }

    /// Where the committed log ends, which this writer knows without asking.
    #[must_use]
    pub fn end(&self) -> Head {
        self.head
    }

    /// The failure after which this writer appends nothing more, if there was one.
    #[must_use]
    pub fn failure(&self) -> Option<&StorageError> {
        self.stopped.as_ref().map(|failure| &failure.cause)
    }

    /// A reader with its type, for callers that want no dynamic calls.
    #[must_use]
    pub fn file_reader(&self) -> FileReader<S> {
        FileReader::new(Arc::clone(&self.catalog))
    }

    fn rotate(&mut self) -> Result<(), StorageError> {
        if self.room.is_behind(self.offset) {
            // Durably, before another segment follows: one that is not the last has no room.
            let cut = self.file.truncate(self.offset);
            cut.map_err(self.failed(Operation::Truncate, self.offset))?;
            let synced = self.file.sync();
            synced.map_err(self.failed(Operation::Sync, self.offset))?;
        }
        let header = SegmentHeader {
            version: segment::VERSION,
            log: self.id,
            number: self.number + 1,
            first: self.head.position.next(),
            previous: self.head.hash,
        };
        self.file = create_segment(self.catalog.storage(), &header)?;
        self.name = segment::file_name(header.first);
        self.number = header.number;
        self.offset = segment::HEADER_BYTES as u64;
        self.room = Room::none(self.offset, self.room.is_wanted());
        self.catalog.rotate(header.number, header.first);
        Ok(())
    }

    fn failed(&self, operation: Operation, offset: u64) -> impl FnOnce(io::Error) -> StorageError {
        let name = &self.name;
        move |source| StorageError::new(operation, name, offset, source)
    }

    /// One step of room, where any is wanted.
    fn step_of_room(&mut self) -> Result<bool, StorageError> {
        let next = self
            .room
            .next(self.offset, self.frame_bytes, self.segment_bytes);
        let Some(step) = next else {
            return Ok(false);
        };
        if !self.write_room(step) {
            return Ok(false);
        }
        self.sync().map_err(self.failed(Operation::Sync, step.at))?;
        Ok(true)
    }

    /// Preallocates zeros. A write error is ignored here: on a full disk there is no room, and
    /// whatever else is wrong, the next frame reports it. Only a failed sync stops the writer.
    fn write_room(&mut self, step: RoomStep) -> bool {
        let written = self.file.write_at(step.at, &vec![0; step.bytes]).is_ok();
        match written {
            true => self.room.made(step.end()),
            false => self.room.give_up(step.end()),
        }
        written
    }

    fn write(&mut self, batch: &mut Batch) -> Result<Committed, WriterFailure> {
        let bytes = frame::bytes_of(batch);
        let started = self.offset > segment::HEADER_BYTES as u64;
        if started && self.offset + bytes > self.segment_bytes {
            self.rotate().map_err(WriterFailure::before_frame)?;
        }
        let first = self.head.position.next();
        let last = Position::new(self.head.position.get() + batch.len() as u64);
        let place = FramePlace {
            segment: self.number,
            offset: self.offset,
        };
        let link = FrameLink {
            first,
            previous: self.head.hash,
        };
        let sealed = frame::seal(batch, place, link);
        let head = Head {
            position: last,
            hash: sealed.hash,
        };
        let in_doubt = |cause| WriterFailure {
            cause,
            in_doubt: Some(head.hash),
        };
        self.file
            .write_at(self.offset, sealed.bytes())
            .map_err(self.failed(Operation::Write, self.offset))
            .map_err(in_doubt)?;
        // Where frames follow so closely that there is no time for room, it comes with one of
        // them, and their sync is for both.
        let next = self
            .room
            .next_behind(self.offset + bytes, bytes, self.segment_bytes);
        if let Some(step) = next {
            self.write_room(step);
        }
        self.sync()
            .map_err(self.failed(Operation::Sync, self.offset))
            .map_err(in_doubt)?;
        self.offset += bytes;
        self.frame_bytes = bytes;
        self.room.frame_written(self.offset);
        self.head = head;
        self.catalog.publish(self.offset, head);
        Ok(Committed { first, last, head })
    }

    /// One sync, and its first answer.
    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

/// Creates a segment and makes its header and its name durable, in this order,
/// before anything in it can be acknowledged.
pub(crate) fn create_segment<S: Storage>(
    storage: &S,
    header: &SegmentHeader,
) -> Result<S::File, StorageError> {
    let name = segment::file_name(header.first);
    let failed = |operation| {
        let name = &name;
        move |source| StorageError::new(operation, name, 0, source)
    };
    let file = storage.create(&name).map_err(failed(Operation::Create))?;
    file.write_at(0, &header.encode())
        .map_err(failed(Operation::Write))?;
    file.sync().map_err(failed(Operation::Sync))?;
    let synced = storage.sync_directory();
    synced.map_err(failed(Operation::SyncDirectory))?;
    Ok(file)
}

impl<S: Storage> FileLog<S> {
    /// The answer after a failure: only the frame that was being written then is in doubt.
    fn refuse(failure: &WriterFailure, frame: Option<FrameHash>) -> AppendError {
        let fault = AppendFault::Stopped(failure.cause.clone());
        match frame.is_some() && frame == failure.in_doubt {
            true => AppendError::InDoubt { fault },
            false => AppendError::NotAppended { fault },
        }
    }

    fn stop(&mut self, failure: WriterFailure) -> AppendError {
        let fault = AppendFault::of_storage(failure.cause.clone());
        let in_doubt = failure.in_doubt.is_some();
        self.stopped = Some(failure);
        match in_doubt {
            true => AppendError::InDoubt { fault },
            false => AppendError::NotAppended { fault },
        }
    }
}

impl<S: Storage> Log for FileLog<S> {
    fn id(&self) -> LogId {
        self.id
    }

    /// A write or a sync that has begun is not interrupted: the deadline may pass with it.
    fn append(
        &mut self,
        after: Head,
        batch: &mut Batch,
        deadline: Deadline,
    ) -> Result<Committed, AppendError> {
        let not_appended = |fault| Err(AppendError::NotAppended { fault });
        if batch.is_empty() {
            return not_appended(AppendFault::Empty);
        }
        if after != self.head {
            let heads = (after, self.head);
            return answer_behind(&self.file_reader(), heads, batch, deadline);
        }
        if let Some(failure) = &self.stopped {
            return Err(Self::refuse(failure, Some(batch.hash_behind(after))));
        }
        if deadline.has_passed() {
            return not_appended(AppendFault::DeadlinePassed);
        }
        self.write(batch).map_err(|failure| self.stop(failure))
    }

    fn head(&mut self, _: Deadline) -> Result<Head, LogReadError> {
        Ok(self.head)
    }

    /// Writes zeros ahead of the frames to come.
    fn idle(&mut self) -> Result<bool, AppendError> {
        if let Some(failure) = &self.stopped {
            return Err(Self::refuse(failure, None));
        }
        self.room.idle();
        let stepped = self.step_of_room().map_err(WriterFailure::before_frame);
        stepped.map_err(|failure| self.stop(failure))
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(self.file_reader())
    }
}
