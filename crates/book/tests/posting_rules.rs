//! The posting table of the book, as a bookkeeper reads it: given, when, then.

mod roll;

use roll::*;
use tillroll_book::{Action, Fact, Refusal};
use tillroll_events::{
    DisputeStatus, FeeDetail, IntentStatus, OrderStatus, PayoutStatus, RefundStatus,
};

const ORDER: u128 = 1;

fn path_of(name: &str) -> String {
    format!("order:{}:{name}", order_id(ORDER))
}

/// An order of 120.00 for one seller: tax 20.00, commission 10.00, seller 90.00.
fn with_order() -> Roll {
    let mut roll = Roll::new();
    roll.done(Action::PlaceOrder(placed(
        ORDER,
        vec![sellers_line("acct_a", 1, 12000)],
    )));
    roll
}

fn with_payment() -> Roll {
    let mut roll = with_order();
    roll.observe(Fact::Charge(charge(
        "ch_1",
        "pi_1",
        Some(ORDER),
        12000,
        12000,
    )));
    roll
}

fn status(roll: &Roll) -> Option<OrderStatus> {
    roll.records
        .iter()
        .rev()
        .find_map(|record| match &record.event {
            tillroll_events::Event::OrderPlaced(event) => Some(event.standing.status),
            tillroll_events::Event::OrderBooked(event) => Some(event.standing.status),
            tillroll_events::Event::OrderFulfilled(event) => Some(event.standing.status),
            tillroll_events::Event::OrderCancelled(event) => Some(event.standing.status),
            _ => None,
        })
}

#[test]
fn a_capture_is_shared_between_platform_seller_and_tax() {
    let roll = with_payment();
    assert_eq!(roll.net(&path_of("due"), EUR), 0);
    assert_eq!(roll.net(&path_of("paid"), EUR), 12000);
    assert_eq!(roll.net(&path_of("clearing"), EUR), 12000);
    assert_eq!(roll.net("commission:earned", EUR), -1000);
    assert_eq!(roll.net("seller:acct_a:pending", EUR), -9000);
    assert_eq!(roll.net("tax:payable", EUR), -2000);
    assert_eq!(status(&roll), Some(OrderStatus::Paid));
}

#[test]
fn a_balance_transaction_clears_the_order_and_books_the_fee() {
    let mut roll = with_payment();
    roll.done(Action::RecordBalanceTransactions(vec![
        balance_transaction("txn_1", "charge", "ch_1", 12000, 378),
    ]));
    assert_eq!(roll.net("stripe:balance", EUR), 11622);
    assert_eq!(roll.net("fees:stripe", EUR), 378);
    assert_eq!(roll.net(&path_of("clearing"), EUR), 0);
}

#[test]
fn each_kind_of_fee_has_its_account_and_what_no_item_names_is_a_fee_too() {
    let fee = |kind: &str, amount| FeeDetail {
        kind: kind.into(),
        amount,
    };
    let mut row = balance_transaction("txn_1", "charge", "ch_1", 12000, 700);
    row.fees = vec![
        fee("stripe_fee", 300),
        fee("application_fee", 200),
        fee("tax", 60),
        fee("of_a_later_year", 40),
    ];
    let mut roll = with_payment();
    roll.done(Action::RecordBalanceTransactions(vec![row]));
    for (account, amount) in [
        ("fees:stripe", 300),
        ("fees:application", 200),
        ("tax:input", 60),
        ("fees:other", 40 + 100),
        ("stripe:balance", 11300),
    ] {
        assert_eq!(roll.net(account, EUR), amount, "{account}");
    }
    assert_eq!(roll.net(&path_of("clearing"), EUR), 0);
}

#[test]
fn a_line_of_a_sellers_own_account_is_a_memorandum_with_two_sides() {
    let mut row = balance_transaction("txn_1", "charge", "ch_1", 12000, 378);
    row.account = Some(id("acct_a"));
    let mut roll = with_payment();
    roll.done(Action::RecordBalanceTransactions(vec![row]));
    for (account, amount) in [
        ("connected:acct_a:balance", 11622),
        ("connected:acct_a:activity", -11622),
        ("stripe:balance", 0),
        ("fees:stripe", 0),
    ] {
        assert_eq!(roll.net(account, EUR), amount, "{account}");
    }
}

