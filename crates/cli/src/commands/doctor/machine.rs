//! What the machine gives: permissions, room, a clock.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tillroll_book::clock::{ClockFault, ClockLimits};
use tillroll_events::Timestamp;
use tillroll_log::LogOptions;
use tillroll_proofs::Keyring;

use super::check::Check;
use crate::data_dir::DataDir;
use crate::output::{count, counted};
use crate::proving;

const MIB: u64 = 1024 * 1024;

/// Fewer segments than this are a reason to look for room.
const FEW_SEGMENTS: u64 = 16;

fn mode(path: &Path) -> Option<u32> {
    let metadata = fs::metadata(path).ok()?;
    Some(metadata.permissions().mode() & 0o777)
}

pub(super) fn permissions(data: &DataDir) -> Check {
    let root = data.root();
    let check = "permissions";
    let Some(mode) = mode(root) else {
        return Check::fail(check, "the data directory cannot be looked at", "ls -ld");
    };
    let found = format!("the data directory has mode {mode:03o}");
    let chmod = format!("chmod 700 {}", root.display());
    let writable = rustix::fs::access(root, rustix::fs::Access::WRITE_OK).is_ok();
    match (mode & 0o022, mode & 0o055) {
        (1.., _) => Check::fail(
            check,
            format!("{found}: others can remove the roll and put another in its place"),
            chmod,
        ),
        _ if !writable => Check::fail(
            check,
            format!("{found}, and this user cannot write there: no server could"),
            "run as the user whose directory it is",
        ),
        (0, 1..) => Check::warn(check, format!("{found}: others can read the books"), chmod),
        (0, 0) => Check::ok(check, found),
    }
}

pub(super) fn keys(data: &DataDir) -> Check {
    let check = "keys";
    let key = proving::signing_key(data);
    let directory = match key.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let inside = proving::keys(data).join("signing.key");
    let verifiers = proving::keys(data).join("verifiers");
    match (mode(directory), mode(&key)) {
        (_, None) if !verifiers.exists() => Check::ok(check, "no private key yet"),
        (_, None) if data.signing_key_elsewhere().is_none() => Check::ok(
            check,
            "no private key here: nothing can be signed without --signing-key",
        ),
        (_, Some(mode)) if mode & 0o077 != 0 => Check::fail(
            check,
            format!("the private key has mode {mode:03o}: others can read it, or change it"),
            format!(
                "chmod 600 {}, then {}",
                key.display(),
                data.command("checkpoint --rotate")
            ),
        ),
        (Some(mode), Some(_)) if mode & 0o022 != 0 => Check::fail(
            check,
            format!(
                "{} has mode {mode:03o}: others can put another key there",
                directory.display()
            ),
            format!("chmod 700 {}", directory.display()),
        ),
        (_, Some(_)) if key != inside && inside.exists() => Check::warn(
            check,
            "a private key is in the data directory too, which is not the one that is used",
            format!("rm {}", inside.display()),
        ),
        (_, found) => match (Keyring::check(proving::key_files(data)), found) {
            (Ok(()), Some(mode)) => {
                Check::ok(check, format!("the private key has mode {mode:03o}"))
            }
            (Ok(()), None) => Check::ok(check, "no private key yet"),
            (Err(error), _) => {
                let stop = proving::keyring_advice(data, &error);
                Check::fail(check, error, stop)
            }
        },
    }
}

pub(super) fn disk_space(data: &DataDir) -> Check {
    let check = "disk space";
    match rustix::fs::statvfs(data.root()) {
        Ok(stat) => room(
            data.layout().segment_count(),
            stat.f_bavail.saturating_mul(stat.f_frsize),
        ),
        Err(error) => Check::warn(check, format!("cannot be asked for: {error}"), "df"),
    }
}

/// Room for the roll to grow into: segments that are there, and bytes that are free.
fn room(segments: u64, free: u64) -> Check {
    let check = "disk space";
    let segment = LogOptions::default().segment_bytes;
    let fit = free / segment;
    let found = format!(
        "{} MiB free: room for {} more, {} in use",
        count(free / MIB),
        counted(fit, "segment"),
        count(segments),
    );
    match fit {
        0 => Check::fail(
            check,
            found,
            "make room: the writer stops when an append finds none",
        ),
        1..FEW_SEGMENTS => Check::warn(check, found, "make room soon"),
        _ => Check::ok(check, found),
    }
}

/// A clock that is a little behind the last event is no damage: new events get the last one's time
/// until it has passed that. Far from it no server starts.
pub(super) fn clock(recorded: Option<Timestamp>, now: Timestamp) -> Check {
    let check = "clock";
    match (recorded, ClockLimits::default().check(recorded, now)) {
        (_, Err(fault @ ClockFault::Ahead { .. })) => Check::warn(
            check,
            fault.to_string(),
            "if the clock is right, start with tillroll serve --clock-is-right",
        ),
        (_, Err(fault)) => Check::fail(
            check,
            fault.to_string(),
            "set the clock; if it is right, start with tillroll serve --clock-is-right",
        ),
        (Some(recorded), Ok(())) if recorded > now => Check::warn(
            check,
            format!(
                "the last event was recorded at {recorded}, which is {} seconds from now",
                count((recorded.seconds() - now.seconds()).unsigned_abs())
            ),
            "set the clock; until it has passed that time, new events are stamped with it",
        ),
        (Some(recorded), Ok(())) => {
            Check::ok(check, format!("the last event was recorded at {recorded}"))
        }
        (None, Ok(())) => Check::ok(check, "nothing was recorded yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    #[test]
    fn room_is_counted_in_segments() {
        let segment = LogOptions::default().segment_bytes;
        for (free, expected) in [
            (0, Status::Fail),
            (segment - 1, Status::Fail),
            (segment, Status::Warn),
            (15 * segment, Status::Warn),
            (16 * segment, Status::Ok),
            (u64::MAX, Status::Ok),
        ] {
            let check = room(3, free);
            assert_eq!(check.status, expected, "{free}: {check:?}");
        }
    }

    #[test]
    fn a_clock_behind_the_roll_is_noticed() {
        let at = Timestamp::from_seconds;
        for (recorded, now, expected) in [
            (None, 100, Status::Ok),
            (Some(100), 100, Status::Ok),
            (Some(99), 100, Status::Ok),
            (Some(101), 100, Status::Warn),
            (Some(400), 100, Status::Warn),
            (Some(401), 100, Status::Fail),
            (Some(100), 100 + 366 * 24 * 3600, Status::Ok),
            (Some(100), 101 + 366 * 24 * 3600, Status::Warn),
            (None, -1, Status::Fail),
        ] {
            let check = clock(recorded.map(at), at(now));
            assert_eq!(check.status, expected, "{check:?}");
        }
    }
}
