//! PostgreSQL with a ledger of stored procedures (`schema.sql`), loaded by its own `pgbench`.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tillroll_log::testing::Random;

use super::ours::{TransferWork, from_micros};
use super::program::output;
use super::{Comparison, ComparisonOptions, Round, in_turn};
use crate::load::Percentiles;
use crate::workload::Ids;
use crate::{BenchError, BenchScratch, Machine};

const PEER: &str = "PostgreSQL";

const SCHEMA: &str = include_str!("schema.sql");

/// Durable, whatever the server's default is, and in our schema.
const OPTIONS: &str = "-c synchronous_commit=on -c search_path=tillroll_bench";

const MISSING: &str = "install PostgreSQL's client programs: psql, pgbench \
    (Debian: apt-get install postgresql-client postgresql-contrib)";

/// Scripts with arrays of their own, so that batches differ.
const SCRIPTS: usize = 64;

/// A database that may be written: everything goes into the schema `tillroll_bench`, which is
/// dropped before and after.
#[derive(Clone, PartialEq, Eq)]
pub struct Postgres {
    /// As libpq takes it: `postgres://user@host/database`.
    pub url: String,
}

/// There may be a password in it.
impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl Postgres {
    /// Both in turn: single transfers from 16 clients, and batches of 1,000 from one, unless it
    /// is said otherwise.
    ///
    /// # Errors
    /// When either cannot be run, or prints what is not understood.
    pub fn compare(
        &self,
        versus: ComparisonOptions,
        directory: &Path,
        mut progress: impl FnMut(&str),
    ) -> Result<Comparison, BenchError> {
        let kinds = match (versus.batch, versus.clients) {
            (None, None) => vec![(1, 16), (1_000, 1)],
            (batch, clients) => vec![(batch.unwrap_or(1), clients.unwrap_or(1))],
        };
        let mut differences = differences();
        differences.extend(self.settings()?);
        let mut scratch = BenchScratch::below(directory)?;
        let mut rows = Vec::new();
        for (batch, clients) in kinds {
            let work = TransferWork {
                transfers: versus.transfers,
                accounts: versus.accounts,
                batch,
                clients,
                ids: versus.ids,
                limits: true,
            };
            rows.push(in_turn(
                PEER,
                versus.rounds,
                &work,
                &mut scratch,
                &mut progress,
                |work, directory| self.run(work, directory),
            )?);
        }
        self.psql(&["-c", "DROP SCHEMA IF EXISTS tillroll_bench CASCADE"])?;
        let machine = Machine::of(scratch.path());
        Ok(Comparison {
            peer: PEER.into(),
            versus,
            rows,
            differences,
            machine,
        })
    }

    fn psql(&self, arguments: &[&str]) -> Result<String, BenchError> {
        let mut command = Command::new(program("psql"));
        command
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .args(arguments)
            .arg(&self.url)
            .env("PGOPTIONS", "-c client_min_messages=warning");
        output(&mut command, MISSING)
    }

    /// What decides whether its figures are durable, and where they are written.
    fn settings(&self) -> Result<Vec<String>, BenchError> {
        let mut found = Vec::new();
        for name in [
            "server_version",
            "fsync",
            "full_page_writes",
            "shared_buffers",
        ] {
            let value = self.psql(&["-c", &format!("SHOW {name}")])?;
            found.push(format!("{name}={}", value.trim()));
        }
        // Only some users may ask for it.
        if let Ok(path) = self.psql(&["-c", "SHOW data_directory"]) {
            found.push(format!("data_directory={}", path.trim()));
        }
        let settings = format!(
            "the server, as it is set: {}; synchronous_commit=on in each session",
            found.join(", ")
        );
        Ok(vec![settings])
    }

    fn run(&self, work: &TransferWork, directory: &Path) -> Result<Round, BenchError> {
        let schema = directory.join("schema.sql");
        write(&schema, SCHEMA)?;
        let accounts = format!("accounts={}", work.accounts);
        self.psql(&["-v", &accounts, "-f", &text(&schema)])?;
        let scripts = scripts(work);
        let mut command = Command::new(program("pgbench"));
        let calls = work.transfers.div_ceil(work.batch * work.clients).max(1);
        command
            .args(["-n", "-M", "prepared", "-l", "--log-prefix=calls"])
            .arg(format!("--client={}", work.clients))
            .arg(format!("--jobs={}", work.clients.min(2)))
            .arg(format!("--transactions={calls}"))
            .current_dir(directory)
            .env("PGOPTIONS", OPTIONS);
        for (number, script) in scripts.iter().enumerate() {
            let path = directory.join(format!("script-{number}.sql"));
            write(&path, script)?;
            command.arg("-f").arg(&path);
        }
        let printed = output(command.arg(&self.url), MISSING)?;
        let rate = parse(&printed).ok_or_else(|| BenchError::Program {
            program: "pgbench".into(),
            why: format!("it printed no `tps = N`: {printed:?}"),
            next: None,
        })?;
        let size = self.psql(&["-c", "SELECT pg_database_size(current_database())"])?;
        Ok(Round {
            per_second: rate.saturating_mul(work.batch as u64) / 1_000,
            latency: latencies(directory)?,
            notes: vec![format!("database = {} bytes", size.trim())],
        })
    }
}

