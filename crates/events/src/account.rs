//! Accounts: opened once, under the next dense number.

use std::borrow::Cow;

use minicbor::{Decode, Encode};
use tillroll_ledger::{AccountId, AccountPath, AccountType, Limit};
use tillroll_money::Unit;

use crate::codec;
use crate::payload::Payload;

/// The account gets `account` as its number, which is the next one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct AccountOpened {
    #[cbor(n(0), with = "codec::account")]
    #[serde(serialize_with = "codec::json::account")]
    #[schemars(with = "u32")]
    pub account: AccountId,
    #[cbor(n(1), with = "codec::path")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(schema_with = "codec::json::path_schema")]
    pub path: AccountPath,
    #[cbor(n(2), with = "codec::unit")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(schema_with = "codec::json::unit_schema")]
    pub unit: Unit,
    #[cbor(n(3), with = "codec::kind")]
    #[serde(rename = "type", serialize_with = "codec::json::kind")]
    #[schemars(schema_with = "codec::json::kind_schema")]
    pub kind: AccountType,
    #[cbor(n(4), with = "codec::limit")]
    #[serde(serialize_with = "codec::json::limit")]
    #[schemars(schema_with = "codec::json::limit_schema")]
    pub limit: Limit,
    /// The accountant's code and name, from the chart of accounts at the time.
    #[n(5)]
    pub code: String,
    #[n(6)]
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct AccountLimitSet {
    #[cbor(n(0), with = "codec::account")]
    #[serde(serialize_with = "codec::json::account")]
    #[schemars(with = "u32")]
    pub account: AccountId,
    #[cbor(n(1), with = "codec::limit")]
    #[serde(serialize_with = "codec::json::limit")]
    #[schemars(schema_with = "codec::json::limit_schema")]
    pub limit: Limit,
}

impl Payload for AccountOpened {
    fn subject(&self) -> Option<Cow<'_, str>> {
        Some(self.path.as_str().into())
    }
}

impl Payload for AccountLimitSet {}
