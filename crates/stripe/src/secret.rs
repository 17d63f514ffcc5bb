//! The signing secret of a webhook endpoint.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// `whsec_…`, as Stripe shows it. It is kept only as the keyed state of the HMAC, so there is
/// no text of it left to print.
#[derive(Clone)]
pub struct Secret {
    keyed: Hmac<Sha256>,
}

/// Says what a secret looks like, and never what was given instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook signing secret starts with `whsec_` and holds only visible characters")]
pub struct SecretError;

impl Secret {
    /// The signature of `body` at second `timestamp`.
    pub(crate) fn sign(&self, timestamp: i64, body: &[u8]) -> [u8; 32] {
        let mut mac = self.keyed.clone();
        mac.update(timestamp.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes().into()
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("whsec_").ok_or(SecretError)?;
        if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SecretError);
        }
        // The prefix is part of the key.
        let keyed = Hmac::new_from_slice(text.as_bytes()).map_err(|_| SecretError)?;
        Ok(Self { keyed })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_and_never_printed() {
        let table = [
            ("whsec_5f1e", true),
            ("whsec_", false),
            ("", false),
            ("sk_live_5f1e", false),
            ("whsec_5f 1e", false),
            ("whsec_5f1e\n", false),
        ];
        for (text, good) in table {
            let printed = match text.parse::<Secret>() {
                Ok(secret) => {
                    assert!(good, "{text:?} was accepted");
                    format!("{secret:?}")
                }
                Err(error) => {
                    assert!(!good, "{text:?} was refused");
                    format!("{error} {error:?}")
                }
            };
            assert!(!printed.contains("5f"), "{printed}");
        }
    }
}
