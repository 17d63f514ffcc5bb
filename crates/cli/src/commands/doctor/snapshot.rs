//! How far the next start has to go. Only the header of the newest snapshot is read.

use tillroll_engine::{SnapshotError, SnapshotHeader, SnapshotOptions, Snapshots, Weight};
use tillroll_log::DirTree;

use super::check::Check;
use crate::data_dir::DataDir;
use crate::output::counted;

const CHECK: &str = "snapshot";

pub(super) fn check(data: &DataDir, head: u64, busy: bool) -> Check {
    let newest = match newest(data) {
        Ok(newest) => newest,
        Err(error) => {
            let found = format!("the newest cannot be used: {error}");
            return Check::warn(CHECK, found, data.command("verify"));
        }
    };
    let seen = newest.map(|header| header.head.position.get());
    if let Some(seen) = seen
        && seen > head
        && !busy
    {
        let found = format!("was made at position {seen}: the roll has lost its end");
        return Check::fail(CHECK, found, data.command("verify"));
    }
    let behind = counted(head.saturating_sub(seen.unwrap_or(0)), "event");
    let found = match seen {
        Some(seen) => format!("at position {seen}: a start reads {behind} after it"),
        None => format!("there is none: a start reads {behind}"),
    };
    // A record may be long, so this is a lower bound.
    let (seen, head) = (seen.unwrap_or(0), Weight::of(head, 0));
    let options = SnapshotOptions::default();
    let due = options.due(options.due(Weight::of(seen, 0)));
    match head > due {
        true => Check::warn(
            CHECK,
            found,
            "stop the server in good order and start it again",
        ),
        false => Check::ok(CHECK, found),
    }
}

fn newest(data: &DataDir) -> Result<Option<SnapshotHeader>, SnapshotError> {
    // Without the directory there is none.
    let Ok(tree) = DirTree::open(data.snapshots()) else {
        return Ok(None);
    };
    let snapshots = Snapshots::new(tree);
    let all = snapshots.list()?;
    all.first()
        .map(|stored| snapshots.header(stored))
        .transpose()
}
