//! `planted-bugs`: the table of negative controls.

/// Plants bugs in Tillroll's own code, one at a time, and shows which suite finds them.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Plant this bug alone
    #[arg(long, value_name = "BUG")]
    only: Option<String>,
}

/// A program that is built without bugs has none to plant.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) fn run(arguments: &Arguments) -> std::process::ExitCode {
    let only = arguments.only.as_ref();
    let only = only.map_or_else(String::new, |bug| format!(" --only {bug}"));
    eprintln!(
        "this program was built without bugs to plant; run\n\n  \
         cargo run -p tillroll-simulation --release --features planted-bugs -- planted-bugs{only}"
    );
    std::process::ExitCode::from(2)
}

#[cfg(feature = "planted-bugs")]
pub(crate) use armed::run;

#[cfg(feature = "planted-bugs")]
mod armed {
    use std::process::ExitCode;

    use comfy_table::{CellAlignment, ColumnConstraint, Table, Width};
    use indicatif::{ProgressBar, ProgressStyle};
    use tillroll_sabotage::Bug;
    use tillroll_simulation::hunt::hunt;
    use tillroll_simulation::suites::{Caught, Suite};

    use super::Arguments;

    pub(crate) fn run(arguments: &Arguments) -> ExitCode {
        let chosen = |bug: &Bug| {
            arguments
                .only
                .as_ref()
                .is_none_or(|name| name == bug.name())
        };
        let bugs: Vec<Bug> = Bug::ALL.into_iter().filter(chosen).collect();
        if bugs.is_empty() {
            eprintln!("one of {}", Bug::ALL.map(Bug::name).join(", "));
            return ExitCode::from(2);
        }
        let bar = bar((Suite::ALL.len() + bugs.len()) as u64);
        // A suite may find a bug by a panic, which is said in the table.
        std::panic::set_hook(Box::new(|_| {}));

        let mut sound = table(["suite", "promise", "without a bug", "ms"]);
        let mut failed = 0;
        for suite in Suite::ALL {
            bar.set_message(suite.name);
            let (verdict, took) = timed(&bar, || suite.run());
            failed += usize::from(verdict.is_err());
            let verdict =
                verdict.map_or_else(|caught| format!("FAILS: {caught}"), |()| "passes".into());
            sound.add_row([suite.name, suite.promise, &verdict, &took]);
            bar.inc(1);
        }

        let mut found = table(["bug", "planted in", "suite", "caught by", "ms"]);
        let mut missed = 0;
        for bug in &bugs {
            bar.set_message(bug.name());
            let (caught, took) = timed(&bar, || hunt(*bug));
            missed += usize::from(caught.is_none());
            let caught = caught.map_or_else(|| "NOT CAUGHT".into(), |caught| brief(&caught));
            found.add_row([bug.name(), bug.place(), bug.suite(), &caught, &took]);
            bar.inc(1);
        }
        let seconds = bar.elapsed().as_secs();
        bar.finish_and_clear();
        for (table, wide) in [(&mut sound, 2), (&mut found, 3)] {
            if let Some(column) = table.column_mut(wide) {
                column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(72)));
            }
            let last = table.column_count().saturating_sub(1);
            if let Some(column) = table.column_mut(last) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            println!("{table}\n");
        }
        println!(
            "{} of {} planted bugs caught, {} of {} suites pass without one, in {seconds} s",
            bugs.len() - missed,
            bugs.len(),
            Suite::ALL.len() - failed,
            Suite::ALL.len()
        );
        match missed + failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }

    fn table<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
        let mut table = Table::new();
        table.load_style(crate::STYLE);
        table.set_header(header);
        table
    }

    /// As much of a finding as a table has room for.
    fn brief(caught: &Caught) -> String {
        const ROOM: usize = 140;
        let text = caught.to_string();
        match text.char_indices().nth(ROOM) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    /// What it came to, and the milliseconds that it took: for the reader, nobody judges them.
    fn timed<T>(bar: &ProgressBar, run: impl FnOnce() -> T) -> (T, String) {
        let started = bar.elapsed();
        let result = run();
        let took = bar.elapsed().saturating_sub(started);
        (result, took.as_millis().to_string())
    }

    fn bar(length: u64) -> ProgressBar {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
        let style = style.expect("the template is fixed").progress_chars("=> ");
        ProgressBar::new(length).with_style(style)
    }
}
