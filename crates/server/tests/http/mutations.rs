//! Good requests with something broken in them: never a server error.

use serde_json::{Value, json};

use crate::harness::{NOW, SECRET, Shop, entry, order, payment_succeeded, sign};

/// The text with one byte changed, left out or doubled, all over it.
fn mutations(text: &str, stride: usize) -> impl Iterator<Item = Vec<u8>> {
    let bytes = text.as_bytes().to_vec();
    let changes: [fn(&mut Vec<u8>, usize); 7] = [
        |bytes, at| bytes[at] = b'9',
        |bytes, at| bytes[at] = b'"',
        |bytes, at| bytes[at] = b'-',
        |bytes, at| bytes[at] = 0xff,
        |bytes, at| {
            bytes.remove(at);
        },
        |bytes, at| bytes.insert(at, b'0'),
        |bytes, at| bytes.truncate(at),
    ];
    (0..bytes.len()).step_by(stride).flat_map(move |at| {
        let bytes = bytes.clone();
        changes.into_iter().map(move |change| {
            let mut mutated = bytes.clone();
            change(&mut mutated, at);
            mutated
        })
    })
}

#[tokio::test]
async fn no_broken_request_is_a_server_error() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    shop.account("b", "equity").await;
    let line = json!({"sku": "S", "quantity": 1, "unit_price": 100, "tax": {"rate": "0.2", "behavior": "inclusive"}, "seller": {"account": "acct_1", "commission": "0.1"}});
    let full = json!({"channel": "w", "location": "l", "currency": "EUR", "offline": true, "lines": [line], "metadata": {"k": "v"}});
    let mut hold = entry("a", "b", 5);
    hold["expires_at"] = json!("2030-01-01T00:00:00Z");
    let requests: [(&str, Value); 6] = [
        ("/v1/orders", full),
        ("/v1/orders", order()),
        ("/v1/entries", entry("a", "b", 5)),
        (
            "/v1/entries/bulk",
            json!({"mode": "each", "entries": [entry("a", "b", 5)]}),
        ),
        ("/v1/holds", hold),
        (
            "/v1/stock/receipts",
            json!({"location": "l", "lines": [{"sku": "S", "quantity": 1}]}),
        ),
    ];
    for (path, body) in requests {
        for mutated in mutations(&body.to_string(), 3) {
            let headers = [
                ("content-type", "application/json"),
                ("idempotency-key", "k"),
            ];
            let shown = String::from_utf8_lossy(&mutated).into_owned();
            for headers in [&headers[..1], &headers] {
                let answer = shop.raw("POST", path, headers, mutated.clone()).await;
                assert!(
                    answer.status.as_u16() < 500,
                    "{path} {shown}: {}",
                    answer.text()
                );
            }
        }
    }
}

#[tokio::test]
async fn no_signed_body_is_a_server_error() {
    let shop = Shop::open();
    let body = payment_succeeded("evt_1", "ord_00000000000000000000000001", 100).to_string();
    for mutated in mutations(&body, 7) {
        let signature = sign(SECRET, NOW, &mutated);
        let shown = String::from_utf8_lossy(&mutated).into_owned();
        let headers = [("stripe-signature", signature.as_str())];
        let answer = shop
            .raw("POST", "/v1/webhooks/stripe", &headers, mutated)
            .await;
        assert!(
            [200, 400].contains(&answer.status.as_u16()),
            "{shown}: {}",
            answer.text()
        );
    }
    let sum = shop.get("/v1/trial-balance").await.expect(200).json();
    assert_eq!(sum["balanced"], true);
}

#[tokio::test]
async fn no_broken_address_is_a_server_error() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    for address in [
        "/v1/orders?limit=5&as_of=1&min_position=1&channel=web&status=paid&seller=acct_1",
        "/v1/orders/ord_00000000000000000000000001/timeline?limit=5&starting_after=1",
        "/v1/accounts?prefix=a&unit=EUR&type=asset&starting_after=acc_0",
        "/v1/accounts/a/statement?unit=EUR&order=desc&starting_after=1.0",
        "/v1/events?after=0&limit=5&as_of=2027-01-15T08:00:00Z",
        "/v1/stock?location=l&ending_before=l:S",
    ] {
        for mutated in mutations(address, 1) {
            // Only what a client can send at all.
            let Ok(uri) = std::str::from_utf8(&mutated)
                .unwrap_or("")
                .parse::<axum::http::Uri>()
            else {
                continue;
            };
            if !uri.path().starts_with('/') || uri.host().is_some() {
                continue;
            }
            let answer = shop.get(&uri.to_string()).await;
            assert!(answer.status.as_u16() < 500, "{uri}: {}", answer.text());
        }
    }
}