#[test]
fn a_balance_transaction_that_comes_first_waits_unmatched() {
    let mut roll = with_order();
    let row = balance_transaction("txn_1", "charge", "ch_1", 12000, 378);
    roll.done(Action::RecordBalanceTransactions(vec![row]));
    assert_eq!(roll.net("clearing:unmatched", EUR), -12000);
    roll.observe(Fact::Charge(charge(
        "ch_1",
        "pi_1",
        Some(ORDER),
        12000,
        12000,
    )));
    assert_eq!(roll.net("clearing:unmatched", EUR), 0);
    assert_eq!(roll.net(&path_of("clearing"), EUR), 0);
}

#[test]
fn foreign_money_is_exchanged_by_two_integer_amounts() {
    let mut roll = with_payment();
    let mut row = balance_transaction("txn_1", "charge", "ch_1", 10320, 320);
    row.currency = "GBP".parse().unwrap();
    roll.done(Action::RecordBalanceTransactions(vec![row]));
    assert_eq!(roll.net("stripe:balance", "GBP"), 10000);
    assert_eq!(roll.net("fees:stripe", "GBP"), 320);
    assert_eq!(roll.net("exchange", "GBP"), -10320);
    assert_eq!(roll.net("exchange", EUR), 12000);
    assert_eq!(roll.net(&path_of("clearing"), EUR), 0);
}

/// Stripe sends lines without an amount that cost something, for example of a card that was checked.
#[test]
fn a_line_without_an_amount_exchanges_nothing() {
    let mut roll = with_payment();
    let mut row = balance_transaction("txn_1", "charge", "ch_1", 0, 30);
    row.currency = "GBP".parse().unwrap();
    roll.done(Action::RecordBalanceTransactions(vec![row]));
    for (account, unit, amount) in [
        ("stripe:balance", "GBP", -30),
        ("fees:stripe", "GBP", 30),
        ("exchange", "GBP", 0),
        ("exchange", EUR, 0),
    ] {
        assert_eq!(roll.net(account, unit), amount, "{account} {unit}");
    }
    assert_eq!(roll.net(&path_of("clearing"), EUR), 12000);
}

#[test]
fn refunds_take_from_each_party_what_it_got() {
    let mut roll = with_payment();
    roll.observe(refund("re_1", "ch_1", 6000, RefundStatus::Pending));
    assert_eq!(roll.net("commission:returned", EUR), 500);
    assert_eq!(roll.net("seller:acct_a:pending", EUR), -4500);
    assert_eq!(roll.net("tax:payable", EUR), -1000);
    assert_eq!(roll.net(&path_of("refunds"), EUR), -6000);
    assert_eq!(roll.net(&path_of("paid"), EUR), 6000);
    assert_eq!(roll.net(&path_of("refunded"), EUR), 6000);
    assert_eq!(status(&roll), Some(OrderStatus::PartiallyRefunded));

    let row = balance_transaction("txn_2", "refund", "re_1", -6000, 0);
    roll.done(Action::RecordBalanceTransactions(vec![row]));
    assert_eq!(roll.net(&path_of("refunds"), EUR), 0);
    assert_eq!(roll.net("stripe:balance", EUR), -6000);
}

#[test]
fn a_cumulative_total_is_not_a_delta_and_single_refunds_are_not_counted_twice() {
    let mut roll = with_payment();
    let with_refunds = |refunded| {
        let mut facts = charge("ch_1", "pi_1", Some(ORDER), 12000, 12000);
        facts.refunded = refunded;
        Fact::Charge(facts)
    };
    roll.observe(with_refunds(1000));
    roll.observe(with_refunds(3000));
    roll.observe(with_refunds(1000));
    assert_eq!(
        roll.net(&path_of("refunded"), EUR),
        3000,
        "3000 in all, whatever came last"
    );
    roll.observe(refund("re_1", "ch_1", 1000, RefundStatus::Succeeded));
    roll.observe(refund("re_2", "ch_1", 2000, RefundStatus::Succeeded));
    assert_eq!(roll.net(&path_of("refunded"), EUR), 3000);
    roll.observe(refund("re_2", "ch_1", 2000, RefundStatus::Failed));
    assert_eq!(
        roll.net(&path_of("refunded"), EUR),
        1000,
        "a failed refund gives nothing back"
    );
    assert_eq!(
        roll.net("commission:returned", EUR),
        83,
        "10.00 of 120.00, 10.00 commission"
    );
}

