//! Entries are reversed once, exactly, and say so.

use serde_json::{Value, json};

use crate::harness::{Shop, entry};

const UNKNOWN: &str = "ent_00000000000000000000000009";

async fn shop() -> Shop {
    let shop = Shop::open();
    shop.account("cash", "asset").await;
    shop.account("t:sales", "income").await;
    shop
}

async fn posted(shop: &Shop, amount: u64) -> String {
    let answer = shop.post("/v1/entries", entry("cash", "t:sales", amount));
    let answer = answer.await.expect(201);
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn reverse(id: &str) -> String {
    format!("/v1/entries/{id}/reverse")
}

async fn balance(shop: &Shop) -> i64 {
    let account = shop.get("/v1/accounts/cash").await.expect(200).json();
    let of = |side: &str| account["data"][0][side].as_i64().unwrap();
    of("debits_posted") - of("credits_posted")
}

/// What is asked of an entry of 1000, one after the other; then status, code and param of the last,
/// and what is left on the account.
#[tokio::test]
async fn what_is_asked_for_happens_or_is_refused_by_name() {
    type Case<'a> = (&'a str, &'a [Value], u16, &'a str, Option<&'a str>, i64);
    let part = |amount: u64| entry("t:sales", "cash", amount);
    let mut both = part(5);
    both["amount"] = json!(5);
    let table: &[Case<'_>] = &[
        ("whole", &[Value::Null], 201, "", None, 0),
        ("whole, as an object", &[json!({})], 201, "", None, 0),
        (
            "a part by amount",
            &[json!({"amount": 400})],
            201,
            "",
            None,
            600,
        ),
        ("a part by posting", &[part(250)], 201, "", None, 750),
        (
            "parts to the end",
            &[part(250), json!({"amount": 750})],
            201,
            "",
            None,
            0,
        ),
        (
            "twice",
            &[Value::Null, Value::Null],
            409,
            "entry_already_reversed",
            None,
            0,
        ),
        (
            "more than is left",
            &[part(250), json!({"amount": 751})],
            422,
            "reversal_exceeds_entry",
            Some("/amount"),
            750,
        ),
        (
            "other amounts",
            &[part(999_999)],
            422,
            "reversal_exceeds_entry",
            Some("/postings/0/amount"),
            1000,
        ),
        (
            "the same sides",
            &[entry("cash", "t:sales", 5)],
            422,
            "reversal_exceeds_entry",
            Some("/postings/0/amount"),
            1000,
        ),
        (
            "another account",
            &[entry("t:sales", "t:sales", 5)],
            422,
            "reversal_exceeds_entry",
            Some("/postings/1/amount"),
            1000,
        ),
        (
            "no account",
            &[entry("t:sales", "nowhere", 5)],
            404,
            "account_not_found",
            Some("/postings/1/account"),
            1000,
        ),
        (
            "both ways at once",
            &[both],
            422,
            "parameter_invalid",
            Some("/postings"),
            1000,
        ),
        (
            "nothing",
            &[json!({"amount": 0})],
            422,
            "parameter_invalid",
            Some("/amount"),
            1000,
        ),
        (
            "a field that is none",
            &[json!({"reason": "x"})],
            422,
            "parameter_unknown",
            Some("/reason"),
            1000,
        ),
    ];
    for (name, bodies, status, code, param, left) in table {
        let shop = shop().await;
        let id = posted(&shop, 1000).await;
        let mut last = None;
        for body in *bodies {
            let path = reverse(&id);
            last = Some(match body {
                Value::Null => {
                    shop.raw("POST", &path, &[("content-type", "application/json")], "")
                        .await
                }
                body => shop.post(&path, body.clone()).await,
            });
        }
        let last = last.unwrap();
        assert_eq!(last.status.as_u16(), *status, "{name}: {}", last.text());
        match code.is_empty() {
            true => {
                let answer = last.json();
                assert_eq!(answer["reverses"], id, "{name}");
                // It reads as it was answered.
                let path = format!("/v1/entries/{}", answer["id"].as_str().unwrap());
                assert_eq!(shop.get(&path).await.expect(200).json(), answer, "{name}");
            }
            false => assert_eq!(
                last.problem(),
                (*status, (*code).to_owned(), param.map(str::to_owned)),
                "{name}"
            ),
        }
        assert_eq!(balance(&shop).await, *left, "{name}");
    }
}

#[tokio::test]
async fn what_is_no_entry_is_not_reversed() {
    let shop = shop().await;
    let id = posted(&shop, 10).await;
    let not_found = (404, "entry_not_found".to_owned(), None);
    let answer = shop.post(&reverse(UNKNOWN), json!({})).await;
    assert_eq!(answer.problem(), not_found);
    // An entry that is to come cannot take itself back.
    let answer = shop.post(&reverse(UNKNOWN), json!({"id": UNKNOWN})).await;
    assert_eq!(answer.problem(), not_found);
    let answer = shop.post(&reverse(&id), json!({"id": id})).await;
    assert_eq!(
        answer.problem(),
        (409, "entry_exists".into(), Some("/id".into()))
    );
    for other in [
        "ord_00000000000000000000000001",
        "hld_00000000000000000000000001",
        "evt_00000000000000000000000001",
    ] {
        let answer = shop.post(&reverse(other), json!({})).await;
        assert_eq!(
            answer.problem(),
            (409, "entry_not_reversible".into(), Some("id".into()))
        );
    }
    let answer = shop.post(&reverse("x"), json!({})).await;
    assert_eq!(
        answer.problem(),
        (400, "parameter_invalid".into(), Some("id".into()))
    );
}

/// One way in, so that nothing is reversed unchecked.
#[tokio::test]
async fn an_entry_to_post_does_not_say_what_it_reverses() {
    let shop = shop().await;
    let id = posted(&shop, 10).await;
    let mut correction = entry("t:sales", "cash", 10);
    correction["reverses"] = json!(id);
    let answer = shop.post("/v1/entries", correction.clone()).await;
    assert_eq!(
        answer.problem(),
        (422, "reverses_refused".into(), Some("/reverses".into()))
    );
    assert!(answer.text().contains(&reverse(&id)), "{}", answer.text());
    let bulk = json!({"mode": "all", "entries": [correction]});
    let answer = shop.post("/v1/entries/bulk", bulk).await;
    assert_eq!(answer.problem().1, "reverses_refused");
    let plain = entry("cash", "t:sales", 1);
    let bulk = json!({"mode": "each", "entries": [correction, plain]});
    let answer = shop.post("/v1/entries/bulk", bulk).await.expect(200);
    assert!(
        answer.text().contains("reverses_refused"),
        "{}",
        answer.text()
    );
    let lines = format!("{correction}\n{plain}\n");
    let headers = [("content-type", "application/x-ndjson")];
    let answer = shop
        .raw("POST", "/v1/entries/bulk?mode=each", &headers, lines)
        .await;
    assert!(
        answer.text().contains("reverses_refused"),
        "{}",
        answer.text()
    );
    assert_eq!(balance(&shop).await, 12);
    // Nothing at all is nothing.
    correction["reverses"] = Value::Null;
    shop.post("/v1/entries", correction).await.expect(201);
}

#[tokio::test]
async fn an_entry_shows_what_took_it_back_and_when() {
    let shop = shop().await;
    let id = posted(&shop, 1000).await;
    let path = format!("/v1/entries/{id}");
    let part = json!({"amount": 400, "description": "returned"});
    let first = shop.post(&reverse(&id), part).await.expect(201);
    let second = shop.post(&reverse(&id), json!({})).await.expect(201);
    let shown = |answer: Value| {
        let by = answer["reversed_by"].as_array().unwrap().clone();
        let by = by.iter().map(|one| {
            (
                one["id"].as_str().unwrap().to_owned(),
                one["postings"][0]["amount"].as_u64().unwrap(),
            )
        });
        let by: Vec<_> = by.collect();
        (answer["reversal"].as_str().unwrap().to_owned(), by)
    };
    let id_of = |answer: &crate::harness::Answer| answer.json()["id"].as_str().unwrap().to_owned();
    let (one, two) = ((id_of(&first), 400), (id_of(&second), 600));
    let cases = [
        (first.position() - 1, "none", vec![]),
        (first.position(), "part", vec![one.clone()]),
        (second.position(), "whole", vec![one, two]),
    ];
    for (position, state, by) in cases {
        let answer = shop
            .get(&format!("{path}?as_of={position}"))
            .await
            .expect(200);
        assert_eq!(shown(answer.json()), (state.to_owned(), by));
    }
    // It is so after a restart, too: from the roll, and from the state.
    let before = shop.get(&path).await.json();
    let shop = shop.restart().await;
    assert_eq!(shop.get(&path).await.json(), before);
    let again = shop.post(&reverse(&id), json!({})).await;
    assert_eq!(again.problem().1, "entry_already_reversed");
}

/// Also one of ten thousand, which has no record of its own.
#[tokio::test]
async fn an_entry_of_a_bulk_request_is_reversed_as_soon_as_it_is_acknowledged() {
    let shop = shop().await;
    for round in 0..20 {
        let entries: Vec<Value> = (0..50).map(|n| entry("cash", "t:sales", n + 1)).collect();
        let bulk = json!({"mode": "all", "entries": entries});
        let answer = shop
            .post("/v1/entries/bulk?results=all", bulk)
            .await
            .expect(200);
        let id = answer.json()["results"][round]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let reversed = shop.post(&reverse(&id), json!({})).await.expect(201);
        assert_eq!(reversed.json()["postings"][0]["amount"], round + 1);
    }
}

/// 64 clients at once: what they are answered depends on the writer alone, not on what they read.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_reversals_at_once_one_happens() {
    let shop = shop().await;
    for body in [
        json!({}),
        json!({"amount": 1000}),
        entry("t:sales", "cash", 501),
    ] {
        let id = posted(&shop, 1000).await;
        let before = balance(&shop).await;
        let path = reverse(&id);
        let racing = (0..64).map(|_| shop.post(&path, body.clone()));
        let answers = futures_util::future::join_all(racing).await;
        let done = answers
            .iter()
            .filter(|answer| answer.status.as_u16() == 201);
        assert_eq!(done.count(), 1, "{body}");
        for answer in answers {
            if answer.status.as_u16() != 201 {
                let (_, code, _) = answer.problem();
                let known = ["entry_already_reversed", "reversal_exceeds_entry"];
                assert!(known.contains(&&*code), "{code}");
            }
        }
        let entry = shop.get(&format!("/v1/entries/{id}")).await.json();
        assert_eq!(entry["reversed_by"].as_array().unwrap().len(), 1);
        let taken = entry["reversed_by"][0]["postings"][0]["amount"]
            .as_i64()
            .unwrap();
        assert_eq!(balance(&shop).await, before - taken);
    }
}
