//! The platform's balance, and the balance transactions that make it.
//!
//! Invariants: `net` is `amount` less `fee`; `fee` is the sum of its details;
//! the balance of a currency is the sum of its nets. There is no webhook for a
//! balance transaction: they are listed, by pollers.

use crate::currency::{StripeCurrency, signed};
use crate::error::StripeError;
use crate::exchange::{DAY, ExchangeRate};
use crate::fee::StripeFeeDetail;
use crate::id::BalanceTransactionId;
use crate::json::{ListObject, raw};
use crate::simulator::StripeSimulator;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Stripe's largest page.
pub const MAXIMUM_PAGE: usize = 100;

/// One movement of the platform's balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeBalanceTransaction {
    /// `id`.
    pub id: BalanceTransactionId,
    /// Gross, in minor units of `currency`; negative when money leaves.
    pub amount: i64,
    /// Midnight, or the second, from which the money can be used.
    pub available_on: i64,
    /// When it appeared.
    pub created: i64,
    /// The currency of the balance, not of the charge.
    pub currency: StripeCurrency,
    /// For people.
    pub description: String,
    /// Set when the charge was in another currency.
    pub exchange_rate: Option<ExchangeRate>,
    /// What Stripe keeps of it; negative when given back.
    pub fee: i64,
    /// The parts of `fee`.
    pub fee_details: Vec<StripeFeeDetail>,
    /// `amount - fee`.
    pub net: i64,
    /// `reporting_category`.
    pub reporting_category: &'static str,
    /// Id of the object that caused it.
    pub source: Option<String>,
    /// `type`.
    pub kind: &'static str,
}

/// A movement to be posted: what the nouns know about it.
#[derive(Debug)]
pub(crate) struct Movement {
    pub(crate) kind: &'static str,
    pub(crate) reporting_category: &'static str,
    pub(crate) amount: i64,
    pub(crate) currency: StripeCurrency,
    pub(crate) fees: Vec<StripeFeeDetail>,
    pub(crate) exchange_rate: Option<ExchangeRate>,
    pub(crate) source: Option<String>,
    pub(crate) description: String,
    pub(crate) available_on: i64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Balance {
    transactions: Vec<StripeBalanceTransaction>,
    places: BTreeMap<BalanceTransactionId, usize>,
}

#[derive(Serialize)]
struct BalanceTransactionObject<'a> {
    id: &'a BalanceTransactionId,
    object: &'static str,
    amount: i64,
    available_on: i64,
    balance_type: &'static str,
    created: i64,
    currency: StripeCurrency,
    description: &'a str,
    exchange_rate: Option<&'a ExchangeRate>,
    fee: i64,
    fee_details: &'a [StripeFeeDetail],
    net: i64,
    reporting_category: &'static str,
    source: Option<&'a str>,
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl StripeBalanceTransaction {
    fn view(&self, now: i64) -> BalanceTransactionObject<'_> {
        BalanceTransactionObject {
            id: &self.id,
            object: "balance_transaction",
            amount: self.amount,
            available_on: self.available_on,
            balance_type: "payments",
            created: self.created,
            currency: self.currency,
            description: &self.description,
            exchange_rate: self.exchange_rate.as_ref(),
            fee: self.fee,
            fee_details: &self.fee_details,
            net: self.net,
            reporting_category: self.reporting_category,
            source: self.source.as_deref(),
            status: if self.available_on <= now {
                "available"
            } else {
                "pending"
            },
            kind: self.kind,
        }
    }
}

/// One page of Stripe's list of balance transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceTransactionPage {
    /// The list object, newest first.
    pub body: String,
    /// How many it holds.
    pub count: usize,
    /// The newest of them: where the next page starts.
    pub newest: Option<BalanceTransactionId>,
    /// Whether there are newer ones.
    pub has_more: bool,
}

#[derive(Serialize)]
struct Funds {
    amount: i64,
    currency: StripeCurrency,
    source_types: SourceTypes,
}

#[derive(Serialize)]
struct SourceTypes {
    card: i64,
}

#[derive(Serialize)]
struct BalanceView {
    object: &'static str,
    available: Vec<Funds>,
    livemode: bool,
    pending: Vec<Funds>,
}

impl StripeSimulator {
    pub(crate) fn post(&mut self, movement: Movement) -> BalanceTransactionId {
        let id: BalanceTransactionId = self.ids.next();
        let fee = movement.fees.iter().map(|detail| detail.amount).sum();
        self.balance
            .places
            .insert(id.clone(), self.balance.transactions.len());
        self.balance.transactions.push(StripeBalanceTransaction {
            id: id.clone(),
            amount: movement.amount,
            available_on: movement.available_on,
            created: self.clock,
            currency: movement.currency,
            description: movement.description,
            exchange_rate: movement.exchange_rate,
            fee,
            fee_details: movement.fees,
            net: movement.amount - fee,
            reporting_category: movement.reporting_category,
            source: movement.source,
            kind: movement.kind,
        });
        id
    }

    /// Converts an amount of an object into the currency that it settles in,
    /// at the rate of today.
    pub(crate) fn settle(
        &self,
        amount: u64,
        currency: StripeCurrency,
    ) -> (u64, StripeCurrency, Option<ExchangeRate>) {
        let settlement = self.settlement_currency(currency);
        if settlement == currency {
            return (amount, currency, None);
        }
        let rate = ExchangeRate::of_day(self.options.seed, currency, settlement, self.clock)
            .expect("intents in currencies without a rate are refused");
        (rate.convert(amount), settlement, Some(rate))
    }

