//! The command line: its arguments, and the shape of what it says. No figure is judged.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tillroll_terminal::{Console, Exit};

/// What a command line came to.
#[derive(Debug)]
struct Run {
    exit: Exit,
    out: String,
    err: String,
}

impl Run {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    fn ends_with(self, exit: Exit) -> Self {
        assert_eq!(self.exit, exit, "{self:?}");
        self
    }
}

fn bench(args: &[&str]) -> Run {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut console = Console::plain(&mut out, &mut err);
    let line = ["tillroll-bench"].iter().chain(args);
    let exit = tillroll_bench::command::run_in(line, &mut console);
    let text = |bytes| String::from_utf8(bytes).expect("it writes UTF-8");
    Run {
        exit,
        out: text(out),
        err: text(err),
    }
}

/// With its files below a directory.
fn on(data: &Path, args: &[&str]) -> Run {
    let data = data.to_str().expect("paths of tests are UTF-8");
    bench(&[args, &["--data", data]].concat())
}

fn fields(value: &Value, names: &[&str]) {
    for name in names {
        assert!(value.get(name).is_some(), "{name} is missing: {value}");
    }
}

#[test]
fn json_has_every_field() {
    let directory = tempfile::tempdir().unwrap();
    let args = ["--quick", "--json", "--only", "core"];
    let ran = on(directory.path(), &args).ends_with(Exit::Done);
    let document = ran.json();
    assert_eq!(document["object"], "bench");
    assert_eq!(document["size"], "quick");
    fields(
        &document,
        &[
            "version", "commit", "date", "machine", "warnings", "stages", "bounds",
        ],
    );
    let machine = &document["machine"];
    fields(
        machine,
        &[
            "cpu_model",
            "memory_bytes",
            "filesystem",
            "huge_pages",
            "load_hundredths",
        ],
    );
    assert!(machine["cores"].as_u64().unwrap() > 0);
    let stages = document["stages"].as_array().unwrap();
    assert_eq!(
        stages.len(),
        16,
        "two sizes: two distributions with and without limits, by name, with ids in order; and behind \
         two histories with ids in two orders"
    );
    for stage in stages {
        fields(
            stage,
            &[
                "case",
                "element",
                "latency_nanos",
                "note",
                "offered_per_second",
                "callers",
            ],
        );
        assert_eq!(stage["stage"], "core");
        assert_eq!(stage["durable"], false);
        assert_eq!(stage["loop"], "direct");
        for number in [
            "elements",
            "elapsed_nanos",
            "per_second",
            "permille_of_bound",
        ] {
            assert!(stage[number].is_u64(), "{number}: {stage}");
        }
        fields(&stage["bound"], &["name", "per_second"]);
        assert!(!stage["bounds"].as_array().unwrap().is_empty());
    }
    let bounds = document["bounds"].as_array().unwrap();
    assert!(!bounds.is_empty());
    for bound in bounds {
        fields(bound, &["name", "element", "per_second", "latency_nanos"]);
    }
    let left = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 0, "its directory is gone");
}

#[test]
fn durable_figures_come_first_and_say_so() {
    let directory = tempfile::tempdir().unwrap();
    let chart = directory.path().join("chart.svg");
    let args = ["--quick", "--only", "projections", "append", "--plot"];
    let args = [&args[..], &[chart.to_str().unwrap()]].concat();
    let ran = on(directory.path(), &args).ends_with(Exit::Done);
    let lines: Vec<_> = ran.out.lines().map(str::trim_start).collect();
    let line = |start: &str| {
        lines
            .iter()
            .position(|line| line.starts_with(start))
            .unwrap()
    };
    assert!(line("append") < line("projections"), "{}", ran.out);
    for (start, durable) in [("append", "yes"), ("projections", "no")] {
        let words: Vec<_> = lines[line(start)].split("  ").map(str::trim).collect();
        assert!(words.contains(&durable), "{words:?}");
    }
    assert!(ran.out.contains("fdatasync"), "{}", ran.out);
    let svg = fs::read_to_string(chart).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
}

