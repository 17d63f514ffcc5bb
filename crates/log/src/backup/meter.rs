//! How far long work is.

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupStage {
    /// Files are copied.
    Copying,
    /// Files are compared with their hashes.
    Checking,
    /// The log in the copy is verified.
    Verifying,
}

/// How far a backup, its check or a restore is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupProgress {
    /// What is being done.
    pub stage: BackupStage,
    /// Bytes of this stage that are done.
    pub done: u64,
    /// Bytes of this stage.
    pub total: u64,
}

/// Counts one stage and tells the caller.
pub(super) struct Meter<'a> {
    progress: BackupProgress,
    tell: &'a mut dyn FnMut(&BackupProgress),
}

impl<'a> Meter<'a> {
    pub(super) fn new(
        stage: BackupStage,
        total: u64,
        tell: &'a mut dyn FnMut(&BackupProgress),
    ) -> Self {
        let progress = BackupProgress {
            stage,
            done: 0,
            total,
        };
        tell(&progress);
        Self { progress, tell }
    }

    pub(super) fn add(&mut self, bytes: u64) {
        self.progress.done += bytes;
        // The last segment may have grown since the total was counted.
        self.progress.total = self.progress.total.max(self.progress.done);
        (self.tell)(&self.progress);
    }
}
