//! Reliability of the real binary: `tillroll serve` as a process that is killed, stopped, starved
//! of space, lied to by the disk, and given damaged or old directories.
//!
//! What these tests know of the server they know over HTTP and from files, as its users do; the
//! laws of the books are checked by `tillroll verify` and by sums of what was sent.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `TILLROLL_KILLS` | cycles of SIGKILL; 80 take about 15 s on two idle cores, 200 (CI) about 40 s, 10,000 (published figures) about 45 min | 80 |
//! | `TILLROLL_CALLS` | calls of a short run that fail in turn, drawn from all of them (1000000 are all, about 20 min) | 12 |
//! | `TILLROLL_POWER_CUTS` | power cuts of a recorded disk; 100 take about a minute | 4 |
//! | `TILLROLL_SEED` | of whatever is drawn; printed with every failure | 7 |
//! | `TILLROLL_REQUIRE_FAULTS` | when set, a missing root, `mount`, `strace` or `qemu-storage-daemon` fails the test instead of skipping it | not set |
//! | `TILLROLL_WRITE_GOLDEN` | name of a new golden data directory to write, see `golden` | not set |
//!
//! Parts that need a tool or a right that is missing print `SKIPPED:` and the reason, also
//! without `--nocapture`. A summary of what was done is printed the same way.
//!
//! SIGKILL leaves the system's cache as it is, so no number of cycles shows that a sync came
//! before its acknowledgement. `power_cut` shows it on a real file system, the failing syncs of
//! `faults` for those that the system reports, and `crates/simulation` on a simulated disk.

#![cfg(target_os = "linux")]

mod book;
mod check;
mod client;
mod command;
mod disk_full;
mod every_call;
mod exclusive;
mod faults;
mod golden;
mod inject;
mod kill;
mod load;
mod mount;
mod power_cut;
mod recorded_disk;
mod report;
mod roll;
mod rot;
mod segment;
mod server;
mod start_faults;
mod stop;
mod witness;
