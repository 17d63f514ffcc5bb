//! Streams of entries, a line for each.

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::{Answer, Shop, entry};

const EACH: &str = "/v1/entries/bulk?mode=each";
const ALL: &str = "/v1/entries/bulk?mode=all";
const COMMAND: usize = 10_000;

async fn shop() -> Shop {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    shop
}

/// So many good lines.
fn lines(count: usize) -> String {
    let line = entry("a", "b", 1).to_string() + "\n";
    line.repeat(count)
}

async fn send(shop: &Shop, path: &str, key: Option<&str>, body: impl Into<Body>) -> Answer {
    let mut headers = vec![("content-type", "application/x-ndjson")];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    shop.raw("POST", path, &headers, body).await
}

fn told(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let text = answer.text();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

fn picked(line: &Value, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| line[name].clone()).collect()
}

#[tokio::test]
async fn a_stream_is_cut_into_commands_wherever_its_pieces_end() {
    let mut text = lines(COMMAND - 1);
    // Blank lines count for nothing, and the last line needs no end.
    text.push_str("\n  \r\n");
    text.push_str(&lines(1 + COMMAND + 3));
    let text = text.trim_end().to_owned();
    for piece in [text.len(), 65_536, 1009] {
        let shop = shop().await;
        let pieces: Vec<_> = text
            .as_bytes()
            .chunks(piece)
            .map(|piece| Ok::<_, std::convert::Infallible>(Bytes::copy_from_slice(piece)))
            .collect();
        let body = Body::from_stream(stream::iter(pieces));
        let answer = send(&shop, EACH, Some("k"), body).await.expect(200);
        let names = [
            "first_index",
            "posted",
            "refused",
            "results",
            "first_position",
        ];
        let said: Vec<_> = told(&answer)
            .iter()
            .map(|line| picked(line, &names))
            .collect();
        let expected = [
            [json!(0), json!(COMMAND), json!(0), json!([]), json!(3)],
            [
                json!(COMMAND),
                json!(COMMAND),
                json!(0),
                json!([]),
                json!(5),
            ],
            [json!(2 * COMMAND), json!(3), json!(0), json!([]), json!(7)],
        ];
        assert_eq!(said, expected, "pieces of {piece} bytes");
        // Another command, but the same request: cut at the same places, all of it is known.
        let again = send(&shop, EACH, Some("k"), text.clone()).await.expect(200);
        for (line, before) in told(&again).into_iter().zip(told(&answer)) {
            let mut before = before;
            before["replayed"] = json!(true);
            assert_eq!(line, before);
        }
        assert_eq!(shop.position(), 8);
    }
}

#[tokio::test]
async fn a_command_is_answered_before_more_of_the_stream_is_sent() {
    let shop = shop().await;
    let (sender, body) = piecewise();
    let request = Request::post(EACH)
        .header("host", "localhost")
        .header("content-type", "application/x-ndjson")
        .body(body)
        .unwrap();
    sender.send(lines(COMMAND)).await.unwrap();
    let response = shop.router.clone().oneshot(request).await.unwrap();
    let mut answers = response.into_body().into_data_stream();
    let mut next = async || -> Value {
        let line = answers.next().await.unwrap().unwrap();
        serde_json::from_slice(&line).unwrap()
    };
    let first = next().await;
    assert_eq!(first["first_index"], 0, "{first}");
    for command in 1..3 {
        sender.send(lines(COMMAND)).await.unwrap();
        assert_eq!(next().await["first_index"], command * COMMAND);
    }
    sender.send(lines(2)).await.unwrap();
    drop(sender);
    assert_eq!(next().await["posted"], 2);
    assert!(answers.next().await.is_none());
}

/// A body that is sent piece by piece.
fn piecewise() -> (tokio::sync::mpsc::Sender<String>, Body) {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    let pieces = pieces.map(|piece: String| Ok::<_, std::convert::Infallible>(Bytes::from(piece)));
    (sender, Body::from_stream(pieces))
}

