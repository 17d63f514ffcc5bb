//! How a process ends, and what the next one finds.

use std::fmt;

use tillroll_log::testing::{MemoryStorage, PowerCut};

use crate::chance::Chance;
use crate::tally::{Count, Tally};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// The machine goes dark: what was not synced reaches the disk in part, in any order.
    Power(PowerCut),
    /// The process ends and the system lives: everything written can be read, synced or not.
    Kill,
}

impl Death {
    pub(crate) fn of(chance: &mut Chance) -> Self {
        let seed = chance.number();
        chance.weighted(&[
            (5, Self::Power(PowerCut::Torn(seed))),
            (2, Self::Power(PowerCut::LoseAll)),
            (1, Self::Power(PowerCut::KeepAll)),
            (3, Self::Kill),
        ])
    }

    /// The storage as the next process finds it.
    pub(crate) fn leave(self, storage: &MemoryStorage, tally: &mut Tally) -> MemoryStorage {
        let left = match self {
            Self::Power(cut) => {
                tally.add(Count::PowerCuts);
                if matches!(cut, PowerCut::Torn(_)) {
                    tally.add(Count::TornCuts);
                }
                storage.power_cut(cut)
            }
            Self::Kill => {
                tally.add(Count::Kills);
                storage.restarted()
            }
        };
        let names = left.names();
        let lost = storage.names().iter().any(|name| !names.contains(name));
        if lost {
            tally.add(Count::LostNames);
        }
        left
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Power(PowerCut::LoseAll) => f.write_str("power cut that loses all unsynced"),
            Self::Power(PowerCut::KeepAll) => f.write_str("power cut that keeps all unsynced"),
            Self::Power(PowerCut::Torn(_)) => f.write_str("power cut that tears the unsynced"),
            Self::Kill => f.write_str("kill"),
        }
    }
}
