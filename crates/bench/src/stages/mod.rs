//! The stages, from the disk up to HTTP and from memory up to SQL: each measures itself and
//! names what bounds it.

mod append;
pub mod core;
mod engine;
mod http;
mod parse;
mod projections;
mod replay;
mod webhooks;

use std::path::PathBuf;

use crate::bounds::Bounds;
use crate::{BenchError, BenchPlan, BenchScratch, Figure};

/// What can be measured by itself. Durable ones first, as they are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BenchStage {
    /// The log alone.
    Append,
    /// The writer in the process: bulk, and single commands.
    Engine,
    /// The server: bulk, and single requests.
    Http,
    /// Stripe's webhooks, in the process and over HTTP.
    Webhooks,
    /// Bodies of bulk requests, on one core.
    Parse,
    /// The double-entry core in memory.
    Core,
    /// A log in memory, folded.
    Replay,
    /// A log in files, recovered and folded.
    Start,
    /// Read models, from nothing.
    Projections,
}

impl BenchStage {
    pub const ALL: [Self; 9] = [
        Self::Append,
        Self::Engine,
        Self::Http,
        Self::Webhooks,
        Self::Parse,
        Self::Core,
        Self::Replay,
        Self::Start,
        Self::Projections,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Engine => "engine",
            Self::Http => "http",
            Self::Webhooks => "webhooks",
            Self::Parse => "parse",
            Self::Core => "core",
            Self::Replay => "replay",
            Self::Start => "start",
            Self::Projections => "projections",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }

    /// Whether its figures wait for the disk.
    #[must_use]
    pub fn writes(self) -> bool {
        match self {
            Self::Append | Self::Engine | Self::Http | Self::Webhooks => true,
            Self::Parse | Self::Core | Self::Replay | Self::Start | Self::Projections => false,
        }
    }

    /// Measures it.
    ///
    /// # Errors
    /// When anything fails or is refused.
    pub fn measure(self, rig: &mut Rig) -> Result<Vec<Figure>, BenchError> {
        match self {
            Self::Append => append::measure(rig),
            Self::Engine => engine::measure(rig),
            Self::Http => http::measure(rig),
            Self::Webhooks => webhooks::measure(rig),
            Self::Parse => parse::measure(rig),
            Self::Core => core::measure(rig),
            Self::Replay => replay::replay(rig),
            Self::Start => replay::start(rig),
            Self::Projections => projections::measure(rig),
        }
    }
}

/// What a stage needs: how much to do, a place for files, and the bounds so far.
#[derive(Debug)]
pub struct Rig {
    pub plan: BenchPlan,
    pub scratch: BenchScratch,
    pub bounds: Bounds,
}

impl Rig {
    /// Its files go below a directory.
    ///
    /// # Errors
    /// When there is no place for files.
    pub fn new(plan: BenchPlan, directory: &std::path::Path) -> Result<Self, BenchError> {
        let scratch = BenchScratch::below(directory)?;
        let bounds = Bounds::new(plan.clone(), PathBuf::from(scratch.path()));
        Ok(Self {
            plan,
            scratch,
            bounds,
        })
    }
}

/// `1,000,000`
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
