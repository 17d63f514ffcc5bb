//! What was measured on: processor, memory, file system.

use std::fs;
use std::path::Path;
use std::thread;

/// The machine, as far as it says. What cannot be found is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    pub cpu: Option<String>,
    pub cores: u64,
    pub memory_bytes: Option<u64>,
    /// Of the directory where the durable files go: `ext4`.
    pub filesystem: Option<String>,
    /// Whether memory comes in huge pages by itself: `always`, `madvise`, `never`.
    pub huge_pages: Option<String>,
    /// Hundredths of a process that wanted a core in the minute before.
    pub load: Option<u64>,
}

impl Machine {
    /// This machine, with the file system that a directory is on.
    #[must_use]
    pub fn of(directory: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let directory = directory.canonicalize();
        let mounts = read("/proc/self/mountinfo");
        Self {
            cpu: cpu(&read("/proc/cpuinfo")),
            cores: cores as u64,
            memory_bytes: memory(&read("/proc/meminfo")),
            filesystem: directory
                .ok()
                .and_then(|directory| filesystem(&mounts, &directory)),
            load: load(&read("/proc/loadavg")),
            huge_pages: chosen(&read("/sys/kernel/mm/transparent_hugepage/enabled")),
        }
    }

    /// Whether others want the cores: more than half of one of two.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.load.is_some_and(|load| load > self.cores * 25)
    }

    /// Whether files are kept in memory, where a sync costs nothing and means nothing.
    #[must_use]
    pub fn syncs_mean_nothing(&self) -> bool {
        matches!(self.filesystem.as_deref(), Some("tmpfs" | "ramfs"))
    }
}

/// The first processor's name.
fn cpu(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    Some(name.trim().to_owned())
}

fn memory(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The first number, which has two digits after its point.
fn load(loadavg: &str) -> Option<u64> {
    let (whole, part) = loadavg.split_whitespace().next()?.split_once('.')?;
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(100)?.checked_add(part.parse().ok()?)
}

/// The word in brackets.
fn chosen(enabled: &str) -> Option<String> {
    let (_, rest) = enabled.split_once('[')?;
    let (word, _) = rest.split_once(']')?;
    Some(word.to_owned())
}

/// The type of the mount that a directory lies below: the longest that fits, and of two of the
/// same length the later, which hides the earlier.
fn filesystem(mountinfo: &str, directory: &Path) -> Option<String> {
    let mounts = mountinfo.lines().filter_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        let point = unescape(mount.split(' ').nth(4)?);
        Some((point, source.split(' ').next()?))
    });
    let below = mounts.filter(|(point, _)| directory.starts_with(point));
    let (_, kind) = below.max_by_key(|(point, _)| point.len())?;
    Some(kind.to_owned())
}

/// Blanks in names of mount points are written as octal numbers.
fn unescape(point: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\134", "\\")]
        .iter()
        .fold(point.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mount_says_the_file_system() {
        let mounts = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:20 / /dev/shm rw,nosuid - tmpfs tmpfs rw
24 22 0:21 / /data rw - xfs /dev/vdb rw
25 22 0:22 / /data/a\\040b rw - btrfs /dev/vdc rw
26 22 0:23 / /data rw - zfs tank rw
";
        for (directory, expected) in [
            ("/", "ext4"),
            ("/home/x", "ext4"),
            ("/dev/shm/bench", "tmpfs"),
            ("/data/x", "zfs"),
            ("/data/a b/x", "btrfs"),
            ("/database", "ext4"),
        ] {
            let found = filesystem(mounts, Path::new(directory));
            assert_eq!(found.as_deref(), Some(expected), "{directory}");
        }
        assert_eq!(filesystem("", Path::new("/")), None);
    }

    #[test]
    fn what_the_kernel_says_is_read() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A Processor 7\nmodel name\t: other\n";
        assert_eq!(cpu(cpuinfo).as_deref(), Some("A Processor 7"));
        assert_eq!(cpu("processor : 0\n"), None);
        let meminfo = "MemTotal:       24689772 kB\nMemFree: 1 kB\n";
        assert_eq!(memory(meminfo), Some(24_689_772 * 1024));
        assert_eq!(memory("MemTotal: many kB\n"), None);
        assert_eq!(
            chosen("always [madvise] never\n").as_deref(),
            Some("madvise")
        );
        assert_eq!(chosen(""), None);
        assert_eq!(load("7.05 5.10 1.00 3/120 99\n"), Some(705));
        assert_eq!(load(""), None);
    }

    #[test]
    fn a_machine_with_other_work_is_busy() {
        for (cores, load, expected) in [
            (2, Some(50), false),
            (2, Some(51), true),
            (64, Some(700), false),
            (2, None, false),
        ] {
            let machine = Machine {
                cores,
                load,
                ..Machine::default()
            };
            assert_eq!(machine.is_busy(), expected, "{machine:?}");
        }
    }

    #[test]
    fn only_files_in_memory_cannot_be_synced() {
        for (kind, expected) in [("tmpfs", true), ("ramfs", true), ("ext4", false)] {
            let machine = Machine {
                filesystem: Some(kind.to_owned()),
                ..Machine::default()
            };
            assert_eq!(machine.syncs_mean_nothing(), expected, "{kind}");
        }
    }
}
