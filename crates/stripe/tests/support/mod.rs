//! Fixtures, and facts as lines that a bookkeeper can read.
#![allow(dead_code)] // Each test file uses its own part.

use std::path::{Path, PathBuf};

use tillroll_book::Fact;
use tillroll_events::{BalanceTransactionFacts, ExternalId, OrderId};

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

pub fn fixture(name: &str) -> String {
    let path = fixtures().join(format!("{name}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every JSON file under `folder`, sorted.
pub fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// A fact in one line. What is none, zero or false is left out.
pub fn line(fact: &Fact) -> String {
    match fact {
        Fact::Intent(intent) => format!(
            "intent {} {} {}{}{}{} {:?}",
            intent.id,
            intent.amount,
            intent.currency,
            order(intent.order),
            part("capturable", intent.capturable),
            part("received", intent.received),
            intent.status,
        ),
        Fact::Charge(charge) => format!(
            "charge {} {} {}{}{}{}{}{}{}{}{}",
            charge.id,
            charge.amount,
            charge.currency,
            of(charge.intent.as_ref()),
            order(charge.order),
            flag("authorised", charge.authorised),
            part("captured", charge.captured),
            part("refunded", charge.refunded),
            flag("expired", charge.expired),
            flag("failed", charge.failed),
            charge
                .failure_code
                .as_ref()
                .map_or(String::new(), |code| format!(" ({code})")),
        ),
        Fact::Refund(refund) => format!(
            "refund {} {} {}{}{} {:?}",
            refund.id,
            refund.amount,
            refund.currency,
            of(refund.charge.as_ref()),
            of(refund.intent.as_ref()),
            refund.status,
        ),
        Fact::Dispute(dispute) => format!(
            "dispute {} {} {}{}{} {:?}{}",
            dispute.id,
            dispute.amount,
            dispute.currency,
            of(dispute.charge.as_ref()),
            of(dispute.intent.as_ref()),
            dispute.status,
            dispute
                .reason
                .as_ref()
                .map_or(String::new(), |reason| format!(" ({reason})")),
        ),
        Fact::Transfer(transfer) => format!(
            "transfer {} {} {} to {}{}{}{}",
            transfer.id,
            transfer.amount,
            transfer.currency,
            transfer.seller,
            part("reversed", transfer.reversed),
            of(transfer.source_charge.as_ref()),
            transfer
                .group
                .as_ref()
                .map_or(String::new(), |group| format!(" ({group})")),
        ),
        Fact::Payout(payout) => format!(
            "payout {} {} {}{} {:?}{}",
            payout.id,
            payout.amount,
            payout.currency,
            on(payout.account.as_ref()),
            payout.status,
            payout
                .arrival
                .map_or(String::new(), |arrival| format!(" arrives {arrival}")),
        ),
        Fact::ApplicationFee(fee) => format!(
            "application_fee {} {} {}{}{}{}{}{}{}",
            fee.id,
            fee.amount,
            fee.currency,
            on(fee.account.as_ref()),
            of(fee.charge.as_ref()),
            of(fee.originating_transaction.as_ref()),
            part("refunded", fee.refunded),
            of(fee.balance_transaction.as_ref()),
            fee.refunds
                .iter()
                .map(|(id, refund)| format!(
                    " {id}={}{}",
                    refund.amount,
                    of(refund.balance_transaction.as_ref())
                ))
                .collect::<String>(),
        ),
        Fact::BalanceTransaction(facts) => balance_transaction_line(facts),
    }
}

pub fn balance_transaction_line(facts: &BalanceTransactionFacts) -> String {
    let fees: String = facts
        .fees
        .iter()
        .map(|fee| format!(" {}={}", fee.kind, fee.amount))
        .collect();
    format!(
        "balance_transaction {} {}/{} {} less {} is {} {}{}{}{fees}",
        facts.id,
        facts.kind,
        facts.category,
        facts.amount,
        facts.fee,
        facts.net,
        facts.currency,
        on(facts.account.as_ref()),
        of(facts.source.as_ref()),
    )
}

fn part(name: &str, amount: u64) -> String {
    if amount == 0 {
        String::new()
    } else {
        format!(" {name}={amount}")
    }
}

fn flag(name: &str, set: bool) -> String {
    if set {
        format!(" {name}")
    } else {
        String::new()
    }
}

fn of(id: Option<&ExternalId>) -> String {
    id.map_or(String::new(), |id| format!(" of {id}"))
}

fn on(account: Option<&ExternalId>) -> String {
    account.map_or(String::new(), |account| format!(" on {account}"))
}

/// Every order of the fixtures is the same one.
fn order(order: Option<OrderId>) -> String {
    order.map_or(String::new(), |order| {
        assert_eq!(order.to_string(), "ord_01k8m3t9c2e4g6j8n0p2r4t6v8");
        " for the order".into()
    })
}