#[tokio::test]
async fn a_key_covers_every_command_of_a_stream() {
    let shop = shop().await;
    let whole = lines(2 * COMMAND + 5);
    // The connection breaks off in the second command: the first is applied.
    let (first, second) = whole.split_at(whole.len() / 3 * 2);
    assert!(first.lines().count() < 2 * COMMAND);
    let pieces = [
        Ok(Bytes::copy_from_slice(first.as_bytes())),
        Err(std::io::Error::other("gone")),
    ];
    let broken = Body::from_stream(stream::iter(pieces));
    let answer = send(&shop, ALL, Some("k"), broken).await.expect(200);
    let said = told(&answer);
    assert_eq!(
        picked(&said[0], &["object", "posted"]),
        [json!("bulk"), json!(COMMAND)]
    );
    assert_eq!(
        picked(&said[1], &["object", "code", "first_index"]),
        [json!("problem"), json!("body_incomplete"), json!(COMMAND)]
    );
    assert_eq!(said.len(), 2);
    assert_eq!(shop.position(), 4);
    assert!(!second.is_empty());

    let shop = shop.restart().await;
    let answer = send(&shop, ALL, Some("k"), whole.clone()).await.expect(200);
    let replayed: Vec<_> = told(&answer)
        .iter()
        .map(|line| line["replayed"].clone())
        .collect();
    assert_eq!(replayed, [json!(true), Value::Null, Value::Null]);
    assert_eq!(shop.position(), 8);

    // The same key for a stream that goes on otherwise: known up to there, and no further.
    let other = lines(COMMAND) + &lines(7);
    let answer = send(&shop, ALL, Some("k"), other).await.expect(200);
    let said = told(&answer);
    assert_eq!(said[0]["replayed"], true);
    assert_eq!(
        picked(&said[1], &["object", "code", "first_index"]),
        [
            json!("problem"),
            json!("idempotency_key_reused"),
            json!(COMMAND)
        ]
    );
    // And the other mode is another request.
    let answer = send(&shop, EACH, Some("k"), whole).await;
    assert_eq!(answer.problem().1, "idempotency_key_reused");
    assert_eq!(shop.position(), 8);
    let events = shop.get("/v1/events?limit=1000").await.expect(200).json();
    let mut causes: Vec<_> = events["data"].as_array().unwrap()[2..]
        .iter()
        .filter_map(|event| event["causationid"].as_str())
        .collect();
    // Each part of an event says it.
    causes.dedup();
    let expected = ["http:k", "http:k 1", "http:k 2"];
    assert_eq!(causes, expected);
}

#[tokio::test]
async fn a_stream_ends_where_a_command_is_refused() {
    let shop = shop().await;
    let mut text = lines(COMMAND + 1);
    text.push_str(&(entry("a", "nowhere", 1).to_string() + "\n"));
    text.push_str(&lines(2 * COMMAND));
    let answer = send(&shop, ALL, None, text.clone()).await.expect(200);
    let said = told(&answer);
    assert_eq!(said.len(), 2);
    assert_eq!(
        picked(
            &said[1],
            &["object", "code", "param", "first_index", "status"]
        ),
        [
            json!("problem"),
            json!("account_not_found"),
            json!(format!("/entries/{}/postings/1/account", COMMAND + 1)),
            json!(COMMAND),
            json!(404)
        ]
    );
    assert_eq!(said[1]["request_id"].as_str(), answer.header("request-id"));
    assert_eq!(shop.position(), 4, "one command and no other");

    let answer = send(&shop, &format!("{EACH}&results=all"), None, text)
        .await
        .expect(200);
    let said = told(&answer);
    assert_eq!(said.len(), 4);
    let results: Vec<&Value> = said
        .iter()
        .flat_map(|line| line["results"].as_array().unwrap())
        .collect();
    assert_eq!(results.len(), 3 * COMMAND + 2);
    for (index, result) in results.iter().enumerate() {
        let status = if index == COMMAND + 1 {
            "refused"
        } else {
            "posted"
        };
        assert_eq!(
            picked(result, &["index", "status"]),
            [json!(index), json!(status)]
        );
        assert_eq!(result["id"].is_string(), status == "posted");
    }
}

