//! The `Stripe-Signature` header: HMAC-SHA256 over `{timestamp}.{body}`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The hexadecimal signature of `body` at `timestamp` (seconds).
///
/// The whole secret is the key, its `whsec_` included.
#[must_use]
pub fn signature(secret: &str, timestamp: i64, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// The header's value, `t=…,v1=…`.
#[must_use]
pub fn header(secret: &str, timestamp: i64, body: &[u8]) -> String {
    format!("t={timestamp},v1={}", signature(secret, timestamp, body))
}

/// The header while a secret is being rotated: one `v1` for each secret.
#[must_use]
pub fn rotating_header(secrets: &[&str], timestamp: i64, body: &[u8]) -> String {
    secrets
        .iter()
        .fold(format!("t={timestamp}"), |header, secret| {
            format!("{header},v1={}", signature(secret, timestamp, body))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_hmac_of_timestamp_and_body() {
        // Computed with an independent HMAC implementation.
        assert_eq!(
            header("whsec_test", 1_700_000_000, b"{\"id\":\"evt_1\"}"),
            "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"
        );
        assert_eq!(
            rotating_header(&["a", "b"], 1, b"x"),
            format!(
                "t=1,v1={},v1={}",
                signature("a", 1, b"x"),
                signature("b", 1, b"x")
            )
        );
    }
}
