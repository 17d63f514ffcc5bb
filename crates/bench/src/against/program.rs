//! Running another program and reading what it prints.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::BenchError;

/// Runs it to its end: what it printed on standard output.
pub(super) fn output(command: &mut Command, missing: &str) -> Result<String, BenchError> {
    let program = PathBuf::from(command.get_program());
    let name = program.file_name().unwrap_or(OsStr::new("a program"));
    let name = name.to_string_lossy().into_owned();
    let ran = command.stdin(Stdio::null()).output();
    let ran = ran.map_err(|error| BenchError::Program {
        program: name.clone(),
        why: format!("{} cannot be run: {error}", program.display()),
        next: Some(missing.to_owned()),
    })?;
    if ran.status.success() {
        return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
    }
    // The last lines say why.
    let said = String::from_utf8_lossy(&ran.stderr);
    let said: Vec<_> = said.trim().lines().rev().take(5).collect();
    let said: Vec<_> = said.into_iter().rev().collect();
    Err(BenchError::Program {
        program: name,
        why: format!("{}: {}", ran.status, said.join("; ")),
        next: None,
    })
}
