//! The `Stripe-Signature` header: `t=1700000000,v1=5257a8…,v1=…,v0=…`.
//!
//! What the official libraries accept is accepted here, their reading of odd headers included:
//! items without `=` and unknown schemes are passed over, the last `t` counts, and a timestamp
//! in the future is no reason to refuse (it was signed with the secret, and an event id is
//! applied once however long it can be replayed).

use subtle::{Choice, ConstantTimeEq};
use tillroll_events::Timestamp;

use crate::Secret;

/// How old a delivery may be. Stripe signs every retry anew, so age means replay or a clock
/// that is wrong.
pub const TOLERANCE_SECONDS: i64 = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("there is no Stripe-Signature header")]
    Missing,
    #[error("the Stripe-Signature header has no readable timestamp `t`")]
    Malformed,
    #[error("the Stripe-Signature header has no signature of scheme v1")]
    NoV1,
    #[error("no signature matches any of the configured secrets")]
    NoMatch,
    #[error("the signature is {age} seconds old, more than {TOLERANCE_SECONDS}")]
    Stale { age: i64 },
}

impl SignatureError {
    /// The stable code, part of the interface.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::Malformed => "signature_malformed",
            Self::NoV1 => "signature_scheme_missing",
            Self::NoMatch => "signature_mismatch",
            Self::Stale { .. } => "signature_stale",
        }
    }
}

/// Whether `body` was signed with one of `secrets`, at most [`TOLERANCE_SECONDS`] ago.
/// `header` is the header's value as received, `body` the raw bytes before any parsing.
///
/// Every signature is compared with every secret, each in constant time, whatever the earlier
/// ones said: neither which secret matched nor how much of a forgery was right shows in the
/// time that it takes. Age is looked at last: only the holder of a secret learns of it.
pub fn verify(
    header: Option<&[u8]>,
    body: &[u8],
    secrets: &[Secret],
    now: Timestamp,
) -> Result<(), SignatureError> {
    let header = Header::parse(header.ok_or(SignatureError::Missing)?)?;
    if header.signatures.is_empty() {
        return Err(SignatureError::NoV1);
    }
    let mut matches = Choice::from(0);
    for secret in secrets {
        let expected = secret.sign(header.timestamp, body);
        for signature in header.signatures.iter().flatten() {
            matches |= expected.ct_eq(signature);
        }
    }
    if !bool::from(matches) {
        return Err(SignatureError::NoMatch);
    }
    let age = now.seconds().saturating_sub(header.timestamp);
    if age > TOLERANCE_SECONDS {
        return Err(SignatureError::Stale { age });
    }
    Ok(())
}

struct Header {
    timestamp: i64,
    /// One for each `v1`; none where it is not the hexadecimal of 32 bytes, which nothing
    /// can match.
    signatures: Vec<Option<[u8; 32]>>,
}

