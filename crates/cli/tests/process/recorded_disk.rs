//! A disk that writes down what it was told: every write and every flush, in order. From that the
//! disk can be made as a power cut at any moment might have left it.
//!
//! The disk is a file behind `qemu-storage-daemon`, whose filter `blklogwrites` keeps the record
//! (the format is that of Linux's `dm-log-writes`); it is exported as a file through FUSE, looped,
//! and holds an ext4. All of that needs root; where it cannot be had, an error says why.
//!
//! It knows nothing of what is on the disk.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tillroll_log::testing::Random;

use crate::load::Mark;
use crate::report::is_root;
use crate::server::text;

const SECTOR: usize = 512;
const DISK_BYTES: u64 = 128 << 20;
const PATIENCE: Duration = Duration::from_secs(600);

/// A file system in the file `image` of a directory. Dropping it takes it away.
#[derive(Debug)]
pub struct Mounted {
    device: String,
    pub path: PathBuf,
}

impl Mounted {
    /// Mounts what is in an image, as a system does after a power cut.
    pub fn image(image: &Path, path: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(path).map_err(|error| error.to_string())?;
        let device = run("losetup", &["-f", "--show", &image.display().to_string()])?;
        let mounted = Self {
            device: device.trim().into(),
            path: path.to_owned(),
        };
        run("mount", &[&mounted.device, &path.display().to_string()])?;
        Ok(mounted)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily, because after a failed test a process may still be there.
        let path = self.path.display().to_string();
        for (program, arguments) in [
            ("umount", ["-l", path.as_str()]),
            ("losetup", ["-d", self.device.as_str()]),
        ] {
            if let Err(error) = run(program, &arguments) {
                crate::report::say(&format!("{program} {arguments:?}: {error}"));
            }
        }
    }
}

/// The disk while it is written to.
#[derive(Debug)]
pub struct RecordedDisk {
    mounted: Option<Mounted>,
    daemon: Child,
    log: PathBuf,
    exported: PathBuf,
}

