//! A client with one connection and prepared requests.

use std::net::SocketAddr;

use super::connection::find;
use super::{HttpConnection, HttpRequest};
use crate::BenchError;
use crate::load::{CallPool, LoadCaller};

/// Sends the requests of a pool, one after the other. An answer of another status than 2xx, or
/// one that says that some of a bulk request was refused, ends the measurement.
#[derive(Debug)]
pub struct HttpCaller {
    connection: HttpConnection,
    pool: CallPool<HttpRequest>,
}

/// Where a bulk answer says what was refused: near its start or its end.
const NEAR: usize = 256;

impl HttpCaller {
    /// So many connections to a server, all open before the first request.
    ///
    /// # Errors
    /// When the address refuses the connection.
    pub async fn connect(
        address: SocketAddr,
        connections: usize,
        pool: &CallPool<HttpRequest>,
    ) -> Result<Vec<Self>, BenchError> {
        let mut callers = Vec::with_capacity(connections);
        for _ in 0..connections {
            let connection = HttpConnection::open(address).await;
            callers.push(Self {
                connection: connection.map_err(BenchError::io(format!("connect to {address}")))?,
                pool: pool.clone(),
            });
        }
        Ok(callers)
    }
}

impl LoadCaller for HttpCaller {
    async fn call(&mut self) -> Result<bool, BenchError> {
        let Some(request) = self.pool.take() else {
            return Ok(false);
        };
        accepted(&mut self.connection, &request).await?;
        Ok(true)
    }
}

/// Sends a request that has to be accepted in whole.
///
/// # Errors
/// When the connection breaks, or the answer is another.
pub async fn accepted(
    connection: &mut HttpConnection,
    request: &HttpRequest,
) -> Result<(), BenchError> {
    let answer = connection.exchange(request).await;
    let answer = answer.map_err(BenchError::io("exchange a request for an answer"))?;
    if (200..300).contains(&answer.status) && !refuses(answer.body) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(answer.body);
    Err(BenchError::Failed {
        doing: format!("a request, answered {}", answer.status),
        why: text.chars().take(400).collect(),
    })
}

/// Whether the answer counts refused entries, and more than none.
fn refuses(body: &[u8]) -> bool {
    const COUNT: &[u8] = b"\"refused\":";
    let start = &body[..body.len().min(NEAR)];
    let end = &body[body.len().saturating_sub(NEAR)..];
    [start, end].iter().any(|part| {
        find(part, COUNT)
            .and_then(|at| part.get(at + COUNT.len()))
            .is_some_and(|digit| *digit != b'0')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_entry_is_noticed() {
        for (body, expected) in [
            (
                r#"{"object":"bulk","posted":8000,"refused":0,"results":[]}"#,
                false,
            ),
            (
                r#"{"object":"bulk","posted":7999,"refused":1,"results":[]}"#,
                true,
            ),
            (r#"{"object":"entry"}"#, false),
            ("", false),
        ] {
            assert_eq!(refuses(body.as_bytes()), expected, "{body}");
        }
    }
}