#[test]
fn every_stage_runs() {
    let directory = tempfile::tempdir().unwrap();
    let stages = ["engine", "http", "webhooks", "parse", "replay", "start"];
    let args = [&["--quick", "--json", "--only"][..], &stages].concat();
    let document = on(directory.path(), &args).ends_with(Exit::Done).json();
    let measured = document["stages"].as_array().unwrap();
    for stage in stages {
        let of = measured.iter().filter(|figure| figure["stage"] == stage);
        let of: Vec<_> = of.collect();
        assert!(!of.is_empty(), "{stage}");
        for figure in of {
            assert!(figure["per_second"].as_u64().unwrap() > 0, "{figure}");
            let durable = !["parse", "replay", "start"].contains(&stage);
            assert_eq!(figure["durable"], durable, "{figure}");
            if figure["loop"] == "open" {
                assert!(
                    figure["offered_per_second"].as_u64().unwrap() > 0,
                    "{figure}"
                );
                assert!(figure["permille_of_bound"].is_null(), "{figure}");
            }
            if durable {
                let latency = &figure["latency_nanos"];
                let of = |name: &str| latency[name].as_u64().unwrap();
                assert!(
                    of("p50") <= of("p99") && of("p99") <= of("p999"),
                    "{figure}"
                );
            }
        }
    }
    let open = measured.iter().filter(|figure| figure["loop"] == "open");
    assert_eq!(
        open.count(),
        8,
        "two rates of two numbers of callers, twice"
    );
}

#[test]
fn memory_is_told_by_thing() {
    let ran = bench(&["--memory", "--quick", "--json"]).ends_with(Exit::Done);
    let document = ran.json();
    assert_eq!(document["object"], "bench_memory");
    let things: Vec<_> = document["held"].as_array().unwrap().iter().collect();
    assert_eq!(things.len(), 6);
    for thing in things {
        fields(thing, &["thing", "count", "bytes", "bytes_each"]);
    }
}

#[test]
fn reads_are_measured_on_two_books() {
    let ran = bench(&["--reads", "--quick", "--json"]).ends_with(Exit::Done);
    let document = ran.json();
    assert_eq!(document["object"], "bench_reads");
    let reads: Vec<_> = document["reads"].as_array().unwrap().iter().collect();
    assert!(reads.len() > 30, "{document}");
    for read in reads {
        fields(read, &["read", "small", "large"]);
        fields(&read["large"], &["p50_ns", "rows", "bytes"]);
    }
}

#[test]
fn wrong_usage_exits_2() {
    for args in [
        &["--only", "everything"][..],
        &["--only"],
        &["--quick", "--full"],
        &["--memory", "--only", "core"],
        &["--memory", "--plot", "x.svg"],
        &["--reads", "--memory"],
        &["--against", "oracle=x"],
        &["--against", "postgres=localhost"],
        &["--against", "tigerbeetle=x", "--accounts", "1"],
        &["--against", "tigerbeetle=x", "--batch", "10001"],
        &["--against", "tigerbeetle=x", "--clients", "0"],
        &["--rounds", "3"],
        &["--against", "tigerbeetle=x", "--id-order", "reversed"],
    ] {
        let ran = bench(args);
        assert_eq!(ran.exit, Exit::Usage, "{args:?}: {ran:?}");
        assert_eq!(ran.out, "", "{args:?}");
    }
}

#[test]
fn a_peer_that_is_missing_is_named_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let args = ["--against", "tigerbeetle=./nowhere/tigerbeetle"];
    let ran = on(directory.path(), &args).ends_with(Exit::Failed);
    assert!(ran.err.contains("./nowhere/tigerbeetle"), "{}", ran.err);
    assert!(
        ran.err
            .contains("\n  try: tillroll-bench --against tigerbeetle=PATH"),
        "{}",
        ran.err
    );
}
