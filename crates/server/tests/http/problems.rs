//! Every code is explained; every answer has its id.

use serde_json::Value;

use crate::harness::Shop;

#[tokio::test]
async fn every_code_is_explained_where_its_problems_point() {
    let shop = Shop::open();
    let api = shop.get("/openapi.json").await.expect(200).json();
    let codes = api["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
        .as_array()
        .unwrap()
        .clone();
    assert!(codes.len() > 30);
    for code in codes {
        let code = code.as_str().unwrap();
        let view = shop
            .get(&format!("/problems/{code}"))
            .await
            .expect(200)
            .json();
        assert_eq!(view["code"], code);
        assert!(view["description"].as_str().unwrap().len() > 10);
    }
}

#[tokio::test]
async fn every_answer_has_an_id_and_keeps_browsers_out() {
    let shop = Shop::open();
    for path in [
        "/healthz",
        "/readyz",
        "/v1/orders",
        "/v1/nothing",
        "/openapi.json",
        "/metrics",
    ] {
        let (one, two) = (shop.get(path).await, shop.get(path).await);
        let id = one.header("request-id").unwrap();
        assert!(id.starts_with("req_"));
        assert_ne!(Some(id), two.header("request-id"));
        assert_eq!(one.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(one.header("cache-control"), Some("no-store"));
        assert!(one.header("access-control-allow-origin").is_none());
    }
}

#[tokio::test]
async fn the_interface_describes_itself() {
    let shop = Shop::open();
    let api = shop.get("/openapi.json").await.expect(200).json();
    assert_eq!(api["openapi"], "3.1.0");
    let mut ids = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
            let problem = &operation["responses"]["default"]["content"]["application/problem+json"]
                ["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{method} {path}");
            let parameters = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let keyed = parameters
                .iter()
                .any(|parameter| parameter["name"] == "Idempotency-Key");
            assert_eq!(
                keyed,
                method == "post" && path != "/v1/webhooks/stripe",
                "{method} {path}"
            );
            for parameter in &parameters {
                let named = path.contains(&format!("{{{}}}", parameter["name"].as_str().unwrap()));
                assert_eq!(
                    named,
                    parameter["in"] == "path",
                    "{method} {path} {parameter}"
                );
            }
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "operation ids are unique");
    // No reference leads nowhere.
    let mut stack = vec![&api];
    while let Some(value) = stack.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(api.pointer(pointer).is_some(), "{reference}");
                }
                stack.extend(members.values());
            }
            Value::Array(items) => stack.extend(items),
            _ => {}
        }
    }
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_tell_of_the_ledger() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    shop.get("/v1/orders/nonsense").await;
    let text = shop.get("/metrics").await.expect(200).text();
    for line in [
        "http_server_request_duration_seconds_count{http_route=\"/v1/orders/{id}\",http_request_method=\"GET\",http_response_status_code=\"400\"} 1",
        "tillroll_committed_position 1",
        "tillroll_projection_lag_events 0",
        "tillroll_append_duration_seconds_count 1",
        "tillroll_records_per_sync_sum 1.0",
        "tillroll_queue_depth 0",
        "tillroll_append_retries_total 0",
        "tillroll_writer_superseded_total 0",
        "tillroll_webhooks_total{outcome=\"recorded\"} 0",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[tokio::test]
async fn the_digest_says_the_same_after_a_restart() {
    let shop = Shop::open();
    shop.account("a", "asset").await;
    let before = shop.get("/v1/digest").await.expect(200).json();
    let shop = shop.restart().await;
    assert_eq!(shop.get("/v1/digest").await.expect(200).json(), before);
}
