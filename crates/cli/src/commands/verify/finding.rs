//! Something that does not check: the place, the reason, and what to do.

use std::fmt::Display;
use std::path::Path;

use serde_json::{Value, json};
use tillroll_log::{Damage, segment_start};
use tillroll_projections::VerifyError as RowsError;
use tillroll_proofs::HistoryError;
use tillroll_terminal::{Console, Stop, line};

use crate::data_dir::DataDir;

/// A finding. Empty places are left out of the report.
#[derive(Debug)]
pub(super) struct VerifyFinding {
    check: &'static str,
    reason: String,
    file: Option<String>,
    offset: Option<u64>,
    frame: Option<u64>,
    position: Option<u64>,
    row: Option<String>,
    expected: Option<String>,
    found: Option<String>,
    next: Option<String>,
}

const RESTORE: &str = "restore this file from a backup or a replica; nothing was changed";

impl VerifyFinding {
    pub(super) fn new(check: &'static str, reason: impl Display) -> Self {
        Self {
            check,
            reason: reason.to_string(),
            file: None,
            offset: None,
            frame: None,
            position: None,
            row: None,
            expected: None,
            found: None,
            next: None,
        }
    }

    fn next(mut self, next: impl Display) -> Self {
        self.next = Some(next.to_string());
        self
    }

    fn place(data: &DataDir, damage: &Damage, reason: impl Display) -> Self {
        let file = data.log().join(&damage.file);
        Self {
            file: Some(file.display().to_string()),
            offset: Some(damage.offset),
            frame: damage.frame,
            position: Some(damage.position.get()),
            ..Self::new("roll", reason)
        }
    }

    /// Bytes of the roll that are wrong.
    pub(super) fn damage(data: &DataDir, damage: &Damage) -> Self {
        let followed = damage.followed_by.map_or_else(String::new, |offset| {
            format!("; a whole frame follows at byte {offset}, so this is no append cut short")
        });
        Self::place(data, damage, format!("{}{followed}", damage.fault)).next(RESTORE)
    }

    /// Bytes at the end that are no frame, where the read models have seen records.
    pub(super) fn lost_end(data: &DataDir, damage: &Damage, seen: u64) -> Self {
        let reason = format!(
            "{}; the read models or a snapshot have seen position {seen}, so acknowledged records \
             are damaged",
            damage.fault
        );
        Self::place(data, damage, reason).next(RESTORE)
    }

    /// Bytes at the end that are no frame.
    pub(super) fn cut_short(data: &DataDir, damage: &Damage) -> Self {
        let reason = format!(
            "{}; an append that was cut short and never acknowledged looks like this",
            damage.fault
        );
        Self::place(data, damage, reason).next(format!(
            "{} cuts it and goes on; if this frame was acknowledged, restore a backup first",
            data.command("serve")
        ))
    }

    /// A record that breaks a law of the books, although its bytes are whole.
    pub(super) fn law(data: &DataDir, finding: &tillroll_engine::AuditFinding) -> Self {
        let position = finding.position.get();
        Self {
            file: segment_of(data, position),
            position: Some(position),
            ..Self::new("books", &finding.law)
        }
        .next(format!(
            "look at it with `{} --after {} --limit 1 --json`; then restore a backup, \
             because no version of tillroll writes this",
            data.command("events"),
            position.saturating_sub(1)
        ))
    }

    /// A roll that contradicts a checkpoint that was signed for it.
    pub(super) fn rewritten(check: &'static str, checkpoint: &Path, error: &HistoryError) -> Self {
        let (reason, position) = match error {
            HistoryError::Shorter { head, .. } => (error.to_string(), Some(head.get())),
            HistoryError::Rewritten { after, .. } => (
                format!("{error}; checksums and hash chain hold, so the roll was written anew"),
                Some(after + 1),
            ),
            HistoryError::Read(_) => (error.to_string(), None),
        };
        Self {
            file: Some(checkpoint.display().to_string()),
            position,
            ..Self::new(check, reason)
        }
        .next(
            "keep this directory as it is, and compare it with a backup from before the \
             checkpoint was signed",
        )
    }

    /// A checkpoint of the directory that cannot be believed. The roll needs none of them.
    pub(super) fn unbelieved(file: &Path, reason: impl Display) -> Self {
        Self {
            file: Some(file.display().to_string()),
            ..Self::new("checkpoints", reason)
        }
        .next(
            "compare the roll with a checkpoint that was kept elsewhere: tillroll verify \
             --checkpoint FILE; if it holds, put this file back or move it elsewhere",
        )
    }

