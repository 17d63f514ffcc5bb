//! Bit rot: durable bytes change unnoticed. The log must then be refused, or end
//! before the damage, where it has nothing to tell damage from an append that was cut short.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use tillroll_log::testing::MemoryStorage;
use tillroll_log::{
    Deadline, FileLog, Head, Log, LogId, LogOptions, LogVerifyError, OpenError, frame, segment,
    verify,
};

use crate::chance::Chance;
use crate::image::{self, Extent, Files};
use crate::law::{Judgement, Law};
use crate::tally::{Count, Tally};

const SECTOR: usize = 512;

// Places in a frame's header, as the log's `FORMAT.md` has them.
const HEADER: usize = frame::HEADER_BYTES;
const HASH: Range<usize> = 96..128;
const CHECKSUM: Range<usize> = 156..160;

/// A log as it was before the rot: its files, and what is in them.
pub(crate) struct SoundLog<'a> {
    pub(crate) files: Files,
    extents: Vec<Extent>,
    roll: &'a [Box<[u8]>],
    head: Head,
    id: [u8; 16],
    segment_bytes: u64,
}

impl<'a> SoundLog<'a> {
    /// `roll`: every record, in order; `head`: where the log ends.
    pub(crate) fn of(
        storage: &MemoryStorage,
        roll: &'a [Box<[u8]>],
        head: Head,
        id: [u8; 16],
        segment_bytes: u64,
    ) -> Self {
        let files = image::files(storage);
        Self {
            extents: image::extents(&files),
            files,
            roll,
            head,
            id,
            segment_bytes,
        }
    }

    /// Lets something rot and opens what is left, with and without a mark that says what was
    /// durable. Answers what rotted, and what came of it.
    pub(crate) fn rot(&self, chance: &mut Chance, tally: &mut Tally) -> Judgement<String> {
        let mut files = self.files.clone();
        let what = match chance.percent(8) {
            true => self.forge(chance, &mut files),
            false => None,
        };
        let what = what.unwrap_or_else(|| decay(chance, &mut files, &self.extents));
        let fate = self.examine(&files, &what, tally)?;
        Ok(format!("{what}: {fate}"))
    }

    /// A frame with other records takes the place of one that is not the last (a forged
    /// last one cannot be told without a mark). All its checksums hold. Either its hash does too, and is not
    /// what the next frame names, or it is, and does not hold.
    fn forge(&self, chance: &mut Chance, files: &mut Files) -> Option<String> {
        let others = self.extents.len().checked_sub(2)?;
        let index = chance.below(others + 1);
        let mut frames = image::frames(&self.files);
        let record = frames.get_mut(index)?.first_mut()?;
        *record.last_mut()? ^= 1;
        let other = image::files(&image::written(&frames, self.id, self.segment_bytes));
        // Frames are as long as before, so each lies where it lay.
        let Extent {
            file, start, end, ..
        } = &self.extents[index];
        let forged = other.get(file)?.get(*start..*end)?;
        let frame = &mut Arc::make_mut(files.get_mut(file)?)[*start..*end];
        let keeps_hash = chance.coin();
        let sound = std::mem::replace(frame.first_chunk_mut::<HEADER>()?, [0; HEADER]);
        frame.copy_from_slice(forged);
        if keeps_hash {
            frame[HASH].copy_from_slice(&sound[HASH]);
            let checksum = crc32c::crc32c(&frame[..CHECKSUM.start]).to_le_bytes();
            frame[CHECKSUM].copy_from_slice(&checksum);
            frame.last_chunk_mut::<4>()?.copy_from_slice(&checksum);
        }
        let hash = if keeps_hash {
            "the old hash"
        } else {
            "its own hash"
        };
        Some(format!("{file} has at {start} a forged frame with {hash}"))
    }

    fn examine(&self, files: &Files, what: &str, tally: &mut Tally) -> Judgement<&'static str> {
        tally.add(Count::Rot);
        let touched = self.touched(files);
        let changed = !touched.is_empty() || self.headers_changed(files);

        let found = verify(&image::storage(files), |_| {});
        let is_quiet = match &found {
            Ok(report) => report.head == self.head,
            Err(LogVerifyError::Storage(error)) => {
                return Err(Law::BitRot.broken(format!("{what}: {error}")));
            }
            Err(_) => false,
        };
        // Files that end where a frame does are a whole log, only an older one.
        let is_shorter = matches!(&found, Ok(report) if report.head.position < self.head.position);
        Law::BitRot.holds(!changed || !is_quiet, || {
            format!("{what}: verification finds nothing")
        })?;
        Law::BitRot.holds(!is_shorter || self.may_end_early(&touched), || {
            format!("{what}: verification calls it whole")
        })?;