/// What each client does, over and over.
fn scripts(work: &TransferWork) -> Vec<String> {
    let (accounts, id) = (
        work.accounts,
        match work.ids {
            Ids::Random => "gen_random_uuid()",
            Ids::Increasing => "increasing_id()",
        },
    );
    if work.batch == 1 {
        let others = accounts.saturating_sub(2);
        return vec![format!(
            "\\set debit random(1, {accounts})\n\
             \\set credit 1 + (:debit + random(0, {others})) % {accounts}\n\
             \\set amount random(1, 1000)\n\
             SELECT post_transfer({id}, :debit, :credit, :amount);\n"
        )];
    }
    let mut random = Random::new(1);
    (0..SCRIPTS)
        .map(|_| {
            let (mut debits, mut credits, mut amounts) =
                (String::new(), String::new(), String::new());
            for number in 0..work.batch {
                let comma = if number == 0 { "" } else { "," };
                let debit = random.below(accounts);
                let credit = (debit + 1 + random.below(accounts - 1)) % accounts;
                let amount = random.below(1_000) + 1;
                for (list, number) in [
                    (&mut debits, debit + 1),
                    (&mut credits, credit + 1),
                    (&mut amounts, amount),
                ] {
                    write!(list, "{comma}{number}").expect("memory takes text");
                }
            }
            format!(
                "SELECT post_transfers(\
                 (SELECT array_agg({id}) FROM generate_series(1, {})), \
                 '{{{debits}}}', '{{{credits}}}', '{{{amounts}}}');\n",
                work.batch
            )
        })
        .collect()
}

/// Thousandths of a call per second, from `tps = 123.456 (without initial connection time)`.
fn parse(printed: &str) -> Option<u64> {
    let line = printed
        .lines()
        .find_map(|line| line.strip_prefix("tps = "))?;
    let number = line.split_whitespace().next()?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let thousandths: String = part.chars().chain("000".chars()).take(3).collect();
    let whole: u64 = whole.parse().ok()?;
    whole
        .checked_mul(1_000)?
        .checked_add(thousandths.parse().ok()?)
}

/// From pgbench's log, whose third column is a call's microseconds.
fn latencies(directory: &Path) -> Result<Percentiles, BenchError> {
    let mut all = Vec::new();
    const LOOK: &str = "look for pgbench's log";
    for entry in fs::read_dir(directory).map_err(BenchError::io(LOOK))? {
        let path = entry.map_err(BenchError::io(LOOK))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with("calls.") {
            continue;
        }
        let log = fs::read_to_string(&path).map_err(BenchError::io("read pgbench's log"))?;
        let micros = log
            .lines()
            .filter_map(|line| line.split(' ').nth(2)?.parse::<u64>().ok());
        all.extend(micros.map(from_micros));
    }
    Ok(Percentiles::of(&all))
}

/// Debian keeps the programs of each version out of the search path.
fn program(name: &str) -> OsString {
    let on_path = std::env::var_os("PATH").is_some_and(|paths| {
        std::env::split_paths(&paths).any(|directory| directory.join(name).is_file())
    });
    if on_path {
        return name.into();
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let installed = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin").join(name)))
        .filter(|path| path.is_file());
    installed
        .max()
        .map_or_else(|| name.into(), PathBuf::into_os_string)
}

fn write(path: &Path, content: &str) -> Result<(), BenchError> {
    fs::write(path, content).map_err(BenchError::io(format!("write {}", path.display())))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn differences() -> Vec<String> {
    [
        "both: durable before the answer, unique ids, limits, findable by entry and by account",
        "PostgreSQL's postings can be found by SQL in the same moment; ours when the read models have followed (see the notes)",
        "PostgreSQL is spoken to in its own protocol with prepared statements; ours in JSON over HTTP. In batches it is not even sent the data: the arrays stand in the prepared statement and the ids are made in the server, which favours it",
        "in batches PostgreSQL checks a limit on the sum of the batch, and the batch is all or nothing; ours checks after each entry, and each stands on its own",
        "ours keeps a hash-chained history of everything; PostgreSQL can be changed by every user who may write to it",
        "the server is not tuned by us; a larger shared_buffers or max_wal_size may help it",
    ]
    .map(str::to_owned)
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_in_thousandths() {
        let printed = "pgbench (15.8)\nnumber of clients: 16\n\
            latency average = 2.112 ms\ntps = 7575.123456 (without initial connection time)\n";
        for (text, expected) in [
            (printed, Some(7_575_123)),
            ("tps = 12 (x)\n", Some(12_000)),
            ("tps = 0.5\n", Some(500)),
            ("tps = many\n", None),
            ("latency average = 1 ms\n", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn latencies_are_the_third_column_of_every_log() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        write(
            "calls.77",
            "0 0 1000 0 1700000000 1\n0 1 3000 0 1700000000 2\n",
        );
        write("calls.77.1", "1 0 2000 0 1700000000 1\n");
        write("script-0.sql", "0 0 9999999 0 0 0\n");
        let found = latencies(directory.path()).unwrap();
        assert_eq!(found.max / 1_000_000, 3);
        assert_eq!(found.p50 / 1_000_000, 2);
    }

    #[test]
    fn a_script_moves_money_between_two() {
        let work = TransferWork {
            transfers: 10,
            accounts: 100,
            batch: 3,
            clients: 1,
            ids: Ids::Random,
            limits: true,
        };
        let many = scripts(&work);
        assert_eq!(many.len(), SCRIPTS);
        for script in &many {
            let lists: Vec<_> = script.split('\'').skip(1).step_by(2).collect();
            assert_eq!(lists.len(), 3, "{script}");
            for list in lists {
                assert_eq!(list.split(',').count(), 3, "{script}");
            }
        }
        let single = scripts(&TransferWork { batch: 1, ..work });
        assert!(single[0].contains("random(0, 98)) % 100"), "{}", single[0]);
    }

    #[test]
    fn a_password_is_not_printed() {
        let database = Postgres {
            url: "postgres://me:secret@localhost/x".into(),
        };
        assert!(!format!("{database:?}").contains("secret"));
    }
}
