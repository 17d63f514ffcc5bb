//! Opening a log: reading it with every check, deciding what the last crash
//! left behind, and making the tail durable before anything is appended.
//!
//! Nothing is changed before everything was read: a log that is refused is as
//! it was. What is changed then, and reported:
//!
//! - A last segment without a whole header is removed: a rotation was cut
//!   short, and no frame is written before the header is durable. The directory
//!   is synced before anything below is done, also where nothing was removed:
//!   a start before this one may have failed between the two, and the file be
//!   back after the next loss of power, with a segment before it that is then
//!   not the last and must be whole.
//! - BadFrame bytes at the end of the last segment, with no whole frame behind
//!   them, are cut: an append that was never acknowledged.
//! - The header and the last frame of the last segment are written again with
//!   the same bytes, and synced. The process before may have ended because a
//!   sync failed; the system's cache then shows bytes that the disk does not
//!   have, and syncing them again proves nothing, because the cache counts them
//!   as clean. Writing them makes them dirty. The last frame is enough, since
//!   the frames before it were synced before it was written.
//! - The length of the last segment is set again, for the same reason: a recovery
//!   that had cut a tail may have failed at its sync, and the cache then shows a
//!   file that ends where the disk's does not. Left alone, the tail would come
//!   back with the next loss of power, by then in the middle of the log. It is
//!   made one longer first, for there to be a change; a start that dies between
//!   the two leaves one zero byte, which is no tail and is not reported.
//!   This has a sync of its own, after that of the bytes.

use crate::catalog::{Active, SealedSegment};
use crate::damage::{Damage, Fault};
use crate::error::{OpenError, Operation, StorageError};
use crate::file_log::{LogOptions, create_segment};
use crate::frame::{self, Depth, FramePlace};
use crate::identity::{FrameHash, Head, LogId, Position};
use crate::index::FrameIndex;
use crate::scan::{
    ExpectedHeader, OpenSegment, Scan, ScanStop, SegmentEnd, list_segments, read_full,
};
use crate::segment::{self, SegmentHeader};
use crate::storage::{Storage, StorageFile};
use crate::window::Window;

/// An append that was cut short, and is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Name of the file.
    pub file: String,
    /// Where the file ends now.
    pub offset: u64,
    /// Bytes that were cut, up to the last that is not zero: room lay behind it.
    pub bytes: u64,
    /// Why they were no frame.
    pub fault: Fault,
}

/// What opening found and did. A backend that keeps no segments counts none, and has nothing to
/// cut or to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryReport {
    /// The log's id.
    pub log: LogId,
    /// Whether the log did not exist before.
    pub created: bool,
    /// Segments of the log.
    pub segments: u64,
    /// Segments of which only the header was read, see [`LogOptions::check_from`].
    pub segments_skipped: u64,
    /// Frames that were checked.
    pub frames: u64,
    /// Records that were checked.
    pub records: u64,
    /// Bytes that were checked.
    pub bytes: u64,
    /// Bytes of the whole log, read or not.
    pub log_bytes: u64,
    /// Where the log ends.
    pub head: Head,
    /// The tail that was cut.
    pub torn_tail: Option<TornTail>,
    /// The segment that a rotation had begun and that was removed.
    pub removed_segment: Option<String>,
}

impl RecoveryReport {
    /// Nothing found yet, in a backend that has no segments.
    pub(crate) fn of_backend(log: LogId) -> Self {
        Self {
            log,
            created: false,
            segments: 0,
            segments_skipped: 0,
            frames: 0,
            records: 0,
            bytes: 0,
            log_bytes: 0,
            head: Head::EMPTY,
            torn_tail: None,
            removed_segment: None,
        }
    }
}

pub(crate) struct Recovered<F> {
    pub file: F,
    pub sealed: Vec<SealedSegment>,
    pub active: Active,
    pub report: RecoveryReport,
}

/// What reading all segments found.
struct Survey<F> {
    sealed: Vec<SealedSegment>,
    last: LastSegment<F>,
    head: Head,
    totals: RecoveryTotals,
}

/// The segment that will be appended to.
struct LastSegment<F> {
    file: F,
    name: String,
    header: SegmentHeader,
    index: FrameIndex,
    /// Where the committed bytes end.
    length: u64,
    /// Where the last frame starts, if there is one.
    last_frame: Option<u64>,
    torn_tail: Option<TornTail>,
    /// Whether zeros follow.
    has_room: bool,
}

