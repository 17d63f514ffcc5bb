//! Making a backup.

use super::error::BackupError;
use super::extra::{self, ReadWhole, read_whole};
use super::log_path;
use super::manifest::{FileEntry, Manifest, SegmentEntry};
use super::meter::{BackupProgress, BackupStage, Meter};
use super::new_file::NewFile;
use super::plan::{BackupPlan, Planned};
use super::target::BackupTarget;
use super::tree::Tree;
use crate::identity::{Head, LogId};
use crate::scan::{ExpectedHeader, OpenSegment, Scan, ScanStop, SegmentEnd};
use crate::storage::Storage;
use crate::window::Window;

/// What is backed up.
#[derive(Debug)]
pub struct BackupSource<'a, S, D> {
    /// The log, opened for reading only. Its writer may go on.
    pub log: &'a S,
    /// The data directory, for the files beside the log.
    pub data: &'a D,
    /// Paths in the data directory of small files that belong to the book.
    /// Where there is no file, the backup has none.
    pub files: &'a [&'a str],
}

/// A backup that is complete and durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// The book.
    pub book: LogId,
    /// Where the log in the backup ends. At least as far as the log was
    /// committed when the backup began.
    pub head: Head,
    /// Where the log ended in the backup that was there before.
    pub before: Option<Head>,
    /// Segments in the backup.
    pub segments: u64,
    /// Segments that were copied.
    pub segments_copied: u64,
    /// Bytes of segments that were copied.
    pub segment_bytes_copied: u64,
    /// Bytes of segments that were there already.
    pub segment_bytes_kept: u64,
    /// Bytes behind the last whole frame: an append that was under way, or
    /// that was cut short.
    pub bytes_left_out: u64,
    /// Files beside the log that are in the backup.
    pub files: u64,
    /// Files beside the log that were written: the others had not changed.
    pub files_copied: u64,
    /// Paths at which there was no file.
    pub files_absent: Vec<String>,
}

/// Copies what the target does not have yet: the segments that were sealed
/// since, the last segment up to its last whole frame, and the files beside
/// the log that have changed.
///
/// A segment that the target has is kept, without reading either, when the
/// next segment's header names the frame with which it ends in the manifest:
/// that hash stands for all records before it. Bytes that have changed in the
/// target are for [`super::verify_backup`] to find.
///
/// # Errors
/// [`BackupError`]; the backup that was there before is usable.
pub fn backup<S: Storage, D: Tree, T: Tree>(
    source: &BackupSource<'_, S, D>,
    target: &T,
    mut progress: impl FnMut(&BackupProgress),
) -> Result<BackupReport, BackupError> {
    extra::check_paths(source.files)?;
    let plan = BackupPlan::of(source.log)?;
    let target = BackupTarget::open(target, plan.log)?;
    refuse_shorter(&plan, &target)?;
    target.prepare().map_err(BackupError::Target)?;
    let mut run = BackupRun {
        log: source.log,
        target: &target,
        manifest: Manifest {
            book: plan.log,
            segments: Vec::new(),
            files: Vec::new(),
        },
        report: BackupReport {
            book: plan.log,
            head: Head::EMPTY,
            before: target.before.as_ref().map(Manifest::head),
            segments: 0,
            segments_copied: 0,
            segment_bytes_copied: 0,
            segment_bytes_kept: 0,
            bytes_left_out: 0,
            files: 0,
            files_copied: 0,
            files_absent: Vec::new(),
        },
        window: Window::default(),
    };
    run.segments(&plan, &mut progress)?;
    // After the log: a key that the log already needs is never missing.
    for path in source.files {
        run.file(source.data, path)?;
    }
    let BackupRun {
        manifest, report, ..
    } = run;
    target.commit(&manifest).map_err(BackupError::Target)?;
    Ok(BackupReport {
        head: manifest.head(),
        segments: manifest.segments.len() as u64,
        files: manifest.files.len() as u64,
        ..report
    })
}

/// A log with fewer segments than the backup cannot continue it.
fn refuse_shorter<T: Tree>(
    plan: &BackupPlan,
    target: &BackupTarget<'_, T>,
) -> Result<(), BackupError> {
    match target.segment(plan.segments.len()) {
        Some(missing) => Err(diverged(target, missing.name())),
        None => Ok(()),
    }
}

fn diverged<T: Tree>(target: &BackupTarget<'_, T>, file: String) -> BackupError {
    let head = target.before.as_ref().map_or(Head::EMPTY, Manifest::head);
    BackupError::Diverged {
        file,
        position: head.position,
    }
}

struct BackupRun<'a, S, T: Tree> {
    log: &'a S,
    target: &'a BackupTarget<'a, T>,
    manifest: Manifest,
    report: BackupReport,
    window: Window,
}

