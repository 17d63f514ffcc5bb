//! Families of event types: what kind of object an event holds.

/// Which object a type's events are snapshots of, as far as that concerns money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Intent,
    Charge,
    Refund,
    Dispute,
    CheckoutSession,
    Transfer,
    Payout,
    ApplicationFee,
    ApplicationFeeRefund,
    /// Objects of which only their balance transactions concern us.
    Funds,
    /// A family that Stripe has and that moves no money of ours.
    Known,
    Unknown,
}

/// First words of the types of a known family.
const KNOWN: &[&str] = &[
    "account",
    "apps",
    "balance",
    "balance_settings",
    "billing",
    "billing_portal",
    "bitcoin",
    "capability",
    "cash_balance",
    "climate",
    "coupon",
    "credit_note",
    "customer",
    "customer_cash_balance_transaction",
    "entitlements",
    "file",
    "financial_connections",
    "identity",
    "invoice",
    "invoice_payment",
    "invoiceitem",
    "issuer_fraud_record",
    "issuing_authorization",
    "issuing_card",
    "issuing_cardholder",
    "issuing_dispute",
    "issuing_personalization_design",
    "issuing_settlement",
    "issuing_token",
    "issuing_transaction",
    "mandate",
    "order",
    "order_return",
    "payment_link",
    "payment_method",
    "person",
    "ping",
    "plan",
    "price",
    "product",
    "promotion_code",
    "quote",
    "radar",
    "recipient",
    "reporting",
    "reserve",
    "review",
    "setup_intent",
    "sigma",
    "sku",
    "source",
    "subscription_schedule",
    "tax",
    "tax_rate",
    "terminal",
    "test_helpers",
    "three_d_secure",
    "treasury",
];

impl Family {
    pub(crate) fn of(kind: &str) -> Self {
        if kind.starts_with("charge.dispute.") {
            return Self::Dispute;
        }
        if kind.starts_with("charge.refund.") {
            return Self::Refund;
        }
        if kind.starts_with("checkout.session.") {
            return Self::CheckoutSession;
        }
        if kind.starts_with("application_fee.refund.") {
            return Self::ApplicationFeeRefund;
        }
        let first = kind.split_once('.').map_or(kind, |(first, _)| first);
        match first {
            "payment_intent" => Self::Intent,
            // `payment.*` is a charge as the seller of a destination charge sees it.
            "charge" | "payment" => Self::Charge,
            "refund" => Self::Refund,
            "transfer" => Self::Transfer,
            "payout" => Self::Payout,
            "application_fee" => Self::ApplicationFee,
            "topup" => Self::Funds,
            first if KNOWN.binary_search(&first).is_ok() => Self::Known,
            _ => Self::Unknown,
        }
    }

    /// What `data.object.object` says when the event is what its type says.
    pub(crate) fn object(self) -> Option<&'static str> {
        match self {
            Self::Intent => Some("payment_intent"),
            Self::Charge => Some("charge"),
            Self::Refund => Some("refund"),
            Self::Dispute => Some("dispute"),
            Self::CheckoutSession => Some("checkout.session"),
            Self::Transfer => Some("transfer"),
            Self::Payout => Some("payout"),
            Self::ApplicationFee => Some("application_fee"),
            Self::ApplicationFeeRefund => Some("fee_refund"),
            Self::Funds | Self::Known | Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_belong_to_families() {
        assert!(KNOWN.is_sorted(), "it is searched by halves");
        let table = [
            ("payment_intent.succeeded", Family::Intent),
            ("payment_intent.some_day", Family::Intent),
            ("charge.succeeded", Family::Charge),
            ("charge.expired", Family::Charge),
            ("payment.created", Family::Charge),
            ("charge.refund.updated", Family::Refund),
            ("refund.failed", Family::Refund),
            ("charge.refunded", Family::Charge),
            ("charge.dispute.funds_withdrawn", Family::Dispute),
            ("checkout.session.completed", Family::CheckoutSession),
            ("checkout.wishlist.created", Family::Unknown),
            ("transfer.reversed", Family::Transfer),
            ("payout.reconciliation_completed", Family::Payout),
            ("application_fee.refunded", Family::ApplicationFee),
            (
                "application_fee.refund.updated",
                Family::ApplicationFeeRefund,
            ),
            ("topup.succeeded", Family::Funds),
            ("account.updated", Family::Known),
            ("invoice.paid", Family::Known),
            ("terminal.reader.action_succeeded", Family::Known),
            ("radar.early_fraud_warning.created", Family::Known),
            ("payment_intentions.created", Family::Unknown),
            ("teleport.completed", Family::Unknown),
            ("charge", Family::Charge),
            (".", Family::Unknown),
        ];
        for (kind, expected) in table {
            assert_eq!(Family::of(kind), expected, "{kind}");
        }
    }
}
