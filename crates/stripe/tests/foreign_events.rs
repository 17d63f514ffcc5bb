//! Events that others collected, if there are any on this machine: set TILLROLL_STRIPE_FIXTURES
//! to a folder of JSON files. Each that is an event is signed, verified and translated.

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use support::json_files;
use tillroll_events::Timestamp;
use tillroll_stripe::{Secret, translate, verify};

#[test]
fn foreign_events_are_verified_and_translated() {
    let Some(folder) = std::env::var_os("TILLROLL_STRIPE_FIXTURES").map(PathBuf::from) else {
        println!("skipped: TILLROLL_STRIPE_FIXTURES names no folder of events");
        return;
    };
    const SECRET: &str = "whsec_of_the_test";
    let secrets: [Secret; 1] = [SECRET.parse().expect("a secret")];
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let mut events = 0;
    for path in json_files(&folder) {
        let body = std::fs::read_to_string(&path).expect("a file").into_bytes();
        let is_event = serde_json::from_slice(&body)
            .is_ok_and(|json: Value| json["object"] == "event" && json["type"].is_string());
        if !is_event {
            continue;
        }
        events += 1;
        // Signed here, by hand, so that one mistake in both is not hidden.
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
        mac.update(b"1800000000.");
        mac.update(&body);
        let header = format!(
            "t=1800000000,v1={}",
            hex::encode(mac.finalize().into_bytes())
        );
        let now = Timestamp::from_seconds(1_800_000_060);
        let verdict = verify(Some(header.as_bytes()), &body, &secrets, now);
        assert_eq!(verdict, Ok(()), "{}", path.display());
        let (_, observe) =
            translate(&body).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let notification = observe.notification;
        let outcome = match (notification.unrecognised, notification.detail) {
            (Some(reason), Some(detail)) if reason == "malformed" => format!("{reason}: {detail}"),
            (Some(reason), _) => reason,
            (None, _) => "understood".into(),
        };
        println!("{}: {} {outcome}", path.display(), notification.kind);
        *outcomes.entry(outcome).or_default() += 1;
    }
    assert!(events > 0, "{} holds no events", folder.display());
    println!("{events} events: {outcomes:#?}");
}
