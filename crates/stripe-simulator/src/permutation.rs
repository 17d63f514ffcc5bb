//! Orders in which the webhooks of one life cycle may arrive.

use crate::exchange::mix;
use crate::webhook::StripeEvent;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Every order of `0..n`, in lexicographic order, `n!` of them.
#[derive(Debug, Clone)]
pub struct Permutations {
    next: Option<Vec<usize>>,
}

/// Every order of `count` things.
#[must_use]
pub fn permutations(count: usize) -> Permutations {
    Permutations {
        next: Some((0..count).collect()),
    }
}

impl Iterator for Permutations {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let current = self.next.take()?;
        // The longest falling tail is done; raise the place before it.
        if let Some(pivot) = current.windows(2).rposition(|pair| pair[0] < pair[1]) {
            let mut following = current.clone();
            let above = following
                .iter()
                .rposition(|place| *place > current[pivot])
                .expect("the tail holds a larger one");
            following.swap(pivot, above);
            following[pivot + 1..].reverse();
            self.next = Some(following);
        }
        Some(current)
    }
}

/// The events in the given order of places.
#[must_use]
pub fn in_order(events: &[StripeEvent], order: &[usize]) -> Vec<StripeEvent> {
    order.iter().map(|place| events[*place].clone()).collect()
}

/// The events in a random order, about a quarter of them twice.
#[must_use]
pub fn shaken(seed: u64, events: &[StripeEvent]) -> Vec<StripeEvent> {
    let mut random = ChaCha8Rng::seed_from_u64(mix(&[seed, 0x5AFE]));
    let mut arrivals: Vec<StripeEvent> = events
        .iter()
        .flat_map(|event| {
            let times = if random.random_range(0..4) == 0 { 2 } else { 1 };
            std::iter::repeat_n(event.clone(), times)
        })
        .collect();
    for place in (1..arrivals.len()).rev() {
        arrivals.swap(place, random.random_range(0..=place));
    }
    arrivals
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_order_comes_once() {
        for (count, expected) in [(0, 1), (1, 1), (3, 6), (5, 120), (7, 5_040)] {
            let all: Vec<Vec<usize>> = permutations(count).collect();
            assert_eq!(all.len(), expected);
            let distinct: BTreeSet<&Vec<usize>> = all.iter().collect();
            assert_eq!(distinct.len(), expected);
            assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn shaking_loses_nothing_and_depends_on_the_seed() {
        let mut sim = crate::StripeSimulator::seeded(1);
        for number in 0..40 {
            sim.create_customer(&format!("c{number}@example.com"));
        }
        let events = sim.drain_events();
        let arrivals = shaken(4, &events);
        assert_eq!(arrivals, shaken(4, &events));
        assert_ne!(arrivals, shaken(5, &events));
        assert!(arrivals.len() > events.len());
        for event in &events {
            assert!(arrivals.contains(event));
        }
    }
}
