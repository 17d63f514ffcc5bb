//! What a terminal would obey rather than show is shown instead.
//!
//! A description, a name or a path may hold characters that move the cursor, colour or hide what
//! stands elsewhere, set a window's title or turn the direction of a line around. Nothing that was
//! not written by us reaches a terminal with them: they are printed as JSON would write them,
//! `\u001b`, so that JSON stays JSON.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::{self, Write};

/// Whether a terminal does something with it, or shows nothing where something is.
fn acts(character: char) -> bool {
    match character {
        ' '..='~' => false,
        // Marks and isolates of direction, joints without width, tags, a text's alternatives.
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        // C0, delete, C1.
        other => other.is_control(),
    }
}

/// A text of one line or a part of one: nothing in it acts, and no line ends in it.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// A text whose lines stay lines.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| character == '\n')
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_shown = |character: char| !acts(character) || keep(character);
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match (is_shown(character), character) {
            (true, _) => shown.push(character),
            (false, '\n') => shown.push_str("\\n"),
            (false, '\t') => shown.push_str("\\t"),
            (false, '\r') => shown.push_str("\\r"),
            (false, _) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(shown, "\\u{unit:04x}").expect("memory takes text");
                }
            }
        }
    }
    Cow::Owned(shown)
}

/// A stream that a person looks at. What is written to it is escaped, but for the ends of lines
/// and, in a log, the colours that the log itself chose.
pub(crate) struct Screen<W> {
    stream: W,
    /// The start of a character whose end was not written yet.
    begun: Vec<u8>,
}

impl<W> fmt::Debug for Screen<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}

impl<W: Write> Screen<W> {
    pub(crate) fn new(stream: W) -> Self {
        Self {
            stream,
            begun: Vec::new(),
        }
    }

    /// The stream without escapes, for what a program reads.
    pub(crate) fn exact(&mut self) -> &mut W {
        &mut self.stream
    }

    fn show(&mut self, bytes: &[u8]) -> io::Result<()> {
        for chunk in bytes.utf8_chunks() {
            self.stream.write_all(lines(chunk.valid()).as_bytes())?;
            for byte in chunk.invalid() {
                write!(self.stream, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl<W: Write> Write for Screen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Nearly everything.
        let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n');
        if self.begun.is_empty() && bytes.iter().all(is_plain) {
            self.stream.write_all(bytes)?;
            return Ok(bytes.len());
        }
        let mut whole = std::mem::take(&mut self.begun);
        whole.extend_from_slice(bytes);
        let cut = match std::str::from_utf8(&whole) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => whole.len(),
        };
        self.begun = whole.split_off(cut);
        self.show(&whole)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let begun = std::mem::take(&mut self.begun);
        self.show(&begun)?;
        self.stream.flush()
    }
}

/// An event of the log, which is one line: colours stay, everything else that acts is escaped.
#[must_use]
pub(crate) fn log_line(text: &str) -> String {
    let (text, end) = match text.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (text, ""),
    };
    let mut shown = String::with_capacity(text.len() + 1);
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        let (before, from) = rest.split_at(at);
        shown.push_str(&line(before));
        let parameters = from[2..].bytes();
        let length = parameters
            .take_while(|byte| byte.is_ascii_digit() || *byte == b';')
            .count();
        let end = 2 + length;
        if from[end..].starts_with('m') {
            shown.push_str(&from[..=end]);
            rest = &from[end + 1..];
        } else {
            shown.push_str(&line(&from[..2]));
            rest = &from[2..];
        }
    }
    shown.push_str(&line(rest));
    shown.push_str(end);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown_and_the_rest_stays() {
        for (text, shown) in [
            ("", ""),
            ("Grüße, 世界 😀 é", "Grüße, 世界 😀 é"),
            ("a\\u001b", "a\\u001b"),
            ("\u{1b}[31mred", "\\u001b[31mred"),
            ("\u{1b}]0;title\u{7}", "\\u001b]0;title\\u0007"),
            ("\u{9b}2J\u{7f}\u{0}", "\\u009b2J\\u007f\\u0000"),
            ("a\rb\tc\nd", "a\\rb\\tc\\nd"),
            ("\u{202e}gpj.exe", "\\u202egpj.exe"),
            ("\u{2066}x\u{2069}\u{feff}", "\\u2066x\\u2069\\ufeff"),
            ("\u{e0041}", "\\udb40\\udc41"),
        ] {
            assert_eq!(line(text), shown, "{text:?}");
            assert_eq!(line(&line(text)), shown, "once is enough");
        }
        assert_eq!(lines("a\n\tb\u{7}\n"), "a\n\\tb\\u0007\n");
    }

    /// Every character is either shown as it is, or as ASCII.
    #[test]
    fn nothing_that_acts_is_left_of_any_character() {
        for character in '\0'..=char::MAX {
            let text = character.to_string();
            let shown = line(&text);
            assert!(shown == text || shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            assert!(!shown.chars().any(acts), "{character:?}");
        }
    }

    #[test]
    fn a_character_that_is_written_in_pieces_is_one() {
        let text = "é\u{9b}1\u{202e}\nx\u{1b}c";
        for piece in 1..=text.len() {
            let mut screen = Screen::new(Vec::new());
            for bytes in text.as_bytes().chunks(piece) {
                screen.write_all(bytes).unwrap();
            }
            screen.write_all(&[0xff, 0xe2, 0x80]).unwrap();
            screen.flush().unwrap();
            let shown = String::from_utf8(screen.stream).unwrap();
            assert_eq!(shown, "é\\u009b1\\u202e\nx\\u001bc\\xff\\xe2\\x80");
        }
    }

    #[test]
    fn a_log_keeps_its_colours_and_nothing_else() {
        for (text, shown) in [
            ("\x1b[2mnow\x1b[0m x\n", "\x1b[2mnow\x1b[0m x\n"),
            ("\x1b[1;31m\x1b[m", "\x1b[1;31m\x1b[m"),
            ("\x1b[2J\x1b]0;t\x07\n", "\\u001b[2J\\u001b]0;t\\u0007\n"),
            ("a\nb\n", "a\\nb\n"),
            ("\x1b[", "\\u001b["),
            ("\x1b[31", "\\u001b[31"),
            ("\u{202e}\x1b[31mx", "\\u202e\x1b[31mx"),
        ] {
            assert_eq!(log_line(text), shown, "{text:?}");
        }
    }
}
