//! How a frame can be made durable: what the log does, and what it does not do.
//!
//! Appending to a growing file, as the log does; writing into a file whose length was set
//! before; writing over blocks that were written before; and going around the cache. Each frame
//! is durable when its turn ends.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tillroll_benches::scratch;

/// As Linux numbers them on the machines that this is run on.
const O_DIRECT: i32 = 0o40000;
const O_DSYNC: i32 = 0o10000;
const BLOCK: usize = 4096;
/// Where a file ends and is begun again.
const ROOM: u64 = 256 * 1024 * 1024;

#[derive(Clone, Copy)]
enum Way {
    Appended,
    LengthSet,
    Overwritten,
    Direct,
}

struct Frames {
    way: Way,
    file: File,
    path: std::path::PathBuf,
    at: u64,
}

impl Frames {
    fn new(way: Way, directory: &Path) -> io::Result<Self> {
        let path = directory.join("frames");
        let file = open(way, &path)?;
        let at = 0;
        Ok(Self {
            way,
            file,
            path,
            at,
        })
    }

    fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        if self.at + frame.len() as u64 > ROOM {
            self.at = 0;
            if matches!(self.way, Way::Appended | Way::LengthSet) {
                self.file = open(self.way, &self.path)?;
            }
        }
        self.file.write_all_at(frame, self.at)?;
        self.at += frame.len() as u64;
        match self.way {
            Way::Direct => Ok(()),
            _ => self.file.sync_data(),
        }
    }
}

fn open(way: Way, path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    let file = options.open(path)?;
    match way {
        Way::Appended => return Ok(file),
        Way::LengthSet => file.set_len(ROOM)?,
        Way::Overwritten | Way::Direct => {
            let zeros = vec![0; 1 << 20];
            for at in (0..ROOM).step_by(zeros.len()) {
                file.write_all_at(&zeros, at)?;
            }
        }
    }
    file.sync_all()?;
    if matches!(way, Way::Direct) {
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(O_DIRECT | O_DSYNC);
        return options.open(path);
    }
    Ok(file)
}

fn ways(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ways_to_disk");
    group.sample_size(30);
    group.measurement_time(Duration::from_secs(3));
    for (size, what) in [(BLOCK, "4 KiB"), (112 * BLOCK, "448 KiB")] {
        group.throughput(Throughput::Bytes(size as u64));
        for (way, name) in [
            (Way::Appended, "appended to a growing file"),
            (Way::LengthSet, "into a file of a set length"),
            (Way::Overwritten, "over blocks written before"),
            (Way::Direct, "over blocks, O_DIRECT and O_DSYNC"),
        ] {
            let scratch = scratch(env!("CARGO_TARGET_TMPDIR"));
            let Ok(mut frames) = Frames::new(way, scratch.path()) else {
                eprintln!("{name}: not on this file system");
                continue;
            };
            let memory = vec![0x54; size + BLOCK];
            // Around the cache, memory has to start at a block.
            let start = memory.as_ptr().align_offset(BLOCK);
            let frame = &memory[start..start + size];
            group.bench_function(BenchmarkId::new(name, what), |bencher| {
                bencher.iter(|| frames.write(frame).expect("the disk works"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, ways);
criterion_main!(benches);
