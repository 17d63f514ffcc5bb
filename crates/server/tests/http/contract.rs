//! Every answer that these tests get is held against the OpenAPI document.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use axum::http::Method;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::harness::Answer;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&tillroll_server::openapi::text()).unwrap());

static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> =
    LazyLock::new(Mutex::default);

/// Panics when the answer is not one that the document promises.
#[track_caller]
pub fn check(method: &Method, path: &str, answer: &Answer) {
    let kind = answer.header("content-type").unwrap_or_default();
    let essence = kind.split(';').next().unwrap();
    let Some(responses) = responses(method, path) else {
        // Nothing is there: only a problem can say so.
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        return fits(&schema, &answer.json(), method, path);
    };
    let status = answer.status.as_u16().to_string();
    let response = responses.get(&status).unwrap_or(&responses["default"]);
    let content = &response["content"][essence];
    assert!(
        content.is_object(),
        "{method} {path} answers {status} as {kind}, which is not documented"
    );
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let value = answer.header(name);
        let needed = name == "Tillroll-Position";
        assert!(
            value.is_some() || !needed,
            "{method} {path}: no {name} ({header})"
        );
    }
    let schema = &content["schema"];
    if essence.ends_with("ndjson") {
        for line in answer.text().lines() {
            fits(schema, &serde_json::from_str(line).unwrap(), method, path);
        }
    } else if essence.ends_with("json") {
        fits(schema, &answer.json(), method, path);
    }
}

fn responses(method: &Method, path: &str) -> Option<&'static Value> {
    let wanted: Vec<&str> = path.split('/').collect();
    let method = method.as_str().to_lowercase();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let mut found: Vec<(&String, &Value)> = paths
        .iter()
        .filter(|(template, item)| {
            let parts: Vec<&str> = template.split('/').collect();
            parts.len() == wanted.len()
                && item.get(&method).is_some()
                && parts
                    .iter()
                    .zip(&wanted)
                    .all(|(part, wanted)| part == wanted || part.starts_with('{'))
        })
        .collect();
    // `/v1/entries/bulk` before `/v1/entries/{id}`.
    found.sort_by_key(|(template, _)| template.matches('{').count());
    found.first().map(|(_, item)| &item[&method]["responses"])
}

#[track_caller]
fn fits(schema: &Value, body: &Value, method: &Method, path: &str) {
    let validator = {
        let mut known = VALIDATORS.lock().unwrap();
        *known.entry(schema.to_string()).or_insert_with(|| {
            let whole = json!({"allOf": [schema], "components": DOCUMENT["components"]});
            Box::leak(Box::new(jsonschema::validator_for(&whole).unwrap()))
        })
    };
    let wrong: Vec<String> = validator
        .iter_errors(body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{method} {path}: {wrong:?} in {body}");
}
