//! Dividing an amount so that no minor unit is lost or made.

/// Divides `total` in proportion to `weights`, by largest remainder: each part is its exact
/// share rounded down or up, and the parts sum to `total`. Ties go to the earlier part, so the
/// answer depends on nothing but its arguments.
///
/// When `total` does not exceed the sum of the weights, no part exceeds its weight: a refund
/// split over what was captured can never take more from a seller than the seller got.
/// With no weight at all there is no part to give to, and every one is zero.
#[must_use]
pub fn largest_remainder(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().copied().map(u128::from).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: u64| u128::from(total) * u128::from(weight);
    let mut parts: Vec<u64> = weights
        .iter()
        .map(|&weight| u64::try_from(exact(weight) / sum).expect("a share is at most the total"))
        .collect();
    let given: u64 = parts.iter().sum();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(exact(weights[index]) % sum), index));
    let short = usize::try_from(total - given).expect("fewer units are left than there are parts");
    for &index in order.iter().take(short) {
        parts[index] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn remainders_go_to_the_largest_fraction_then_to_the_first() {
        let table: &[(u64, &[u64], &[u64])] = &[
            (100, &[1, 1, 1], &[34, 33, 33]),
            (5, &[70, 30], &[4, 1]),
            (10, &[1, 2, 3], &[2, 3, 5]),
            (0, &[1, 2], &[0, 0]),
            (7, &[0, 0], &[0, 0]),
            (7, &[], &[]),
            (1, &[1, 1], &[1, 0]),
            (10, &[0, 3, 0], &[0, 10, 0]),
        ];
        for (total, weights, parts) in table {
            assert_eq!(
                largest_remainder(*total, weights),
                *parts,
                "{total} over {weights:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_part_exceeds_its_weight(
            weights in prop::collection::vec(0..=1_000_000_u64, 1..12),
            share in 0..=1_000_u64,
        ) {
            let sum: u64 = weights.iter().sum();
            let total = sum * share / 1000;
            let parts = largest_remainder(total, &weights);
            if sum > 0 {
                prop_assert_eq!(parts.iter().sum::<u64>(), total);
            }
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!(part <= weight, "{:?} over {:?}", parts, weights);
            }
        }
    }
}
