//! What Stripe keeps: processing fees, conversion fees, dispute fees.

use crate::currency::{StripeCurrency, signed};
use serde::Serialize;

/// One line of a balance transaction's `fee_details`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StripeFeeDetail {
    /// Minor units of the settlement currency; negative when given back.
    pub amount: i64,
    application: Option<String>,
    /// The settlement currency.
    pub currency: StripeCurrency,
    /// For people.
    pub description: &'static str,
    /// `stripe_fee`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

impl StripeFeeDetail {
    pub(crate) fn stripe(amount: i64, currency: StripeCurrency, description: &'static str) -> Self {
        Self {
            amount,
            application: None,
            currency,
            description,
            kind: "stripe_fee",
        }
    }
}

/// How the customer paid, as far as the price of it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tariff {
    Online,
    InPerson,
    BankDebit,
}

/// Hundredths of a per cent, and a fixed part in minor units.
fn price(tariff: Tariff, settlement: StripeCurrency) -> (u64, u64) {
    match (tariff, settlement.as_str()) {
        (Tariff::Online, "eur") => (150, 25),
        (Tariff::Online, "gbp") => (150, 20),
        (Tariff::Online, "jpy") => (360, 0),
        (Tariff::Online, _) => (290, 30),
        (Tariff::InPerson, "eur" | "gbp") => (140, 10),
        (Tariff::InPerson, "jpy") => (360, 0),
        (Tariff::InPerson, _) => (270, 5),
        (Tariff::BankDebit, _) => (0, 35),
    }
}

fn share(amount: u64, hundredths_of_per_cent: u64) -> u64 {
    (amount * hundredths_of_per_cent + 5_000) / 10_000
}

/// The fees of a charge that settles as `amount` of `settlement`.
pub(crate) fn of_charge(
    tariff: Tariff,
    amount: u64,
    settlement: StripeCurrency,
    converted: bool,
) -> Vec<StripeFeeDetail> {
    let (rate, fixed) = price(tariff, settlement);
    let processing = share(amount, rate) + fixed;
    let mut details = vec![StripeFeeDetail::stripe(
        signed(processing),
        settlement,
        "Stripe processing fees",
    )];
    if converted {
        details.push(StripeFeeDetail::stripe(
            signed(share(amount, 200)),
            settlement,
            "Stripe currency conversion fee",
        ));
    }
    details
}

/// What a dispute costs, in minor units of the settlement currency.
pub(crate) fn of_dispute(settlement: StripeCurrency) -> i64 {
    match settlement.as_str() {
        "eur" | "gbp" => 2_000,
        _ => 1_500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_by_tariff_and_currency() {
        for (tariff, amount, currency, converted, expected) in [
            (
                Tariff::Online,
                10_000,
                StripeCurrency::EUR,
                false,
                vec![175],
            ),
            (
                Tariff::Online,
                10_000,
                StripeCurrency::USD,
                false,
                vec![320],
            ),
            (
                Tariff::Online,
                10_000,
                StripeCurrency::EUR,
                true,
                vec![175, 200],
            ),
            (
                Tariff::InPerson,
                1_999,
                StripeCurrency::GBP,
                false,
                vec![38],
            ),
            (
                Tariff::BankDebit,
                50_000,
                StripeCurrency::EUR,
                false,
                vec![35],
            ),
            // 1.5 % of 33 is 0.495: half up on the cent.
            (Tariff::Online, 33, StripeCurrency::EUR, false, vec![25]),
            (Tariff::Online, 34, StripeCurrency::EUR, false, vec![26]),
        ] {
            let amounts: Vec<i64> = of_charge(tariff, amount, currency, converted)
                .iter()
                .map(|detail| detail.amount)
                .collect();
            assert_eq!(amounts, expected, "{tariff:?} {amount} {currency}");
        }
    }
}
