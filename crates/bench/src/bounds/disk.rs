//! The disk alone: write so many bytes, wait until they are durable. No hash, no format.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::plan::BenchPlan;
use crate::{BenchError, nanos};

/// Fewer would say nothing of a 99th percentile.
const FEWEST: usize = 32;
/// More say nothing more.
const MOST: usize = 4_000;

/// A file that grows by frames of one size, each of which is synced. Removed when dropped.
#[derive(Debug)]
pub(crate) struct PlainFile {
    file: File,
    path: PathBuf,
    frame: Vec<u8>,
    latencies: Vec<u64>,
}

impl PlainFile {
    pub(crate) fn new(directory: &Path, bytes: usize) -> Result<Self, BenchError> {
        let path = directory.join("bound");
        let file = OpenOptions::new().create_new(true).append(true).open(&path);
        let file = file.map_err(BenchError::io(format!("make {}", path.display())))?;
        Ok(Self {
            file,
            path,
            frame: (0..bytes).map(|byte| byte.to_le_bytes()[0]).collect(),
            latencies: Vec::new(),
        })
    }

    pub(crate) fn append(&mut self) -> Result<(), BenchError> {
        let before = Instant::now();
        let appended = self.file.write_all(&self.frame);
        let synced = appended.and_then(|()| self.file.sync_data());
        synced.map_err(BenchError::io(format!("write {}", self.path.display())))?;
        self.latencies.push(nanos(before.elapsed()));
        Ok(())
    }

    pub(crate) fn latencies(&self) -> &[u64] {
        &self.latencies
    }
}

impl Drop for PlainFile {
    fn drop(&mut self) {
        // It lies in a directory that is removed, too.
        drop(fs::remove_file(&self.path));
    }
}

/// The nanoseconds of each append with its sync.
pub(super) fn append(
    directory: &Path,
    bytes: usize,
    plan: &BenchPlan,
) -> Result<Vec<u64>, BenchError> {
    let mut plain = PlainFile::new(directory, bytes)?;
    let count = (plan.disk_bytes / bytes.max(1)).clamp(FEWEST, MOST);
    let started = Instant::now();
    while plain.latencies.len() < FEWEST
        || (plain.latencies.len() < count && started.elapsed() < plan.window / 3)
    {
        plain.append()?;
    }
    Ok(plain.latencies.clone())
}

/// The same over blocks that were written and synced before.
pub(super) fn overwrite(directory: &Path, plan: &BenchPlan) -> Result<Vec<u64>, BenchError> {
    const BLOCK: usize = 4096;
    let path = directory.join("bound");
    let done = File::create_new(&path).and_then(|mut file| {
        for _ in 0..MOST {
            file.write_all(&[7; BLOCK])?;
        }
        file.sync_all()?;
        file.seek(SeekFrom::Start(0))?;
        let started = Instant::now();
        let mut latencies = Vec::new();
        while latencies.len() < FEWEST
            || (latencies.len() < MOST && started.elapsed() < plan.window)
        {
            let before = Instant::now();
            file.write_all(&[9; BLOCK])?;
            file.sync_data()?;
            latencies.push(nanos(before.elapsed()));
        }
        Ok(latencies)
    });
    let latencies = done.map_err(BenchError::io(format!("write {}", path.display())))?;
    fs::remove_file(&path).map_err(BenchError::io(format!("remove {}", path.display())))?;
    Ok(latencies)
}