#[test]
fn fulfilment_releases_the_seller_and_a_transfer_pays_him() {
    let mut roll = with_payment();
    roll.done(Action::FulfilOrder(order_id(ORDER)));
    assert_eq!(roll.net("seller:acct_a:pending", EUR), 0);
    assert_eq!(roll.net("seller:acct_a:available", EUR), -9000);
    roll.observe(transfer("tr_1", "acct_a", 9000, 0));
    let row = balance_transaction("txn_3", "transfer", "tr_1", -9000, 0);
    roll.done(Action::RecordBalanceTransactions(vec![row]));
    assert_eq!(roll.listing("seller:"), "");
    assert_eq!(roll.listing("clearing:"), "");

    roll.observe(transfer("tr_1", "acct_a", 9000, 4000));
    assert_eq!(roll.net("seller:acct_a:available", EUR), -4000);
}

#[test]
fn a_seller_who_was_paid_owes_what_a_later_refund_takes_back() {
    let mut roll = with_payment();
    roll.done(Action::FulfilOrder(order_id(ORDER)));
    roll.observe(transfer("tr_1", "acct_a", 9000, 0));
    roll.observe(refund("re_1", "ch_1", 12000, RefundStatus::Succeeded));
    assert_eq!(roll.net("seller:acct_a:available", EUR), 0);
    assert_eq!(roll.net("seller:acct_a:receivable", EUR), 9000);

    // The next sale earns it back.
    roll.done(Action::PlaceOrder(placed(
        2,
        vec![sellers_line("acct_a", 1, 24000)],
    )));
    roll.observe(Fact::Charge(charge("ch_2", "pi_2", Some(2), 24000, 24000)));
    roll.done(Action::FulfilOrder(order_id(2)));
    assert_eq!(roll.net("seller:acct_a:receivable", EUR), 0);
    assert_eq!(roll.net("seller:acct_a:available", EUR), -9000);
}

#[test]
fn an_authorisation_is_captured_in_part() {
    let mut roll = with_order();
    roll.observe(Fact::Charge(charge("ch_1", "pi_1", Some(ORDER), 12000, 0)));
    assert_eq!(status(&roll), Some(OrderStatus::Authorised));
    roll.observe(Fact::Charge(charge(
        "ch_1",
        "pi_1",
        Some(ORDER),
        12000,
        6000,
    )));
    assert_eq!(status(&roll), Some(OrderStatus::PartiallyPaid));
    assert_eq!(roll.net(&path_of("due"), EUR), 6000);
    assert_eq!(roll.net("seller:acct_a:pending", EUR), -4500);
}

#[test]
fn a_failed_attempt_is_counted_and_the_retry_is_paid() {
    let mut roll = with_order();
    let mut declined = charge("ch_0", "pi_1", Some(ORDER), 12000, 0);
    (declined.authorised, declined.failed) = (false, true);
    declined.failure_code = Some("card_declined".into());
    roll.observe(Fact::Charge(declined));
    assert_eq!(status(&roll), Some(OrderStatus::Placed));
    roll.observe(intent("pi_1", ORDER, 12000, 12000, IntentStatus::Succeeded));
    roll.observe(Fact::Charge(charge("ch_1", "pi_1", None, 12000, 12000)));
    assert_eq!(status(&roll), Some(OrderStatus::Paid));
    assert_eq!(
        roll.net(&path_of("clearing"), EUR),
        12000,
        "intent and charge are one payment"
    );
}

#[test]
fn what_is_captured_beyond_the_order_goes_to_suspense() {
    let mut roll = with_payment();
    roll.observe(Fact::Charge(charge(
        "ch_2",
        "pi_2",
        Some(ORDER),
        12000,
        12000,
    )));
    assert_eq!(roll.net(&path_of("paid"), EUR), 12000);
    assert_eq!(roll.net("suspense:overpaid", EUR), -12000);
    roll.observe(refund("re_1", "ch_2", 12000, RefundStatus::Succeeded));
    assert_eq!(roll.net("suspense:overpaid", EUR), 0);
    assert_eq!(status(&roll), Some(OrderStatus::Paid));
}

#[test]
fn no_more_is_returned_on_an_order_than_was_paid_and_the_rest_goes_to_suspense() {
    let mut roll = with_payment();
    roll.observe(refund("re_1", "ch_1", 4000, RefundStatus::Succeeded));
    roll.observe(refund("re_2", "ch_1", 8500, RefundStatus::Succeeded));
    assert_eq!(roll.net(&path_of("refunded"), EUR), 12000);
    assert_eq!(roll.net("suspense:overpaid", EUR), 500);
    assert_eq!(roll.net("seller:acct_a:pending", EUR), 0);
    assert_eq!(status(&roll), Some(OrderStatus::Refunded));
}

