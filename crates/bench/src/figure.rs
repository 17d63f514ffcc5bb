//! What was measured: a stage's figure, and the machine's bounds beside it.

use std::time::Duration;

use crate::load::{LoopResult, Percentiles};
use crate::stages::BenchStage;
use crate::{per_second, permille};

/// What the machine gives by itself, in what the stage counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    pub name: String,
    pub per_second: u64,
}

impl Bound {
    #[must_use]
    pub fn new(name: impl Into<String>, per_second: u64) -> Self {
        Self {
            name: name.into(),
            per_second,
        }
    }
}

/// How a stage was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadShape {
    /// Called directly, one call after the other.
    Direct,
    /// So many callers, each of which waits for its answer.
    Closed { callers: u64 },
    /// Calls at a constant rate; latency counts from when a call was due.
    Open { callers: u64, offered: u64 },
}

impl LoadShape {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
        }
    }
}

/// One measurement of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    pub stage: BenchStage,
    /// Which of the stage's measurements: `1,000,000 accounts, Zipf, limits`.
    pub case: String,
    /// What is counted: `entry`, `webhook`, `record`.
    pub element: &'static str,
    /// Whether each acknowledgement had waited for its sync.
    pub durable: bool,
    pub load: LoadShape,
    pub elements: u64,
    pub elapsed: Duration,
    /// Of calls, which may hold many elements.
    pub latency: Option<Percentiles>,
    /// What else there is to know: how many commands shared a sync.
    pub note: Option<String>,
    pub bounds: Vec<Bound>,
}

impl Figure {
    /// So many elements in a time, called directly, with no bound yet.
    #[must_use]
    pub fn of(
        stage: BenchStage,
        case: impl Into<String>,
        elements: u64,
        elapsed: Duration,
    ) -> Self {
        Self {
            stage,
            case: case.into(),
            element: "entry",
            durable: false,
            load: LoadShape::Direct,
            elements,
            elapsed,
            latency: None,
            note: None,
            bounds: Vec::new(),
        }
    }

    /// What a loop came to, with so many elements in each call.
    #[must_use]
    pub fn ran(
        stage: BenchStage,
        case: impl Into<String>,
        load: LoadShape,
        each: u64,
        ran: &LoopResult,
    ) -> Self {
        Self {
            load,
            latency: Some(ran.latency),
            ..Self::of(stage, case, ran.calls * each, ran.elapsed)
        }
    }

    #[must_use]
    pub fn durable(self) -> Self {
        Self {
            durable: true,
            ..self
        }
    }

    #[must_use]
    pub fn counting(self, element: &'static str) -> Self {
        Self { element, ..self }
    }

    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        Self {
            note: Some(note.into()),
            ..self
        }
    }

    #[must_use]
    pub fn bound(mut self, bound: Bound) -> Self {
        self.bounds.push(bound);
        self
    }

    #[must_use]
    pub fn bounds(mut self, bounds: impl IntoIterator<Item = Bound>) -> Self {
        self.bounds.extend(bounds);
        self
    }

    #[must_use]
    pub fn per_second(&self) -> u64 {
        per_second(self.elements, self.elapsed)
    }

    /// The lowest bound: no more than this can be expected.
    #[must_use]
    pub fn tightest(&self) -> Option<&Bound> {
        self.bounds.iter().min_by_key(|bound| bound.per_second)
    }

    /// The figure in thousandths of its lowest bound. An open loop offers a rate, and has none.
    #[must_use]
    pub fn ratio(&self) -> Option<u64> {
        match self.load {
            LoadShape::Open { .. } => None,
            LoadShape::Direct | LoadShape::Closed { .. } => {
                permille(self.per_second(), self.tightest()?.per_second)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_to_the_lowest_bound() {
        let figure = Figure::of(BenchStage::Core, "x", 300, Duration::from_secs(1));
        assert_eq!((figure.ratio(), figure.tightest()), (None, None));
        let bounds = [Bound::new("high", 1_000), Bound::new("low", 600)];
        let figure = figure.bounds(bounds);
        assert_eq!(figure.tightest().unwrap().name, "low");
        assert_eq!(figure.ratio(), Some(500));
        let open = LoadShape::Open {
            callers: 1,
            offered: 300,
        };
        let figure = Figure {
            load: open,
            ..figure
        };
        assert_eq!(figure.ratio(), None);
    }
}
