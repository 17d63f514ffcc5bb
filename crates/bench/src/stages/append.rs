//! The log alone: seal a frame of opaque records, write it, sync it.

use std::time::{Duration, Instant};

use tillroll_log::testing::Random;
use tillroll_log::{Batch, Deadline, Head, Log};

use super::{BenchStage, Rig, grouped};
use crate::bounds::PlainFile;
use crate::load::Percentiles;
use crate::{BenchError, Figure, nanos};

const RECORD_BYTES: usize = 256;

/// Frames of so many records.
const FRAMES: [u64; 3] = [1, 1_000, 8_000];

pub(super) fn measure(rig: &mut Rig) -> Result<Vec<Figure>, BenchError> {
    FRAMES.iter().map(|records| frames(rig, *records)).collect()
}

fn frames(rig: &mut Rig, records: u64) -> Result<Figure, BenchError> {
    let mut random = Random::new(1);
    let record: Vec<u8> = (0..RECORD_BYTES)
        .map(|_| random.number().to_le_bytes()[0])
        .collect();
    let mut batch = Batch::new();
    for _ in 0..records {
        batch
            .push(&record)
            .map_err(BenchError::failed("a record"))?;
    }
    let bytes = batch.byte_len() as u64;
    let frames = (rig.plan.disk_bytes as u64 / bytes).clamp(32, 4_000);
    let mut log = rig.scratch.log()?;
    let mut latencies = Vec::new();
    let mut head = Head::EMPTY;
    let mut append = |batch: &mut Batch| {
        let before = Instant::now();
        let appended = log.append(head, batch, Deadline::NEVER);
        head = appended
            .map_err(BenchError::failed("writing the log"))?
            .head;
        Ok::<_, BenchError>(before.elapsed())
    };
    // The first frame makes the file.
    append(&mut batch)?;
    let frame = usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut plain = PlainFile::new(rig.scratch.path(), frame)?;
    let mut elapsed = Duration::ZERO;
    while latencies.len() < 32 || (elapsed < rig.plan.window && (latencies.len() as u64) < frames) {
        plain.append()?;
        let took = append(&mut batch)?;
        latencies.push(nanos(took));
        elapsed += took;
    }
    drop(log);
    let disk = rig.bounds.in_turn(records, frame, plain.latencies());
    let done = latencies.len() as u64 * records;
    let case = match records {
        1 => "frames of 1 record of 256 bytes".to_owned(),
        many => {
            let many = usize::try_from(many).unwrap_or(usize::MAX);
            format!("frames of {} records of 256 bytes", grouped(many))
        }
    };
    let figure = Figure {
        latency: Some(Percentiles::of(&latencies)),
        ..Figure::of(BenchStage::Append, case, done, elapsed)
    };
    Ok(figure
        .counting("record")
        .durable()
        .bound(disk)
        .bounds(rig.bounds.hashes(records, bytes)))
}