#[test]
fn disputes_hold_money_then_lose_it_or_bring_it_back() {
    for (end, lost, held) in [(DisputeStatus::Lost, 1000, 0), (DisputeStatus::Won, 0, 0)] {
        let mut roll = with_payment();
        roll.observe(dispute("dp_1", "ch_1", 1000, DisputeStatus::NeedsResponse));
        assert_eq!(status(&roll), Some(OrderStatus::Disputed));
        let row = balance_transaction("txn_d", "dispute", "dp_1", -1000, 1500);
        roll.done(Action::RecordBalanceTransactions(vec![row]));
        assert_eq!(roll.net("stripe:balance", EUR), -2500);
        assert_eq!(roll.net("disputes:held", EUR), 1000);
        assert_eq!(roll.net("fees:disputes", EUR), 1500);
        if end == DisputeStatus::Won {
            let row = balance_transaction("txn_r", "dispute_reversal", "dp_1", 1000, -1500);
            roll.done(Action::RecordBalanceTransactions(vec![row]));
            assert_eq!(roll.net("fees:disputes", EUR), 0);
            assert_eq!(roll.net("stripe:balance", EUR), 0);
        }
        roll.observe(dispute("dp_1", "ch_1", 1000, end));
        assert_eq!(roll.net("chargebacks:lost", EUR), lost, "{end:?}");
        assert_eq!(roll.net("disputes:held", EUR), held, "{end:?}");
    }
}

#[test]
fn a_lost_dispute_costs_what_the_platform_holds_for_it_and_no_other_line_about_it() {
    let held = balance_transaction("txn_d", "dispute", "dp_1", -1000, 0);
    let mut sellers = balance_transaction("txn_s", "dispute", "dp_1", -400, 0);
    sellers.account = Some(id("acct_a"));
    let cost = balance_transaction("txn_f", "stripe_fee", "dp_1", -1500, 0);
    let mut roll = with_payment();
    roll.observe(dispute("dp_1", "ch_1", 1000, DisputeStatus::NeedsResponse));
    roll.done(Action::RecordBalanceTransactions(vec![held, sellers, cost]));
    roll.observe(dispute("dp_1", "ch_1", 1000, DisputeStatus::Lost));
    assert_eq!(roll.net("chargebacks:lost", EUR), 1000);
    assert_eq!(roll.net("disputes:held", EUR), 0);
}

#[test]
fn a_payout_reaches_the_bank_and_may_fail_after_it_was_paid() {
    let mut roll = Roll::new();
    let row = balance_transaction("txn_p", "payout", "po_1", -5000, 0);
    roll.done(Action::RecordBalanceTransactions(vec![row]));
    assert_eq!(roll.net("bank:transit", EUR), 5000);
    roll.observe(payout("po_1", 5000, PayoutStatus::Paid));
    assert_eq!(roll.net("bank:transit", EUR), 0);
    assert_eq!(roll.net("bank:account", EUR), 5000);
    roll.observe(payout("po_1", 5000, PayoutStatus::Failed));
    roll.observe(payout("po_1", 5000, PayoutStatus::Paid));
    let row = balance_transaction("txn_f", "payout_reversal", "po_1", 5000, 0);
    roll.done(Action::RecordBalanceTransactions(vec![row]));
    assert_eq!(roll.listing(""), "");
}

#[test]
fn every_category_has_its_other_side_and_the_unknown_goes_to_suspense() {
    let table = [
        ("charge", "clearing:unmatched"),
        ("partial_capture_reversal", "clearing:unmatched"),
        ("refund", "clearing:unmatched"),
        ("refund_failure", "clearing:unmatched"),
        ("dispute", "disputes:held"),
        ("payout", "bank:transit"),
        ("payout_reversal", "bank:transit"),
        ("topup", "bank:transit"),
        ("transfer", "clearing:transfers"),
        ("transfer_reversal", "clearing:transfers"),
        ("platform_earning", "income:application_fees"),
        ("fee", "fees:stripe"),
        ("tax", "tax:input"),
        ("risk_reserved_funds", "stripe:reserve"),
        ("climate_order_purchase", "suspense:unknown"),
    ];
    for (category, other_side) in table {
        for amount in [700, -700] {
            let mut roll = Roll::new();
            let row = balance_transaction("txn_1", category, "xx_1", amount, 0);
            roll.done(Action::RecordBalanceTransactions(vec![row]));
            assert_eq!(roll.net("stripe:balance", EUR), amount, "{category}");
            assert_eq!(roll.net(other_side, EUR), -amount, "{category}");
        }
    }
}

