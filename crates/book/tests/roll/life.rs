//! Life cycles of orders as messages: what the processor says, and what the merchant does.

use tillroll_book::Fact;
use tillroll_events::{
    BalanceTransactionFacts, ChargeFacts, DisputeStatus, IntentStatus, PayoutStatus, RefundStatus,
};

use super::{
    application_fee, balance_transaction, charge, dispute, intent, line, payout, refund,
    sellers_line, transfer,
};

/// What a story's messages say: processor facts, and what the merchant does in between.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a test's script, a few dozen steps long"
)]
pub enum Step {
    Fact(Fact),
    Place(u128),
    Fulfil(u128),
}

pub fn lines(order: u128) -> Vec<tillroll_book::LineRequest> {
    match order {
        1 => vec![sellers_line("acct_a", 1, 12000), line(None, 3, 333)],
        2 => vec![
            sellers_line("acct_a", 2, 2500),
            sellers_line("acct_b", 1, 7000),
        ],
        _ => vec![line(None, 1, 5000)],
    }
}

fn of_charge(change: impl Fn(&mut ChargeFacts), facts: ChargeFacts) -> Step {
    let mut facts = facts;
    change(&mut facts);
    Step::Fact(Fact::Charge(facts))
}

fn row(name: &str, category: &str, source: &str, amount: i64, fee: i64) -> Step {
    Step::Fact(Fact::BalanceTransaction(balance_transaction(
        name, category, source, amount, fee,
    )))
}

fn in_pounds(step: Step) -> Step {
    match step {
        Step::Fact(Fact::BalanceTransaction(facts)) => {
            let currency = "GBP".parse().unwrap();
            Step::Fact(Fact::BalanceTransaction(BalanceTransactionFacts {
                currency,
                ..facts
            }))
        }
        step => step,
    }
}

/// Three whole life cycles: declined, retried, paid, partly refunded; authorised, captured in
/// part and disputed; paid twice. With transfers, a payout that fails after it was paid, and
/// settlement in another currency.
pub fn life_cycles() -> Vec<Step> {
    use Step::Fact as F;
    let first = || charge("ch_1", "pi_1", Some(1), 12999, 12999);
    let second = || charge("ch_2", "pi_2", None, 12000, 0);
    vec![
        Step::Place(1),
        Step::Fulfil(1),
        F(intent("pi_1", 1, 12999, 0, IntentStatus::Open)),
        of_charge(
            |facts| (facts.authorised, facts.failed, facts.captured) = (false, true, 0),
            charge("ch_0", "pi_1", Some(1), 12999, 0),
        ),
        F(intent("pi_1", 1, 12999, 12999, IntentStatus::Succeeded)),
        of_charge(|_| {}, first()),
        row("txn_1", "charge", "ch_1", 12999, 400),
        of_charge(|facts| facts.refunded = 1000, first()),
        of_charge(|facts| facts.refunded = 4000, first()),
        F(refund("re_1", "ch_1", 1000, RefundStatus::Pending)),
        F(refund("re_1", "ch_1", 1000, RefundStatus::Succeeded)),
        F(refund("re_2", "ch_1", 3000, RefundStatus::Pending)),
        F(refund("re_2", "ch_1", 3000, RefundStatus::Failed)),
        row("txn_2", "refund", "re_1", -1000, 0),
        row("txn_3", "refund", "re_2", -3000, 0),
        row("txn_4", "refund_failure", "re_2", 3000, 0),
        Step::Place(2),
        Step::Fulfil(2),
        F(intent("pi_2", 2, 12000, 0, IntentStatus::RequiresCapture)),
        of_charge(|_| {}, second()),
        of_charge(|facts| facts.captured = 9000, second()),
        F(intent("pi_2", 2, 12000, 9000, IntentStatus::Succeeded)),
        in_pounds(row("txn_5", "charge", "ch_2", 7700, 200)),
        F(dispute("dp_1", "ch_2", 9000, DisputeStatus::NeedsResponse)),
        in_pounds(row("txn_6", "dispute", "dp_1", -7700, 1500)),
        F(dispute("dp_1", "ch_2", 9000, DisputeStatus::Lost)),
        F(transfer("tr_1", "acct_a", 8000, 0)),
        F(transfer("tr_1", "acct_a", 8000, 3000)),
        row("txn_7", "transfer", "tr_1", -8000, 0),
        row("txn_8", "transfer_reversal", "tr_1", 3000, 0),
        Step::Place(3),
        of_charge(|_| {}, charge("ch_3", "pi_3", Some(3), 5000, 5000)),
        of_charge(|_| {}, charge("ch_4", "pi_4", Some(3), 5000, 5000)),
        F(refund("re_3", "ch_4", 5000, RefundStatus::Succeeded)),
        row("txn_9", "charge", "ch_3", 5000, 170),
        row("txn_10", "charge", "ch_4", 5000, 170),
        row("txn_11", "refund", "re_3", -5000, 0),
        F(payout("po_1", 3000, PayoutStatus::Pending)),
        F(payout("po_1", 3000, PayoutStatus::Paid)),
        F(payout("po_1", 3000, PayoutStatus::Failed)),
        row("txn_12", "payout", "po_1", -3000, 0),
        row("txn_13", "payout_reversal", "po_1", 3000, 0),
        row("txn_14", "mystery", "xx_1", 55, 5),
        F(application_fee("fee_1", "ch_1", 0, &[])),
        F(application_fee("fee_1", "ch_1", 200, &[("fr_1", 200)])),
        F(application_fee("fee_1", "ch_1", 500, &[("fr_2", 300)])),
        row("txn_15", "platform_earning", "fee_1", 500, 0),
        row("txn_16", "platform_earning_refund", "fr_1", -200, 0),
    ]
}
