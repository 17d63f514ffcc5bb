//! Pages and streams are bounded in bytes, and nothing is lost or told twice between them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tillroll_server::bind;
use tokio::sync::oneshot;

use crate::harness::{Shop, entry};
use crate::stream::Reader;

/// What surrounds the items of a page.
const AROUND: usize = 128;
/// Longer than any part of these events.
const LONGEST_PART: usize = 600 * 1024;

/// Pages of at most so many bytes.
fn shop(page_bytes: usize) -> Shop {
    Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.http.bounds.page_bytes = page_bytes;
    })
}

/// Bulk events of these sizes, with an event of another kind behind each.
async fn fill(shop: &Shop, sizes: &[usize]) {
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    let mut amount = 0;
    for (index, size) in sizes.iter().enumerate() {
        let entries: Vec<Value> = (0..*size)
            .map(|_| {
                amount += 1;
                entry("a", "b", amount)
            })
            .collect();
        shop.post(
            "/v1/entries/bulk",
            json!({"mode": "all", "entries": entries}),
        )
        .await
        .expect(200);
        shop.account(&format!("other:{index}"), "asset").await;
    }
}

const OPENED: &str = "tillroll.account.opened";

/// The amounts of the entries that events have, and the accounts that were opened, in order.
fn told<'e>(events: impl IntoIterator<Item = &'e Value>) -> Vec<String> {
    let mut told = Vec::new();
    for event in events {
        match event["data"]["entries"].as_array() {
            Some(entries) => told.extend(entries.iter().map(|entry| {
                let amount = &entry["postings"][0]["amount"];
                assert_eq!(&entry["postings"][1]["amount"], amount);
                amount.to_string()
            })),
            None if event["type"] == OPENED => told.push(OPENED.to_owned()),
            // How a bulk command ended.
            None => {}
        }
    }
    told
}

fn expected(sizes: &[usize]) -> Vec<String> {
    let opened = || OPENED.to_owned();
    let mut told = vec![opened(), opened()];
    let mut amount = 0;
    for size in sizes {
        told.extend((0..*size).map(|_| {
            amount += 1;
            amount.to_string()
        }));
        told.push(opened());
    }
    told
}

#[tokio::test]
async fn pages_of_events_are_the_whole_roll_once_whatever_their_bounds() {
    // Around where an event begins to come in parts, and where a part ends.
    let sizes = [1, 500, 501, 999, 1000, 1001, 3200];
    for (page_bytes, limit) in [
        (1, 1000),
        (1, 1),
        (200_000, 3),
        (300_000, 1000),
        (1 << 22, 7),
    ] {
        let shop = shop(page_bytes);
        fill(&shop, &sizes).await;
        for accept in ["application/json", "application/x-ndjson"] {
            let mut events = Vec::new();
            let mut after = "0".to_owned();
            loop {
                let path = format!("/v1/events?limit={limit}&after={after}");
                let answer = shop
                    .raw("GET", &path, &[("accept", accept)], "")
                    .await
                    .expect(200);
                let (page, has_more): (Vec<Value>, _) = if accept == "application/json" {
                    let list = answer.json();
                    assert_eq!(
                        (&list["object"], &list["url"]),
                        (&json!("list"), &json!("/v1/events"))
                    );
                    (
                        list["data"].as_array().unwrap().clone(),
                        list["has_more"] == true,
                    )
                } else {
                    let lines = answer.text();
                    let lines = lines
                        .lines()
                        .map(|line| serde_json::from_str(line).unwrap());
                    let page: Vec<_> = lines.collect();
                    let has_more = !page.is_empty();
                    (page, has_more)
                };
                assert!(page.len() <= limit);
                let length = answer.bytes.len();
                let bounded = length <= page_bytes + AROUND;
                assert!(
                    bounded || (page.len() == 1 && length <= LONGEST_PART),
                    "{path}: {length}"
                );
                if let Some(last) = page.last() {
                    after = last["sequence"].as_str().unwrap().to_owned();
                }
                events.extend(page);
                if !has_more {
                    break;
                }
            }
            let case = format!("{page_bytes} bytes, {limit} events, {accept}");
            assert!(told(&events) == expected(&sizes), "{case}");
            let sequences: Vec<_> = events
                .iter()
                .map(|event| event["sequence"].as_str())
                .collect();
            assert!(sequences.is_sorted(), "{case}");
            let ids: std::collections::BTreeSet<_> =
                events.iter().map(|event| event["id"].as_str()).collect();
            assert_eq!(ids.len(), events.len(), "{case}");
        }
    }
}

