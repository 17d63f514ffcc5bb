//! A request, written down before the clock starts.

use std::fmt::Write;
use std::net::SocketAddr;

use bytes::Bytes;

/// The bytes of a request. Clones share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest(Bytes);

/// A request whose body is still to come.
#[derive(Clone, Debug)]
pub struct RequestHead(String);

impl HttpRequest {
    /// `POST` of JSON to a server.
    #[must_use]
    pub fn post(host: SocketAddr, path: &str) -> RequestHead {
        RequestHead::of(host, path, "application/json")
    }

    /// `POST` of a stream of lines of JSON.
    #[must_use]
    pub fn post_lines(host: SocketAddr, path: &str) -> RequestHead {
        RequestHead::of(host, path, "application/x-ndjson")
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl RequestHead {
    fn of(host: SocketAddr, path: &str, content_type: &str) -> Self {
        Self(format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content_type}\r\n"
        ))
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        write!(self.0, "{name}: {value}\r\n").expect("memory takes text");
        self
    }

    #[must_use]
    pub fn body(self, body: &[u8]) -> HttpRequest {
        self.written(|bytes| bytes.extend_from_slice(body))
    }

    /// With a body that is written behind the head, so that nothing long has to be copied. Its
    /// length is filled in afterwards: space before a header's value says nothing.
    #[must_use]
    pub fn written(self, write: impl FnOnce(&mut Vec<u8>)) -> HttpRequest {
        const WIDTH: usize = 12;
        let mut bytes = self.0.into_bytes();
        // Enough for one entry.
        bytes.reserve(320);
        bytes.extend_from_slice(b"content-length:");
        let length = bytes.len()..bytes.len() + WIDTH;
        bytes.resize(length.end, b' ');
        bytes.extend_from_slice(b"\r\n\r\n");
        let start = bytes.len();
        write(&mut bytes);
        let said = format!("{:>WIDTH$}", bytes.len() - start);
        bytes[length].copy_from_slice(said.as_bytes());
        HttpRequest(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_long_the_body_is() {
        let host = SocketAddr::from(([127, 0, 0, 1], 80));
        let request = HttpRequest::post(host, "/x")
            .header("a", "b")
            .body(b"hello");
        let text = std::str::from_utf8(request.as_bytes()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let length = head.lines().last().unwrap();
        assert_eq!(body, "hello");
        assert_eq!(length.replace(' ', ""), "content-length:5");
        assert!(head.contains("\r\na: b\r\n"));
    }
}
