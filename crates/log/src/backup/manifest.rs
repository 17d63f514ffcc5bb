//! The manifest: what a backup consists of, as text with one fact in a line.
//!
//! `BACKUP.md` describes it. There is one way to write a manifest, so whatever
//! is read and would be written otherwise is refused.

use std::fmt::Write;

use super::extra;
use super::{FILES, log_path};
use crate::identity::{FrameHash, Head, LogId, Position};
use crate::segment;

const MAGIC: &str = "tillroll backup ";
const VERSION: &str = "1";

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestFault {
    /// It is something else.
    #[error("it does not start as the manifest of a backup does")]
    Magic,
    /// A newer program wrote it.
    #[error("version {version:?} is not known to this program")]
    Version {
        /// The version found.
        version: String,
    },
    /// It is cut short, or was changed.
    #[error("it does not match the hash in its last line")]
    Hash,
    /// A line says what cannot be.
    #[error("line {line} is not what belongs there")]
    Line {
        /// The line, from 1.
        line: usize,
    },
}

/// A segment, as far as it is in the backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentEntry {
    pub first: Position,
    /// Bytes that belong to the backup. The file may have more, when it is the
    /// last and a later backup was interrupted.
    pub length: u64,
    pub hash: blake3::Hash,
    /// The log at the end of this segment.
    pub end: Head,
}

impl SegmentEntry {
    pub(super) fn name(&self) -> String {
        segment::file_name(self.first)
    }

    pub(super) fn path(&self) -> String {
        log_path(&self.name())
    }
}

/// A file beside the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileEntry {
    pub length: u64,
    pub hash: blake3::Hash,
    /// Its path in the data directory.
    pub path: String,
}

impl FileEntry {
    /// Where its content is in the backup.
    pub(super) fn stored(&self) -> String {
        format!("{FILES}/{}", self.hash.to_hex())
    }
}

/// What a backup consists of. It has at least one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub book: LogId,
    pub segments: Vec<SegmentEntry>,
    pub files: Vec<FileEntry>,
}

impl Manifest {
    pub(super) fn head(&self) -> Head {
        self.segments.last().map_or(Head::EMPTY, |last| last.end)
    }

    /// Bytes of everything that it names.
    pub(super) fn bytes(&self) -> u64 {
        let segments = self.segments.iter().map(|segment| segment.length);
        let files = self.files.iter().map(|file| file.length);
        segments.chain(files).sum()
    }

    pub(super) fn encode(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a string takes everything");
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "{MAGIC}{VERSION}")?;
        writeln!(text, "book {}", self.book)?;
        let head = self.head();
        writeln!(text, "head {} {}", head.position, head.hash)?;
        for segment in &self.segments {
            let SegmentEntry {
                length, hash, end, ..
            } = segment;
            let (name, hash) = (segment.name(), hash.to_hex());
            let Head {
                position,
                hash: frame,
            } = end;
            writeln!(text, "segment {name} {length} {hash} {position} {frame}")?;
        }
        for FileEntry { length, hash, path } in &self.files {
            writeln!(text, "file {length} {} {path}", hash.to_hex())?;
        }
        let hash = blake3::hash(text.as_bytes());
        writeln!(text, "end {}", hash.to_hex())
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, ManifestFault> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| match bytes.starts_with(MAGIC.as_bytes()) {
                true => ManifestFault::Hash,
                false => ManifestFault::Magic,
            })?;
        let version = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix(MAGIC))
            .ok_or(ManifestFault::Magic)?;
        if version != VERSION {
            return Err(ManifestFault::Version {
                version: version.to_owned(),
            });
        }
        check_hash(text).ok_or(ManifestFault::Hash)?;
        let manifest = Self::parse(text)?;
        // One fact, one way to write it.
        let again = manifest.encode();
        let differs = |(ours, theirs)| ours != theirs;
        match again.lines().zip(text.lines()).position(differs) {
            Some(line) => Err(ManifestFault::Line { line: line + 1 }),
            None if again.len() != text.len() => Err(ManifestFault::Hash),
            None => Ok(manifest),
        }
    }

    /// Takes what it understands; the caller compares it with what was there.
    fn parse(text: &str) -> Result<Self, ManifestFault> {
        let mut book = None;
        let mut segments = Vec::<SegmentEntry>::new();
        let mut files = Vec::<FileEntry>::new();
        for (line, content) in (1..).zip(text.lines()) {
            let (kind, rest) = content.split_once(' ').unwrap_or((content, ""));
            let understood = match kind {
                "book" => book_of(rest).map(|found| book = Some(found)),
                "segment" => segment_of(rest, segments.last()).map(|entry| segments.push(entry)),
                "file" => file_of(rest, &files).map(|entry| files.push(entry)),
                "tillroll" | "head" | "end" => Some(()),
                _ => None,
            };
            understood.ok_or(ManifestFault::Line { line })?;
        }
        match book {
            Some(book) if !segments.is_empty() => Ok(Self {
                book,
                segments,
                files,
            }),
            _ => Err(ManifestFault::Line { line: 2 }),
        }
    }
}

fn check_hash(text: &str) -> Option<()> {
    let body_end = text.strip_suffix('\n')?.rfind('\n')? + 1;
    let (body, last) = text.split_at(body_end);
    let hash = last.trim_end().strip_prefix("end ").and_then(hash_of)?;
    (blake3::hash(body.as_bytes()) == hash).then_some(())
}

fn hash_of(digits: &str) -> Option<blake3::Hash> {
    blake3::Hash::from_hex(digits).ok()
}

