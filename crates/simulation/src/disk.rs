//! The storage under the engine: the log's storage for tests, and what that lacks.
//!
//! It adds a death in the middle of a call (what was under way may be torn, and every later call
//! fails without an effect), a sync that fails although it has worked, all of it or in part, bytes
//! that rot when they are read, and [`PlantedBug`] bugs. It counts what failed, so that an engine that fails without a
//! cause, or goes on in spite of one, can be told.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tillroll_log::testing::{Injection, MemoryFile, MemoryStorage, StorageFailure};
use tillroll_log::{Storage, StorageFile};

use crate::chance::Chance;
use crate::death::Death;
use crate::planted::PlantedBug;
use crate::tally::{Count, Tally};
use crate::trouble::{SyncFate, Trouble};

const SECTOR: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DiskCall {
    Read,
    Write,
    Sync,
    SyncDirectory,
    /// Creating, removing, cutting: changes that are durable only after a sync.
    Change,
    /// Listing, opening, asking for a length.
    Look,
}

/// What the troubles did since they were armed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    /// Writes of room that failed: no failure of the log, which goes on without.
    pub(crate) room_denied: u64,
    pub(crate) syncs: u64,
    pub(crate) kept_syncs: u64,
    pub(crate) torn_syncs: u64,
    pub(crate) directory_syncs: u64,
    pub(crate) others: u64,
    pub(crate) short_reads: u64,
    pub(crate) rotten_reads: u64,
    /// The process died in a call.
    pub(crate) died: Option<Death>,
}

impl Hit {
    /// Whether a call answered an error, or wrong bytes.
    pub(crate) fn any(&self) -> bool {
        self.wrote() || self.reads + self.others + self.rotten_reads > 0 || self.died.is_some()
    }

    /// Whether a call that should have made something durable answered an error.
    pub(crate) fn wrote(&self) -> bool {
        self.writes + self.syncs + self.directory_syncs > 0
    }

    fn fail(&mut self, call: DiskCall) {
        match call {
            DiskCall::Read => self.reads += 1,
            DiskCall::Write => self.writes += 1,
            DiskCall::Sync => self.syncs += 1,
            DiskCall::SyncDirectory => self.directory_syncs += 1,
            DiskCall::Change | DiskCall::Look => self.others += 1,
        }
    }

    pub(crate) fn count(&self, tally: &mut Tally) {
        tally.add_many(Count::FailedReads, self.reads);
        tally.add_many(Count::FailedWrites, self.writes);
        tally.add_many(Count::RoomDenied, self.room_denied);
        tally.add_many(Count::FailedSyncs, self.syncs);
        tally.add_many(Count::KeptSyncs, self.kept_syncs);
        tally.add_many(Count::TornSyncs, self.torn_syncs);
        tally.add_many(Count::FailedDirectorySyncs, self.directory_syncs);
        tally.add_many(Count::FailedOthers, self.others);
        tally.add_many(Count::ShortReads, self.short_reads);
        tally.add_many(Count::RottenReads, self.rotten_reads);
        tally.add_many(Count::MidCall, u64::from(self.died.is_some()));
    }
}

#[derive(Debug, Default)]
struct DiskState {
    trouble: Option<Trouble>,
    /// Since the trouble was armed.
    calls: u64,
    syncs: u64,
    directory_syncs: u64,
    hit: Hit,
    /// Since the start, for the planted bug that skips every other.
    all_syncs: u64,
    /// What was written to each file since its last sync, whatever that sync answered.
    unsynced: BTreeMap<String, Vec<(u64, Vec<u8>)>>,
}

/// What becomes of a call.
enum CallVerdict {
    Pass,
    Fail,
    FailSync(SyncFate),
    /// The process dies while this is under way.
    Dies,
    Dead,
}