impl<S: Storage, T: Tree> BackupRun<'_, S, T> {
    fn segments(
        &mut self,
        plan: &BackupPlan,
        progress: &mut dyn FnMut(&BackupProgress),
    ) -> Result<(), BackupError> {
        let total = plan.segments.iter().map(|planned| planned.length).sum();
        let mut meter = Meter::new(BackupStage::Copying, total, progress);
        for (index, planned) in plan.segments.iter().enumerate() {
            let next = plan.segments.get(index + 1);
            if let Some(kept) = self.kept(index, planned, next)? {
                self.report.segment_bytes_kept += kept.length;
                meter.add(kept.length);
                self.manifest.segments.push(kept);
                continue;
            }
            let growing = next.is_none() && !plan.rotation_begun;
            let copied = self.copy(index, planned, growing, &mut meter)?;
            self.manifest.segments.extend(copied);
        }
        Ok(())
    }

    /// The entry of a sealed segment that the target has.
    fn kept(
        &self,
        index: usize,
        planned: &Planned,
        next: Option<&Planned>,
    ) -> Result<Option<SegmentEntry>, BackupError> {
        let (Some(entry), Some(next)) = (self.target.segment(index), next) else {
            return Ok(None);
        };
        let same = planned.continues(self.manifest.head())
            && planned.length == entry.length
            && next.continues(entry.end);
        let there = same && self.target.has(entry).map_err(BackupError::Target)?;
        Ok(there.then(|| entry.clone()))
    }

    /// Copies a segment, checking each frame on the way. `None` when it is the
    /// last and has no frame yet: a segment without frames may still vanish in
    /// a crash, and the log is as long without it.
    fn copy(
        &mut self,
        index: usize,
        planned: &Planned,
        growing: bool,
        meter: &mut Meter<'_>,
    ) -> Result<Option<SegmentEntry>, BackupError> {
        let first = planned.header.first;
        let segment = OpenSegment::open(self.log, first).map_err(BackupError::Log)?;
        let header = segment.check(&ExpectedHeader {
            log: Some(self.manifest.book),
            number: planned.header.number,
            named_first: first,
            after: Some(self.manifest.head()),
        })?;
        let mut prefix = Prefix::of(self.target.segment(index));
        let mut file = NewFile::create(self.target.tree, &log_path(&segment.name))
            .map_err(BackupError::Target)?;
        file.write(&header.encode()).map_err(BackupError::Target)?;
        prefix.compare(&file);
        meter.add(file.length());
        let mut scan = Scan::new(&segment, &header, &mut self.window);
        let mut left_out = 0;
        loop {
            let start = scan.offset;
            match scan.next_frame() {
                Ok(None) => break,
                Ok(Some(_)) => {}
                Err(ScanStop::Storage(error)) => return Err(BackupError::Log(error)),
                Err(ScanStop::Bad(bad)) if growing => {
                    match scan.end(bad).map_err(BackupError::Log)? {
                        SegmentEnd::Room => break,
                        SegmentEnd::Torn(_, bytes) => {
                            left_out = bytes;
                            break;
                        }
                        SegmentEnd::Grown => continue,
                        SegmentEnd::Damaged(damage) => return Err(damage.into()),
                    }
                }
                Err(ScanStop::Bad(bad)) => {
                    return Err(bad.damage(&segment.name, None, false).into());
                }
            }
            // Still in the window: these are the very bytes that were checked.
            let wanted = usize::try_from(scan.offset - start).unwrap_or(usize::MAX);
            let frame = scan
                .window
                .view(scan.file, scan.name, start, wanted, scan.offset)
                .map_err(BackupError::Log)?;
            file.write(frame).map_err(BackupError::Target)?;
            prefix.compare(&file);
            meter.add(wanted as u64);
        }
        if !prefix.met {
            return Err(diverged(self.target, segment.name));
        }
        self.report.bytes_left_out += left_out;
        if scan.frames == 0 && growing && header.number > 1 {
            file.abandon().map_err(BackupError::Target)?;
            return Ok(None);
        }
        let entry = SegmentEntry {
            first,
            length: file.length(),
            hash: file.hash(),
            end: scan.head,
        };
        self.report.segments_copied += 1;
        self.report.segment_bytes_copied += entry.length;
        file.install().map_err(BackupError::Target)?;
        Ok(Some(entry))
    }

    fn file<D: Tree>(&mut self, data: &D, path: &str) -> Result<(), BackupError> {
        let bytes = match read_whole(data, path, extra::MOST_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                self.report.files_absent.push(path.to_owned());
                return Ok(());
            }
            Err(ReadWhole::Storage(error)) => return Err(BackupError::Data(error)),
            Err(ReadWhole::TooLarge) => {
                return Err(BackupError::FileTooLarge {
                    path: path.to_owned(),
                    most: extra::MOST_BYTES,
                });
            }
        };
        let entry = FileEntry {
            length: bytes.len() as u64,
            hash: blake3::hash(&bytes),
            path: path.to_owned(),
        };
        let written = self.target.store(&entry, &bytes);
        self.report.files_copied += u64::from(written.map_err(BackupError::Target)?);
        self.manifest.files.push(entry);
        Ok(())
    }
}

/// What the backup already has of a segment, so that it is only replaced with
/// something that starts with the same bytes: the old manifest stays true
/// until the new one is there.
struct Prefix {
    length: u64,
    hash: Option<blake3::Hash>,
    met: bool,
}

impl Prefix {
    fn of(entry: Option<&SegmentEntry>) -> Self {
        Self {
            length: entry.map_or(0, |entry| entry.length),
            hash: entry.map(|entry| entry.hash),
            met: entry.is_none(),
        }
    }

    /// Called after each frame. The old end is the end of a frame, or this is
    /// another history.
    fn compare<T: Tree>(&mut self, file: &NewFile<'_, T>) {
        if !self.met && file.length() == self.length {
            self.met = self.hash == Some(file.hash());
        }
    }
}