#[derive(Default)]
struct RecoveryTotals {
    skipped: u64,
    frames: u64,
    records: u64,
    bytes: u64,
}

pub(crate) fn recover<S: Storage>(
    storage: &S,
    options: &LogOptions,
    visit: &mut dyn FnMut(Position, &[u8]),
) -> Result<Recovered<S::File>, OpenError> {
    let mut firsts = list_segments(storage)?;
    let unfinished = unfinished_segment(storage, &firsts)?;
    if unfinished.is_some() {
        firsts.pop();
    }
    let survey = survey(storage, options, &firsts, unfinished.is_some(), visit)?;
    let head = survey.as_ref().map_or(Head::EMPTY, |survey| survey.head);
    let named = unfinished.map(|first| (first, segment::file_name(first)));
    if let Some((first, name)) = &named
        && *first != head.position.next()
    {
        let fault = Fault::Position {
            found: *first,
            expected: head.position.next(),
        };
        return Err(whole_file(name, head.position.next(), fault).into());
    }
    check_not_lost(options, head, survey.as_ref())?;

    // Everything was read and holds: from here on, things are changed.
    if let Some((_, name)) = &named {
        storage
            .remove(name)
            .map_err(|source| StorageError::new(Operation::Remove, name, 0, source))?;
    }
    // The segment before must be whole as long as another follows. So what was removed is gone for
    // good before anything is done to that one, and so is what a start before this one removed: if
    // it failed here, nothing shows that the file may be back after the next loss of power.
    let last = survey.as_ref().map(|survey| &survey.last.name);
    let name = named.as_ref().map(|(_, name)| name).or(last);
    let name = name.map_or("the log", String::as_str);
    let synced = storage.sync_directory();
    synced.map_err(|source| StorageError::new(Operation::SyncDirectory, name, 0, source))?;
    let removed_segment = named.map(|(_, name)| name);
    match survey {
        None => create(storage, options, removed_segment),
        Some(survey) => settle(survey, removed_segment),
    }
}

fn whole_file(name: &str, position: Position, fault: Fault) -> Damage {
    Damage {
        file: name.to_owned(),
        offset: 0,
        frame: None,
        position,
        fault,
        followed_by: None,
        torn_tail: false,
    }
}

/// The last segment, when a rotation did not finish it.
fn unfinished_segment<S: Storage>(
    storage: &S,
    firsts: &[Position],
) -> Result<Option<Position>, StorageError> {
    let Some(last) = firsts.last() else {
        return Ok(None);
    };
    let segment = OpenSegment::open(storage, *last)?;
    Ok(segment.is_unfinished().then_some(*last))
}

/// Reads every segment in order. `None` when there is none.
fn survey<S: Storage>(
    storage: &S,
    options: &LogOptions,
    firsts: &[Position],
    rotation_begun: bool,
    visit: &mut dyn FnMut(Position, &[u8]),
) -> Result<Option<Survey<S::File>>, OpenError> {
    let mut window = Window::default();
    let mut totals = RecoveryTotals::default();
    let mut sealed = Vec::new();
    let mut log = None;
    // Where the segment before ends; unknown when it was not read.
    let mut after = Some(Head::EMPTY);
    for (number, first) in (1..).zip(firsts) {
        let segment = OpenSegment::open(storage, *first)?;
        let header = segment.check(&ExpectedHeader {
            log,
            number,
            named_first: *first,
            after,
        })?;
        if let (None, Some(expected)) = (log, options.id)
            && expected != header.log
        {
            let found = header.log;
            return Err(OpenError::OtherLog { expected, found });
        }
        log = Some(header.log);
        // The segment before may not be read, and end at the durable position.
        if let Some(durable) = options.durable
            && durable.position.next() == header.first
            && durable.hash != header.previous
        {
            return Err(whole_file(&segment.name, header.first, Fault::Chain).into());
        }
        let following = firsts.get(sealed.len() + 1);
        if following.is_some_and(|following| *following <= options.check_from) {
            sealed.push(SealedSegment::new(number, *first, segment.length, None));
            totals.skipped += 1;
            after = None;
            continue;
        }
        let tail_may_be_torn = following.is_none() && !rotation_begun;
        let walked = walk(
            &segment,
            &header,
            &mut window,
            tail_may_be_torn,
            options,
            visit,
        )?;
        totals.frames += walked.frames;
        totals.records += walked.head.position.next().get() - first.get();
        totals.bytes += walked.length;
        after = Some(walked.head);
        if following.is_none() {
            return Ok(Some(Survey {
                sealed,
                head: walked.head,
                totals,
                last: LastSegment {
                    has_room: walked.torn_tail.is_none() && walked.length < segment.length,
                    file: segment.file,
                    name: segment.name,
                    header,
                    index: walked.index,
                    length: walked.length,
                    last_frame: walked.last_frame,
                    torn_tail: walked.torn_tail,
                },
            }));
        }
        sealed.push(SealedSegment::new(
            number,
            *first,
            walked.length,
            Some(walked.index),
        ));
    }
    Ok(None)
}

