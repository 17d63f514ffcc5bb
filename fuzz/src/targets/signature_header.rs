//! The `Stripe-Signature` header: the input's first line. The rest is the body.
//!
//! No fuzzer guesses an HMAC, so where the header says `v1=honest` the right
//! signature is put in its place.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tillroll_events::Timestamp;
use tillroll_stripe::{Secret, SignatureError, TOLERANCE_SECONDS, verify};

const NOW: i64 = 1_800_000_000;
const SECRETS: [&str; 2] = ["whsec_fuzz_old", "whsec_fuzz_new"];

/// No header makes it panic. Nothing passes that was not signed with one of
/// the secrets, lately; and what was signed passes, whatever else the header
/// says, until a byte of the body changes.
pub fn signature_header(data: &[u8]) {
    let newline = data.iter().position(|byte| *byte == b'\n');
    let (header, body) = match newline {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[][..]),
    };
    let secrets: Vec<Secret> = SECRETS
        .map(|secret| secret.parse().expect("a secret"))
        .into();
    let now = Timestamp::from_seconds(NOW);
    assert!(verify(Some(header), body, &secrets, now).is_err());

    let Ok(header) = std::str::from_utf8(header) else {
        return;
    };
    let timestamp = header
        .split(',')
        .filter_map(|item| item.strip_prefix("t="))
        .next_back();
    let Some(timestamp) = timestamp.and_then(|text| text.parse::<i64>().ok()) else {
        return;
    };
    let honest = header
        .split(',')
        .map(|item| match item {
            "v1=honest" => format!("v1={}", sign(SECRETS[body.len() % 2], timestamp, body)),
            other => other.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(",");
    if honest == header {
        return;
    }
    let age = NOW.saturating_sub(timestamp);
    let expected = if age > TOLERANCE_SECONDS {
        Err(SignatureError::Stale { age })
    } else {
        Ok(())
    };
    assert_eq!(
        verify(Some(honest.as_bytes()), body, &secrets, now),
        expected
    );

    let mut changed = body.to_vec();
    match changed.last_mut() {
        Some(last) => *last ^= 1,
        None => changed.push(b'{'),
    }
    let verdict = verify(Some(honest.as_bytes()), &changed, &secrets, now);
    assert_eq!(verdict, Err(SignatureError::NoMatch));
}

fn sign(secret: &str, timestamp: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(format!("{timestamp}.").as_bytes());
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
