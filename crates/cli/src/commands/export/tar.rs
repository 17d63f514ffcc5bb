//! A POSIX `ustar` archive of small files: sorted, without an owner, without times, so that the
//! same contents give the same bytes. What is read was written so, or it is refused.

use std::collections::BTreeMap;

const BLOCK: usize = 512;

/// Where the checksum stands in a header.
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// The archive of these files below one directory.
pub(crate) fn archive(root: &str, files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, bytes) in files {
        archive.extend_from_slice(&header(&format!("{root}/{name}"), bytes.len()));
        archive.extend_from_slice(bytes);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    archive.resize(archive.len() + 2 * BLOCK, 0);
    archive
}

/// The files of an archive that [`archive`] wrote, byte for byte.
pub(crate) fn files(archive: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let refused = |what: &str| Err(format!("it is no archive of evidence: {what}"));
    let (mut files, mut root) = (BTreeMap::new(), None);
    let mut rest = archive;
    while let Some((header, behind)) = rest.split_first_chunk::<BLOCK>() {
        if header[0] == 0 {
            break;
        }
        let text = |range: std::ops::Range<usize>| {
            let field = header[range].split(|byte| *byte == 0).next();
            std::str::from_utf8(field.unwrap_or_default()).unwrap_or_default()
        };
        let length = usize::from_str_radix(text(124..136), 8).ok();
        let Some((bytes, _)) = length.and_then(|length| behind.split_at_checked(length)) else {
            return refused("it is cut short");
        };
        let path = match text(345..500) {
            "" => text(0..100).to_owned(),
            prefix => format!("{prefix}/{}", text(0..100)),
        };
        let Some((directory, name)) = path.split_once('/') else {
            return refused("a file in it lies in no directory");
        };
        if root.get_or_insert_with(|| directory.to_owned()) != directory {
            return refused("it has several directories");
        }
        files.insert(name.to_owned(), bytes.to_vec());
        let padded = bytes.len().next_multiple_of(BLOCK).min(behind.len());
        rest = &behind[padded..];
    }
    let Some(root) = root else {
        return refused("there is nothing in it");
    };
    // Whatever else is in it, between the files or behind them, would not be written so.
    match is_short(&root, &files) && self::archive(&root, &files) == archive {
        true => Ok(files),
        false => refused("its headers or the bytes between its files were changed"),
    }
}

/// Whether [`split`] can name all of them.
fn is_short(root: &str, files: &BTreeMap<String, Vec<u8>>) -> bool {
    files.keys().all(|name| root.len() + name.len() < 100)
}

fn header(path: &str, length: usize) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    let (prefix, name) = split(path);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{length:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(CHECKSUM.start, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(345, prefix.as_bytes());
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    header[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// A name of at most 100 bytes, and what comes before it.
///
/// # Panics
/// When the path does not fit a header, which none of this archive does.
fn split(path: &str) -> (&str, &str) {
    if path.len() <= 100 {
        return ("", path);
    }
    let fits = |at: &usize| *at <= 155 && path.len() - at - 1 <= 100;
    let at = path.match_indices('/').map(|(at, _)| at).find(fits);
    let at = at.expect("names of evidence are short");
    (&path[..at], &path[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_the_layout_of_the_standard() {
        let files = BTreeMap::from([
            ("b".to_owned(), vec![b'x'; 513]),
            ("a".to_owned(), b"hello".to_vec()),
        ]);
        let archive = archive("root", &files);
        assert_eq!(archive.len(), BLOCK * (2 + 3 + 2));
        assert_eq!(&archive[..7], b"root/a\0");
        assert_eq!(&archive[124..136], b"00000000005\0");
        assert_eq!(&archive[257..265], b"ustar\x0000");
        assert_eq!(&archive[BLOCK..BLOCK + 6], b"hello\0");
        assert_eq!(&archive[2 * BLOCK..2 * BLOCK + 7], b"root/b\0");
        assert_eq!(&archive[2 * BLOCK + 124..2 * BLOCK + 136], b"00000001001\0");
        assert!(archive[5 * BLOCK..].iter().all(|byte| *byte == 0));
        for start in [0, 2 * BLOCK] {
            let mut header = archive[start..start + BLOCK].to_vec();
            let stated = String::from_utf8(header[148..154].to_vec()).unwrap();
            header[CHECKSUM].fill(b' ');
            let sum: u32 = header.iter().copied().map(u32::from).sum();
            assert_eq!(u32::from_str_radix(&stated, 8), Ok(sum));
        }
    }

    #[test]
    fn an_archive_reads_back_and_no_byte_of_it_can_change() {
        let files = BTreeMap::from([
            ("a/b".to_owned(), vec![b'x'; 600]),
            ("c".to_owned(), Vec::new()),
        ]);
        let whole = archive("root", &files);
        assert_eq!(super::files(&whole), Ok(files.clone()));
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            // A file's own bytes are for the check of the pack.
            assert!(super::files(&changed) != Ok(files.clone()), "{at}");
        }
        assert!(super::files(&whole[..whole.len() - 1]).is_err());
        assert!(super::files(b"").is_err());
    }

    #[test]
    fn a_long_path_is_split_between_directories() {
        for (path, expected) in [
            ("a/b".to_owned(), (0, 3)),
            ("x".repeat(100), (0, 100)),
            (format!("{}/{}", "d".repeat(50), "n".repeat(60)), (50, 60)),
            (
                format!("{}/{}/{}", "d".repeat(30), "e".repeat(30), "n".repeat(60)),
                (30, 91),
            ),
        ] {
            let (prefix, name) = split(&path);
            assert_eq!((prefix.len(), name.len()), expected, "{path}");
        }
    }
}