struct SegmentWalk {
    index: FrameIndex,
    head: Head,
    frames: u64,
    length: u64,
    last_frame: Option<u64>,
    torn_tail: Option<TornTail>,
}

/// Reads the frames of one segment.
fn walk<F: StorageFile>(
    segment: &OpenSegment<F>,
    header: &SegmentHeader,
    window: &mut Window,
    tail_may_be_torn: bool,
    options: &LogOptions,
    visit: &mut dyn FnMut(Position, &[u8]),
) -> Result<SegmentWalk, OpenError> {
    let mut scan = Scan::new(segment, header, window);
    let mut index = FrameIndex::default();
    let mut last_frame = None;
    let torn = loop {
        let offset = scan.offset;
        match scan.next_frame() {
            Ok(None) => break None,
            Ok(Some(view)) => {
                index.note(view.first.get() - header.first.get(), offset);
                last_frame = Some(offset);
                check_durable(
                    options,
                    &segment.name,
                    offset,
                    view.first,
                    view.last(),
                    view.hash,
                )?;
                if view.last() >= options.check_from {
                    view.records()
                        .filter(|(position, _)| *position >= options.check_from)
                        .for_each(|(position, record)| visit(position, record));
                }
            }
            Err(ScanStop::Storage(error)) => return Err(error.into()),
            Err(ScanStop::Bad(bad)) if tail_may_be_torn => match scan.end(bad)? {
                SegmentEnd::Room => break None,
                SegmentEnd::Torn(damage, bytes) => break Some((damage, bytes)),
                SegmentEnd::Grown => {}
                SegmentEnd::Damaged(damage) => return Err(damage.into()),
            },
            Err(ScanStop::Bad(bad)) => return Err(bad.damage(&segment.name, None, false).into()),
        }
    };
    Ok(SegmentWalk {
        index,
        head: scan.head,
        frames: scan.frames,
        length: scan.offset,
        last_frame,
        torn_tail: torn.map(|(damage, bytes)| TornTail {
            file: damage.file,
            offset: damage.offset,
            bytes,
            fault: damage.fault,
        }),
    })
}

/// A frame that holds the position known to be durable must end there, with
/// the hash that is known.
fn check_durable(
    options: &LogOptions,
    name: &str,
    offset: u64,
    first: Position,
    last: Position,
    hash: FrameHash,
) -> Result<(), Damage> {
    let Some(durable) = options.durable else {
        return Ok(());
    };
    let holds = (first..=last).contains(&durable.position);
    if !holds || (last == durable.position && hash == durable.hash) {
        return Ok(());
    }
    Err(Damage {
        offset,
        ..whole_file(name, first, Fault::Chain)
    })
}

fn check_not_lost<F>(
    options: &LogOptions,
    head: Head,
    survey: Option<&Survey<F>>,
) -> Result<(), Damage> {
    let known = options
        .durable
        .map_or(Position::ZERO, |durable| durable.position);
    let expected = known.max(options.durable_position);
    if head.position >= expected {
        return Ok(());
    }
    let (name, offset) = survey.map_or_else(
        || (segment::file_name(Position::FIRST), 0),
        |survey| (survey.last.name.clone(), survey.last.length),
    );
    Err(Damage {
        offset,
        ..whole_file(&name, head.position.next(), Fault::Lost { expected })
    })
}

