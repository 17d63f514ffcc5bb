//! A connection that is kept: one request, then its answer, then the next.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Request;

/// A head longer than this is not from a server that is measured here.
const LONGEST_HEAD: usize = 64 * 1024;

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What was answered; the body is in the connection's buffer until the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    length: Length,
    /// Where the body starts.
    end: usize,
}

impl Connection {
    /// # Errors
    /// When nobody listens there.
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
    pub async fn exchange(&mut self, request: &Request) -> io::Result<Answer<'_>> {
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
            Length::Known(length) => {
                self.buffer
                    .reserve((head.end + length).saturating_sub(self.buffer.len()));
                while self.buffer.len() < head.end + length {
                    self.read().await?;
                }
            }
            Length::Chunked => {
                while !chunks_end(&self.buffer[head.end..])? {
                    self.read().await?;
                }
            }
        }
        Ok(Answer {
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

/// The head of an answer, once it is there in whole.
fn head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let Some(end) = find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| invalid("the head is not text"))?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok())
        .ok_or_else(|| invalid("the answer is not HTTP/1.1"))?;
    let mut length = Length::Known(0);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            let known = value.parse();
            length = Length::Known(known.map_err(|_| invalid("the length is no number"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked" {
            length = Length::Chunked;
        }
    }
    let end = end + 4;
    Ok(Some(Head {
        status,
        length,
        end,
    }))
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
                Some((201, Length::Known(12))),
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                Some((200, Length::Chunked)),
            ),
            (
                "HTTP/1.1 204 No Content\r\n\r\n",
                Some((204, Length::Known(0))),
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