        let blind = self.open(files, None, what)?;
        let marked = self.open(files, Some(self.head), what)?;
        if let Some(records) = marked {
            Law::BitRot.holds(records == self.roll.len(), || {
                format!(
                    "{what}: opened with {records} records of {}, which were known to be durable",
                    self.roll.len()
                )
            })?;
        }
        match blind {
            None => {
                // A file that is not a log's, or a tail that was never written, may be refused
                // or not; sound files may not.
                Law::BitRot.holds(*files != self.files, || format!("{what}: refused"))?;
                tally.add(Count::RotRefused);
                Ok("refused")
            }
            Some(records) if records == self.roll.len() => {
                Law::BitRot.holds(touched.is_empty(), || format!("{what}: not noticed"))?;
                tally.add(Count::RotHarmless);
                Ok("harmless")
            }
            Some(records) => {
                let lost = self.lost(records);
                Law::BitRot.holds(lost.is_subset(&touched), || {
                    format!("{what}: cut at {records} with sound frames behind")
                })?;
                tally.add(Count::RotCut);
                Ok("cut")
            }
        }
    }

    /// Opens the log and reads all of it: how many records it serves, all of them right, or
    /// `None` when it is refused.
    fn open(&self, files: &Files, durable: Option<Head>, what: &str) -> Judgement<Option<usize>> {
        let options = LogOptions {
            id: Some(LogId::new(self.id)),
            durable,
            ..LogOptions::default()
        };
        let mut right = 0;
        let mut wrong = None;
        let mut serve = |position: tillroll_log::Position, bytes: &[u8]| {
            let expected = self.roll.get(right).map(|bytes| &**bytes);
            if expected != Some(bytes) || position.get() != right as u64 + 1 {
                wrong.get_or_insert(position);
            }
            right += 1;
        };
        let opened = FileLog::open_with(image::storage(files), options, &mut serve);
        let log = match opened {
            Ok((log, _)) => log,
            Err(OpenError::Storage(error)) => {
                return Err(Law::BitRot.broken(format!("{what}: {error}")));
            }
            Err(_) => return Ok(None),
        };
        let first_pass = right;
        right = 0;
        let reread = log.reader().for_each(
            tillroll_log::Position::FIRST,
            Deadline::NEVER,
            &mut |position, bytes| {
                let expected = self.roll.get(right).map(|bytes| &**bytes);
                if expected != Some(bytes) {
                    wrong.get_or_insert(position);
                }
                right += 1;
                std::ops::ControlFlow::Continue(())
            },
        );
        if let Err(error) = reread {
            return Err(Law::BitRot.broken(format!("{what}: opened, and then {error}")));
        }
        if let Some(position) = wrong {
            return Err(Law::BitRot.broken(format!("{what}: another record at {position}")));
        }
        Law::BitRot.holds(first_pass == right, || {
            format!("{what}: {first_pass} records when opened and {right} when read")
        })?;
        Ok(Some(right))
    }

    /// Frames whose bytes are not where they were.
    fn touched(&self, files: &Files) -> BTreeSet<usize> {
        let extents = self.extents.iter().enumerate();
        extents
            .filter(|(_, extent)| {
                let range = extent.start..extent.end;
                let found = files
                    .get(&extent.file)
                    .and_then(|file| file.get(range.clone()));
                found != self.files[&extent.file].get(range)
            })
            .map(|(index, _)| index)
            .collect()
    }

    /// Whether a segment that is there has another header. That one without a frame is missing
    /// cannot be seen, and says nothing.
    fn headers_changed(&self, files: &Files) -> bool {
        let header = |bytes: &[u8]| bytes.get(..segment::HEADER_BYTES).map(<[u8]>::to_vec);
        files
            .iter()
            .any(|(name, bytes)| header(bytes) != header(&self.files[name]))
    }

    /// The frames that a log of so many records lacks.
    fn lost(&self, records: usize) -> BTreeSet<usize> {
        let extents = self.extents.iter().enumerate();
        extents
            .filter(|(_, extent)| extent.last > records as u64)
            .map(|(index, _)| index)
            .collect()
    }

    /// Whether the frames that were touched are the last ones, all of them.
    fn may_end_early(&self, touched: &BTreeSet<usize>) -> bool {
        let first = touched.first().copied().unwrap_or(self.extents.len());
        (first..self.extents.len()).all(|index| touched.contains(&index))
    }
}

