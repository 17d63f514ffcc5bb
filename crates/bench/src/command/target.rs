//! `--against NAME=WHERE`: which other ledger, and where it is.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::BenchError;
use crate::against::{Comparison, ComparisonOptions, Postgres, TigerBeetle};

/// Another ledger.
#[derive(Clone, Debug)]
pub(super) enum Peer {
    TigerBeetle(TigerBeetle),
    Postgres(Postgres),
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some(("tigerbeetle", path)) if !path.is_empty() => Ok(Self::TigerBeetle(TigerBeetle {
                binary: PathBuf::from(path),
            })),
            Some(("postgres", url))
                if url.starts_with("postgres://") || url.starts_with("postgresql://") =>
            {
                Ok(Self::Postgres(Postgres {
                    url: url.to_owned(),
                }))
            }
            _ => Err(
                "one of tigerbeetle=PATH and postgres=URL, where URL is postgres://user@host/database"
                    .into(),
            ),
        }
    }
}

impl Peer {
    /// As many as take it about ten seconds.
    pub(super) fn transfers(&self) -> u32 {
        match self {
            Self::TigerBeetle(_) => 1_000_000,
            Self::Postgres(_) => 100_000,
        }
    }

    pub(super) fn compare(
        &self,
        versus: ComparisonOptions,
        directory: &Path,
        progress: impl FnMut(&str),
    ) -> Result<Comparison, BenchError> {
        match self {
            Self::TigerBeetle(peer) => peer.compare(versus, directory, progress),
            Self::Postgres(peer) => peer.compare(versus, directory, progress),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_named() {
        for (text, good) in [
            ("tigerbeetle=./tigerbeetle", true),
            ("postgres=postgres://me@localhost/x", true),
            ("postgres=postgresql:///x?host=/run", true),
            ("postgres=localhost", false),
            ("tigerbeetle=", false),
            ("tigerbeetle", false),
            ("oracle=x", false),
        ] {
            assert_eq!(text.parse::<Peer>().is_ok(), good, "{text}");
        }
    }
}
