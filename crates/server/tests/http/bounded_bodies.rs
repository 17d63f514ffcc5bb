//! Bodies that are on their way hold no more than they may, and do not keep others out.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tillroll_server::bind;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::bounded_answers::{gauge, until};
use crate::harness::{Shop, entry};

const KIB: usize = 1024;

/// A request whose body comes as it is sent.
struct Upload {
    body: mpsc::UnboundedSender<Bytes>,
    answer: JoinHandle<Response<Body>>,
}

impl Upload {
    fn begin(shop: &Shop, path: &str, kind: &str) -> Self {
        let (body, pieces) = mpsc::unbounded_channel();
        let pieces = stream::unfold(pieces, |mut pieces| async move {
            let piece: Bytes = pieces.recv().await?;
            Some((Ok::<_, Infallible>(piece), pieces))
        });
        let request = Request::post(path)
            .header("host", "localhost")
            .header("content-type", kind)
            .body(Body::from_stream(pieces))
            .unwrap();
        let router = shop.router.clone();
        let answer = tokio::spawn(async move { router.oneshot(request).await.unwrap() });
        Self { body, answer }
    }

    fn send(&self, bytes: usize) {
        // A body that was refused may not be read to its end.
        self.body.send(vec![b' '; bytes].into()).ok();
    }

    /// Ends the body, and answers the status and the code of a problem.
    async fn end(self, last: &str) -> (u16, Option<String>) {
        let Self { body, answer } = self;
        body.send(last.to_owned().into()).ok();
        drop(body);
        let answer = answer.await.unwrap();
        let status = answer.status().as_u16();
        let retry = answer.headers().get("retry-after").is_some();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let said: Value = serde_json::from_slice(&bytes).unwrap();
        let code = said["code"].as_str().map(str::to_owned);
        assert_eq!(retry, code.as_deref() == Some("overloaded"), "{said}");
        (status, code)
    }
}

async fn shop(change: impl FnOnce(&mut tillroll_server::HttpBounds)) -> Shop {
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        change(&mut settings.http.bounds);
        settings.http.bounds.body_time = Duration::from_secs(600);
    });
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    shop
}

fn bulk() -> String {
    json!({"mode": "all", "entries": [entry("a", "b", 1)]}).to_string()
}

#[tokio::test]
async fn held_bodies_share_what_they_may_hold() {
    let shop = shop(|bounds| bounds.body_bytes = 1000 * KIB).await;
    let uploads: Vec<_> = (0..20)
        .map(|_| Upload::begin(&shop, "/v1/entries/bulk", "application/json"))
        .collect();
    for upload in &uploads {
        for _ in 0..10 {
            upload.send(30 * KIB);
        }
    }
    // What each holds is counted, until there is no more.
    until(&shop.router, "tillroll_body_bytes", |held| {
        held >= 900 * KIB
    })
    .await;
    until(&shop.router, "tillroll_arriving_bodies", |bodies| {
        bodies == 20
    })
    .await;
    // Others are served meanwhile.
    shop.post("/v1/entries", entry("a", "b", 5))
        .await
        .expect(201);
    shop.get("/v1/accounts/a").await.expect(200);
    let mut ended = Vec::new();
    for upload in uploads {
        ended.push(upload.end(&bulk()).await);
    }
    let applied = ended.iter().filter(|(status, _)| *status == 200).count();
    let refused = (503, Some("overloaded".to_owned()));
    // Each is 300 KiB long; one that holds all it needs is applied.
    assert!((1..=3).contains(&applied), "{ended:?}");
    assert_eq!(
        ended.iter().filter(|end| **end == refused).count(),
        20 - applied
    );
    assert_eq!(gauge(&shop.router, "tillroll_body_bytes").await, 0);
    assert_eq!(gauge(&shop.router, "tillroll_arriving_bodies").await, 0);
    let most = gauge(&shop.router, "tillroll_body_bytes_most").await;
    assert!(most <= 1000 * KIB, "{most}");
    let upload = Upload::begin(&shop, "/v1/entries/bulk", "application/json");
    upload.send(300 * KIB);
    assert_eq!(upload.end(&bulk()).await, (200, None));
}

