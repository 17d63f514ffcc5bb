//! The deterministic simulation, for a few seeds.

use super::{Caught, Verdict};
use crate::{Options, simulate};

const SEEDS: u64 = 40;

pub(super) fn check() -> Verdict {
    let options = Options {
        twice_every: 0,
        ..Options::default()
    };
    for seed in 0..SEEDS {
        simulate(seed, &options).map_err(|failed| {
            Caught(format!(
                "seed {seed}, step {}: {}: {}",
                failed.step, failed.law, failed.detail
            ))
        })?;
    }
    Ok(())
}
