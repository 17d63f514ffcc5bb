//! Figures for people.

use tillroll_terminal::{Column, Console, Rows, Stop, count};

use crate::against::{Comparison, ComparisonRow, Round};
use crate::load::Percentiles;
use crate::{BenchReport, Figure, Machine, MemoryUse, ReadCost, commit};

const MIB: u64 = 1024 * 1024;

pub(super) fn report(report: &BenchReport, console: &mut Console<'_>) -> Result<(), Stop> {
    console.say(head(&report.machine))?;
    console.say(format!(
        "{}, {} run, commit {}\n",
        report.at,
        report.size.as_str(),
        commit().unwrap_or("not known")
    ))?;
    let mut rows = Rows::new(&[
        Column::Left("stage"),
        Column::Left("measured"),
        Column::Left("durable"),
        Column::Right("per second"),
        Column::Right("bound"),
        Column::Right("of it"),
        Column::Right("p50"),
        Column::Right("p99"),
        Column::Right("p99.9"),
        Column::Left("the bound is"),
    ]);
    for figure in &report.figures {
        rows.push(stage(figure));
    }
    rows.print(console, "nothing was measured")?;
    console.say("\nBounds of this machine, in the same run\n")?;
    let mut rows = Rows::new(&[
        Column::Left("bound"),
        Column::Right("per second"),
        Column::Left("of"),
        Column::Right("p50"),
        Column::Right("p99"),
        Column::Right("p99.9"),
    ]);
    for bound in &report.bounds {
        let [p50, p99, p999] = latency(bound.latency);
        let per_second = match bound.element {
            "byte" => format!("{} MiB", count(bound.per_second / MIB)),
            _ => count(bound.per_second),
        };
        let element = bound.element.to_owned();
        rows.push([bound.name.clone(), per_second, element, p50, p99, p999]);
    }
    rows.print(console, "none was needed")?;
    console.say("\nDurable: each answer had waited for its fdatasync. Latencies are of calls; in an open loop (offered)")?;
    console.say("they count from when a call was due. The bound is the lowest of those in --json.")
}

fn stage(figure: &Figure) -> [String; 10] {
    let [p50, p99, p999] = latency(figure.latency);
    let tightest = figure.tightest();
    let ratio = figure.ratio();
    // An open loop runs at the rate that is offered: a bound beside it would say nothing.
    let shown = tightest.filter(|_| ratio.is_some());
    [
        figure.stage.as_str().to_owned(),
        figure.case.clone(),
        if figure.durable { "yes" } else { "no" }.to_owned(),
        count(figure.per_second()),
        shown.map_or(String::new(), |bound| count(bound.per_second)),
        ratio.map_or(String::new(), percent),
        p50,
        p99,
        p999,
        shown.map_or(String::new(), |bound| bound.name.clone()),
    ]
}

pub(super) fn held(things: &[MemoryUse], console: &mut Console<'_>) -> Result<(), Stop> {
    let mut rows = Rows::new(&[
        Column::Left("held in memory"),
        Column::Right("bytes each"),
        Column::Right("count"),
        Column::Right("MiB"),
    ]);
    for held in things {
        rows.push([
            held.thing.to_owned(),
            count(held.each()),
            count(held.count),
            count(held.bytes / MIB),
        ]);
    }
    rows.print(console, "nothing was measured")
}

pub(super) fn reads(
    (small, large): (u64, u64),
    costs: &[ReadCost],
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    console.say(format!(
        "p50 on books of {} and {} orders, in microseconds\n",
        count(small),
        count(large)
    ))?;
    let mut rows = Rows::new(&[
        Column::Left("read"),
        Column::Right("small"),
        Column::Right("large"),
        Column::Right("ratio"),
        Column::Right("rows"),
        Column::Right("bytes"),
    ]);
    for cost in costs {
        let (few, many) = (cost.small.p50.as_micros(), cost.large.p50.as_micros());
        let tenths = many * 10 / few.max(1);
        rows.push([
            cost.read.clone(),
            few.to_string(),
            many.to_string(),
            format!("{}.{}", tenths / 10, tenths % 10),
            count(cost.large.rows as u64),
            count(cost.large.bytes as u64),
        ]);
    }
    rows.print(console, "nothing was measured")
}

