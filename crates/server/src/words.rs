//! Texts of the interface that have a fixed list of values, for the OpenAPI document: taken from
//! where they are defined, so that none is forgotten.

use tillroll_events::OrderStatus;
use tillroll_ledger::{AccountType, Limit, Side};

use crate::code;

/// Schema, property, values.
pub(crate) fn all() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let kinds = || AccountType::ALL.map(AccountType::as_str).to_vec();
    let limits = || Limit::ALL.map(Limit::as_str).to_vec();
    let sides = || [Side::Debit, Side::Credit].map(Side::as_str).to_vec();
    vec![
        (
            "Problem",
            "code",
            code::all().iter().map(|row| row.code).collect(),
        ),
        (
            "Order",
            "status",
            OrderStatus::ALL.map(OrderStatus::as_str).to_vec(),
        ),
        ("OrderLineTax", "behavior", vec!["inclusive", "exclusive"]),
        (
            "OrderSplit",
            "role",
            vec!["sales", "commission", "seller", "tax"],
        ),
        ("PostingRequest", "side", sides()),
        ("Posting", "side", sides()),
        ("StatementLine", "side", sides()),
        ("AccountRequest", "type", kinds()),
        ("AccountRequest", "limit", limits()),
        ("Account", "type", kinds()),
        ("Account", "limit", limits()),
        ("TrialBalanceAccount", "type", kinds()),
        (
            "WebhookReceipt",
            "status",
            vec!["recorded", "known", "unrecognised", "event_id_reused"],
        ),
    ]
}
