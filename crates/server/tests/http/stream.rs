//! Server-sent events: committed events only, none missed, none twice.

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::harness::Shop;

pub(crate) struct Reader {
    body: Body,
    text: String,
}

impl Reader {
    pub(crate) async fn open(shop: &Shop, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = Request::get(path).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = shop.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body(),
            text: String::new(),
        }
    }

    /// The position and the data of the next event, which is a whole one; `None` at the end of the
    /// stream.
    async fn next(&mut self) -> Option<(u64, Value)> {
        let (id, event) = self.next_text().await?;
        Some((id.parse().unwrap(), event))
    }

    /// The next event's id and data; `None` at the end of the stream.
    pub(crate) async fn next_text(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(str::trim)
                };
                if let (Some(id), Some(data)) = (field("id:"), field("data:")) {
                    return Some((id.to_owned(), serde_json::from_str(data).unwrap()));
                }
                continue;
            }
            let frame = self.body.frame().await?.unwrap();
            let data = frame.into_data().unwrap_or_default();
            self.text += std::str::from_utf8(&data).unwrap();
        }
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<u64> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(self.next().await.expect("the stream goes on").0);
        }
        ids
    }
}

#[tokio::test]
async fn a_stream_follows_the_roll_and_resumes_where_it_broke_off() {
    let shop = Shop::open();
    for path in ["a", "b", "c"] {
        shop.account(path, "asset").await;
    }
    let accept = ("accept", "text/event-stream");
    let mut reader = Reader::open(&shop, "/v1/events", &[accept]).await;
    assert_eq!(reader.take(2).await, [1, 2]);
    drop(reader);

    let mut reader = Reader::open(&shop, "/v1/events", &[accept, ("last-event-id", "2")]).await;
    assert_eq!(reader.take(1).await, [3]);
    // Nothing is there yet: the next one comes when it is committed.
    shop.account("d", "asset").await;
    let (id, event) = reader.next().await.unwrap();
    assert_eq!((id, &event["data"]["path"]), (4, &Value::from("d")));
    assert_eq!(event["sequence"], "00000000000000000004");

    let mut other = Reader::open(&shop, "/v1/events?stream=true&after=3", &[]).await;
    assert_eq!(other.take(1).await, [4]);
    // The id of a browser that comes back wins over the address that it first had.
    let mut back = Reader::open(
        &shop,
        "/v1/events?stream=true&after=0",
        &[("last-event-id", "3")],
    )
    .await;
    assert_eq!(back.take(1).await, [4]);
}

#[tokio::test]
async fn an_event_id_that_is_no_position_is_refused_streaming_or_not() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    let accepts = [
        "text/event-stream",
        "application/json",
        "application/x-ndjson",
    ];
    let expected = (
        400,
        "parameter_invalid".into(),
        Some("Last-Event-ID".into()),
    );
    for accept in accepts {
        for id in [
            "",
            "x",
            "-1",
            "+1",
            "1.x",
            "1.0.0",
            "9223372036854775808",
            "y}@c",
        ] {
            let headers = [("accept", accept), ("last-event-id", id)];
            let answer = shop.raw("GET", "/v1/events", &headers, "").await;
            assert_eq!(answer.problem(), expected, "{id:?} for {accept}");
        }
    }
    // A page has no use for one.
    let answer = shop
        .raw("GET", "/v1/events", &[("last-event-id", "1")], "")
        .await;
    assert_eq!(
        answer.expect(200).json()["data"][0]["sequence"],
        "00000000000000000001"
    );
}

#[tokio::test]
async fn a_long_roll_streams_without_gap_or_repetition() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    for amount in 1..=600 {
        shop.post("/v1/entries", crate::harness::entry("a", "b", amount))
            .await
            .expect(201);
    }
    let head = shop.position();
    let mut reader = Reader::open(&shop, "/v1/events?stream=true", &[]).await;
    let ids = reader.take(usize::try_from(head).unwrap()).await;
    assert_eq!(ids, (1..=head).collect::<Vec<_>>());
}

#[tokio::test]
async fn streams_end_with_the_server_and_at_a_moment_in_the_past() {
    let shop = Shop::open();
    for path in ["a", "b", "c"] {
        shop.account(path, "asset").await;
    }
    let mut past = Reader::open(&shop, "/v1/events?stream=true&as_of=2", &[]).await;
    assert_eq!(past.take(2).await, [1, 2]);
    assert_eq!(past.next().await, None);
    let mut reader = Reader::open(&shop, "/v1/events?stream=true&after=3", &[]).await;
    drop(shop.close().await);
    assert_eq!(reader.next().await, None);
}