impl RecordedDisk {
    /// A new one with an empty file system, with its files in a directory.
    pub fn begin(directory: &Path) -> Result<Self, String> {
        if !is_root() {
            return Err("mounting needs root".into());
        }
        let file = |name: &str| directory.join(name);
        let (disk, log, exported) = (file("disk"), file("log"), file("exported"));
        for (path, bytes) in [(&disk, DISK_BYTES), (&log, 0), (&exported, 0)] {
            let created = File::create(path).and_then(|file| file.set_len(bytes));
            created.map_err(|error| error.to_string())?;
        }
        let plain = |name: &str, path: &Path| {
            let path = path.display();
            format!("driver=raw,node-name={name},file.driver=file,file.filename={path}")
        };
        let daemon = Command::new("qemu-storage-daemon")
            .args(["--blockdev", &plain("disk", &disk)])
            .args(["--blockdev", &plain("log", &log)])
            .arg("--blockdev")
            .arg("driver=blklogwrites,node-name=recorded,file=disk,log=log,log-sector-size=512")
            .arg("--export")
            .arg(format!(
                "type=fuse,id=e,node-name=recorded,mountpoint={},writable=on",
                exported.display()
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("qemu-storage-daemon: {error}"))?;
        let mut recorded = Self {
            mounted: None,
            daemon,
            log,
            exported,
        };
        recorded.wait_for_export()?;
        let image = recorded.exported.display().to_string();
        let quickly = "nodiscard,lazy_itable_init=0,lazy_journal_init=0";
        run("mkfs.ext4", &["-q", "-F", "-E", quickly, &image])?;
        recorded.mounted = Some(Mounted::image(&recorded.exported, &file("mounted"))?);
        Ok(recorded)
    }

    /// The daemon says nothing when it is ready: the file then has the length of the disk.
    fn wait_for_export(&mut self) -> Result<(), String> {
        let since = Instant::now();
        while std::fs::metadata(&self.exported).map_or(0, |of| of.len()) != DISK_BYTES {
            if let Ok(Some(status)) = self.daemon.try_wait() {
                return Err(format!("qemu-storage-daemon exports nothing: {status}"));
            }
            if since.elapsed() > PATIENCE {
                return Err("qemu-storage-daemon does not export its disk".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    pub fn path(&self) -> &Path {
        let mounted = self.mounted.as_ref();
        &mounted.expect("it is mounted until the end").path
    }

    /// How long the record is. What is asked when an answer came is no less than the record of
    /// whatever was done before the answer.
    pub fn mark(&self) -> Mark {
        let log = self.log.clone();
        Arc::new(move || std::fs::metadata(&log).map_or(u64::MAX, |of| of.len()))
    }

    /// Ends it: everything that it was told.
    pub fn end(mut self) -> Vec<Told> {
        drop(self.mounted.take());
        self.stop();
        let log = std::fs::read(&self.log).expect("the record can be read");
        read(&log).expect("the record is whole")
    }

    fn stop(&mut self) {
        let pid = self.daemon.id().to_string();
        // In good order, so that FUSE is unmounted.
        drop(run("kill", &["-s", "TERM", &pid]));
        drop(self.daemon.wait());
    }
}

impl Drop for RecordedDisk {
    fn drop(&mut self) {
        drop(self.mounted.take());
        if let Ok(None) = self.daemon.try_wait() {
            self.stop();
        }
    }
}

/// What a disk was told, and how long the record was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub what: What,
    pub mark: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Write {
        sector: u64,
        bytes: Vec<u8>,
        /// Durable by itself.
        forced: bool,
    },
    /// Everything before it is durable.
    Flush,
}

const FLUSH: u64 = 1;
const FORCED: u64 = 2;
const DISCARD: u64 = 4;
const MAGIC: u64 = 0x6a_7366_7773_6872;

/// Reads a record: a first sector that says how many entries there are, and of each a sector
/// that says what it is and then the bytes that were written.
fn read(log: &[u8]) -> Option<Vec<Told>> {
    let number = |at: usize| {
        let bytes = log.get(at..at + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    };
    if number(0)? != MAGIC {
        return None;
    }
    let mut told = Vec::new();
    let mut at = SECTOR;
    for _ in 0..number(16)? {
        let (sector, sectors, flags) = (number(at)?, number(at + 8)?, number(at + 16)?);
        at += SECTOR;
        let length = usize::try_from(sectors).ok()?.checked_mul(SECTOR)?;
        let bytes = match flags & DISCARD {
            0 => {
                let bytes = log.get(at..at.checked_add(length)?)?.to_vec();
                at += length;
                bytes
            }
            _ => vec![0; length],
        };
        let mark = at as u64;
        // A flag on a write says that what was before it is durable first.
        if flags & FLUSH != 0 {
            let what = What::Flush;
            told.push(Told { what, mark });
        }
        if !bytes.is_empty() {
            let forced = flags & FORCED != 0;
            let what = What::Write {
                sector,
                bytes,
                forced,
            };
            told.push(Told { what, mark });
        }
    }
    Some(told)
}

/// The disk at moments that come one after the other.
#[derive(Debug)]
pub struct PowerCuts<'a> {
    told: &'a [Told],
    /// How large the disk is.
    bytes: u64,
    /// What is durable of the first so many.
    durable: Image,
    settled: usize,
}

impl<'a> PowerCuts<'a> {
    pub fn of(told: &'a [Told]) -> Self {
        Self::of_a_disk(told, DISK_BYTES)
    }

    fn of_a_disk(told: &'a [Told], bytes: u64) -> Self {
        Self {
            told,
            bytes,
            durable: Image::default(),
            settled: 0,
        }
    }

    /// Writes the disk to a file as it might be after the power went when the disk had been told
    /// so many things: of what was not flushed, nothing, everything, some writes or some sectors
    /// are there. No fewer things than the last time.
    pub fn write(&mut self, told: usize, random: &mut Random, to: &Path) -> std::io::Result<()> {
        assert!(self.settled <= told, "moments come in order");
        let before = &self.told[..told];
        let flushed = before.iter().rposition(|told| told.what == What::Flush);
        let flushed = flushed.map_or(0, |index| index + 1).max(self.settled);
        for told in &before[self.settled..flushed] {
            if let What::Write { sector, bytes, .. } = &told.what {
                self.durable.write(*sector, bytes);
            }
        }
        self.settled = flushed;
        let file = File::create(to)?;
        file.set_len(self.bytes)?;
        self.durable.copy_to(&file)?;
        let kind = random.below(4);
        for told in &before[flushed..] {
            let What::Write {
                sector,
                bytes,
                forced,
            } = &told.what
            else {
                continue;
            };
            let whole = match kind {
                0 => false,
                1 => true,
                _ => random.coin(),
            };
            for (sector, bytes) in (*sector..).zip(bytes.chunks(SECTOR)) {
                let kept = *forced || if kind == 3 { random.coin() } else { whole };
                if kept {
                    file.write_all_at(bytes, sector * SECTOR as u64)?;
                }
            }
        }
        Ok(())
    }
}

/// What is on a disk, in pieces; nought where there is none.
#[derive(Debug, Default)]
struct Image(std::collections::BTreeMap<u64, Box<[u8; SECTOR]>>);

impl Image {
    fn write(&mut self, sector: u64, bytes: &[u8]) {
        for (sector, bytes) in (sector..).zip(bytes.chunks(SECTOR)) {
            let bytes = bytes.try_into().expect("whole sectors are written");
            self.0.insert(sector, Box::new(bytes));
        }
    }

    fn copy_to(&self, file: &File) -> std::io::Result<()> {
        let mut run: (u64, Vec<u8>) = (0, Vec::new());
        for (sector, bytes) in &self.0 {
            let end = run.0 + (run.1.len() / SECTOR) as u64;
            if end != *sector {
                file.write_all_at(&run.1, run.0 * SECTOR as u64)?;
                run = (*sector, Vec::new());
            }
            run.1.extend_from_slice(&**bytes);
        }
        file.write_all_at(&run.1, run.0 * SECTOR as u64)
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    match Command::new(program).args(arguments).output() {
        Err(error) => Err(format!("{program}: {error}")),
        Ok(output) if output.status.success() => Ok(text(&output.stdout)),
        Ok(output) => Err(format!("{program}: {}", text(&output.stderr).trim())),
    }
}

mod tests {
    use super::*;

    fn entry(sector: u64, flags: u64, bytes: &[u8]) -> Vec<u8> {
        let sectors = (bytes.len() / SECTOR) as u64;
        let head = [sector, sectors, flags, 0].map(u64::to_le_bytes).concat();
        let mut entry = vec![0; SECTOR];
        entry[..head.len()].copy_from_slice(&head);
        entry.extend_from_slice(bytes);
        entry
    }

    fn record() -> Vec<u8> {
        let entries = [
            entry(2, 0, &[1; SECTOR]),
            entry(0, FLUSH, &[]),
            entry(2, 0, &[2; 2 * SECTOR]),
            entry(9, FORCED, &[3; SECTOR]),
            entry(5, FLUSH | FORCED, &[4; SECTOR]),
        ];
        let head = [MAGIC, 1, 5, SECTOR as u64].map(u64::to_le_bytes).concat();
        let mut log = vec![0; SECTOR];
        log[..head.len()].copy_from_slice(&head);
        log.extend(entries.concat());
        log
    }

    #[test]
    fn a_power_cut_keeps_what_was_flushed_and_anything_of_the_rest() {
        let told = read(&record()).expect("a record");
        let marks: Vec<_> = told.iter().map(|told| told.mark / SECTOR as u64).collect();
        assert_eq!(marks, [3, 4, 7, 9, 11, 11]);
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut seen = std::collections::BTreeMap::new();
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let mut cuts = PowerCuts::of_a_disk(&told, 16 * SECTOR as u64);
            for moment in 0..=told.len() {
                cuts.write(moment, &mut random, file.path()).expect("room");
                let disk = std::fs::read(file.path()).expect("a disk");
                let firsts = [2, 3, 5, 9].map(|sector| disk[sector * SECTOR]);
                let seen: &mut std::collections::BTreeSet<_> = seen.entry(moment).or_default();
                seen.insert(firsts);
            }
        }
        let seen: Vec<Vec<_>> = seen.into_values().map(Vec::from_iter).collect();
        let old = [1, 0, 0, 0];
        let torn = [[1, 0, 0, 0], [1, 2, 0, 0], [2, 0, 0, 0], [2, 2, 0, 0]];
        let expected = [
            vec![[0; 4]],
            vec![[0; 4], old],
            vec![old],
            torn.to_vec(),
            torn.map(|[a, b, c, _]| [a, b, c, 3]).to_vec(),
            vec![[2, 2, 0, 3]],
            vec![[2, 2, 4, 3]],
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_record_that_is_cut_short_is_no_record() {
        let whole = record();
        assert!(read(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length]), None, "{length}");
        }
    }
}
