//! Processor time by kind of thread. Where other work shares the machine, it says more than a rate.

use std::collections::BTreeMap;
use std::fs;

/// Nanoseconds that the threads of this process have computed so far, summed over threads of one
/// name. Empty where the system does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadTimes(BTreeMap<String, u64>);

impl ThreadTimes {
    #[must_use]
    pub fn now() -> Self {
        let mut times = BTreeMap::new();
        for task in fs::read_dir("/proc/self/task")
            .into_iter()
            .flatten()
            .flatten()
        {
            let read = |file| fs::read_to_string(task.path().join(file)).unwrap_or_default();
            let computed = read("schedstat");
            let computed = computed.split_whitespace().next();
            if let Some(nanos) = computed.and_then(|text| text.parse::<u64>().ok()) {
                *times.entry(read("comm").trim().to_owned()).or_default() += nanos;
            }
        }
        Self(times)
    }

    /// What each kind of thread has computed since an earlier moment.
    #[must_use]
    pub fn since(mut self, earlier: &Self) -> Self {
        for (name, nanos) in &mut self.0 {
            *nanos = nanos.saturating_sub(earlier.0.get(name).copied().unwrap_or_default());
        }
        self
    }

    /// `ns of each thread an entry: http 310, writer 95`; nothing of those that did nothing.
    #[must_use]
    pub fn each(&self, element: &str, elements: u64) -> String {
        let shares = self.0.iter().filter_map(|(name, nanos)| {
            let share = nanos / elements.max(1);
            (share > 0).then(|| format!("{name} {share}"))
        });
        let shares = shares.collect::<Vec<_>>().join(", ");
        format!("ns of each thread per {element}: {shares}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_by_name_and_per_element() {
        let times = |pairs: &[(&str, u64)]| {
            ThreadTimes(
                pairs
                    .iter()
                    .map(|(name, nanos)| ((*name).into(), *nanos))
                    .collect(),
            )
        };
        let later = times(&[("http", 5_000), ("idle", 70), ("writer", 2_000)]);
        let since = later.since(&times(&[("http", 1_000), ("idle", 70)]));
        assert_eq!(
            since,
            times(&[("http", 4_000), ("idle", 0), ("writer", 2_000)])
        );
        assert_eq!(
            since.each("entry", 10),
            "ns of each thread per entry: http 400, writer 200"
        );
    }
}