/// Starts an empty log.
fn create<S: Storage>(
    storage: &S,
    options: &LogOptions,
    removed_segment: Option<String>,
) -> Result<Recovered<S::File>, OpenError> {
    let header = SegmentHeader {
        version: segment::VERSION,
        log: options.id.unwrap_or_else(make_up_id),
        number: 1,
        first: Position::FIRST,
        previous: FrameHash::GENESIS,
    };
    let file = create_segment(storage, &header)?;
    Ok(Recovered {
        file,
        sealed: Vec::new(),
        active: Active {
            number: header.number,
            first: header.first,
            length: segment::HEADER_BYTES as u64,
            index: FrameIndex::default(),
        },
        report: RecoveryReport {
            log: header.log,
            created: true,
            segments: 1,
            segments_skipped: 0,
            frames: 0,
            records: 0,
            bytes: 0,
            log_bytes: segment::HEADER_BYTES as u64,
            head: Head::EMPTY,
            torn_tail: None,
            removed_segment,
        },
    })
}

/// The keys of the standard library's hash maps come from the system's random
/// source. That is enough for a name that must be unique and hides nothing.
fn make_up_id() -> LogId {
    use std::hash::{BuildHasher, RandomState};
    let mut id = [0; 16];
    for (half, bytes) in id.chunks_exact_mut(8).enumerate() {
        bytes.copy_from_slice(&RandomState::new().hash_one(half).to_le_bytes());
    }
    LogId::new(id)
}

/// Cuts the torn tail and makes what remains durable.
fn settle<F: StorageFile>(
    survey: Survey<F>,
    removed_segment: Option<String>,
) -> Result<Recovered<F>, OpenError> {
    let Survey {
        sealed,
        last,
        head,
        totals,
    } = survey;
    let failed = |operation, offset| {
        let name = &last.name;
        move |source| StorageError::new(operation, name, offset, source)
    };
    let set_length = |length: u64| {
        let cut = last.file.truncate(length);
        cut.map_err(failed(Operation::Truncate, length))
    };
    // Room goes too: the process before may have failed to make its zeros durable.
    let cut = last.torn_tail.is_some() || last.has_room;
    if cut {
        set_length(last.length)?;
    }
    let rewrite = |offset: u64, bytes: &[u8]| {
        let written = last.file.write_at(offset, bytes);
        written.map_err(failed(Operation::Write, offset))
    };
    rewrite(0, &last.header.encode())?;
    if let Some(offset) = last.last_frame {
        let bytes = reread(&last, offset)?;
        rewrite(offset, &bytes)?;
    }
    last.file.sync().map_err(failed(Operation::Sync, 0))?;
    if !cut {
        // Only now: a longer file whose header is not on the disk would be taken for damage.
        set_length(last.length + 1)?;
        set_length(last.length)?;
        last.file.sync().map_err(failed(Operation::Sync, 0))?;
    }
    Ok(Recovered {
        report: RecoveryReport {
            log: last.header.log,
            created: false,
            segments: sealed.len() as u64 + 1,
            segments_skipped: totals.skipped,
            frames: totals.frames,
            records: totals.records,
            bytes: totals.bytes,
            log_bytes: sealed.iter().map(SealedSegment::length).sum::<u64>() + last.length,
            head,
            torn_tail: last.torn_tail,
            removed_segment,
        },
        active: Active {
            number: last.header.number,
            first: last.header.first,
            length: last.length,
            index: last.index,
        },
        file: last.file,
        sealed,
    })
}

/// The bytes of the last frame, checked once more: what is written must be
/// what was read.
fn reread<F: StorageFile>(last: &LastSegment<F>, offset: u64) -> Result<Vec<u8>, OpenError> {
    let length = usize::try_from(last.length - offset).unwrap_or(usize::MAX);
    let mut bytes = vec![0; length];
    let read = read_full(&last.file, &last.name, offset, &mut bytes)?;
    let place = FramePlace {
        segment: last.header.number,
        offset,
    };
    match frame::decode(&bytes[..read], place, Depth::Hash) {
        Ok(_) => Ok(bytes),
        Err(fault) => Err(OpenError::Damaged(Damage {
            offset,
            ..whole_file(&last.name, last.header.first, fault)
        })),
    }
}
