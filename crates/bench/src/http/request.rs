//! A request, written down before the clock starts.

use std::fmt::Write;
use std::net::SocketAddr;

use bytes::Bytes;

/// The bytes of a request. Clones share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request(Bytes);

/// A request whose body is still to come.
#[derive(Clone, Debug)]
pub struct Head(String);

impl Request {
    /// `POST` of JSON to a server.
    #[must_use]
    pub fn post(host: SocketAddr, path: &str) -> Head {
        Head(format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        ))
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Head {
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        write!(self.0, "{name}: {value}\r\n").expect("memory takes text");
        self
    }

    #[must_use]
    pub fn body(mut self, body: &[u8]) -> Request {
        write!(self.0, "content-length: {}\r\n\r\n", body.len()).expect("memory takes text");
        let mut bytes = self.0.into_bytes();
        bytes.extend_from_slice(body);
        Request(bytes.into())
    }
}
