//! Sockets: who may listen where, and how it begins and ends.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use tillroll_server::{ServeError, bind};
use tokio::sync::oneshot;

use crate::harness::{NOW, SECRET, Shop, entry, payment_succeeded, sign};

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Sends bytes and reads until the server closes.
async fn exchange(address: SocketAddr, bytes: Vec<u8>) -> String {
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(600)))
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
    let serving = tokio::spawn(shop.server.serve(listener, async {
        stopped.await.ok();
    }));
    let text = exchange(
        address,
        b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".to_vec(),
    )
    .await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    assert!(text.contains("\"status\":\"ready\""), "{text}");
    // Who has nothing more to say is still answered.
    let body = entry("till", "sales", 5).to_string();
    let request = format!(
        "POST /v1/entries HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let text = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    });
    let text = text.await.unwrap();
    assert!(text.starts_with("HTTP/1.1 404 Not Found"), "{text}");
    assert!(text.contains("account_not_found"), "{text}");
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
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.http.max_connections = 1
    });
    let listener = bind(any_port(), false).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(shop.server.serve(listener, std::future::pending()));
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
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.http.header_timeout = Duration::from_millis(50);
    });
    let listener = bind(any_port(), false).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(shop.server.serve(listener, std::future::pending()));
    // Returns because the server closes; otherwise the read would fail after its own time.
    exchange(address, b"GET /healthz HTTP/1.1\r\nhost: loc".to_vec()).await;
    exchange(address, Vec::new()).await;
    serving.abort();
}

/// An answer without what differs between two of the same: when and under which id it was made,
/// and what only a connection has.
fn comparable(status: u16, headers: Vec<(String, String)>, body: &str) -> String {
    let id = headers.iter().find(|(name, _)| name == "request-id");
    let id = id.expect("every answer has an id").1.clone();
    let alike = headers.iter().filter(|(name, _)| {
        !["date", "connection", "request-id", "content-length"].contains(&name.as_str())
    });
    let body = body.replace(&id, "req_");
    format!("{status} {:?} {body}", alike.collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_answers_as_the_routes_do() {
    let mut entry = entry("till", "sales", 700);
    entry["id"] = "ent_00000000000000000000000001".into();
    let entry = entry.to_string();
    let other = entry.replace("700", "701");
    let event = payment_succeeded("evt_1", "ord_1", 500).to_string();
    let signature = sign(SECRET, NOW, event.as_bytes());
    let json = ("content-type", "application/json");
    let key = ("idempotency-key", "k-1");
    let local = ("host", "localhost");
    let table: &[(&str, &str, &[(&str, &str)], &str)] = &[
        ("POST", "/v1/entries", &[local, json, key], &entry),
        ("POST", "/v1/entries", &[local, json, key], &entry),
        ("POST", "/v1/entries", &[local, json, key], &other),
        ("POST", "/v1/entries?x=1", &[local, json], &entry),
        ("POST", "/v1/entries", &[local], &entry),
        ("POST", "/v1/entries", &[local, json], "{"),
        ("POST", "/v1/entries", &[local, json], ""),
        (
            "POST",
            "/v1/entries",
            &[("host", "example.com"), json],
            &entry,
        ),
        ("POST", "/v1/entries/", &[local, json], &entry),
        ("PUT", "/v1/entries", &[local, json], &entry),
        (
            "POST",
            "/v1/webhooks/stripe",
            &[local, ("stripe-signature", &signature)],
            &event,
        ),
        (
            "POST",
            "/v1/webhooks/stripe",
            &[("host", "a.example"), ("stripe-signature", &signature)],
            &event,
        ),
        ("POST", "/v1/webhooks/stripe", &[local], &event),
        ("GET", "/v1/webhooks/stripe", &[local], ""),
    ];
    let (routed, served) = (Shop::open(), Shop::open());
    for shop in [&routed, &served] {
        shop.account("till", "asset").await;
        shop.account("sales", "income").await;
    }
    let listener = bind(any_port(), false).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(served.server.serve(listener, std::future::pending()));
    for (method, path, headers, body) in table {
        let answer = routed.raw(method, path, headers, body.to_string()).await;
        let expected = answer
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let expected = comparable(answer.status.as_u16(), expected.collect(), &answer.text());

        let given: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{given}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len(),
        );
        let text = exchange(address, request.into_bytes()).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let (status, head) = head.split_once("\r\n").unwrap_or((head, ""));
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        let head = head.split("\r\n").map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        });
        assert_eq!(
            comparable(status, head.collect(), body),
            expected,
            "{method} {path} {headers:?}"
        );
    }
    serving.abort();
}