impl Header {
    fn parse(header: &[u8]) -> Result<Self, SignatureError> {
        let mut timestamp = None;
        let mut signatures = Vec::new();
        for item in header.split(|byte| *byte == b',') {
            let Some(equals) = item.iter().position(|byte| *byte == b'=') else {
                continue;
            };
            let (name, value) = (&item[..equals], &item[equals + 1..]);
            match name {
                b"t" => timestamp = Some(value),
                b"v1" => {
                    let mut signature = [0; 32];
                    let read = hex::decode_to_slice(value, &mut signature);
                    signatures.push(read.ok().map(|()| signature));
                }
                _ => {}
            }
        }
        let timestamp = timestamp
            .and_then(|value| std::str::from_utf8(value).ok())
            .and_then(|value| value.parse().ok())
            .ok_or(SignatureError::Malformed)?;
        Ok(Self {
            timestamp,
            signatures,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SignatureError::{Malformed, Missing, NoMatch, NoV1, Stale};
    use proptest::prelude::*;

    const NOW: i64 = 1_800_000_000;
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn secret(text: &str) -> Secret {
        text.parse().expect("a secret of the test")
    }

    fn v1(by: &str, at: i64) -> String {
        format!("v1={}", hex::encode(secret(by).sign(at, BODY)))
    }

    #[test]
    fn the_signature_is_the_hmac_of_timestamp_dot_body() {
        // Computed with another HMAC-SHA256 (Python's hmac module).
        assert_eq!(
            hex::encode(secret("whsec_test").sign(1_700_000_000, BODY)),
            "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"
        );
    }

    #[test]
    fn authentic_deliveries_pass_and_every_other_one_has_a_name() {
        let (ours, old, theirs) = ("whsec_ours", "whsec_old", "whsec_theirs");
        let at = |seconds: i64| format!("t={seconds}");
        let good = v1(ours, NOW);
        let upper = good["v1=".len()..].to_uppercase();
        let flipped = format!("v1={}0", &good[3..good.len() - 1]);
        let flipped = if flipped == good {
            format!("v1={}1", &good[3..good.len() - 1])
        } else {
            flipped
        };
        let cases: Vec<(&str, Option<String>, Result<(), SignatureError>)> = vec![
            ("valid", Some(format!("{},{good}", at(NOW))), Ok(())),
            (
                "the other configured secret",
                Some(format!("{},{}", at(NOW), v1(old, NOW))),
                Ok(()),
            ),
            (
                "rotated: two v1, the second ours",
                Some(format!("{},{},{good}", at(NOW), v1(theirs, NOW))),
                Ok(()),
            ),
            (
                "rotated: two v1, the first ours",
                Some(format!("{},{good},{}", at(NOW), v1(theirs, NOW))),
                Ok(()),
            ),
            (
                "v0 beside v1",
                Some(format!("{},{good},v0=00", at(NOW))),
                Ok(()),
            ),
            ("v1 before t", Some(format!("{good},{}", at(NOW))), Ok(())),
            (
                "items that are no pairs",
                Some(format!("junk,,{},{good},", at(NOW))),
                Ok(()),
            ),
            (
                "capital hexadecimal",
                Some(format!("{},v1={upper}", at(NOW))),
                Ok(()),
            ),
            (
                "the last t counts",
                Some(format!("t=1,{},{good}", at(NOW))),
                Ok(()),
            ),
            (
                "300 seconds old",
                Some(format!("{},{}", at(NOW - 300), v1(ours, NOW - 300))),
                Ok(()),
            ),
            (
                "301 seconds old",
                Some(format!("{},{}", at(NOW - 301), v1(ours, NOW - 301))),
                Err(Stale { age: 301 }),
            ),
            (
                "ten minutes ahead",
                Some(format!("{},{}", at(NOW + 600), v1(ours, NOW + 600))),
                Ok(()),
            ),
            (
                "the least timestamp",
                Some(format!("{},{}", at(i64::MIN), v1(ours, i64::MIN))),
                Err(Stale { age: i64::MAX }),
            ),
            (
                "wrong secret",
                Some(format!("{},{}", at(NOW), v1(theirs, NOW))),
                Err(NoMatch),
            ),
            (
                "tampered timestamp",
                Some(format!("{},{good}", at(NOW + 1))),
                Err(NoMatch),
            ),
            (
                "stale and forged",
                Some(format!("{},{}", at(NOW - 999), v1(theirs, NOW - 999))),
                Err(NoMatch),
            ),
            (
                "one digit wrong",
                Some(format!("{},{flipped}", at(NOW))),
                Err(NoMatch),
            ),
            (
                "truncated",
                Some(format!("{},{}", at(NOW), &good[..good.len() - 1])),
                Err(NoMatch),
            ),
            (
                "truncated by a byte",
                Some(format!("{},{}", at(NOW), &good[..good.len() - 2])),
                Err(NoMatch),
            ),
            (
                "longer",
                Some(format!("{},{good}00", at(NOW))),
                Err(NoMatch),
            ),
            ("empty v1", Some(format!("{},v1=", at(NOW))), Err(NoMatch)),
            (
                "no hexadecimal",
                Some(format!("{},v1={}", at(NOW), "z".repeat(64))),
                Err(NoMatch),
            ),
            (
                "v0 only",
                Some(format!("{},{}", at(NOW), good.replace("v1", "v0"))),
                Err(NoV1),
            ),
            ("t only", Some(at(NOW)), Err(NoV1)),
            (
                "a space before v1",
                Some(format!("{}, {good}", at(NOW))),
                Err(NoV1),
            ),
            ("missing t", Some(good.clone()), Err(Malformed)),
            (
                "t without a value",
                Some(format!("t=,{good}")),
                Err(Malformed),
            ),
            (
                "t that is no number",
                Some(format!("t=now,{good}")),
                Err(Malformed),
            ),
            (
                "t out of range",
                Some(format!("t=99999999999999999999,{good}")),
                Err(Malformed),
            ),
            ("junk", Some("junk".into()), Err(Malformed)),
            ("empty", Some(String::new()), Err(Malformed)),
            ("no header", None, Err(Missing)),
        ];
        let secrets = [secret(old), secret(ours)];
        let now = Timestamp::from_seconds(NOW);
        for (name, header, expected) in cases {
            let header = header.as_deref().map(str::as_bytes);
            assert_eq!(verify(header, BODY, &secrets, now), expected, "{name}");
        }
        let header = format!("{},{good}", at(NOW));
        for body in [&b""[..], br#"{"id":"evt_2"}"#, br#"{"id":"evt_1"} "#] {
            let verdict = verify(Some(header.as_bytes()), body, &secrets, now);
            assert_eq!(verdict, Err(NoMatch), "tampered body {body:?}");
        }
        let verdict = verify(Some(header.as_bytes()), BODY, &[], now);
        assert_eq!(verdict, Err(NoMatch), "no secret configured");
    }

    proptest! {
        #[test]
        fn no_header_at_all_makes_it_panic_or_pass(header: Vec<u8>, body: Vec<u8>) {
            let now = Timestamp::from_seconds(NOW);
            prop_assert!(verify(Some(&header), &body, &[secret("whsec_ours")], now).is_err());
        }

        #[test]
        fn one_changed_bit_of_the_body_is_noticed(body in prop::collection::vec(any::<u8>(), 1..200), place: prop::sample::Index, bit in 0..8_u32) {
            let ours = secret("whsec_ours");
            let header = format!("t={NOW},v1={}", hex::encode(ours.sign(NOW, &body)));
            let now = Timestamp::from_seconds(NOW);
            let secrets = [ours];
            prop_assert_eq!(verify(Some(header.as_bytes()), &body, &secrets, now), Ok(()));
            let mut changed = body;
            let place = place.index(changed.len());
            changed[place] ^= 1 << bit;
            prop_assert_eq!(verify(Some(header.as_bytes()), &changed, &secrets, now), Err(NoMatch));
        }
    }
}
