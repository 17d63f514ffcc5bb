//! Faults of the system, put under a running binary by `strace`: the call is answered with an
//! error and not made, or the process is killed as it enters it.

use std::path::Path;
use std::process::{Command, Stdio};

/// A fault and where it strikes.
#[derive(Clone, Copy, Debug)]
pub struct Fault<'a> {
    /// `fdatasync`.
    pub call: &'a str,
    /// `error=EIO`, `signal=SIGKILL`.
    pub what: &'a str,
    /// The k-th call of a thread, from 1; `3+` is the third and all that follow.
    pub when: &'a str,
    /// Only calls on this file or directory.
    pub on: Option<&'a Path>,
}

impl Fault<'_> {
    /// The command that runs what is behind it with this fault, in its own process: the tracer
    /// is the one that goes aside. Each thread counts its own calls.
    pub fn under(&self) -> Vec<String> {
        let Self {
            call, what, when, ..
        } = self;
        let mut line = vec![
            "strace".to_owned(),
            "-D".into(),
            "-f".into(),
            "-qq".into(),
            "-o".into(),
            "/dev/null".into(),
            "-e".into(),
            format!("trace={call}"),
            "-e".into(),
            format!("inject={call}:{what}:when={when}"),
        ];
        if !what.starts_with("signal=") {
            // Stops at the traced calls only. It lets signals be forgotten.
            line.push("--seccomp-bpf".into());
        }
        if let Some(path) = self.on {
            line.extend(["-P".into(), path.display().to_string()]);
        }
        line
    }
}

/// Whether faults can be injected here. An error says why they cannot.
pub fn available() -> Result<(), String> {
    // A program that syncs and says whether that went well.
    let fault = Fault {
        call: "fdatasync",
        what: "error=EIO",
        when: "1",
        on: None,
    };
    let line = fault.under();
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let synced = Command::new(&line[0])
        .args(&line[1..])
        .args(["sync", "-d"])
        .arg(file.path())
        .stdin(Stdio::null())
        .output();
    match synced {
        Err(error) => Err(format!("strace: {error}")),
        Ok(output) if output.status.success() => Err("strace injects no fault here".into()),
        Ok(output) => {
            let said = crate::server::text(&output.stderr);
            match said.contains("Input/output error") {
                true => Ok(()),
                false => Err(said.trim().to_owned()),
            }
        }
    }
}
