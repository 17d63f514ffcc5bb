//! Read models that follow the roll through all crashes, and are compared with a replay.

use std::path::PathBuf;
use tillroll_log::testing::TestReader;

use tempfile::TempDir;
use tillroll_log::LogReader;
use tillroll_projections::{ProjectError, Projector, verify};

use crate::law::{Finding, Judgement, Law};

#[derive(Debug)]
pub(crate) struct ReadModelsUnderTest {
    projector: Option<Projector>,
    path: PathBuf,
    /// Goes last, with the files in it.
    _directory: TempDir,
}

/// A place that waits for no disk, where the system has one. Nothing here is lost with the
/// power, so that it makes no other difference.
fn in_memory() -> std::io::Result<TempDir> {
    tempfile::tempdir_in("/dev/shm")
}

fn broken(error: &ProjectError) -> Finding {
    Law::ReadModels.broken(error.to_string())
}

impl ReadModelsUnderTest {
    /// # Panics
    /// When the system has no place for temporary files.
    pub(crate) fn new() -> Self {
        let directory = in_memory().or_else(|_| tempfile::tempdir());
        let directory = directory.expect("there is a place for temporary files");
        Self {
            projector: None,
            path: directory.path().join("models.sqlite"),
            _directory: directory,
        }
    }

    /// The process that kept them ends; the next one opens what is there.
    pub(crate) fn restart(&mut self) {
        self.projector = None;
    }

    /// Follows to the end of the roll.
    pub(crate) fn follow(&mut self, reader: &dyn LogReader) -> Judgement<()> {
        let projector = match &mut self.projector {
            Some(projector) => projector,
            empty => {
                let opened = Projector::open(&self.path).map_err(|error| broken(&error))?;
                empty.insert(opened)
            }
        };
        let head = reader.head_now().position.get();
        Law::Acknowledged.holds(projector.checkpoint() <= head, || {
            let seen = projector.checkpoint();
            format!("read models have rows of {seen}, the log ends at {head}")
        })?;
        let reached = projector
            .catch_up(reader, &mut |_| {})
            .map_err(|error| broken(&error))?;
        Law::ReadModels.holds(reached == head, || {
            format!("read models stop at {reached} of {head}")
        })
    }

    /// Every row against a projection from nothing.
    pub(crate) fn compare(&mut self, reader: &dyn LogReader) -> Judgement<()> {
        self.follow(reader)?;
        verify(&self.path, reader, &mut |_| {})
            .map(drop)
            .map_err(|error| Law::ReadModels.broken(error.to_string()))
    }
}
