//! Identifiers in Stripe's shape, deterministic from the seed.
//!
//! Every id of one simulator ends in an encoding of one serial number, so no
//! two of them collide whatever the random part says.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::fmt;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SERIAL_DIGITS: usize = 6;
/// 62^6: how many ids one simulator can issue.
const SERIALS: u64 = 56_800_235_584;
/// Odd and no multiple of 31, hence coprime to 62^6: multiplying by it walks
/// through every serial once while neighbours look unrelated.
const STRIDE: u64 = 22_695_477;
/// So that the first ids do not end in a row of zeros.
const OFFSET: u128 = 41_234_567_891;

/// Source of every id and token of one simulator.
#[derive(Debug, Clone)]
pub(crate) struct IdSource {
    random: ChaCha8Rng,
    issued: u64,
}

impl IdSource {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            issued: 0,
        }
    }

    /// `length` base62 characters that no other token of this source equals.
    pub(crate) fn token(&mut self, length: usize) -> String {
        let step = u128::from(self.issued) * u128::from(STRIDE);
        let serial = (step + OFFSET) % u128::from(SERIALS);
        self.issued += 1;
        assert!(self.issued < SERIALS, "a simulator ran out of ids");
        let mut token: Vec<u8> = (SERIAL_DIGITS..length)
            .map(|_| ALPHABET[self.random.random_range(0..ALPHABET.len())])
            .collect();
        let mut rest = serial;
        for _ in 0..SERIAL_DIGITS {
            let digit = usize::try_from(rest % 62).expect("below 62");
            token.push(ALPHABET[digit]);
            rest /= 62;
        }
        String::from_utf8(token).expect("the alphabet is ASCII")
    }

    pub(crate) fn next<I: StripeId>(&mut self) -> I {
        let token = self.token(I::LENGTH);
        I::wrap(format!("{}{token}", I::PREFIX))
    }
}

/// What all id types of this crate have in common.
pub trait StripeId: Sized {
    /// What the id starts with, underscore included.
    const PREFIX: &'static str;
    /// Characters after the prefix.
    const LENGTH: usize;
    #[doc(hidden)]
    fn wrap(id: String) -> Self;

    /// The id when `text` has this type's prefix and a base62 rest.
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(Self::PREFIX)?;
        (!rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .then(|| Self::wrap(text.to_owned()))
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $length:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as Stripe writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl StripeId for $name {
            const PREFIX: &'static str = $prefix;
            const LENGTH: usize = $length;
            fn wrap(id: String) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A payment intent.
    IntentId = "pi_", 24;
    /// A charge.
    ChargeId = "ch_", 24;
    /// A refund.
    RefundId = "re_", 24;
    /// A balance transaction.
    BalanceTransactionId = "txn_", 24;
    /// A dispute.
    DisputeId = "dp_", 24;
    /// A transfer to a connected account.
    TransferId = "tr_", 24;
    /// A reversal of a transfer.
    TransferReversalId = "trr_", 24;
    /// A payout.
    PayoutId = "po_", 24;
    /// A connected account.
    AccountId = "acct_", 16;
    /// An event.
    EventId = "evt_", 24;
    /// A Checkout session.
    SessionId = "cs_test_", 58;
    /// A payment method.
    PaymentMethodId = "pm_", 24;
    /// A customer.
    CustomerId = "cus_", 14;
    /// A Terminal reader.
    ReaderId = "tmr_", 14;
    /// The payment that a transfer makes on the connected account.
    DestinationPaymentId = "py_", 24;
    /// An early fraud warning.
    FraudWarningId = "issfr_", 24;
    /// A request, as events name it.
    RequestId = "req_", 14;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_look_like_stripes() {
        let mut source = IdSource::new(1);
        let intent: IntentId = source.next();
        assert_eq!(intent.as_str().len(), 3 + 24);
        assert!(intent.as_str().starts_with("pi_"));
        let account: AccountId = source.next();
        assert_eq!(account.as_str().len(), 5 + 16);
        assert_eq!(IntentId::parse(intent.as_str()), Some(intent.clone()));
        assert_eq!(ChargeId::parse(intent.as_str()), None);
        assert_eq!(IntentId::parse("pi_"), None);
        assert_eq!(IntentId::parse("pi_a/b"), None);
    }

    #[test]
    fn ids_never_collide_even_without_a_random_part() {
        let mut source = IdSource::new(2);
        let tokens: BTreeSet<String> = (0..50_000).map(|_| source.token(SERIAL_DIGITS)).collect();
        assert_eq!(tokens.len(), 50_000);
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let draw = |seed| {
            let mut source = IdSource::new(seed);
            (0..100).map(|_| source.token(24)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