#[tokio::test]
async fn bodies_that_do_not_arrive_leave_places_to_those_that_do() {
    let shop = shop(|bounds| bounds.arriving_bodies = 3).await;
    let paths = ["/v1/entries/bulk", "/v1/orders", "/v1/webhooks/stripe"];
    let waiting = paths.map(|path| Upload::begin(&shop, path, "application/json"));
    until(&shop.router, "tillroll_arriving_bodies", |bodies| {
        bodies == 3
    })
    .await;
    let refused = Upload::begin(&shop, "/v1/entries/bulk", "application/json");
    let refused = refused.answer.await.unwrap();
    assert_eq!(refused.status().as_u16(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    // What comes with its head needs no place.
    shop.post("/v1/entries", entry("a", "b", 5))
        .await
        .expect(201);
    for upload in waiting {
        upload.answer.abort();
    }
    until(&shop.router, "tillroll_arriving_bodies", |bodies| {
        bodies == 0
    })
    .await;
    let upload = Upload::begin(&shop, "/v1/entries/bulk", "application/json");
    assert_eq!(upload.end(&bulk()).await, (200, None));
}

#[tokio::test]
async fn streams_of_entries_have_places_and_share_what_they_may_hold() {
    let shop = shop(|bounds| {
        bounds.bulk_streams = 3;
        bounds.body_bytes = 1000 * KIB;
    })
    .await;
    let (path, kind) = ("/v1/entries/bulk?mode=each", "application/x-ndjson");
    let streams: Vec<_> = (0..3).map(|_| Upload::begin(&shop, path, kind)).collect();
    until(&shop.router, "tillroll_bulk_streams", |streams| {
        streams == 3
    })
    .await;
    let fourth = Upload::begin(&shop, path, kind);
    let line = entry("a", "b", 1).to_string() + "\n";
    assert_eq!(fourth.end(&line).await, (503, Some("overloaded".into())));
    // A line that has not ended, of less than a line may be long.
    for stream in &streams {
        for _ in 0..10 {
            stream.send(40 * KIB);
        }
    }
    until(&shop.router, "tillroll_body_bytes", |held| {
        held >= 800 * KIB
    })
    .await;
    shop.post("/v1/entries", entry("a", "b", 5))
        .await
        .expect(201);
    let mut ended = Vec::new();
    for stream in streams {
        ended.push(stream.end(&line).await);
    }
    ended.sort();
    assert_eq!(ended[..2], [(200, None), (200, None)]);
    assert_eq!(ended[2], (503, Some("overloaded".into())));
    let most = gauge(&shop.router, "tillroll_body_bytes_most").await;
    assert!(most <= 1000 * KIB, "{most}");
    until(&shop.router, "tillroll_bulk_streams", |streams| {
        streams == 0
    })
    .await;
    until(&shop.router, "tillroll_body_bytes", |held| held == 0).await;
}

/// What is open when the server is told to stop.
#[tokio::test]
async fn a_stream_that_was_refused_leaves_its_place_while_its_client_goes_on_sending() {
    let shop = shop(|bounds| bounds.bulk_streams = 1).await;
    let (path, kind) = ("/v1/entries/bulk?mode=each", "application/x-ndjson");
    let mut sending = Vec::new();
    for _ in 0..40 {
        let Upload { body, answer } = Upload::begin(&shop, path, kind);
        // Longer than a line may be, and no end of it.
        for _ in 0..33 {
            body.send(vec![b' '; 64 * KIB].into()).unwrap();
        }
        assert_eq!(answer.await.unwrap().status(), 413);
        sending.push(body);
    }
    let line = entry("a", "b", 1).to_string() + "\n";
    let good = Upload::begin(&shop, path, kind);
    assert_eq!(good.end(&line).await, (200, None));
}

fn open(address: std::net::SocketAddr, request: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(request.as_bytes()).unwrap();
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_open_when_the_server_stops_is_cut_off() {
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.http.bounds.drain = Duration::from_millis(300);
        settings.http.bounds.page_bytes = 1 << 30;
    });
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    let entries = vec![entry("a", "b", 1); 10_000];
    for _ in 0..8 {
        let body = json!({"mode": "all", "entries": entries});
        shop.post("/v1/entries/bulk", body).await.expect(200);
    }
    let router = shop.router.clone();
    let listener = bind("127.0.0.1:0".parse().unwrap(), false).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(shop.server.serve(listener, async {
        stopped.await.ok();
    }));
    let line = entry("a", "b", 1).to_string() + "\n";
    let clients = [
        // A page and a stream that nobody reads.
        open(
            address,
            "GET /v1/events?limit=1000 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        ),
        open(
            address,
            "GET /v1/events?stream=true HTTP/1.1\r\nhost: localhost\r\n\r\n",
        ),
        // A stream of entries that goes on, and a body that does not arrive.
        open(
            address,
            &format!(
                "POST /v1/entries/bulk?mode=each HTTP/1.1\r\nhost: localhost\r\n\
                 content-type: application/x-ndjson\r\ncontent-length: 1000000\r\n\r\n{line}"
            ),
        ),
        open(
            address,
            "POST /v1/entries/bulk HTTP/1.1\r\nhost: localhost\r\n\
             content-type: application/json\r\ncontent-length: 1000000\r\n\r\n{",
        ),
    ];
    until(&router, "tillroll_event_streams", |streams| streams == 1).await;
    until(&router, "tillroll_bulk_streams", |streams| streams == 1).await;
    until(&router, "tillroll_arriving_bodies", |bodies| bodies == 1).await;
    until(&router, "tillroll_answer_bytes", |held| held > 0).await;
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(300), serving).await;
    ended.expect("it ends").unwrap().unwrap();
    for name in [
        "tillroll_event_streams",
        "tillroll_bulk_streams",
        "tillroll_answer_bytes",
    ] {
        until(&router, name, |held| held == 0).await;
    }
    for mut client in clients {
        client
            .set_read_timeout(Some(Duration::from_secs(600)))
            .unwrap();
        let mut got = Vec::new();
        // At its end, or broken off.
        let timed_out = |error: std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
        assert!(!client.read_to_end(&mut got).is_err_and(timed_out));
    }
}