impl DiskState {
    fn enter(&mut self, call: DiskCall) -> CallVerdict {
        if self.hit.died.is_some() {
            return CallVerdict::Dead;
        }
        let number = self.calls;
        self.calls += 1;
        let sync = counted(&mut self.syncs, call == DiskCall::Sync);
        let directory_sync = counted(&mut self.directory_syncs, call == DiskCall::SyncDirectory);
        match self.trouble {
            Some(Trouble::Dies { call, death }) if call == number => {
                self.hit.died = Some(death);
                CallVerdict::Dies
            }
            Some(Trouble::Sync { nth, fate }) if sync == Some(nth) => CallVerdict::FailSync(fate),
            Some(Trouble::DirectorySync { nth }) if directory_sync == Some(nth) => {
                CallVerdict::Fail
            }
            _ => CallVerdict::Pass,
        }
    }
}

fn counted(counter: &mut u64, counts: bool) -> Option<u64> {
    let number = *counter;
    *counter += u64::from(counts);
    counts.then_some(number)
}

/// Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct FaultyDisk {
    memory: MemoryStorage,
    planted: Option<PlantedBug>,
    state: Arc<Mutex<DiskState>>,
}

impl FaultyDisk {
    pub(crate) fn over(memory: MemoryStorage, planted: Option<PlantedBug>) -> Self {
        Self {
            memory,
            planted,
            state: Arc::default(),
        }
    }

    pub(crate) fn memory(&self) -> &MemoryStorage {
        &self.memory
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the process has died in a call since.
    pub(crate) fn has_died(&self) -> bool {
        self.state().hit.died.is_some()
    }

    /// From now on this goes wrong, and calls are counted from 0.
    pub(crate) fn arm(&self, trouble: Option<Trouble>) {
        self.memory.inject(match trouble {
            Some(Trouble::DiskCall(injection)) => injection,
            _ => NEVER,
        });
        let mut state = self.state();
        *state = DiskState {
            trouble,
            all_syncs: state.all_syncs,
            unsynced: std::mem::take(&mut state.unsynced),
            ..DiskState::default()
        };
    }

    /// Ends the trouble, unless it was a death, and says what it did.
    pub(crate) fn disarm(&self) -> Hit {
        self.memory.inject(NEVER);
        let mut state = self.state();
        state.trouble = None;
        state.hit.clone()
    }

    fn run<T>(&self, call: DiskCall, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let verdict = self.state().enter(call);
        let answer = match verdict {
            CallVerdict::Dead => return Err(io::Error::other("the process is dead")),
            CallVerdict::Dies => {
                if matches!(call, DiskCall::Write | DiskCall::Change) {
                    // It may reach the disk or not: that is for the power cut to say.
                    drop(act());
                }
                return Err(io::Error::other("the process died in this call"));
            }
            CallVerdict::FailSync(SyncFate::Kept) => {
                drop(act());
                self.state().hit.kept_syncs += 1;
                Err(io::Error::other("an injected error after the fact"))
            }
            CallVerdict::FailSync(SyncFate::Lost | SyncFate::Torn(_)) => {
                self.memory.inject(Injection { at: 0, ..NEVER });
                act()
            }
            CallVerdict::Fail => Err(io::Error::other("an injected I/O error")),
            CallVerdict::Pass => act(),
        };
        if answer.is_err() {
            self.state().hit.fail(call);
        }
        answer
    }

    /// A failed sync is hidden from all, the judge too. A dead process hides nothing.
    fn conceal(&self) -> Result<(), Death> {
        let mut state = self.state();
        match state.hit.died {
            Some(death) => Err(death),
            None => {
                state.hit.syncs -= 1;
                Ok(())
            }
        }
    }
}

const NEVER: Injection = Injection {
    at: u64::MAX,
    failure: StorageFailure::Io,
    sticky: false,
};

impl Storage for FaultyDisk {
    type File = DiskFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.run(DiskCall::Look, || self.memory.list())
    }

    fn open(&self, name: &str) -> io::Result<DiskFile> {
        let file = self.run(DiskCall::Look, || self.memory.open(name))?;
        Ok(DiskFile::of(self, name, file))
    }

