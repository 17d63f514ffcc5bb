//! How a customer pays, and what becomes of it.
//!
//! A payment method carries its own fate, as Stripe's test cards do. It knows
//! a brand and four digits, and never a card number.

use crate::fee::Tariff;
use crate::json::{NULL, Null};
use serde::Serialize;

/// Why a bank refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decline {
    /// No reason given.
    Generic,
    /// Not enough money.
    InsufficientFunds,
    /// The card is out of date.
    ExpiredCard,
}

impl Decline {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::ExpiredCard => "expired_card",
            Self::Generic | Self::InsufficientFunds => "card_declined",
        }
    }

    pub(crate) fn decline_code(self) -> &'static str {
        match self {
            Self::Generic => "generic_decline",
            Self::InsufficientFunds => "insufficient_funds",
            Self::ExpiredCard => "expired_card",
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Generic => "Your card was declined.",
            Self::InsufficientFunds => "Your card has insufficient funds.",
            Self::ExpiredCard => "Your card has expired.",
        }
    }
}

/// What happens when the method is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaymentFate {
    Succeeds,
    Declines(Decline),
    AsksCustomer,
    SettlesLater { succeeds: bool, after: i64 },
}

/// The `type` of a payment method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodKind {
    /// A card, typed or from a wallet.
    Card,
    /// A card held to a reader.
    CardPresent,
    /// A SEPA direct debit: pays days later, or not at all.
    SepaDebit,
}

impl MethodKind {
    pub(crate) fn tariff(self) -> Tariff {
        match self {
            Self::Card => Tariff::Online,
            Self::CardPresent => Tariff::InPerson,
            Self::SepaDebit => Tariff::BankDebit,
        }
    }

    /// Balance transactions of bank debits are payments, not charges.
    pub(crate) fn charge_type(self) -> &'static str {
        match self {
            Self::Card | Self::CardPresent => "charge",
            Self::SepaDebit => "payment",
        }
    }

    pub(crate) fn refund_type(self) -> &'static str {
        match self {
            Self::Card | Self::CardPresent => "refund",
            Self::SepaDebit => "payment_refund",
        }
    }
}

/// A payment method with its fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentMethod {
    pub(crate) kind: MethodKind,
    pub(crate) brand: &'static str,
    pub(crate) last4: &'static str,
    pub(crate) fate: PaymentFate,
}

impl PaymentMethod {
    /// A card that pays.
    #[must_use]
    pub fn card() -> Self {
        Self {
            kind: MethodKind::Card,
            brand: "visa",
            last4: "4242",
            fate: PaymentFate::Succeeds,
        }
    }

    /// Another card that pays, for the retry after a decline.
    #[must_use]
    pub fn other_card() -> Self {
        Self {
            brand: "mastercard",
            last4: "4444",
            ..Self::card()
        }
    }

    /// A card that the bank refuses.
    #[must_use]
    pub fn declined(decline: Decline) -> Self {
        Self {
            last4: match decline {
                Decline::Generic => "0002",
                Decline::InsufficientFunds => "9995",
                Decline::ExpiredCard => "0069",
            },
            fate: PaymentFate::Declines(decline),
            ..Self::card()
        }
    }

    /// A card whose bank wants to hear from the customer first; see
    /// [`StripeSimulator::authenticate`](crate::StripeSimulator::authenticate).
    #[must_use]
    pub fn asks_customer() -> Self {
        Self {
            last4: "3155",
            fate: PaymentFate::AsksCustomer,
            ..Self::card()
        }
    }

    /// A card held to a reader, which pays.
    #[must_use]
    pub fn card_present() -> Self {
        Self {
            kind: MethodKind::CardPresent,
            ..Self::card()
        }
    }

    /// A card held to a reader, which the bank refuses.
    #[must_use]
    pub fn card_present_declined(decline: Decline) -> Self {
        Self {
            kind: MethodKind::CardPresent,
            ..Self::declined(decline)
        }
    }

    /// A direct debit that is decided `after` seconds.
    #[must_use]
    pub fn sepa_debit(succeeds: bool, after: i64) -> Self {
        Self {
            kind: MethodKind::SepaDebit,
            brand: "",
            last4: "3000",
            fate: PaymentFate::SettlesLater { succeeds, after },
        }
    }

    /// What kind of method it is.
    #[must_use]
    pub fn kind(&self) -> MethodKind {
        self.kind
    }

    /// The same method once its bank has no more questions.
    pub(crate) fn authenticated(&self) -> Self {
        Self {
            fate: PaymentFate::Succeeds,
            ..self.clone()
        }
    }

    pub(crate) fn details(&self, charged: u64) -> MethodDetails {
        match self.kind {
            MethodKind::Card => MethodDetails::Card {
                card: CardDetails {
                    amount_authorized: charged,
                    authorization_code: NULL,
                    brand: self.brand,
                    checks: Checks {
                        address_line1_check: NULL,
                        address_postal_code_check: NULL,
                        cvc_check: "pass",
                    },
                    country: "FR",
                    exp_month: 8,
                    exp_year: 2030,
                    funding: "credit",
                    installments: NULL,
                    last4: self.last4,
                    mandate: NULL,
                    network: self.brand,
                    three_d_secure: NULL,
                    wallet: NULL,
                },
            },
            MethodKind::CardPresent => MethodDetails::CardPresent {
                card_present: CardPresentDetails {
                    amount_authorized: charged,
                    brand: self.brand,
                    country: "FR",
                    exp_month: 8,
                    exp_year: 2030,
                    funding: "credit",
                    last4: self.last4,
                    network: self.brand,
                    overcapture_supported: false,
                    read_method: "contactless_emv",
                },
            },
            MethodKind::SepaDebit => MethodDetails::SepaDebit {
                sepa_debit: DebitDetails {
                    bank_code: "37040044",
                    branch_code: NULL,
                    country: "DE",
                    last4: self.last4,
                    mandate: NULL,
                },
            },
        }
    }
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum MethodDetails {
    Card { card: CardDetails },
    CardPresent { card_present: CardPresentDetails },
    SepaDebit { sepa_debit: DebitDetails },
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct CardDetails {
    amount_authorized: u64,
    authorization_code: Null,
    brand: &'static str,
    checks: Checks,
    country: &'static str,
    exp_month: u8,
    exp_year: u16,
    funding: &'static str,
    installments: Null,
    last4: &'static str,
    mandate: Null,
    network: &'static str,
    three_d_secure: Null,
    wallet: Null,
}

#[derive(Debug, Clone, Serialize)]
struct Checks {
    address_line1_check: Null,
    address_postal_code_check: Null,
    cvc_check: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct CardPresentDetails {
    amount_authorized: u64,
    brand: &'static str,
    country: &'static str,
    exp_month: u8,
    exp_year: u16,
    funding: &'static str,
    last4: &'static str,
    network: &'static str,
    overcapture_supported: bool,
    read_method: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct DebitDetails {
    bank_code: &'static str,
    branch_code: Null,
    country: &'static str,
    last4: &'static str,
    mandate: Null,
}
