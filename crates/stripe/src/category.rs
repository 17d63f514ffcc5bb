//! Reporting categories for balance transactions that have none.
//!
//! `reporting_category` came to the API in 2019; before it there was only `type`, whose
//! `adjustment` hides what it adjusts. The names are Stripe's reporting categories, so that a
//! balance transaction is the same fact whichever version told it.

/// What a balance transaction of `kind` (its `type`) is about.
///
/// `source` is the id of what caused it, and `amount` negative when money leaves. A dispute's
/// own balance transactions are known to be such even where their source is the charge.
pub(crate) fn of_type<'k>(
    kind: &'k str,
    source: Option<&str>,
    amount: i64,
    of_dispute: bool,
) -> &'k str {
    match kind {
        "charge" | "payment" => "charge",
        "payment_failure_refund" | "payment_reversal" => "charge_failure",
        "refund" | "payment_refund" => "refund",
        "refund_failure" => "refund_failure",
        "adjustment" => of_adjustment(source, amount, of_dispute),
        "payout" => "payout",
        "payout_cancel" | "payout_failure" => "payout_reversal",
        // Until API version 2017-04-06 a payout was a transfer to a bank account.
        "transfer" => "transfer",
        "transfer_cancel" | "transfer_failure" | "transfer_refund" => "transfer_reversal",
        "application_fee" => "platform_earning",
        "application_fee_refund" => "platform_earning_refund",
        "stripe_fee" | "stripe_fx_fee" => "fee",
        "tax_fee" => "tax",
        "topup" => "topup",
        "topup_reversal" => "topup_reversal",
        "reserve_transaction" => "connect_reserved_funds",
        "reserved_funds" | "reserve_hold" | "reserve_release" => "risk_reserved_funds",
        // Where nothing better is known the type is its own category: the book lists what it
        // cannot place.
        other => other,
    }
}

fn of_adjustment(source: Option<&str>, amount: i64, of_dispute: bool) -> &'static str {
    let prefix = source
        .and_then(|id| id.split_once('_'))
        .map(|(prefix, _)| prefix);
    match prefix {
        _ if of_dispute => of_dispute_amount(amount),
        Some("dp" | "du" | "pdp") => of_dispute_amount(amount),
        Some("re" | "pyr") => "refund_failure",
        _ => "other_adjustment",
    }
}

fn of_dispute_amount(amount: i64) -> &'static str {
    if amount > 0 {
        "dispute_reversal"
    } else {
        "dispute"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_categories() {
        let table: &[(&str, Option<&str>, i64, bool, &str)] = &[
            ("charge", Some("ch_1"), 1000, false, "charge"),
            ("payment", Some("py_1"), 1000, false, "charge"),
            (
                "payment_failure_refund",
                Some("pyr_1"),
                -1000,
                false,
                "charge_failure",
            ),
            (
                "payment_reversal",
                Some("py_1"),
                -1000,
                false,
                "charge_failure",
            ),
            ("refund", Some("re_1"), -1000, false, "refund"),
            ("payment_refund", Some("pyr_1"), -1000, false, "refund"),
            (
                "refund_failure",
                Some("re_1"),
                1000,
                false,
                "refund_failure",
            ),
            ("adjustment", Some("dp_1"), -1000, false, "dispute"),
            ("adjustment", Some("du_1"), 1000, false, "dispute_reversal"),
            ("adjustment", Some("ch_1"), -1000, true, "dispute"),
            ("adjustment", Some("ch_1"), 1000, true, "dispute_reversal"),
            ("adjustment", Some("re_1"), 1000, false, "refund_failure"),
            ("adjustment", Some("ch_1"), -1000, false, "other_adjustment"),
            ("adjustment", None, -1000, false, "other_adjustment"),
            ("payout", Some("po_1"), -1000, false, "payout"),
            (
                "payout_cancel",
                Some("po_1"),
                1000,
                false,
                "payout_reversal",
            ),
            (
                "payout_failure",
                Some("po_1"),
                1000,
                false,
                "payout_reversal",
            ),
            ("transfer", Some("tr_1"), -1000, false, "transfer"),
            (
                "transfer_cancel",
                Some("tr_1"),
                1000,
                false,
                "transfer_reversal",
            ),
            (
                "transfer_failure",
                Some("tr_1"),
                1000,
                false,
                "transfer_reversal",
            ),
            (
                "transfer_refund",
                Some("trr_1"),
                1000,
                false,
                "transfer_reversal",
            ),
            (
                "application_fee",
                Some("fee_1"),
                100,
                false,
                "platform_earning",
            ),
            (
                "application_fee_refund",
                Some("fr_1"),
                -100,
                false,
                "platform_earning_refund",
            ),
            ("stripe_fee", None, -200, false, "fee"),
            ("stripe_fx_fee", None, -200, false, "fee"),
            ("tax_fee", None, -40, false, "tax"),
            ("topup", Some("tu_1"), 1000, false, "topup"),
            (
                "topup_reversal",
                Some("tu_1"),
                -1000,
                false,
                "topup_reversal",
            ),
            (
                "reserve_transaction",
                None,
                -1000,
                false,
                "connect_reserved_funds",
            ),
            ("reserved_funds", None, -1000, false, "risk_reserved_funds"),
            ("reserve_hold", None, -1000, false, "risk_reserved_funds"),
            ("reserve_release", None, 1000, false, "risk_reserved_funds"),
            ("contribution", None, -1, false, "contribution"),
            (
                "climate_order_purchase",
                None,
                -1,
                false,
                "climate_order_purchase",
            ),
        ];
        for (kind, source, amount, of_dispute, expected) in table {
            assert_eq!(
                of_type(kind, *source, *amount, *of_dispute),
                *expected,
                "{kind} from {source:?} of {amount}, of a dispute: {of_dispute}"
            );
        }
    }
}