/// Changes files as failing media, and careless hands, do.
fn decay(chance: &mut Chance, files: &mut Files, extents: &[Extent]) -> String {
    let names: Vec<String> = files.keys().cloned().collect();
    let name = chance.pick(&names);
    let length = files[&name].len();
    let at = chance.below(length);
    let sector = at / SECTOR * SECTOR;
    let sector_end = (sector + SECTOR).min(length);
    let kind = chance.weighted(&[
        (8, 0),
        (4, 1),
        (4, 2),
        (4, 3),
        (4, 4),
        (2, 5),
        (2, 6),
        (3, 7),
        (2, 8),
        (2, 9),
    ]);
    if kind == 5 {
        files.remove(&name);
        return format!("{name} is gone");
    }
    let other = Arc::clone(&files[&chance.pick(&names)]);
    let number = chance.number();
    let bytes = files.get_mut(&name).expect("it was picked from these");
    if kind == 6 {
        *bytes = other;
        return format!("{name} holds another segment");
    }
    let bytes = Arc::make_mut(bytes);
    match kind {
        0 => {
            let bit = number % 8;
            bytes[at] ^= 1 << bit;
            format!("{name} has bit {bit} of byte {at} flipped")
        }
        1 => {
            let end = (at + chance.below(64) + 1).min(length);
            for byte in &mut bytes[at..end] {
                *byte = u8::try_from(chance.below(256)).expect("a byte");
            }
            format!("{name} has noise in bytes {at} to {end}")
        }
        2 => {
            bytes[sector..sector_end].fill(0);
            format!("{name} has a sector of zeros at {sector}")
        }
        3 => {
            let from = chance.below(other.len()) / SECTOR * SECTOR;
            let stray = &other[from..(from + sector_end - sector).min(other.len())];
            bytes[sector..sector + stray.len()].copy_from_slice(stray);
            format!("{name} has another sector at {sector}")
        }
        4 => {
            bytes.truncate(at);
            format!("{name} ends at {at}")
        }
        7 => {
            // A frame that is sound and has nothing to do here.
            if let Some(extent) = extents.get(chance.below(extents.len())) {
                let frame = files[&extent.file][extent.start..extent.end].to_vec();
                Arc::make_mut(files.entry(name.clone()).or_default()).extend(frame);
            }
            format!("{name} ends with a frame of before")
        }
        8 => {
            // An older state of the file: whole frames, and fewer.
            let of_file = extents.iter().filter(|extent| extent.file == name);
            let starts: Vec<usize> = of_file.map(|extent| extent.start).collect();
            if !starts.is_empty() {
                bytes.truncate(chance.pick(&starts));
            }
            format!("{name} is of before")
        }
        _ => {
            let zeros = length + chance.below(3 * SECTOR) + 1;
            bytes.resize(zeros, 0);
            format!("{name} has zeros at its end")
        }
    }
}

#[cfg(test)]
mod tests {
    use tillroll_log::testing::PowerCut;

    use super::*;

    const ID: [u8; 16] = [9; 16];

    /// Rots a log of so many small frames in many ways and answers what came of it.
    fn rotted(frames: u8, seeds: u64) -> Tally {
        let frames: Vec<Vec<Vec<u8>>> = (0..frames).map(|n| vec![vec![n; 90]; 2]).collect();
        let roll: Vec<Box<[u8]>> = frames.iter().flatten().map(|b| b.clone().into()).collect();
        let storage = image::written(&frames, ID, 4096);
        let head = verify(&storage, |_| {}).expect("it is sound").head;
        let sound = SoundLog::of(&storage.power_cut(PowerCut::LoseAll), &roll, head, ID, 4096);
        let mut tally = Tally::default();
        for seed in 0..seeds {
            let mut chance = Chance::of(seed, "rot");
            let found = sound.rot(&mut chance, &mut tally);
            found.unwrap_or_else(|finding| panic!("seed {seed}: {finding:?}"));
        }
        tally
    }

    #[test]
    fn rot_is_refused_or_cut_and_never_served() {
        let tally = rotted(40, 600);
        let of = |count| tally.of(count);
        assert_eq!(of(Count::Rot), 600);
        assert!(of(Count::RotRefused) > 300, "{tally:?}");
        assert!(of(Count::RotCut) > 10, "{tally:?}");
        assert!(of(Count::RotHarmless) > 10, "{tally:?}");
    }

    #[test]
    fn hardly_anything_rots_like_much() {
        for frames in 0..3 {
            assert_eq!(rotted(frames, 200).of(Count::Rot), 200);
        }
    }

    #[test]
    fn a_log_with_other_records_is_found() {
        let frames = vec![vec![b"one".to_vec()], vec![b"two".to_vec()]];
        let roll: Vec<Box<[u8]>> = vec![b"one".as_slice().into(), b"twa".as_slice().into()];
        let storage = image::written(&frames, ID, 4096);
        let head = verify(&storage, |_| {}).expect("it is sound").head;
        let sound = SoundLog::of(&storage, &roll, head, ID, 4096);
        let found = sound.examine(&sound.files, "nothing", &mut Tally::default());
        assert_eq!(found.expect_err("the model knows better").law, Law::BitRot);
    }
}