pub(super) fn comparison(comparison: &Comparison, console: &mut Console<'_>) -> Result<(), Stop> {
    console.say(head(&comparison.machine))?;
    console.say(format!(
        "{} transfers among {} accounts, {} rounds each in turn, medians\n",
        count(comparison.versus.transfers as u64),
        count(comparison.versus.accounts as u64),
        comparison.versus.rounds,
    ))?;
    let mut rows = Rows::new(&[
        Column::Left("work"),
        Column::Left("who"),
        Column::Right("per second"),
        Column::Right("p50"),
        Column::Right("p99"),
        Column::Right("max"),
        Column::Left("rounds"),
    ]);
    for row in &comparison.rows {
        let sides = [
            (&comparison.peer, row.their_rate(), &row.theirs),
            (&"tillroll".to_owned(), row.our_rate(), &row.ours),
        ];
        for (who, rate, rounds) in sides {
            rows.push(side(&row.work, who, rate, rounds));
        }
    }
    rows.print(console, "nothing was measured")?;
    console.say("")?;
    for row in &comparison.rows {
        let ratio = row.ratio().map_or("no ratio".into(), times);
        console.say(format!("{}: {ratio} {}", row.work, comparison.peer))?;
    }
    console.say("\nNot the same work\n")?;
    for difference in &comparison.differences {
        console.say(format!("- {difference}"))?;
    }
    for row in &comparison.rows {
        for (who, rounds) in [
            (comparison.peer.as_str(), &row.theirs),
            ("tillroll", &row.ours),
        ] {
            for note in rounds.last().map_or(&[][..], |round| &round.notes) {
                console.say(format!("- {who}, {}: {note}", row.work))?;
            }
        }
    }
    console.say("")
}

fn side(work: &str, who: &str, rate: u64, rounds: &[Round]) -> [String; 7] {
    let latency = ComparisonRow::latency(rounds);
    let all: Vec<_> = rounds.iter().map(|round| count(round.per_second)).collect();
    [
        work.to_owned(),
        who.to_owned(),
        count(rate),
        time(latency.p50),
        time(latency.p99),
        time(latency.max),
        all.join("  "),
    ]
}

fn head(machine: &Machine) -> String {
    let memory = machine
        .memory_bytes
        .map_or("memory not known".into(), |bytes| {
            format!("{} GiB", bytes.div_ceil(1024 * MIB))
        });
    format!(
        "{}, {} cores, {memory}, {}, huge pages {}",
        machine.cpu.as_deref().unwrap_or("processor not known"),
        machine.cores,
        machine
            .filesystem
            .as_deref()
            .unwrap_or("file system not known"),
        machine.huge_pages.as_deref().unwrap_or("not known"),
    )
}

fn latency(latency: Option<Percentiles>) -> [String; 3] {
    latency.map_or_else(Default::default, |latency| {
        [latency.p50, latency.p99, latency.p999].map(time)
    })
}

/// `12 us`, `1.25 ms`, `3.10 s`
fn time(nanos: u64) -> String {
    let hundredths = |unit: u64| (nanos / unit, nanos % unit * 100 / unit);
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{} us", nanos / 1_000),
        1_000_000..1_000_000_000 => {
            let (whole, part) = hundredths(1_000_000);
            format!("{whole}.{part:02} ms")
        }
        _ => {
            let (whole, part) = hundredths(1_000_000_000);
            format!("{whole}.{part:02} s")
        }
    }
}

/// `45.3%`
fn percent(permille: u64) -> String {
    format!("{}.{}%", permille / 10, permille % 10)
}

/// `3.2 times`
fn times(permille: u64) -> String {
    format!("{}.{:02} times", permille / 1_000, permille % 1_000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_ratios_are_short() {
        for (nanos, expected) in [
            (999, "999 ns"),
            (1_999, "1 us"),
            (124_000, "124 us"),
            (1_250_000, "1.25 ms"),
            (3_105_000_000, "3.10 s"),
        ] {
            assert_eq!(time(nanos), expected);
        }
        assert_eq!(
            (percent(453), percent(1_007)),
            ("45.3%".into(), "100.7%".into())
        );
        assert_eq!(times(3_256), "3.25 times");
    }
}