    /// A snapshot that a replay does not make.
    pub(super) fn snapshot(
        file: &Path,
        position: u64,
        offset: Option<u64>,
        reason: impl Display,
    ) -> Self {
        Self {
            file: Some(file.display().to_string()),
            position: Some(position),
            offset,
            ..Self::new("snapshots", reason)
        }
        .next("remove this file: the next start folds the roll instead; nothing is lost")
    }

    /// A roll that ends before a snapshot of it.
    pub(super) fn before_snapshot(file: &Path, position: u64, head: u64) -> Self {
        Self {
            file: Some(file.display().to_string()),
            position: Some(position),
            ..Self::new(
                "snapshots",
                format!(
                    "the snapshot was made at position {position}, and the roll ends at {head}: \
                     the roll has lost its end"
                ),
            )
        }
        .next("restore the roll from a backup or a replica")
    }

    /// Rows of the read models that a replay does not make.
    pub(super) fn rows(data: &DataDir, error: RowsError) -> Self {
        let file = Some(data.read_models().display().to_string());
        let rebuild = data.command("projections rebuild");
        match error {
            RowsError::Mismatch(mismatch) => Self {
                file,
                row: Some(format!("{} where {}", mismatch.table, mismatch.key)),
                expected: Some(mismatch.expected.unwrap_or_else(|| "no row".into())),
                found: Some(mismatch.found.unwrap_or_else(|| "no row".into())),
                ..Self::new("read models", "a row differs from what the roll makes it")
            }
            .next(rebuild),
            RowsError::Beyond { checkpoint, head } => Self {
                file,
                position: Some(checkpoint),
                ..Self::new(
                    "read models",
                    format!(
                        "the read models have seen position {checkpoint}, and the roll ends at \
                         {head}: the roll has lost its end"
                    ),
                )
            }
            .next("restore the roll from a backup or a replica"),
            error => Self {
                file,
                ..Self::new("read models", error)
            }
            .next(rebuild),
        }
    }

    pub(super) fn print(&self, console: &mut Console<'_>) -> Result<(), Stop> {
        console.say(format!("{:<13}DAMAGED", self.check))?;
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let lines = [
            ("file", self.file.clone()),
            ("byte", number(self.offset)),
            ("frame", number(self.frame)),
            ("position", number(self.position)),
            ("row", self.row.clone()),
            ("expected", self.expected.clone()),
            ("found", self.found.clone()),
            ("reason", Some(self.reason.clone())),
            ("do", self.next.clone()),
        ];
        for (name, value) in lines {
            if let Some(value) = value {
                console.say(format!("  {name:<11}{}", line(&value)))?;
            }
        }
        Ok(())
    }

    pub(super) fn view(&self) -> Value {
        json!({
            "check": self.check,
            "reason": self.reason,
            "file": self.file,
            "offset": self.offset,
            "frame": self.frame,
            "position": self.position,
            "row": self.row,
            "expected": self.expected,
            "found": self.found,
            "next": self.next,
        })
    }
}

/// The segment that holds a position.
fn segment_of(data: &DataDir, position: u64) -> Option<String> {
    let entries = std::fs::read_dir(data.log()).ok()?;
    let firsts = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let first = segment_start(&name).filter(|first| first.get() <= position);
        first.map(|first| (first, name))
    });
    let (_, name) = firsts.max()?;
    Some(data.log().join(name).display().to_string())
}

/// What SQLite itself says about the file: rows that cannot be reached, indexes that miss rows.
pub(super) fn sqlite_damage(data: &DataDir, path: &Path) -> Option<VerifyFinding> {
    let check = || -> rusqlite::Result<String> {
        let sql = tillroll_projections::open_read_only(path)?;
        sql.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
    };
    let reason = match check() {
        Ok(answer) if answer == "ok" => return None,
        Ok(answer) => format!("SQLite finds the file damaged: {answer}"),
        Err(error) => format!("SQLite cannot read the file: {error}"),
    };
    Some(
        VerifyFinding {
            file: Some(path.display().to_string()),
            ..VerifyFinding::new("read models", reason)
        }
        .next(data.command("projections rebuild")),
    )
}
