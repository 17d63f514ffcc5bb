//! What a run has exercised: a run that exercised nothing proves nothing, so it is counted.

use std::collections::BTreeMap;

macro_rules! counts {
    ($($group:literal { $($name:ident $text:literal,)* })*) => {
        /// What is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Count { $($(#[doc = $text] $name,)*)* }

        impl Count {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$($(Self::$name,)*)*];

            /// What it counts, and what it belongs to.
            #[must_use]
            pub fn text(self) -> (&'static str, &'static str) {
                match self { $($(Self::$name => ($group, $text),)*)* }
            }
        }
    };
}

counts! {
    "workload" {
        Batches "batches executed",
        Commands "commands sent",
        Orders "orders placed",
        Webhooks "webhooks delivered",
        Imports "imports of balance transactions",
        Records "records on the roll",
        ClockBack "clocks set back",
        ClockForward "clocks set forward by days",
        ClockConfirmed "clocks that somebody said were right",
    }
    "answers" {
        Acknowledged "acknowledged with new records",
        NothingNew "acknowledged, nothing new",
        Duplicates "duplicates answered from the roll",
        Refusals "refusals",
        Conflicts "keys used for something else",
        TooLarge "commands larger than a frame",
        Unanswered "not answered",
        Resent "sent again",
        GivenUp "given up by the client",
        Room "steps of room made in the log",
    }
    "faults" {
        FailedWrites "failed writes",
        RoomDenied "room that could not be written",
        FailedSyncs "failed syncs",
        KeptSyncs "syncs that failed and had worked",
        TornSyncs "syncs that failed and had worked in part",
        FailedDirectorySyncs "failed directory syncs",
        FailedReads "failed reads",
        FailedOthers "other failed calls",
        ShortReads "short reads",
        RottenReads "rotten reads",
        ColdErrors "failed calls of the file of cold rows",
        ColdRot "rotten reads of cold rows",
        ColdEnds "engines ended by cold rows",
        ColdStarts "starts ended by cold rows",
        OutOfSpace "engines out of space",
        Poisoned "engines poisoned",
    }
    "crashes" {
        PowerCuts "power cuts",
        TornCuts "power cuts that tear what was not synced",
        Kills "processes killed",
        CalmCrashes "crashes between batches",
        MidCall "crashes in the middle of a call",
        RecoveryCrashes "crashes and faults during recovery",
        LostNames "directory entries lost",
        Recoveries "recoveries",
        TornTails "torn tails cut",
        UnfinishedSegments "unfinished segments removed",
        Survived "unacknowledged batches that survived",
        Lost "unacknowledged batches that were lost",
    }
    "two writers" {
        RivalStories "stories of two writers on one log",
        SharedRecords "records that they appended",
        Doubts "appends in doubt",
        LateLandings "frames that arrived after they were in doubt",
        Intrusions "batches between two attempts of the other writer",
        Superseded "batches of a superseded writer",
        Unavailable "batches that the log did not take",
        DoubtsForGood "writers ended by a doubt",
        SharedReads "reads of the log that failed",
        TakeOvers "writers that took over",
        Followed "standbys that followed",
    }
    "bit rot" {
        Rot "rotten images opened",
        RotRefused "refused",
        RotCut "cut where no mark tells",
        RotHarmless "opened with everything",
    }
    "comparisons" {
        Digests "digests of writer, replay and model",
        TrialBalances "trial balances, one after every event",
        Audits "audits",
        ReadModels "read models against replay",
        Snapshots "snapshots written",
        SnapshotFaults "snapshots that could not be written",
        SnapshotStarts "starts from a snapshot against the writer",
        ColdBytes "bytes of rows that had left memory",
        Converged "histories against a calm telling",
        Repeated "seeds run twice",
    }
}

/// How often each thing happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<Count, u64>,
    /// Refusals by code.
    refusals: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(crate) fn add(&mut self, count: Count) {
        self.add_many(count, 1);
    }

    pub(crate) fn add_many(&mut self, count: Count, times: u64) {
        *self.counts.entry(count).or_default() += times;
    }

    pub(crate) fn add_refusal(&mut self, code: &'static str) {
        *self.refusals.entry(code).or_default() += 1;
    }

    /// How often it happened.
    #[must_use]
    pub fn of(&self, count: Count) -> u64 {
        self.counts.get(&count).copied().unwrap_or(0)
    }

    /// Refusals by code, in alphabetical order.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.refusals.iter().map(|(code, times)| (*code, *times))
    }

    /// Adds another run's.
    pub fn merge(&mut self, other: &Self) {
        for (count, times) in &other.counts {
            self.add_many(*count, *times);
        }
        for (code, times) in &other.refusals {
            *self.refusals.entry(code).or_default() += times;
        }
    }

    /// What never happened.
    #[must_use]
    pub fn missing(&self) -> Vec<Count> {
        let all = Count::ALL.iter().copied();
        all.filter(|count| self.of(*count) == 0).collect()
    }
}
