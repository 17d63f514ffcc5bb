//! What goes wrong with the storage during one batch or one recovery.

use std::fmt;

use tillroll_log::testing::{Injection, StorageFailure};

use crate::chance::Chance;
use crate::death::Death;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A call fails, as the log's own storage for tests can make it.
    DiskCall(Injection),
    /// The process or the machine ends in the middle of a call, counted from 0.
    Dies { call: u64, death: Death },
    /// The nth sync of a file fails, counted from 0.
    Sync { nth: u64, fate: SyncFate },
    /// The nth sync of the directory fails.
    DirectorySync { nth: u64 },
    /// Reads answer a byte that is not the one that was written.
    Rot { file: String, offset: u64, mask: u8 },
}

/// What became of the bytes that a failed sync should have made durable. All of them can still
/// be read, and the next sync says that all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SyncFate {
    Lost,
    /// They have reached the disk all the same.
    Kept,
    /// Some sectors have, as the seed decides.
    Torn(u64),
}

impl Trouble {
    /// `calls`: the most that will be made, about. Mostly there are few: a write and a sync.
    pub(crate) fn of(chance: &mut Chance, calls: usize) -> Self {
        let most = chance.pick(&[3, 3, calls]);
        let call = chance.below(most) as u64;
        match chance.weighted(&[(40, 0), (36, 1), (16, 2), (8, 3)]) {
            0 => Self::DiskCall(Injection {
                at: call,
                failure: chance.pick(&[
                    StorageFailure::Io,
                    StorageFailure::Full,
                    StorageFailure::Short,
                ]),
                sticky: chance.coin(),
            }),
            1 => {
                let death = Death::of(chance);
                Self::Dies { call, death }
            }
            2 => Self::Sync {
                nth: chance.below(4) as u64,
                fate: {
                    let seed = chance.number();
                    chance.pick(&[SyncFate::Lost, SyncFate::Kept, SyncFate::Torn(seed)])
                },
            },
            _ => Self::DirectorySync { nth: 0 },
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiskCall(injection) => injection.fmt(f),
            Self::Dies { call, death } => write!(f, "{death} in call {call}"),
            Self::Sync { nth, fate } => {
                let fate = match fate {
                    SyncFate::Lost => "lost",
                    SyncFate::Kept => "kept",
                    SyncFate::Torn(_) => "torn",
                };
                write!(f, "sync {nth} fails, its bytes {fate}")
            }
            Self::DirectorySync { nth } => write!(f, "directory sync {nth} fails"),
            Self::Rot { file, offset, mask } => {
                write!(f, "{file} rots at byte {offset} by {mask:#04x} when read")
            }
        }
    }
}
