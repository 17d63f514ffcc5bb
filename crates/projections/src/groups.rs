//! What the sums of accounts have in common where they are written and where they are read.

/// After so many postings and new accounts, what sums came to is kept.
pub(crate) const CHECKPOINT_STEPS: u64 = 1024;

/// A sum that may be larger than a column holds: what is below 2^63, and how often that is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CarriedSum(pub i64, pub i64);

impl CarriedSum {
    const BITS: u32 = 63;

    pub fn of(total: u128) -> Self {
        let low = i64::try_from(total & u128::from(i64::MAX.unsigned_abs()));
        let high = i64::try_from(total >> Self::BITS);
        Self(
            low.expect("63 bits fit"),
            high.expect("as many amounts as there are bytes in the world fit"),
        )
    }

    pub fn total(self) -> u128 {
        let (low, high) = (self.0.unsigned_abs(), self.1.unsigned_abs());
        (u128::from(high) << Self::BITS) + u128::from(low)
    }
}

/// The order's name in the path of an account of one order, and the path of the control account
/// that stands for all of its kind: `order:*:clearing` for `order:ord_1:clearing`.
pub(crate) fn control_path(path: &str) -> Option<(&str, String)> {
    let mut names = path.split(':');
    match (names.next(), names.next(), names.next(), names.next()) {
        (Some("order"), Some(order), Some(account), None) => {
            Some((order, format!("order:*:{account}")))
        }
        _ => None,
    }
}

/// What the accountant calls it: the name of an account of one order, without that order.
pub(crate) fn control_name(name: &str, order: &str) -> String {
    name.replace(order, "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_of_any_size_comes_back() {
        let most = u128::from(u64::MAX);
        for total in [
            0,
            1,
            most >> 1,
            (most >> 1) + 1,
            most,
            most + 1,
            (most * most) >> 3,
        ] {
            assert_eq!(CarriedSum::of(total).total(), total, "{total}");
        }
    }

    #[test]
    fn accounts_of_one_order_have_a_control_account() {
        for (path, control) in [
            ("order:ord_1:clearing", Some("order:*:clearing")),
            ("order:ord_1", None),
            ("order:ord_1:clearing:x", None),
            ("orders:ord_1:clearing", None),
            ("wallet:1", None),
        ] {
            let found = control_path(path).map(|(_, control)| control);
            assert_eq!(found.as_deref(), control, "{path}");
        }
        assert_eq!(
            control_name("Clearing of order ord_1", "ord_1"),
            "Clearing of order *"
        );
    }
}
