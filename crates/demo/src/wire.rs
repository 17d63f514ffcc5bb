//! What is said to the server and what it answers, as its HTTP interface has
//! it. Requests are written from structs, so their bytes depend on nothing but
//! their content.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `POST /v1/orders`.
#[derive(Debug, Serialize)]
pub(crate) struct OrderJson<'a> {
    pub(crate) id: String,
    pub(crate) channel: &'a str,
    pub(crate) location: &'a str,
    pub(crate) currency: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) occurred_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offline: Option<bool>,
    pub(crate) lines: Vec<OrderLineJson<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<&'a str, String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct OrderLineJson<'a> {
    pub(crate) sku: &'a str,
    pub(crate) description: &'a str,
    pub(crate) quantity: u64,
    pub(crate) unit_price: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tax: Option<TaxJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seller: Option<SellerShareJson<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct TaxJson<'a> {
    pub(crate) rate: &'a str,
    pub(crate) behavior: &'a str,
}

#[derive(Debug, Serialize)]
pub(crate) struct SellerShareJson<'a> {
    pub(crate) account: String,
    pub(crate) commission: &'a str,
}

/// `POST /v1/stock/receipts`.
#[derive(Debug, Serialize)]
pub(crate) struct StockReceiptJson<'a> {
    pub(crate) location: &'a str,
    pub(crate) lines: Vec<StockLineJson<'a>>,
    pub(crate) reference: &'a str,
}

#[derive(Debug, Serialize)]
pub(crate) struct StockLineJson<'a> {
    pub(crate) sku: &'a str,
    pub(crate) quantity: u64,
}

/// `PUT /v1/accounts/{path}`.
#[derive(Debug, Serialize)]
pub(crate) struct AccountJson<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    pub(crate) unit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<&'a str>,
}

/// `POST /v1/entries`.
#[derive(Debug, Serialize)]
pub(crate) struct EntryJson<'a> {
    /// Named here, so that the same story gives the same entries.
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) postings: [PostingJson<'a>; 2],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<&'a str, String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PostingJson<'a> {
    pub(crate) account: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) side: &'a str,
    pub(crate) amount: u64,
}

/// An empty object, as the body of a request that needs no words.
#[derive(Debug, Serialize)]
pub(crate) struct EmptyJson {}

/// An order as the server sees it; more members are ignored.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct OrderAnswer {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) currency: String,
    pub(crate) total: u64,
    pub(crate) due: u64,
    pub(crate) paid: u64,
    pub(crate) refunded: u64,
}

/// A list as the server gives it.
#[derive(Debug, Deserialize)]
pub(crate) struct ListAnswer<T> {
    pub(crate) data: Vec<T>,
    #[serde(default)]
    pub(crate) has_more: bool,
}

/// What a seller is owed in one unit.
#[derive(Debug, Deserialize)]
pub(crate) struct SplitAnswer {
    pub(crate) seller: String,
    pub(crate) unit: String,
    pub(crate) available: i64,
}

/// `POST /v1/stripe/balance-transactions`.
#[derive(Debug, Deserialize)]
pub(crate) struct ImportAnswer {
    pub(crate) recorded: u64,
    pub(crate) known: u64,
}

/// The member of a problem document that programs look at.
#[derive(Debug, Deserialize)]
pub(crate) struct ProblemAnswer {
    pub(crate) code: String,
}
