//! What would help when something went wrong: signed checkpoints and a backup.

use tillroll_events::Timestamp;

use super::check::Check;
use crate::data_dir::DataDir;
use crate::last_backup::LastBackup;
use crate::output::counted;
use crate::proving;

/// So many events may follow a checkpoint before the next is due.
const EVENTS: u64 = 100_000;

const DAY: i64 = 24 * 60 * 60;

/// Days that a backup may be old when events have followed it.
const DAYS: i64 = 7;

pub(super) fn checkpoints(data: &DataDir, head: u64) -> Check {
    let check = "checkpoint";
    let sign = "keep what `tillroll checkpoint` prints where this machine cannot change it";
    let keys = match proving::read_verifiers(data) {
        Ok(keys) => keys,
        Err(why) => return Check::fail(check, why, proving::keys_back(data)),
    };
    let files = proving::checkpoint_files(data).len();
    let stored = proving::stored_checkpoints(data, &keys);
    let doubtful = files.saturating_sub(stored.len());
    if doubtful > 0 && !keys.is_empty() {
        let found = format!("{} cannot be believed", counted(doubtful as u64, "file"));
        return Check::fail(check, found, data.command("verify"));
    }
    let Some(newest) = stored.last() else {
        return Check::warn(check, "none was signed", sign);
    };
    let size = newest.checkpoint().size;
    if size > head {
        return Check::fail(
            check,
            format!("position {size} was signed, and the roll ends at {head}: records are gone"),
            data.command("verify"),
        );
    }
    let age = head - size;
    let found = format!("position {size} is signed, {} ago", counted(age, "event"));
    match age {
        ..=EVENTS => Check::ok(check, found),
        _ => Check::warn(check, found, sign),
    }
}

pub(super) fn backup(data: &DataDir, head: u64, now: Timestamp) -> Check {
    let run = data.command("backup TARGET");
    match LastBackup::read(data) {
        None => Check::warn("backup", "none was made of this directory", run),
        Some(last) => judge(&last, head, now, run),
    }
}

fn judge(last: &LastBackup, head: u64, now: Timestamp, run: String) -> Check {
    let check = "backup";
    let events = head.saturating_sub(last.position);
    let days = (now.seconds() - last.at.seconds()).div_euclid(DAY);
    let found = format!(
        "up to position {} in {}, {} and {} ago",
        last.position,
        last.target.display(),
        counted(events, "event"),
        counted(u64::try_from(days).unwrap_or(0), "day"),
    );
    if last.position > head {
        let found = format!("{found}: it holds more than the roll, which was set back");
        return Check::fail(check, found, "restore the backup");
    }
    match events > 0 && days >= DAYS {
        true => Check::warn(check, found, run),
        false => Check::ok(check, found),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    #[test]
    fn a_backup_is_old_when_days_and_events_have_passed() {
        for (position, head, days, expected) in [
            (10, 10, 0, Status::Ok),
            (10, 10, 400, Status::Ok),
            (10, 11, 6, Status::Ok),
            (10, 11, 7, Status::Warn),
            (10, 9, 0, Status::Fail),
            // The clock was set back since.
            (10, 11, -3, Status::Ok),
        ] {
            let last = LastBackup {
                target: "/elsewhere".into(),
                position,
                at: Timestamp::from_seconds(1_000 * DAY),
            };
            let now = Timestamp::from_seconds((1_000 + days) * DAY);
            let check = judge(&last, head, now, String::new());
            assert_eq!(check.status, expected, "{head} after {days}: {check:?}");
        }
    }
}
