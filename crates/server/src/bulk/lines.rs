//! A stream of entries, one to a line, cut into commands.
//!
//! A command ends with the 10,000th entry, or with the line that makes it 8 MiB long, whichever
//! comes first. Lines of nothing but space count for nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use tillroll_json::Fingerprinter;
use tokio::time::Instant;

use super::{BulkItems, CommandBatch};
use crate::HttpBounds;
use crate::bodies::{self, BulkMode, MOST_ENTRIES, RefusedBefore};
use crate::body::{BULK_BYTES, DRAINED_BYTES, REQUEST_BYTES, UNCOUNTED_BYTES};
use crate::capacity::{Capacity, overloaded};
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
    capacity: Arc<Capacity>,
    /// Of the time in which so much has to arrive: how long the client was waited for, and what
    /// arrived.
    waited: Duration,
    arrived: usize,
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
    pub(crate) fn new(
        body: Body,
        mode: BulkMode,
        fingerprint: Option<Fingerprinter>,
        capacity: &Arc<Capacity>,
    ) -> Self {
        Self {
            capacity: Arc::clone(capacity),
            waited: Duration::ZERO,
            arrived: 0,
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
                lease: Some(self.capacity.bodies.lease()),
            },
            bytes: 0,
            fingerprint: self.fingerprint.clone(),
        };
        while !self.take(&mut command)? && !self.ended {
            self.arrive().await?;
            self.count(&mut command)?;
        }
        let items = command.close();
        self.next += items.count;
        Ok((items.count > 0).then_some(items))
    }

    /// Counts what is held for a command. What a connection has room for in any case is not.
    fn count(&self, command: &mut Gathering) -> Result<(), Problem> {
        let held = command.bytes + self.begun.len() + self.chunk.len();
        let lease = command.items.lease.as_mut();
        if held <= UNCOUNTED_BYTES || lease.is_none_or(|lease| lease.try_grow(held)) {
            return Ok(());
        }
        let problem = overloaded("bodies of requests hold as many bytes as they may");
        Err(bodies::within_entry(problem, command.place()))
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
        let HttpBounds {
            body_time,
            stream_bytes,
            ..
        } = self.capacity.bounds;
        loop {
            let waiting = Instant::now();
            let left = body_time.saturating_sub(self.waited);
            match tokio::time::timeout(left, self.body.frame()).await {
                Ok(None) => self.ended = true,
                Ok(Some(Ok(frame))) => {
                    self.waited += waiting.elapsed();
                    // What is no data says nothing.
                    if let Ok(data) = frame.into_data() {
                        self.arrived += data.len();
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
                Err(_) if self.arrived < stream_bytes => {
                    let seconds = body_time.as_secs();
                    return Err(Problem::new(
                        Code::BodyTimeout,
                        format!(
                            "less than {stream_bytes} bytes of the stream arrived in {seconds} s"
                        ),
                    ));
                }
                Err(_) => {
                    (self.waited, self.arrived) = (Duration::ZERO, 0);
                    continue;
                }
            }
            return Ok(());
        }
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
            at += self.not_utf8(&lines[at..])?;
        }
        Ok(at)
    }

    /// Refuses the first line of these; how many bytes it has.
    fn not_utf8(&mut self, lines: &[u8]) -> Result<usize, Problem> {
        let end = lines.iter().position(|byte| *byte == b'\n');
        let line = &lines[..end.unwrap_or(lines.len())];
        if line.len() > REQUEST_BYTES {
            return Err(line_too_long(self.place()));
        }
        let problem = Problem::new(Code::BodyNotUtf8, "the line is not UTF-8");
        self.refuse(bodies::within_entry(problem, self.place()))?;
        if let Some(fingerprint) = &mut self.fingerprint {
            bodies::add_unreadable(fingerprint, &String::from_utf8_lossy(line));
        }
        self.items.count += 1;
        self.bytes += line.len() + 1;
        Ok(line.len() + 1)
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
        let fingerprint = self.fingerprint.as_mut();
        match bodies::entry_at(place, text, &mut self.items.batch, fingerprint) {
            Ok(()) => Ok(()),
            Err(problem) => self.refuse(problem),
        }
    }

    /// With mode `each` a line that cannot be taken is refused by itself; otherwise it is the end.
    fn refuse(&mut self, problem: Problem) -> Result<(), Problem> {
        if self.items.mode == BulkMode::All {
            return Err(problem);
        }
        let refused = RefusedBefore::of_problem(self.items.count, &problem);
        self.items.refused.push(refused);
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use tillroll_events::Timestamp;

    use super::*;

    /// A stream of which so many bytes come after each pause, so many times.
    fn trickle(bytes: usize, pause: Duration, times: usize) -> Body {
        Body::from_stream(stream::unfold(times, move |left| async move {
            let left = left.checked_sub(1)?;
            tokio::time::sleep(pause).await;
            Some((Ok::<_, Infallible>(Bytes::from(vec![b'\n'; bytes])), left))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_trickles_is_given_up_and_a_slow_one_is_not() {
        // Bytes, every so many seconds, so many times => whether it ends well. 10 KiB in 20 s.
        let table = [
            (1, 8, 1000, false),
            (10_240, 19, 100, true),
            (1024, 1, 1000, true),
            (511, 1, 1000, false),
            (514, 1, 1000, true),
            // Silence.
            (10_240, 21, 3, false),
            // Much at once is not a right to trickle later: it counts for its own time.
            (64 * 1024, 20, 50, true),
        ];
        for (bytes, pause, times, well) in table {
            let capacity = Arc::new(Capacity::new(HttpBounds::default()));
            let body = trickle(bytes, Duration::from_secs(pause), times);
            let mut lines = Lines::new(body, BulkMode::Each, None, &capacity);
            let began = Instant::now();
            let read = lines.command(NewIds::at(Timestamp::from_seconds(1))).await;
            let case = format!("{bytes} bytes every {pause} s");
            match read {
                Ok(None) => assert!(well, "{case}"),
                Ok(Some(_)) => panic!("{case}: there is no entry"),
                Err(problem) => {
                    assert_eq!((well, problem.code), (false, "body_timeout"), "{case}");
                    assert!(began.elapsed() <= Duration::from_secs(40), "{case}");
                }
            }
        }
    }
}