#[test]
fn stock_is_reserved_then_sold_or_put_back() {
    let mut roll = Roll::new();
    roll.done(received("warehouse", "TEE-M", 3));
    let wanted = |order, quantity| {
        Action::PlaceOrder(placed(order, vec![line(Some("TEE-M"), quantity, 2000)]))
    };
    roll.done(wanted(1, 2));
    assert_eq!(roll.net("stock:warehouse:available", "sku:TEE-M"), 1);
    assert_eq!(roll.net("stock:warehouse:reserved", "sku:TEE-M"), 2);

    let refusal = roll.try_do(wanted(2, 2)).unwrap_err();
    assert!(
        matches!(
            &refusal,
            Refusal::InsufficientStock {
                available: 1,
                asked: 2,
                ..
            }
        ),
        "{refusal:?}"
    );
    assert_eq!(refusal.param().as_deref(), Some("lines[0].quantity"));

    roll.done(wanted(3, 1));
    roll.done(Action::CancelOrder(order_id(3)));
    roll.done(Action::FulfilOrder(order_id(1)));
    assert_eq!(
        roll.listing("stock:"),
        "stock:sold Dr 2 sku:TEE-M\nstock:suppliers Cr 3 sku:TEE-M\nstock:warehouse:available Dr 1 sku:TEE-M\n"
    );
}

#[test]
fn a_sale_made_offline_is_a_fact_even_when_the_shelf_was_empty() {
    let mut roll = Roll::new();
    roll.done(received("warehouse", "TEE-M", 1));
    roll.observe(Fact::Charge(charge(
        "ch_1",
        "pi_1",
        Some(ORDER),
        6000,
        6000,
    )));
    let mut order = placed(ORDER, vec![line(Some("TEE-M"), 3, 2000)]);
    order.offline = true;
    roll.done(Action::PlaceOrder(order));
    assert_eq!(roll.net("stock:warehouse:shortage", "sku:TEE-M"), -2);
    assert_eq!(roll.net("stock:warehouse:reserved", "sku:TEE-M"), 3);
    assert_eq!(
        status(&roll),
        Some(OrderStatus::Paid),
        "its payment had come before it"
    );
}

#[test]
fn orders_refuse_what_their_state_forbids() {
    let mut roll = with_payment();
    let refuse = |roll: &mut Roll, action| roll.try_do(action).unwrap_err().code();
    let again = Action::PlaceOrder(placed(ORDER, vec![line(None, 1, 100)]));
    assert_eq!(refuse(&mut roll, again), "order_exists");
    assert_eq!(
        refuse(&mut roll, Action::CancelOrder(order_id(ORDER))),
        "order_state"
    );
    assert_eq!(
        refuse(&mut roll, Action::FulfilOrder(order_id(9))),
        "order_not_found"
    );
    roll.done(Action::FulfilOrder(order_id(ORDER)));
    assert_eq!(
        refuse(&mut roll, Action::FulfilOrder(order_id(ORDER))),
        "order_state"
    );
}

#[test]
fn limits_on_an_order_stop_whoever_posts_by_hand() {
    let mut roll = with_payment();
    let postings = [("paid", "credit"), ("refunded", "debit")].map(|(name, side)| {
        tillroll_book::PostingRequest {
            account: path(&path_of(name)),
            unit: EUR.parse().unwrap(),
            side: if side == "debit" {
                tillroll_ledger::Side::Debit
            } else {
                tillroll_ledger::Side::Credit
            },
            amount: 12001,
        }
    });
    roll.observe(refund("re_1", "ch_1", 1, RefundStatus::Succeeded));
    let entry = tillroll_book::PostEntry {
        id: tillroll_events::EntryId::from_u128(1),
        postings: postings.to_vec(),
        description: None,
        metadata: Default::default(),
        effective_date: None,
    };
    let refusal = roll.try_do(Action::PostEntry(entry)).unwrap_err();
    assert_eq!(
        refusal.code(),
        "would_exceed_limit",
        "more than was paid cannot be refunded"
    );
}