fn book_of(digits: &str) -> Option<LogId> {
    let id = u128::from_str_radix(digits, 16).ok()?;
    Some(LogId::new(id.to_be_bytes()))
}

/// The entry, when it continues the one before.
fn segment_of(rest: &str, before: Option<&SegmentEntry>) -> Option<SegmentEntry> {
    let mut words = rest.split(' ');
    let segment::SegmentName::Segment(first) = segment::parse_name(words.next()?) else {
        return None;
    };
    let length = words.next()?.parse().ok()?;
    let hash = hash_of(words.next()?)?;
    let end = Head {
        position: Position::new(words.next()?.parse().ok()?),
        hash: FrameHash::new(*hash_of(words.next()?)?.as_bytes()),
    };
    let start = before.map_or(Head::EMPTY, |before| before.end);
    let holds_records = end.position > start.position;
    let is_empty_log = before.is_none() && end == Head::EMPTY;
    let continues = start.position.checked_add(1) == Some(first);
    (words.next().is_none() && continues && (holds_records || is_empty_log)).then_some(
        SegmentEntry {
            first,
            length,
            hash,
            end,
        },
    )
}

fn file_of(rest: &str, before: &[FileEntry]) -> Option<FileEntry> {
    let (length, rest) = rest.split_once(' ')?;
    let (hash, path) = rest.split_once(' ')?;
    extra::check_path(path).ok()?;
    let fresh = before.iter().all(|entry| entry.path != path);
    fresh.then_some(FileEntry {
        length: length.parse().ok()?,
        hash: hash_of(hash)?,
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(first: u64, last: u64) -> SegmentEntry {
        SegmentEntry {
            first: Position::new(first),
            length: 4096,
            hash: blake3::hash(b"segment"),
            end: Head {
                position: Position::new(last),
                hash: FrameHash::new([0xab; 32]),
            },
        }
    }

    fn manifest() -> Manifest {
        Manifest {
            book: LogId::new(*b"a book of tests."),
            segments: vec![entry(1, 57), entry(58, 90)],
            files: vec![FileEntry {
                length: 33,
                hash: blake3::hash(b"content"),
                path: "keys/the signing key".into(),
            }],
        }
    }

    /// Version 1 stays readable: these are its bytes.
    const GOLDEN: &str = "\
tillroll backup 1
book 6120626f6f6b206f662074657374732e
head 90 abababababababababababababababababababababababababababababababab
segment 00000000000000000001.roll 4096 5a48604cfa203c785d8fa2dfb6389c72223011766efdcf837d63340af718ab69 57 abababababababababababababababababababababababababababababababab
segment 00000000000000000058.roll 4096 5a48604cfa203c785d8fa2dfb6389c72223011766efdcf837d63340af718ab69 90 abababababababababababababababababababababababababababababababab
file 33 3fba5250be9ac259c56e7250c526bc83bacb4be825f2799d3d59e5b4878dd74e keys/the signing key
end 71d306994a0ab20389eecbc8d62489dd848d5720fe0729b9647894a1342695da
";

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let written = manifest().encode();
        assert_eq!(Manifest::decode(written.as_bytes()), Ok(manifest()));
        assert_eq!(written, GOLDEN);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let written = manifest().encode().into_bytes();
        for bit in 0..written.len() * 8 {
            let mut flipped = written.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::decode(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..written.len() {
            assert!(Manifest::decode(&written[..length]).is_err(), "{length}");
        }
    }

    /// A manifest with this done to its text, and a hash that holds.
    fn forged(change: impl FnOnce(String) -> String) -> Result<Manifest, ManifestFault> {
        let written = manifest().encode();
        let body = written[..written.rfind("end ").unwrap()].to_owned();
        let body = change(body);
        let hash = blake3::hash(body.as_bytes()).to_hex();
        Manifest::decode(format!("{body}end {hash}\n").as_bytes())
    }

    #[test]
    fn what_cannot_be_is_refused_by_line() {
        for (from, to, line) in [
            ("book 61", "book +61", 2),
            ("head 90", "head 91", 3),
            ("00000000000000000001", "00000000000000000002", 4),
            (
                "segment 00000000000000000058",
                "segment 00000000000000000059",
                5,
            ),
            (" 90 ab", " 57 ab", 5),
            ("file 33", "file 033", 6),
            ("keys/", "../", 6),
            ("keys/", "/", 6),
            ("keys/", "log/", 6),
            ("file", "folder", 6),
        ] {
            let body = |text: String| {
                assert!(text.contains(from), "{from}");
                // The last place, because positions are also in the head.
                let at = match from.starts_with(" 90") {
                    true => text.rfind(from).unwrap(),
                    false => text.find(from).unwrap(),
                };
                format!("{}{to}{}", &text[..at], &text[at + from.len()..])
            };
            assert_eq!(forged(body), Err(ManifestFault::Line { line }), "{to}");
        }
        let twice = forged(|text| {
            let file = text.lines().last().unwrap().to_owned();
            format!("{text}{file}\n")
        });
        assert_eq!(twice, Err(ManifestFault::Line { line: 7 }));
    }

    #[test]
    fn a_newer_version_is_named() {
        let newer = manifest().encode().replace("backup 1\n", "backup 2\n");
        let refused = Manifest::decode(newer.as_bytes()).unwrap_err();
        assert!(refused.to_string().contains("\"2\""), "{refused}");
        assert_eq!(Manifest::decode(b"notes"), Err(ManifestFault::Magic));
    }
}
