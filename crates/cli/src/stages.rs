//! One line of progress for work in stages, each of which counts bytes of its own.

use tillroll_log::{BackupProgress, BackupStage};
use tillroll_terminal::{Console, Progress};

/// Of each stage.
const PARTS: u64 = 1000;

/// The stages of a backup, of its check, or of a restore, in their order.
#[derive(Debug)]
pub(crate) struct Stages<'a> {
    stages: &'static [BackupStage],
    progress: Progress<'a>,
}

impl<'a> Stages<'a> {
    pub(crate) fn backup(console: &'a mut Console<'_>) -> Self {
        Self::new(console, "backing up", &[BackupStage::Copying])
    }

    pub(crate) fn checking(console: &'a mut Console<'_>) -> Self {
        Self::new(
            console,
            "checking",
            &[BackupStage::Checking, BackupStage::Verifying],
        )
    }

    pub(crate) fn restore(console: &'a mut Console<'_>) -> Self {
        let stages = &[
            BackupStage::Checking,
            BackupStage::Copying,
            BackupStage::Verifying,
        ];
        Self::new(console, "restoring", stages)
    }

    fn new(
        console: &'a mut Console<'_>,
        label: &'static str,
        stages: &'static [BackupStage],
    ) -> Self {
        Self {
            stages,
            progress: console.progress(label, PARTS * stages.len() as u64),
        }
    }

    pub(crate) fn set(&mut self, step: &BackupProgress) {
        let before = self.stages.iter().position(|stage| *stage == step.stage);
        let before = before.unwrap_or(0) as u64 * PARTS;
        let within = step.done.saturating_mul(PARTS) / step.total.max(1);
        self.progress.set(before + within.min(PARTS), || {
            let what = match step.stage {
                BackupStage::Copying => "copied",
                BackupStage::Checking => "compared",
                BackupStage::Verifying => "verified",
            };
            let mib = |bytes: u64| bytes.div_ceil(1024 * 1024);
            format!("{what} {} of {} MiB", mib(step.done), mib(step.total))
        });
    }
}