#[tokio::test]
async fn a_cursor_may_be_anywhere_in_an_event() {
    let sizes = [1001];
    let shop = shop(1 << 22);
    fill(&shop, &sizes).await;
    let all = expected(&sizes);
    // The bulk event is the third one.
    for (after, shown) in [
        ("2", 2),
        ("3.0", 2),
        ("3.1", 3),
        ("3.500", 502),
        ("3.1000", 1002),
        ("3.1001", 1003),
        ("3.1002", 1003),
        ("3.9223372036854775807", 1003),
        ("3", 1003),
        // The others have no entries to be between.
        ("2.0", 1),
        ("4.7", 1003),
        ("5.7", 1004),
    ] {
        let path = format!("/v1/events?limit=1000&after={after}");
        let page = shop.get(&path).await.expect(200).json();
        let events = told(page["data"].as_array().unwrap());
        assert!(events == all[shown..], "{after}");
        assert_eq!(page["has_more"], false);
    }
    for after in ["x", "3.", "3.x", ".3", "-1", "9223372036854775808"] {
        let answer = shop.get(&format!("/v1/events?after={after}")).await;
        assert_eq!(answer.problem().2.as_deref(), Some("after"), "{after}");
    }
}

#[tokio::test]
async fn a_stream_may_break_off_after_any_part() {
    let sizes = [1200, 3, 501];
    let shop = shop(1 << 22);
    fill(&shop, &sizes).await;
    let accept = ("accept", "text/event-stream");
    let all = expected(&sizes);
    let (mut events, mut last) = (Vec::new(), "0".to_owned());
    while told(&events).len() < all.len() {
        let headers = [accept, ("last-event-id", last.as_str())];
        let mut reader = Reader::open(&shop, "/v1/events", &headers).await;
        let (id, event) = reader.next_text().await.expect("the stream goes on");
        events.push(event);
        last = id;
    }
    assert!(told(&events) == all);
    // The same without a break.
    let mut reader = Reader::open(&shop, "/v1/events", &[accept]).await;
    for event in &events {
        assert_eq!(
            reader.next_text().await.expect("the stream goes on").1,
            *event
        );
    }
}

