//! The disk alone: write so many bytes, wait until they are durable. No hash, no format.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use crate::plan::Plan;
use crate::{Error, nanos};

/// Fewer would say nothing of a 99th percentile.
const FEWEST: usize = 32;
/// More say nothing more.
const MOST: usize = 4_000;

/// The nanoseconds of each append with its sync, to a file that grows.
pub(super) fn append(directory: &Path, bytes: usize, plan: &Plan) -> Result<Vec<u64>, Error> {
    let path = directory.join("bound");
    let done = OpenOptions::new()
        .create_new(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| syncs(&mut file, bytes, plan, |_| Ok(())));
    finish(&path, done)
}

/// The same over blocks that were written and synced before.
pub(super) fn overwrite(directory: &Path, plan: &Plan) -> Result<Vec<u64>, Error> {
    const BLOCK: usize = 4096;
    let path = directory.join("bound");
    let done = File::create_new(&path).and_then(|mut file| {
        for _ in 0..MOST {
            file.write_all(&[7; BLOCK])?;
        }
        file.sync_all()?;
        file.seek(SeekFrom::Start(0))?;
        syncs(&mut file, BLOCK, plan, |file| {
            if file.stream_position()? >= (MOST * BLOCK) as u64 {
                file.seek(SeekFrom::Start(0))?;
            }
            Ok(())
        })
    });
    finish(&path, done)
}

fn syncs(
    file: &mut File,
    bytes: usize,
    plan: &Plan,
    mut before_each: impl FnMut(&mut File) -> std::io::Result<()>,
) -> std::io::Result<Vec<u64>> {
    let frame: Vec<u8> = (0..bytes).map(|byte| byte.to_le_bytes()[0]).collect();
    let count = (plan.disk_bytes / bytes.max(1)).clamp(FEWEST, MOST);
    let started = Instant::now();
    let mut latencies = Vec::with_capacity(count);
    for _ in 0..count {
        before_each(file)?;
        let before = Instant::now();
        file.write_all(&frame)?;
        file.sync_data()?;
        latencies.push(nanos(before.elapsed()));
        if latencies.len() >= FEWEST && started.elapsed() > plan.window {
            break;
        }
    }
    Ok(latencies)
}

fn finish(path: &Path, done: std::io::Result<Vec<u64>>) -> Result<Vec<u64>, Error> {
    let latencies = done.map_err(Error::io(format!("write {}", path.display())))?;
    fs::remove_file(path).map_err(Error::io(format!("remove {}", path.display())))?;
    Ok(latencies)
}
