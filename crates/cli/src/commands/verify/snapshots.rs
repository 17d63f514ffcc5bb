//! Each snapshot against a replay up to its position: byte by byte, since the same state is
//! written in the same way.

use std::path::Path;

use serde_json::json;
use tillroll_engine::{
    Replay, SnapshotComparison, SnapshotError, SnapshotFile, SnapshotHeader, Snapshots,
};
use tillroll_log::{DirTree, LogReader};
use tillroll_runtime::ReadOnlyLog;
use tillroll_terminal::{Console, Stop};

use super::{CheckReport, PassedCheck, VerifyFinding};
use crate::data_dir::DataDir;
use crate::output::counted;

/// How far the roll was when the newest snapshot was made: all of it was durable.
pub(super) fn seen(data: &DataDir) -> u64 {
    let header = DirTree::open(data.snapshots()).ok().and_then(|tree| {
        let snapshots = Snapshots::new(tree);
        let all = snapshots.list().ok()?;
        all.iter().find_map(|stored| snapshots.header(stored).ok())
    });
    header.map_or(0, |header| header.head.position.get())
}

/// Whether the roll goes on to where its snapshots are.
pub(super) fn check(
    data: &DataDir,
    roll: &ReadOnlyLog,
    report: &mut CheckReport,
    console: &mut Console<'_>,
) -> Result<bool, Stop> {
    // Without the directory there are none.
    let Ok(tree) = DirTree::open(data.snapshots()) else {
        return Ok(true);
    };
    let snapshots = Snapshots::new(tree);
    let mut all = snapshots.list().map_err(Stop::failed)?;
    all.reverse();
    let head = roll.end().position;
    let reader = roll.reader();
    let mut replay = Replay::new(data.chart()?);
    let (mut equal, mut last, mut whole) = (0, 0, true);
    for stored in all {
        let path = data.snapshots().join(&stored.file);
        let position = stored.position.get();
        let header = match snapshots.header(&stored) {
            Ok(header) => header,
            Err(error) => {
                note(data, &path, position, &error, report);
                continue;
            }
        };
        if header.head.position > head {
            // Beside a server that went on since the roll was opened, it may well be so.
            if !data.layout().is_in_use() {
                let finding = VerifyFinding::before_snapshot(&path, position, head.get());
                report.findings.push(finding);
                whole = false;
            }
            continue;
        }
        if let Some(why) = stranger(&header, roll, &*reader)? {
            report
                .findings
                .push(VerifyFinding::snapshot(&path, position, None, why));
            continue;
        }
        let mut progress = console.progress("checking snapshots", position);
        let folded = replay.run(&*reader, Some(stored.position), &mut |position| {
            progress.set(position.get(), || format!("position {position}"));
        });
        drop(progress);
        folded.map_err(Stop::failed)?;
        match compare(&snapshots, &stored, &header, &replay) {
            Ok(SnapshotComparison::Equal) => {
                equal += 1;
                last = position;
            }
            Ok(SnapshotComparison::Header) => {
                let why = "its header says another time than the roll";
                report
                    .findings
                    .push(VerifyFinding::snapshot(&path, position, None, why));
            }
            Ok(SnapshotComparison::Differs(section)) => {
                let why = format!("the {section} differ from what the roll makes them");
                report
                    .findings
                    .push(VerifyFinding::snapshot(&path, position, None, why));
            }
            Err(error) => note(data, &path, position, &error, report),
        }
    }
    if equal > 0 {
        report.passed.push(PassedCheck {
            check: "snapshots",
            text: format!(
                "{} {} a replay, the newest up to position {last}",
                counted(equal, "snapshot"),
                if equal == 1 { "equals" } else { "equal" },
            ),
            facts: json!({ "snapshots": equal, "position": last }),
        });
    }
    Ok(whole)
}

/// Why a snapshot is none of this roll, if it is not.
fn stranger(
    header: &SnapshotHeader,
    roll: &ReadOnlyLog,
    reader: &dyn LogReader,
) -> Result<Option<&'static str>, Stop> {
    if header.log != roll.id() {
        return Ok(Some("it is of another book"));
    }
    Ok(match header.agrees_with(reader).map_err(Stop::failed)? {
        true => None,
        false => Some("the roll has another frame at its position"),
    })
}

fn compare(
    snapshots: &Snapshots<DirTree>,
    stored: &SnapshotFile,
    header: &SnapshotHeader,
    replay: &Replay,
) -> Result<SnapshotComparison, SnapshotError> {
    match replay.moment(header.log, header.head) {
        Some(moment) => snapshots.compare(stored, &moment),
        None => Ok(SnapshotComparison::Header),
    }
}

/// A file that cannot be read. A running server removes those that are older than two.
fn note(
    data: &DataDir,
    path: &Path,
    position: u64,
    error: &SnapshotError,
    report: &mut CheckReport,
) {
    if !path.exists() && data.layout().is_in_use() {
        return;
    }
    let offset = match error {
        SnapshotError::Damaged { offset, .. } => Some(*offset),
        SnapshotError::Storage(_) | SnapshotError::Cold(_) | SnapshotError::Abandoned => None,
    };
    report
        .findings
        .push(VerifyFinding::snapshot(path, position, offset, error));
}
