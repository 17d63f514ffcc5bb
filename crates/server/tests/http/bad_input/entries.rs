//! What no entry may be, alone, among many, or as a hold.

use serde_json::json;

use super::case::{Case, changes, requests, with};
use crate::harness::entry;

/// What is set in an entry of two postings, status, code, param, and to what.
const CHANGES: &str = r#"
/postings           422 parameter_invalid   /postings           []
/postings/0/account 422 parameter_invalid   /postings/0/account "a b"
/postings/0/account 404 account_not_found   /postings/0/account "nowhere"
/postings/1/unit    404 account_not_found   /postings/1/account "USD"
/postings/1/unit    422 parameter_invalid   /postings/1/unit    "Euro"
/postings/0/side    422 parameter_invalid   /postings/0/side    "left"
/postings/0/amount  422 parameter_invalid   /postings/0/amount  0
/postings/0/amount  422 parameter_invalid   /postings/0/amount  -5
/postings/0/amount  422 parameter_invalid   /postings/0/amount  0.5
/postings/0/amount  422 amount_out_of_range /postings/0/amount  18446744073709551615
/postings/0/amount  422 entry_unbalanced    /postings           6
/postings/0/memo    422 parameter_unknown   /postings/0/memo    "x"
/reverses           422 reverses_refused    /reverses           "ent_00000000000000000000000001"
/effective_date     422 parameter_invalid   /effective_date     "2026-02-30"
/effective_date     422 parameter_invalid   /effective_date     "2026-08-31T00:00:00Z"
/description        422 parameter_invalid   /description        ""
"#;

/// The same of a hold.
const OF_HOLDS: &str = r#"
/expires_at         422 parameter_invalid   /expires_at         "soon"
/expires_at         422 parameter_invalid   /expires_at         "2000-01-01T00:00:00Z"
"#;

/// Method, path, status, code, param, body.
const REQUESTS: &str = r#"
POST /v1/entries/bulk                                 422 parameter_invalid /entries  {"mode": "all", "entries": []}
POST /v1/holds/hld_00000000000000000000000001/capture 404 hold_not_found    -         {}
POST /v1/holds/hld_00000000000000000000000001/void    422 parameter_unknown /x        {"x": 1}
POST /v1/holds/hld_00000000000000000000000001/capture 422 parameter_invalid /amount   {"amount": 0}
POST /v1/holds/hld_00000000000000000000000001/capture 422 parameter_invalid /postings {"amount": 1, "postings": []}
POST /v1/holds/hld_1/capture                          400 parameter_invalid id        {}
"#;

pub(super) fn cases() -> Vec<Case> {
    let base = entry("a", "b", 5);
    let bulk = |mode: &str, entries: &[serde_json::Value], code, param| {
        let body = json!({"mode": mode, "entries": entries});
        Case::post("/v1/entries/bulk", body, code, param)
    };
    let wrong = |pointer: &str| with(&base, pointer, json!("x"));
    let invalid = "parameter_invalid";
    let mut cases = vec![
        bulk("some", std::slice::from_ref(&base), invalid, "/mode"),
        bulk(
            "all",
            &[base.clone(), wrong("/postings/0/side")],
            invalid,
            "/entries/1/postings/0/side",
        ),
        bulk(
            "all",
            &[base.clone(), wrong("/extra")],
            "parameter_unknown",
            "/entries/1/extra",
        ),
    ];
    cases.extend(changes("/v1/entries", &base, CHANGES));
    cases.extend(changes("/v1/holds", &base, OF_HOLDS));
    cases.extend(requests(REQUESTS));
    cases
}
