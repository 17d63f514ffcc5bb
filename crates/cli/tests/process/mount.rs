//! A small file system of its own, for a disk that fills up.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::report::is_root;
use crate::server::text;

/// A mounted tmpfs. Dropping it unmounts it.
#[derive(Debug)]
pub struct Small {
    path: PathBuf,
}

impl Small {
    /// Mounts one of so many bytes on a directory. An error says why that cannot be done here.
    pub fn mount(path: &Path, bytes: u64) -> Result<Self, String> {
        if !is_root() {
            return Err("mounting needs root".into());
        }
        std::fs::create_dir_all(path).map_err(|error| error.to_string())?;
        let size = format!("size={bytes}");
        run(&["mount", "-t", "tmpfs", "-o", &size, "tmpfs"], path)?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Gives it another size.
    pub fn resize(&self, bytes: u64) {
        let size = format!("remount,size={bytes}");
        run(&["mount", "-o", &size], &self.path).expect("it was mounted by us");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily, because after a failed test a process may still be there.
        if let Err(error) = run(&["umount", "-l"], &self.path) {
            crate::report::say(&format!("{} is left mounted: {error}", self.path.display()));
        }
    }
}

fn run(command: &[&str], path: &Path) -> Result<(), String> {
    let ran = Command::new(command[0])
        .args(&command[1..])
        .arg(path)
        .output();
    match ran {
        Err(error) => Err(format!("{}: {error}", command[0])),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(text(&output.stderr).trim().to_owned()),
    }
}