#[tokio::test]
async fn a_bad_line_is_named_by_its_place() {
    let shop = shop().await;
    let good = entry("a", "b", 1).to_string();
    let with = |pointer: &str, value: Value| {
        let mut line = entry("a", "b", 1);
        *line.pointer_mut(pointer).unwrap() = value;
        line.to_string()
    };
    let long = format!("{}{good}", " ".repeat(2 * 1024 * 1024 + 1));
    let table: &[(&str, &str, u16, &str, &str)] = &[
        (ALL, "{", 400, "json_malformed", "/entries/1"),
        (ALL, "[]", 422, "parameter_invalid", "/entries/1"),
        (ALL, "{}", 422, "parameter_missing", "/entries/1/postings"),
        (
            ALL,
            &good.replace("amount", "amont"),
            422,
            "parameter_unknown",
            "/entries/1/postings/0/amont",
        ),
        (
            ALL,
            &with("/postings/0/amount", json!("1")),
            422,
            "parameter_invalid",
            "/entries/1/postings/0/amount",
        ),
        (
            ALL,
            &with("/postings/0/amount", json!(-1)),
            422,
            "parameter_invalid",
            "/entries/1/postings/0/amount",
        ),
        (
            ALL,
            &with("/postings/1/amount", json!(1.5)),
            422,
            "parameter_invalid",
            "/entries/1/postings/1/amount",
        ),
        (
            ALL,
            &with("/postings/1/amount", json!(u64::MAX)),
            422,
            "amount_out_of_range",
            "/entries/1/postings/1/amount",
        ),
        (
            ALL,
            &with("/postings/1/account", json!("4242424242424242")),
            422,
            "card_number_refused",
            "/entries/1/postings/1/account",
        ),
        (
            ALL,
            &with("/postings/1/account", json!("4242-4242-4242-4242")),
            422,
            "card_number_refused",
            "/entries/1/postings/1/account",
        ),
        (
            ALL,
            &format!("{good} {good}"),
            400,
            "json_malformed",
            "/entries/1",
        ),
        (
            ALL,
            &good.replacen(',', ",\n", 1),
            400,
            "json_malformed",
            "/entries/1",
        ),
        (EACH, &long, 413, "body_too_large", "/entries/1"),
    ];
    for (path, line, status, code, param) in table {
        let text = format!("{good}\n{line}\n{good}\n");
        let answer = send(&shop, path, None, text).await;
        let expected = (*status, (*code).to_owned(), Some((*param).to_owned()));
        assert_eq!(answer.problem(), expected, "{:.200}", line);
    }
    let mut broken = format!("{good}\n").into_bytes();
    broken.extend_from_slice(b"{\"description\":\"\xff\"}\n");
    let answer = send(&shop, ALL, None, broken).await;
    let expected = (
        400,
        "body_not_utf8".to_owned(),
        Some("/entries/1".to_owned()),
    );
    assert_eq!(answer.problem(), expected);
    assert_eq!(shop.position(), 2, "nothing of them was applied");

    // With mode `each`, wrong values refuse their entry alone.
    let text = format!(
        "{good}\n{}\n\n{good}\n",
        with("/postings/1/amount", json!(1.5))
    );
    let answer = send(&shop, EACH, None, text).await.expect(200);
    let said = told(&answer);
    assert_eq!(
        picked(&said[0], &["posted", "refused"]),
        [json!(2), json!(1)]
    );
    assert_eq!(
        picked(
            &said[0]["results"][0],
            &["index", "status", "code", "param"]
        ),
        [
            json!(1),
            json!("refused"),
            json!("parameter_invalid"),
            json!("/entries/1/postings/1/amount")
        ]
    );
}

#[tokio::test]
async fn a_stream_says_its_mode_and_holds_something() {
    let shop = shop().await;
    let table = [
        ("/v1/entries/bulk", lines(1), 400, "mode"),
        ("/v1/entries/bulk?mode=some", lines(1), 400, "mode"),
        (
            "/v1/entries/bulk?mode=each&results=none",
            lines(1),
            400,
            "results",
        ),
        (EACH, String::new(), 422, "/entries"),
        (EACH, "\n \n".to_owned(), 422, "/entries"),
    ];
    for (path, text, status, param) in table {
        let (got, _, named) = send(&shop, path, None, text).await.problem();
        assert_eq!((got, named.as_deref()), (status, Some(param)), "{path}");
    }
    let document = json!({"mode": "each", "entries": [entry("a", "b", 1)]});
    let (status, _, param) = shop.post(EACH, document).await.problem();
    assert_eq!((status, param.as_deref()), (400, Some("mode")));
    assert_eq!(shop.position(), 2);
}

