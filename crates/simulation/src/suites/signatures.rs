//! Webhooks that were signed by another hand, for another body, or long ago.

use tillroll_events::Timestamp;
use tillroll_stripe::{Secret, SignatureError, TOLERANCE_SECONDS, verify};
// An implementation of its own, which shares no code with the one that is judged.
use tillroll_stripe_simulator::signing::{header, rotating_header};

use super::{Caught, Verdict, ensure};

const NOW: i64 = 1_790_000_000;
const BODY: &[u8] = br#"{"id":"evt_1","type":"charge.succeeded"}"#;

pub(super) fn check() -> Verdict {
    let secret = |text: &str| -> Result<Secret, Caught> {
        text.parse().map_err(Caught::unexpected("a secret"))
    };
    let secrets = [secret("whsec_new")?, secret("whsec_old")?];
    let fresh = |by: &str| header(by, NOW, BODY);
    let (oldest, too_old) = (NOW - TOLERANCE_SECONDS, NOW - TOLERANCE_SECONDS - 1);
    let age = TOLERANCE_SECONDS + 1;
    let refused = |error| Err(error);
    let no_match = refused(SignatureError::NoMatch);
    type Case = (
        &'static str,
        String,
        &'static [u8],
        Result<(), SignatureError>,
    );
    let cases: [Case; 9] = [
        ("the first secret", fresh("whsec_new"), BODY, Ok(())),
        ("the second secret", fresh("whsec_old"), BODY, Ok(())),
        (
            "two signatures, one of them ours",
            rotating_header(&["whsec_theirs", "whsec_old"], NOW, BODY),
            BODY,
            Ok(()),
        ),
        (
            "as old as may be",
            header("whsec_new", oldest, BODY),
            BODY,
            Ok(()),
        ),
        (
            "a second older",
            header("whsec_new", too_old, BODY),
            BODY,
            refused(SignatureError::Stale { age }),
        ),
        ("another secret", fresh("whsec_theirs"), BODY, no_match),
        ("another body", fresh("whsec_new"), b"{}", no_match),
        (
            "another time",
            fresh("whsec_new").replace(&NOW.to_string(), &(NOW + 1).to_string()),
            BODY,
            no_match,
        ),
        (
            "no signature",
            format!("t={NOW}"),
            BODY,
            refused(SignatureError::NoV1),
        ),
    ];
    for (what, header, body, expected) in cases {
        let now = Timestamp::from_seconds(NOW);
        let found = verify(Some(header.as_bytes()), body, &secrets, now);
        ensure(found == expected, || {
            format!("{what}: {found:?}, where {expected:?} belongs")
        })?;
    }
    Ok(())
}