    /// Whether money in `currency` can end up in the platform's balance.
    pub(crate) fn can_settle(&self, currency: StripeCurrency) -> bool {
        let settlement = self.settlement_currency(currency);
        settlement == currency
            || ExchangeRate::of_day(self.options.seed, currency, settlement, 0).is_some()
    }

    /// The midnight at which money that comes in now can be used.
    pub(crate) fn settlement_midnight(&self) -> i64 {
        (self.clock.div_euclid(DAY) + self.options.settlement_days) * DAY
    }

    /// A fee that belongs to no charge, for example for Radar or for active
    /// connected accounts.
    ///
    /// # Errors
    ///
    /// `parameter_invalid_integer` when the amount is 0 or no amount of the
    /// currency.
    pub fn charge_platform_fee(
        &mut self,
        amount: u64,
        currency: StripeCurrency,
        description: &str,
    ) -> Result<BalanceTransactionId, StripeError> {
        if amount == 0 || amount > crate::currency::MAXIMUM_AMOUNT {
            return Err(StripeError::invalid_integer("amount"));
        }
        Ok(self.post(Movement {
            kind: "stripe_fee",
            reporting_category: "fee",
            amount: -signed(amount),
            currency,
            fees: Vec::new(),
            exchange_rate: None,
            source: None,
            description: description.to_owned(),
            available_on: self.clock,
        }))
    }

    /// Every balance transaction so far, oldest first.
    #[must_use]
    pub fn all_balance_transactions(&self) -> &[StripeBalanceTransaction] {
        &self.balance.transactions
    }

    /// One balance transaction.
    #[must_use]
    pub fn balance_transaction(
        &self,
        id: &BalanceTransactionId,
    ) -> Option<&StripeBalanceTransaction> {
        self.balance
            .places
            .get(id)
            .map(|place| &self.balance.transactions[*place])
    }

    /// One balance transaction in Stripe's JSON.
    #[must_use]
    pub fn balance_transaction_json(&self, id: &BalanceTransactionId) -> Option<String> {
        self.balance_transaction(id)
            .map(|transaction| self.transaction_raw(transaction).get().to_owned())
    }

    pub(crate) fn transaction_raw(&self, transaction: &StripeBalanceTransaction) -> Box<RawValue> {
        raw(&transaction.view(self.clock))
    }

    /// The next page of what appeared after `after` (from the beginning when
    /// `None`): what a poller gets with `ending_before`, newest first, at most
    /// [`MAXIMUM_PAGE`]. An unknown cursor counts as the beginning.
    #[must_use]
    pub fn balance_transactions(
        &self,
        after: Option<&BalanceTransactionId>,
    ) -> BalanceTransactionPage {
        let start = after
            .and_then(|id| self.balance.places.get(id))
            .map_or(0, |place| place + 1);
        let rest = &self.balance.transactions[start..];
        self.page(
            &rest[..rest.len().min(MAXIMUM_PAGE)],
            rest.len() > MAXIMUM_PAGE,
        )
    }

    /// Pages of everything created from second `from` to before second `to`,
    /// oldest page first.
    #[must_use]
    pub fn balance_transactions_between(&self, from: i64, to: i64) -> Vec<BalanceTransactionPage> {
        // Created never decreases: the clock does not go back.
        let all = &self.balance.transactions;
        let start = all.partition_point(|transaction| transaction.created < from);
        let end = all.partition_point(|transaction| transaction.created < to);
        let window = all.get(start..end).unwrap_or_default();
        let pages = window.chunks(MAXIMUM_PAGE);
        let last = pages.len().saturating_sub(1);
        pages
            .enumerate()
            .map(|(number, page)| self.page(page, number < last))
            .collect()
    }

    fn page(
        &self,
        transactions: &[StripeBalanceTransaction],
        has_more: bool,
    ) -> BalanceTransactionPage {
        let views = transactions
            .iter()
            .rev()
            .map(|transaction| transaction.view(self.clock))
            .collect();
        let list = ListObject::page(views, has_more, "/v1/balance_transactions");
        BalanceTransactionPage {
            body: raw(&list).get().to_owned(),
            count: transactions.len(),
            newest: transactions
                .last()
                .map(|transaction| transaction.id.clone()),
            has_more,
        }
    }

    /// What can be used now, by currency; negative when more was given back
    /// than is there.
    #[must_use]
    pub fn available(&self, currency: StripeCurrency) -> i64 {
        self.sum(currency, |transaction| {
            transaction.available_on <= self.clock
        })
    }

    /// What is still on its way, by currency.
    #[must_use]
    pub fn pending(&self, currency: StripeCurrency) -> i64 {
        self.sum(currency, |transaction| {
            transaction.available_on > self.clock
        })
    }

    fn sum(
        &self,
        currency: StripeCurrency,
        which: impl Fn(&StripeBalanceTransaction) -> bool,
    ) -> i64 {
        self.balance
            .transactions
            .iter()
            .filter(|transaction| transaction.currency == currency && which(transaction))
            .map(|transaction| transaction.net)
            .sum()
    }

    /// The balance object.
    #[must_use]
    pub fn balance_json(&self) -> String {
        let funds = |amount: i64, currency| Funds {
            amount,
            currency,
            source_types: SourceTypes { card: amount },
        };
        let kept = &self.options.settlement_currencies;
        raw(&BalanceView {
            object: "balance",
            available: kept
                .iter()
                .map(|currency| funds(self.available(*currency), *currency))
                .collect(),
            livemode: false,
            pending: kept
                .iter()
                .map(|currency| funds(self.pending(*currency), *currency))
                .collect(),
        })
        .get()
        .to_owned()
    }
}