#[tokio::test]
async fn long_lines_cut_a_command_short() {
    let shop = shop().await;
    // Nine lines of a mebibyte: the eighth fills the command.
    let line = entry("a", "b", 1).to_string();
    let line = format!("{}{line}\n", " ".repeat(1024 * 1024 - line.len() - 1));
    let answer = send(&shop, EACH, None, line.repeat(9)).await.expect(200);
    let said: Vec<_> = told(&answer)
        .iter()
        .map(|line| picked(line, &["first_index", "posted"]))
        .collect();
    assert_eq!(said, [[json!(0), json!(8)], [json!(8), json!(1)]]);
    // Blank ones fill nothing.
    let text = "\n".repeat(9 * 1024 * 1024) + &lines(2);
    let answer = send(&shop, EACH, None, text).await.expect(200);
    assert_eq!(told(&answer)[0]["posted"], 2);
}

#[tokio::test]
async fn entries_of_one_event_are_shown_with_the_names_of_their_accounts() {
    let shop = shop().await;
    shop.account("c:d", "asset").await;
    let mut named = entry("c:d", "b", 3);
    named["description"] = json!("with words");
    let body = json!({"mode": "all", "entries": [entry("a", "b", 1), entry("c:d", "b", 2), named, entry("a", "b", 4)]});
    let answer = shop
        .post("/v1/entries/bulk?results=all", body)
        .await
        .expect(200)
        .json();
    let results = answer["results"].as_array().unwrap();
    let positions: Vec<_> = results
        .iter()
        .map(|result| result["position"].clone())
        .collect();
    assert_eq!(positions, [json!(4), json!(4), json!(5), json!(6)]);
    let id = |index: usize| results[index]["id"].as_str().unwrap().to_owned();

    let shop = shop.restart().await;
    let events = shop.get("/v1/events?after=3").await.expect(200).json();
    let data = |index: usize| events["data"][index]["data"].clone();
    assert_eq!(events["data"][0]["type"], "tillroll.entries.posted");
    let shown = |entry: &Value| -> Vec<(String, u64)> {
        let postings = entry["postings"].as_array().unwrap().iter();
        postings
            .map(|posting| {
                (
                    posting["account"].as_str().unwrap().into(),
                    posting["amount"].as_u64().unwrap(),
                )
            })
            .collect()
    };
    let legs = |debit: &str, amount| vec![(debit.to_owned(), amount), ("b".to_owned(), amount)];
    let entries = data(0)["entries"].as_array().unwrap().clone();
    assert_eq!(entries.len(), 2);
    assert_eq!(
        (shown(&entries[0]), &entries[0]["id"]),
        (legs("a", 1), &json!(id(0)))
    );
    assert_eq!(
        (shown(&entries[1]), &entries[1]["id"]),
        (legs("c:d", 2), &json!(id(1)))
    );
    assert_eq!(shown(&data(1)["entry"]), legs("c:d", 3));
    for (index, amount) in [(0, 1), (1, 2), (2, 3), (3, 4)] {
        let found = shop
            .get(&format!("/v1/entries/{}", id(index)))
            .await
            .expect(200)
            .json();
        assert_eq!(found["postings"][0]["amount"], amount);
        assert_eq!(found["position"], results[index]["position"]);
    }
    let request = Request::get("/v1/events?stream=true&after=3")
        .header("host", "localhost")
        .body(Body::empty())
        .unwrap();
    let response = shop.router.clone().oneshot(request).await.unwrap();
    let frame = response.into_body().frame().await.unwrap().unwrap();
    let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
    let event = text
        .lines()
        .find_map(|line| line.strip_prefix("data: "))
        .unwrap();
    let event: Value = serde_json::from_str(event).unwrap();
    assert_eq!(event["data"]["entries"], data(0)["entries"]);
}

#[tokio::test]
async fn a_stream_ends_with_the_server() {
    let shop = shop().await;
    let (sender, body) = piecewise();
    let request = Request::post(EACH)
        .header("host", "localhost")
        .header("content-type", "application/x-ndjson")
        .body(body)
        .unwrap();
    sender.send(lines(COMMAND + 1)).await.unwrap();
    let response = shop.router.clone().oneshot(request).await.unwrap();
    let mut answers = response.into_body().into_data_stream();
    answers.next().await.unwrap().unwrap();
    let before = shop.position();
    let directory = shop.close().await;
    let last = answers.next().await.unwrap().unwrap();
    let last: Value = serde_json::from_slice(&last).unwrap();
    assert_eq!(
        picked(&last, &["object", "code", "first_index"]),
        [json!("problem"), json!("log_failed"), json!(COMMAND)]
    );
    assert!(answers.next().await.is_none());
    drop((sender, answers));
    let shop = Shop::open_in(directory);
    assert_eq!(
        shop.position(),
        before,
        "what is not complete is not applied"
    );
}
