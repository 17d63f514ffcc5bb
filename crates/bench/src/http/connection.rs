//! A connection that is kept: one request, then its answer, then the next.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::HttpRequest;

/// A head longer than this is not from a server that is measured here.
const LONGEST_HEAD: usize = 64 * 1024;

/// An open connection.
#[derive(Debug)]
pub struct HttpConnection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What was answered; the body is in the connection's buffer until the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpAnswer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyLength {
    Known(usize),
    Chunked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AnswerHead {
    status: u16,
    length: BodyLength,
    /// Where the body starts.
    end: usize,
}

impl HttpConnection {
    /// # Errors
    /// When the address refuses the connection.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When the connection breaks or the answer is not HTTP.
    pub async fn exchange(&mut self, request: &HttpRequest) -> io::Result<HttpAnswer<'_>> {
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(head) = head(&self.buffer)? {
                break head;
            }
            if self.buffer.len() > LONGEST_HEAD {
                return Err(invalid("the answer's head does not end"));
            }
            self.read().await?;
        };
        match head.length {
            BodyLength::Known(length) => {
                self.buffer
                    .reserve((head.end + length).saturating_sub(self.buffer.len()));
                while self.buffer.len() < head.end + length {
                    self.read().await?;
                }
            }
            BodyLength::Chunked => {
                while !chunks_end(&self.buffer[head.end..])? {
                    self.read().await?;
                }
            }
        }
        Ok(HttpAnswer {
            status: head.status,
            body: &self.buffer[head.end..],
        })
    }

    async fn read(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The head of an answer, once it is there in whole. It is read once, line by line: an answer
/// with more headers should not cost the client much more than one with few.
fn head(bytes: &[u8]) -> io::Result<Option<AnswerHead>> {
    let mut lines = HeadLines { bytes, at: 0 };
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    let digits = first
        .strip_prefix(b"HTTP/1.1 ")
        .and_then(|rest| text(rest.get(..3)?));
    let status = digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| invalid("the answer is not HTTP/1.1"))?;
    let mut length = BodyLength::Known(0);
    while let Some(line) = lines.next() {
        if line.is_empty() {
            let end = lines.at;
            return Ok(Some(AnswerHead {
                status,
                length,
                end,
            }));
        }
        if let Some(value) = value_of(line, b"content-length") {
            let known = text(value).and_then(|text| text.trim().parse().ok());
            length = BodyLength::Known(known.ok_or_else(|| invalid("the length is no number"))?);
        } else if let Some(value) = value_of(line, b"transfer-encoding")
            && value.trim_ascii() == b"chunked"
        {
            length = BodyLength::Chunked;
        }
    }
    Ok(None)
}

/// What stands between the line ends of a head.
struct HeadLines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for HeadLines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        self.at += end + 1;
        Some(rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]))
    }
}

/// The value of a header, if it has this name.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (found, value) = line.split_at_checked(name.len())?;
    let value = value.strip_prefix(b":")?;
    found.eq_ignore_ascii_case(name).then_some(value)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Whether a chunked body is there up to its last chunk, which is empty.
fn chunks_end(mut bytes: &[u8]) -> io::Result<bool> {
    loop {
        let Some(line) = find(bytes, b"\r\n") else {
            return Ok(false);
        };
        let digits = std::str::from_utf8(&bytes[..line]).unwrap_or_default();
        let digits = digits.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16);
        let size = size.map_err(|_| invalid("the size of a chunk is no number"))?;
        let next = (line + 2).saturating_add(size).saturating_add(2);
        match bytes.get(next..) {
            Some(_) if size == 0 => return Ok(true),
            Some(rest) => bytes = rest,
            None => return Ok(false),
        }
    }
}

pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_say_how_long_the_body_is() {
        for (text, expected) in [
            ("HTTP/1.1 200 OK\r\ncontent-le", None),
            (
                "HTTP/1.1 201 Created\r\nContent-Length: 12\r\nx: y\r\n\r\n{\"a\"",
                Some((201, BodyLength::Known(12))),
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                Some((200, BodyLength::Chunked)),
            ),
            (
                "HTTP/1.1 204 No Content\r\n\r\n",
                Some((204, BodyLength::Known(0))),
            ),
        ] {
            let found = head(text.as_bytes()).unwrap();
            let found = found.map(|head| (head.status, head.length));
            assert_eq!(found, expected, "{text:?}");
        }
        for text in [
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 200\r\ncontent-length: x\r\n\r\n",
        ] {
            assert!(head(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_chunked_body_ends_with_an_empty_chunk() {
        let whole = "5\r\nhello\r\n3;x=y\r\n\r\n0\r\n0\r\n\r\n";
        // The second chunk holds what looks like the last one.
        let whole_bytes = whole.as_bytes();
        for cut in 0..whole_bytes.len() {
            assert!(!chunks_end(&whole_bytes[..cut]).unwrap(), "{cut}");
        }
        assert!(chunks_end(whole_bytes).unwrap());
        assert!(chunks_end(b"z\r\n").is_err());
    }
}
