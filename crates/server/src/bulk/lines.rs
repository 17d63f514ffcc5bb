//! A stream of entries, one to a line, cut into commands.
//!
//! A command ends with the 10,000th entry, or with the line that makes it 8 MiB long, whichever
//! comes first. Lines of nothing but space count for nothing.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use tillroll_json::Fingerprinter;

use super::{BulkItems, CommandBatch};
use crate::bodies::{self, BulkMode, MOST_ENTRIES, RefusedBefore};
use crate::body::{BULK_BYTES, DRAINED_BYTES, Document, REQUEST_BYTES, TIME_TO_ARRIVE};
use crate::code::Code;
use crate::new_ids::NewIds;
use crate::problem::Problem;
use crate::scan::{self, ScannedEntry};

/// The lines of a body that were not read yet.
#[derive(Debug)]
pub(crate) struct Lines {
    body: Body,
    mode: BulkMode,
    /// Covers what all commands of the request have in common, when it has a key.
    fingerprint: Option<Fingerprinter>,
    /// The place of the next entry in the stream.
    next: usize,
    /// What arrived, of which `at` bytes are done with.
    chunk: Bytes,
    at: usize,
    /// The start of a line whose end has not arrived.
    begun: Vec<u8>,
    ended: bool,
}

/// A command that is being read.
#[derive(Debug)]
struct Gathering {
    items: BulkItems,
    bytes: usize,
    /// Of what the entries say, for a request with a key.
    fingerprint: Option<Fingerprinter>,
}

impl Lines {
    pub(crate) fn new(body: Body, mode: BulkMode, fingerprint: Option<Fingerprinter>) -> Self {
        Self {
            body,
            mode,
            fingerprint,
            next: 0,
            chunk: Bytes::new(),
            at: 0,
            begun: Vec::new(),
            ended: false,
        }
    }

    /// The next command, none after the last.
    pub(crate) async fn command(&mut self, new_ids: NewIds) -> Result<Option<BulkItems>, Problem> {
        let mut command = Gathering {
            items: BulkItems {
                mode: self.mode,
                first: self.next,
                count: 0,
                batch: CommandBatch::new(new_ids),
                refused: Vec::new(),
                fingerprint: None,
            },
            bytes: 0,
            fingerprint: self.fingerprint.clone(),
        };
        while !self.take(&mut command)? && !self.ended {
            self.arrive().await?;
        }
        let items = command.close();
        self.next += items.count;
        Ok((items.count > 0).then_some(items))
    }

    /// Takes what is there; whether the command is full.
    fn take(&mut self, command: &mut Gathering) -> Result<bool, Problem> {
        let chunk = self.chunk.clone();
        loop {
            if command.is_full() {
                return Ok(true);
            }
            let rest = &chunk[self.at..];
            if self.begun.is_empty() {
                let lines = rest.iter().rposition(|byte| *byte == b'\n');
                let lines = lines.map_or(&[][..], |last| &rest[..=last]);
                let taken = command.lines(lines)?;
                self.at += taken;
                if taken < lines.len() {
                    continue;
                }
            }
            let rest = &chunk[self.at..];
            match rest.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    self.begun.extend_from_slice(&rest[..=end]);
                    self.at += end + 1;
                }
                None => {
                    self.begun.extend_from_slice(rest);
                    self.at = chunk.len();
                    if self.begun.len() > REQUEST_BYTES {
                        return Err(line_too_long(command.place()));
                    }
                    // The last line may end with the stream.
                    if !self.ended || self.begun.is_empty() {
                        return Ok(command.is_full());
                    }
                    self.begun.push(b'\n');
                }
            }
            let line = std::mem::take(&mut self.begun);
            command.lines(&line)?;
            self.begun = line;
            self.begun.clear();
        }
    }

    /// Waits for more, or for the end.
    async fn arrive(&mut self) -> Result<(), Problem> {
        match tokio::time::timeout(TIME_TO_ARRIVE, self.body.frame()).await {
            Ok(None) => self.ended = true,
            Ok(Some(Ok(frame))) => {
                // What is no data says nothing.
                if let Ok(data) = frame.into_data() {
                    self.chunk = data;
                    self.at = 0;
                }
            }
            Ok(Some(Err(_))) => {
                return Err(Problem::new(
                    Code::BodyIncomplete,
                    "the stream broke off before its end",
                ));
            }
            Err(_) => {
                let seconds = TIME_TO_ARRIVE.as_secs();
                return Err(Problem::new(
                    Code::BodyTimeout,
                    format!("nothing of the stream arrived for {seconds} s"),
                ));
            }
        }
        Ok(())
    }

    /// Throws away what is still being sent, up to a measure.
    pub(crate) async fn drain(mut self) {
        let mut read = 0;
        while let Some(Ok(frame)) = self.body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > DRAINED_BYTES {
                return;
            }
        }
    }
}

impl Gathering {
    fn is_full(&self) -> bool {
        self.items.count == MOST_ENTRIES || self.bytes >= BULK_BYTES
    }

    /// The place of the next entry in the stream.
    fn place(&self) -> usize {
        self.items.first + self.items.count
    }

    /// Takes whole lines until the command is full; how many bytes those were.
    fn lines(&mut self, lines: &[u8]) -> Result<usize, Problem> {
        let valid = match std::str::from_utf8(lines) {
            Ok(text) => text,
            Err(error) => {
                let (valid, _) = lines.split_at(error.valid_up_to());
                std::str::from_utf8(valid).expect("this much is valid")
            }
        };
        let mut scanned = ScannedEntry::default();
        let mut at = 0;
        while let Some(length) = valid[at..].find('\n') {
            if self.is_full() {
                return Ok(at);
            }
            self.line(&valid[at..at + length], &mut scanned)?;
            at += length + 1;
        }
        if at < lines.len() && !self.is_full() {
            let problem = Problem::new(Code::BodyNotUtf8, "the line is not UTF-8");
            return Err(bodies::within_entry(problem, self.place()));
        }
        Ok(at)
    }

    fn line<'a>(&mut self, text: &'a str, scanned: &mut ScannedEntry<'a>) -> Result<(), Problem> {
        if text.len() > REQUEST_BYTES {
            return Err(line_too_long(self.place()));
        }
        if scan::line(text, scanned).is_some() {
            self.items.batch.push_scanned(scanned);
            if let Some(fingerprint) = &mut self.fingerprint {
                fingerprint.add(|out| scan::canonical::write(scanned, out));
            }
        } else if text.bytes().all(|byte| byte.is_ascii_whitespace()) {
            return Ok(());
        } else {
            self.careful(text)?;
        }
        self.items.count += 1;
        self.bytes += text.len() + 1;
        Ok(())
    }

    fn careful(&mut self, text: &str) -> Result<(), Problem> {
        let place = self.place();
        let document =
            Document::parse(text).map_err(|problem| bodies::within_entry(problem, place))?;
        let items = &mut self.items;
        if let Some(error) = bodies::line(&document, items.mode, place, &mut items.batch)? {
            let index = items.count;
            items.refused.push(RefusedBefore { index, error });
        }
        if let Some(fingerprint) = &mut self.fingerprint {
            fingerprint.add_json(document.json());
        }
        Ok(())
    }

    fn close(self) -> BulkItems {
        BulkItems {
            fingerprint: self.fingerprint.map(Fingerprinter::finish),
            ..self.items
        }
    }
}

fn line_too_long(place: usize) -> Problem {
    let detail = format!("the line is longer than {REQUEST_BYTES} bytes");
    bodies::within_entry(Problem::new(Code::BodyTooLarge, detail), place)
}