#[tokio::test]
async fn pages_of_orders_and_of_what_happened_to_one_are_bounded_too() {
    let shop = shop(2000);
    let lines = json!([{"description": "x".repeat(300), "quantity": 1, "unit_price": 5}]);
    let order = json!({"channel": "web", "currency": "EUR", "lines": lines});
    for _ in 0..7 {
        shop.post("/v1/orders", order.clone()).await.expect(201);
    }
    let ids = |page: &Value| -> Vec<String> {
        let data = page["data"].as_array().unwrap().iter();
        data.map(|order| order["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let (mut forward, mut after) = (Vec::new(), String::new());
    loop {
        let answer = shop
            .get(&format!("/v1/orders?limit=100{after}"))
            .await
            .expect(200);
        let page = ids(&answer.json());
        assert!(page.len() == 1 || answer.bytes.len() <= 2000 + AROUND);
        forward.extend(page);
        if answer.json()["has_more"] == false {
            break;
        }
        after = format!("&starting_after={}", forward.last().unwrap());
    }
    assert_eq!(forward.len(), 7);
    let (mut back, mut before) = (Vec::new(), forward[6].clone());
    loop {
        let path = format!("/v1/orders?limit=100&ending_before={before}");
        let answer = shop.get(&path).await.expect(200).json();
        let page = ids(&answer);
        before = page[0].clone();
        back.extend(page.into_iter().rev());
        if answer["has_more"] == false {
            break;
        }
    }
    back.reverse();
    assert_eq!(back, forward[..6]);

    let order = &forward[0];
    shop.post(&format!("/v1/orders/{order}/cancel"), json!({}))
        .await
        .expect(200);
    let path = format!("/v1/orders/{order}/timeline");
    let first = shop.get(&path).await.expect(200).json();
    let whole = first["has_more"] == false;
    let mut kinds = vec![first["data"][0]["type"].clone()];
    assert!(!whole, "its events are longer than a page");
    let cursor = first["data"][0]["sequence"].as_str().unwrap();
    let rest = shop
        .get(&format!("{path}?starting_after={cursor}"))
        .await
        .expect(200)
        .json();
    kinds.push(rest["data"][0]["type"].clone());
    assert_eq!(rest["has_more"], false);
    assert_eq!(kinds, ["tillroll.order.placed", "tillroll.order.cancelled"]);
}

/// A gauge of the server, by its name.
pub(crate) async fn gauge(router: &axum::Router, name: &str) -> usize {
    use http_body_util::BodyExt;
    let request = axum::http::Request::get("/metrics")
        .header("host", "localhost")
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = tower::ServiceExt::oneshot(router.clone(), request)
        .await
        .unwrap();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
        .parse()
        .unwrap()
}

/// Waits until a gauge is as it has to be.
pub(crate) async fn until(router: &axum::Router, name: &str, wanted: impl Fn(usize) -> bool) {
    let reached = async {
        while !wanted(gauge(router, name).await) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(600), reached).await;
    assert!(reached.is_ok(), "{name}");
}

/// Sends a request and reads nothing.
fn ask(address: std::net::SocketAddr, path: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    client.write_all(request.as_bytes()).unwrap();
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_read_hold_little_and_are_cut_off() {
    const CLIENTS: usize = 6;
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        // First it is seen what they hold, then that they are gone.
        settings.http.bounds.write_time = Duration::from_secs(2);
        settings.http.bounds.page_bytes = 1 << 30;
    });
    // More than fits between the two ends of a connection.
    fill(&shop, &[10_000; 12]).await;
    let router = shop.router.clone();
    let listener = bind("127.0.0.1:0".parse().unwrap(), false).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(shop.server.serve(listener, async {
        stopped.await.ok();
    }));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS / 2 {
        clients.push(ask(address, "/v1/events?stream=true&after=0"));
        clients.push(ask(address, "/v1/events?limit=1000&after=0"));
    }
    until(&router, "tillroll_event_streams", |streams| {
        streams == CLIENTS / 2
    })
    .await;
    // None of them reads, and none goes on beyond what it may hold.
    until(&router, "tillroll_event_streams", |streams| streams == 0).await;
    until(&router, "tillroll_answer_bytes", |held| held == 0).await;
    let most = gauge(&router, "tillroll_answer_bytes_most").await;
    // The record that is being written, and the text of a part of it.
    assert!(most > 0 && most <= CLIENTS * (1 << 20), "{most}");
    // Each got a beginning and no end.
    for mut client in clients {
        let mut got = Vec::new();
        client
            .set_read_timeout(Some(Duration::from_secs(600)))
            .unwrap();
        let end = client.read_to_end(&mut got);
        assert!(got.starts_with(b"HTTP/1.1 200 OK"), "{end:?}");
        assert!(!got.ends_with(b"\r\n0\r\n\r\n"));
    }
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn streams_have_a_number_of_places() {
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), |settings| {
        settings.http.bounds.event_streams = 2;
    });
    shop.account("a", "asset").await;
    let accept = [("accept", "text/event-stream")];
    let first = Reader::open(&shop, "/v1/events", &accept).await;
    let _second = Reader::open(&shop, "/v1/events", &accept).await;
    let refused = shop.raw("GET", "/v1/events", &accept, "").await;
    assert_eq!(refused.problem(), (503, "overloaded".into(), None));
    assert_eq!(refused.header("retry-after"), Some("1"));
    // A page is none.
    shop.get("/v1/events").await.expect(200);
    drop(first);
    let mut third = Reader::open(&shop, "/v1/events", &accept).await;
    assert_eq!(third.take(1).await, [1]);
}

#[tokio::test]
async fn answers_beyond_what_all_may_hold_are_refused() {
    let filled = Shop::open();
    fill(&filled, &[3000]).await;
    let shop = Shop::open_with(filled.close().await, |settings| {
        settings.http.bounds.answer_bytes = 300 * 1024;
        settings.http.patience = Duration::ZERO;
    });
    // Begun and not read to its end.
    let request = axum::http::Request::get("/v1/events?after=2&limit=100");
    let request = request
        .header("host", "localhost")
        .body(axum::body::Body::empty())
        .unwrap();
    let begun = tower::ServiceExt::oneshot(shop.router.clone(), request)
        .await
        .unwrap();
    assert_eq!(begun.status().as_u16(), 200);
    let refused = shop.get("/v1/events?after=2&limit=100").await;
    assert_eq!(refused.problem(), (503, "overloaded".into(), None));
    assert_eq!(refused.header("retry-after"), Some("1"));
    shop.get("/readyz").await.expect(200);
    shop.get("/v1/accounts/a").await.expect(200);
    drop(begun);
    assert_eq!(gauge(&shop.router, "tillroll_answer_bytes").await, 0);
    let page = shop
        .get("/v1/events?after=2&limit=100")
        .await
        .expect(200)
        .json();
    assert_eq!(told(page["data"].as_array().unwrap()).len(), 3001);
}