    fn create(&self, name: &str) -> io::Result<DiskFile> {
        let file = self.run(DiskCall::Change, || self.memory.create(name))?;
        Ok(DiskFile::of(self, name, file))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.run(DiskCall::Change, || self.memory.remove(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.run(DiskCall::SyncDirectory, || match self.planted {
            Some(PlantedBug::LostDirectorySync) => Ok(()),
            _ => self.memory.sync_directory(),
        })
    }
}

#[derive(Debug)]
pub(crate) struct DiskFile {
    disk: FaultyDisk,
    name: String,
    file: MemoryFile,
}

impl DiskFile {
    fn of(disk: &FaultyDisk, name: &str, file: MemoryFile) -> Self {
        Self {
            disk: disk.clone(),
            name: name.to_owned(),
            file,
        }
    }

    fn rot(&self, offset: u64, bytes: &mut [u8]) {
        let mut state = self.disk.state();
        let Some(Trouble::Rot {
            file,
            offset: at,
            mask,
        }) = &state.trouble
        else {
            return;
        };
        let place = at
            .checked_sub(offset)
            .and_then(|at| usize::try_from(at).ok());
        let byte = place.and_then(|place| bytes.get_mut(place));
        if *file == self.name
            && let Some(byte) = byte
        {
            *byte ^= mask;
            state.hit.rotten_reads += 1;
        }
    }

    fn sync_honestly(&self) -> io::Result<()> {
        let answer = self.disk.run(DiskCall::Sync, || self.file.sync());
        let mut state = self.disk.state();
        if state.hit.died.is_some() {
            return answer;
        }
        let unsynced = state.unsynced.remove(&self.name).unwrap_or_default();
        if let (Err(_), Some(Trouble::Sync { fate, .. })) = (&answer, &state.trouble)
            && let SyncFate::Torn(seed) = *fate
        {
            state.hit.torn_syncs += 1;
            drop(state);
            self.keep_some(seed, &unsynced)?;
        }
        answer
    }

    /// Some sectors of what was lost have reached the disk. To write them again changes nothing
    /// of what is read.
    fn keep_some(&self, seed: u64, unsynced: &[(u64, Vec<u8>)]) -> io::Result<()> {
        let mut chance = Chance::of(seed, "torn");
        for (offset, bytes) in unsynced {
            for (sector, at) in bytes.chunks(SECTOR).zip((*offset..).step_by(SECTOR)) {
                if chance.coin() {
                    self.file.write_at(at, sector)?;
                }
            }
        }
        self.file.sync()
    }
}

impl StorageFile for DiskFile {
    fn length(&self) -> io::Result<u64> {
        self.disk.run(DiskCall::Look, || self.file.length())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self
            .disk
            .run(DiskCall::Read, || self.file.read_at(offset, buffer))?;
        self.rot(offset, &mut buffer[..read]);
        let mut state = self.disk.state();
        if let Some(Trouble::DiskCall(injection)) = state.trouble
            && injection.failure == StorageFailure::Short
            && (state.calls == injection.at + 1 || injection.sticky && state.calls > injection.at)
        {
            state.hit.short_reads += 1;
        }
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let unsynced = state.unsynced.entry(self.name.clone()).or_default();
        unsynced.push((offset, bytes.to_vec()));
        drop(state);
        let written = self
            .disk
            .run(DiskCall::Write, || self.file.write_at(offset, bytes));
        let mut state = self.disk.state();
        // No frame is nothing but zeros: it was room, without which the log goes on.
        if written.is_err() && state.hit.died.is_none() && bytes.iter().all(|byte| *byte == 0) {
            state.hit.writes -= 1;
            state.hit.room_denied += 1;
        }
        written
    }

    fn sync(&self) -> io::Result<()> {
        match self.disk.planted {
            Some(PlantedBug::LostSync) => self.disk.run(DiskCall::Sync, || Ok(())),
            Some(PlantedBug::SkippedSync) => {
                let number = counted(&mut self.disk.state().all_syncs, true);
                match number.is_some_and(|number| number % 2 == 1) {
                    true => self.disk.run(DiskCall::Sync, || Ok(())),
                    false => self.sync_honestly(),
                }
            }
            Some(PlantedBug::SwallowedSyncError) => self
                .sync_honestly()
                .or_else(|error| self.disk.conceal().map_err(|_| error)),
            Some(PlantedBug::RetriedSync) => self.sync_honestly().or_else(|error| {
                self.disk.conceal().map_err(|_| error)?;
                self.file.sync()
            }),
            _ => self.sync_honestly(),
        }
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.disk
            .run(DiskCall::Change, || self.file.truncate(length))
    }
}

#[cfg(test)]
mod tests {
    use tillroll_log::testing::PowerCut;

    use super::*;

    fn disk(planted: Option<PlantedBug>) -> (FaultyDisk, DiskFile) {
        let disk = FaultyDisk::over(MemoryStorage::new(), planted);
        let file = disk.create("a").expect("nothing fails yet");
        disk.sync_directory().expect("nothing fails yet");
        (disk, file)
    }

    fn survives(disk: &FaultyDisk) -> Vec<u8> {
        disk.memory().power_cut(PowerCut::LoseAll).bytes("a")
    }

    #[test]
    fn a_death_in_a_write_leaves_it_to_the_power_cut_and_ends_everything() {
        let (disk, file) = disk(None);
        let death = Death::Kill;
        disk.arm(Some(Trouble::Dies { call: 1, death }));
        file.write_at(0, b"one").expect("the call before");
        assert!(file.write_at(3, b"two").is_err());
        assert!(file.sync().is_err() && disk.list().is_err());
        assert_eq!(disk.disarm().died, Some(death));
        assert_eq!(survives(&disk), b"");
        assert_eq!(disk.memory().restarted().bytes("a"), b"onetwo");
    }

    #[test]
    fn a_failed_sync_has_worked_or_lost_everything_or_something() {
        let bytes: Vec<u8> = (0..4000)
            .map(|n| u8::try_from(n / 512 + 1).unwrap_or(0))
            .collect();
        for fate in [SyncFate::Kept, SyncFate::Lost, SyncFate::Torn(3)] {
            let (disk, file) = disk(None);
            disk.arm(Some(Trouble::Sync { nth: 1, fate }));
            file.sync().expect("the first is well");
            file.write_at(0, &bytes).expect("writes are well");
            assert!(file.sync().is_err());
            file.sync().expect("asked again, it says that all is well");
            assert_eq!(disk.memory().restarted().bytes("a"), bytes);
            let left = survives(&disk);
            let kept = left
                .iter()
                .zip(&bytes)
                .filter(|(left, was)| left == was)
                .count();
            match fate {
                SyncFate::Kept => assert_eq!(left, bytes),
                SyncFate::Lost => assert_eq!(left, b""),
                SyncFate::Torn(_) => assert!((512..=3584).contains(&kept), "{kept}"),
            }
            assert_eq!(disk.disarm().syncs, 1);
        }
    }

    #[test]
    fn planted_bugs_say_that_all_is_well_and_keep_nothing() {
        let sync = Trouble::Sync {
            nth: 0,
            fate: SyncFate::Lost,
        };
        for (planted, trouble, survives_it) in [
            (None, None, true),
            (Some(PlantedBug::LostSync), None, false),
            (Some(PlantedBug::RetriedSync), Some(sync.clone()), false),
            (Some(PlantedBug::SwallowedSyncError), Some(sync), false),
        ] {
            let (disk, file) = disk(planted);
            file.write_at(0, b"one").expect("writes are well");
            disk.arm(trouble);
            assert!(file.sync().is_ok(), "{planted:?}");
            assert_eq!(disk.disarm(), Hit::default(), "{planted:?}");
            assert_eq!(survives(&disk) == b"one", survives_it, "{planted:?}");
        }
    }

    #[test]
    fn rot_shows_in_one_byte_of_one_file() {
        let (disk, file) = disk(None);
        file.write_at(0, b"bytes").expect("writes are well");
        disk.arm(Some(Trouble::Rot {
            file: "a".into(),
            offset: 2,
            mask: 1,
        }));
        let mut buffer = [0; 3];
        for (offset, seen) in [(0, *b"byu"), (1, *b"yue"), (2, *b"ues")] {
            assert_eq!(
                file.read_at(offset, &mut buffer).expect("reads are well"),
                3
            );
            assert_eq!(buffer, seen);
        }
        assert_eq!(disk.disarm().rotten_reads, 3);
    }
}
