//! Sockets: who may listen where, and how it begins and ends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tillroll_server::{ServeError, bind};
use tokio::sync::oneshot;

use crate::harness::Shop;

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Sends bytes and reads until the server closes.
async fn exchange(address: SocketAddr, bytes: Vec<u8>) -> String {
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.write_all(&bytes).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn only_loopback_addresses_are_listened_on() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = bind(address.parse().unwrap(), true).await;
        assert!(
            matches!(refused, Err(ServeError::NotLoopback(_))),
            "{address}"
        );
    }
    let first = bind(any_port(), false).await.unwrap();
    let taken = first.local_addr().unwrap();
    assert!(matches!(
        bind(taken, false).await,
        Err(ServeError::Bind { .. })
    ));
    let next = bind(taken, true).await.unwrap().local_addr().unwrap();
    assert!(next.port() > taken.port());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_served_until_the_server_is_told_to_stop() {
    let shop = Shop::open();
    let listener = bind(any_port(), false).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(shop.tillroll.serve(listener, async {
        stopped.await.ok();
    }));
    let text = exchange(
        address,
        b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".to_vec(),
    )
    .await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    assert!(text.contains("\"status\":\"ready\""), "{text}");
    // A body that is too long is read to its end, so that the answer is seen.
    let mut long = b"POST /v1/orders HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 3145728\r\n\r\n".to_vec();
    long.extend(std::iter::repeat_n(b' ', 3 * 1024 * 1024));
    let text = exchange(address, long).await;
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
    // A stream does not keep the server from ending.
    let stream = tokio::spawn(exchange(
        address,
        b"GET /v1/events?stream=true HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
    ));
    let text = exchange(
        address,
        b"GET /v1/digest HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".to_vec(),
    )
    .await;
    assert!(text.contains("\"object\":\"digest\""), "{text}");
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    drop(stream.await);
    assert!(TcpStream::connect(address).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_too_many_is_told_so_at_once() {
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |config| {
        config.max_connections = 1
    });
    let listener = bind(any_port(), false).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(shop.tillroll.serve(listener, std::future::pending()));
    let mut first = TcpStream::connect(address).unwrap();
    first
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let mut byte = [0];
    first.read_exact(&mut byte).unwrap();
    let text = exchange(address, Vec::new()).await;
    assert!(
        text.starts_with("HTTP/1.1 503 ") && text.contains("retry-after: 1"),
        "{text}"
    );
    assert!(text.contains("\"code\":\"overloaded\""), "{text}");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_header_does_not_keep_its_connection() {
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |config| {
        config.header_timeout = Duration::from_millis(50);
    });
    let listener = bind(any_port(), false).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(shop.tillroll.serve(listener, std::future::pending()));
    // Returns because the server closes; otherwise the read would fail after its own time.
    exchange(address, b"GET /healthz HTTP/1.1\r\nhost: loc".to_vec()).await;
    exchange(address, Vec::new()).await;
    serving.abort();
}
