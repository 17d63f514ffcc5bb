//! Given an event of Stripe, when it is translated, then these facts and no others.

mod support;

use support::{fixture, fixtures, json_files, line};
use tillroll_stripe::translate;

/// Each flow in the order in which it usually happens. No fact: why, and what was wrong.
const TABLE: &[(&str, &[&str])] = &[
    // In the app and on the web with Elements.
    (
        "app/payment_intent.created",
        &["intent pi_3TillAppGoods0001 4200 EUR for the order Open"],
    ),
    (
        "app/payment_intent.requires_action",
        &["intent pi_3TillAppGoods0001 4200 EUR for the order Open"],
    ),
    (
        "app/charge.failed",
        &[
            "charge ch_3TillAppGoods0000 4200 EUR of pi_3TillAppGoods0001 for the order failed (card_declined)",
        ],
    ),
    (
        "app/payment_intent.payment_failed",
        &["intent pi_3TillAppGoods0001 4200 EUR for the order Open"],
    ),
    (
        "app/charge.succeeded",
        &[
            "charge ch_3TillAppGoods0001 4200 EUR of pi_3TillAppGoods0001 for the order authorised captured=4200",
        ],
    ),
    (
        "app/payment_intent.succeeded",
        &[
            "intent pi_3TillAppGoods0001 4200 EUR for the order received=4200 Succeeded",
            "charge ch_3TillAppGoods0001 4200 EUR of pi_3TillAppGoods0001 for the order authorised captured=4200",
        ],
    ),
    (
        "app/charge.updated",
        &[
            "charge ch_3TillAppGoods0001 4200 EUR of pi_3TillAppGoods0001 for the order authorised captured=4200",
        ],
    ),
    (
        "app/charge.updated.expanded",
        &[
            "charge ch_3TillAppGoods0001 4200 EUR of pi_3TillAppGoods0001 for the order authorised captured=4200",
            "balance_transaction txn_3TillAppGoods0001 charge/charge 4200 less 88 is 4112 EUR of ch_3TillAppGoods0001 stripe_fee=88",
        ],
    ),
    (
        "app/payment_intent.succeeded.expanded",
        &[
            "intent pi_3TillAppGoods0001 4200 EUR for the order received=4200 Succeeded",
            "charge ch_3TillAppGoods0001 4200 EUR of pi_3TillAppGoods0001 for the order authorised captured=4200",
            "balance_transaction txn_3TillAppGoods0001 charge/charge 4200 less 88 is 4112 EUR of ch_3TillAppGoods0001 stripe_fee=88",
        ],
    ),
    // A slow method: captured is not paid.
    (
        "app/payment_intent.processing",
        &["intent pi_3TillSepa000001 4200 EUR for the order Processing"],
    ),
    (
        "app/charge.pending",
        &["charge py_3TillSepa000001 4200 EUR of pi_3TillSepa000001 for the order"],
    ),
    // Old versions: no intent, no amount_captured, charges inside the intent.
    (
        "app/charge.succeeded.2015",
        &["charge ch_15TillOldShop01 2500 USD authorised captured=2500"],
    ),
    (
        "app/payment_intent.succeeded.2019",
        &[
            "intent pi_1TillOld2019001 4200 EUR for the order received=4200 Succeeded",
            "charge ch_1TillOld2019002 4200 EUR of pi_1TillOld2019001 for the order authorised captured=4200",
            "charge ch_1TillOld2019001 4200 EUR of pi_1TillOld2019001 failed (card_declined)",
        ],
    ),
    // Stripe's hosted page.
    (
        "web/checkout.session.completed",
        &["intent pi_3TillHosted00001 4200 EUR for the order received=4200 Succeeded"],
    ),
    (
        "web/checkout.session.completed.unpaid",
        &["intent pi_3TillHosted00001 4200 EUR for the order Processing"],
    ),
    (
        "web/checkout.session.async_payment_succeeded",
        &["intent pi_3TillHosted00001 4200 EUR for the order received=4200 Succeeded"],
    ),
    (
        "web/checkout.session.async_payment_failed",
        &["intent pi_3TillHosted00001 4200 EUR for the order Open"],
    ),
    (
        "web/checkout.session.expired",
        &["intent pi_3TillHosted00001 4200 EUR Open"],
    ),
    (
        "web/checkout.session.expanded",
        &[
            "intent pi_3TillHosted00001 4200 EUR received=4200 Succeeded",
            "charge ch_3TillHosted00001 4200 EUR of pi_3TillHosted00001 authorised captured=4200",
            "intent pi_3TillHosted00001 4200 EUR for the order received=4200 Succeeded",
        ],
    ),
    (
        "web/checkout.session.setup",
        &["no_facts: data.object states nothing that concerns the books"],
    ),
    (
        "web/checkout.session.subscription",
        &["no_facts: data.object states nothing that concerns the books"],
    ),
    // 100.00 held, 70.00 captured, 10.00 or all of it given back; nothing of the 30.00 that
    // were let go is a refund, whatever the version counts as one.
    (
        "capture/payment_intent.amount_capturable_updated",
        &["intent pi_3TillHeld0000001 10000 EUR for the order capturable=10000 RequiresCapture"],
    ),
    (
        "capture/charge.succeeded",
        &["charge ch_3TillHeld0000001 10000 EUR of pi_3TillHeld0000001 for the order authorised"],
    ),
    (
        "capture/charge.captured",
        &[
            "charge ch_3TillHeld0000001 10000 EUR of pi_3TillHeld0000001 for the order authorised captured=7000",
        ],
    ),
    (
        "capture/charge.captured.2022",
        &[
            "charge ch_3TillHeld0000001 10000 EUR of pi_3TillHeld0000001 for the order authorised captured=7000",
        ],
    ),
    (
        "capture/charge.captured.2024",
        &[
            "charge ch_3TillHeld0000001 10000 EUR of pi_3TillHeld0000001 for the order authorised captured=7000",
        ],
    ),
    (
        "capture/payment_intent.succeeded",
        &[
            "intent pi_3TillHeld0000001 10000 EUR for the order received=7000 Succeeded",
            "charge ch_3TillHeld0000001 10000 EUR of pi_3TillHeld0000001 for the order authorised captured=7000",
        ],
    ),
    (
        "capture/charge.refunded",
        &[
            "charge ch_3TillHeld0000001 10000 EUR of pi_3TillHeld0000001 for the order authorised captured=7000 refunded=1000",
        ],
    ),
    (
        "capture/charge.refunded.2022",
        &[
            "charge ch_3TillHeld0000001 10000 EUR of pi_3TillHeld0000001 for the order authorised captured=7000 refunded=3000",
            "refund re_3TillHeldRefund1 3000 EUR of ch_3TillHeld0000001 of pi_3TillHeld0000001 Succeeded",
        ],
    ),
    (
        "capture/charge.refunded.whole",
        &[
            "charge ch_3TillHeld0000001 10000 EUR of pi_3TillHeld0000001 for the order authorised captured=7000 refunded=7000",
        ],
    ),
    (
        "capture/charge.refunded.2022.whole",
        &[
            "charge ch_3TillHeld0000001 10000 EUR of pi_3TillHeld0000001 for the order authorised captured=7000 refunded=7000",
            "refund re_3TillHeldRefund2 7000 EUR of ch_3TillHeld0000001 of pi_3TillHeld0000001 Succeeded",
        ],
    ),
    // Held and let go.
    (
        "capture/payment_intent.canceled",
        &["intent pi_3TillHeld0000001 10000 EUR for the order Cancelled"],
    ),
    (
        "capture/charge.refunded.2022.released",
        &[
            "charge ch_3TillHeld0000001 10000 EUR of pi_3TillHeld0000001 for the order authorised expired",
        ],
    ),
    (
        "capture/charge.expired",
        &[
            "charge ch_3TillHeld0000001 10000 EUR of pi_3TillHeld0000001 for the order authorised expired",
        ],
    ),
    (
        "capture/refund.2024.lapsed",
        &["no_facts: data.object states nothing that concerns the books"],
    ),
    // At the counter.
    (
        "pos/terminal.reader.action_succeeded",
        &["no_facts: data.object states nothing that concerns the books"],
    ),
    (
        "pos/charge.succeeded",
        &[
            "charge ch_3TillCounter0001 1250 EUR of pi_3TillCounter0001 for the order authorised captured=1250",
        ],
    ),
    // Sellers.
    (
        "connect/transfer.created",
        &[
            "transfer tr_3TillSeller00001 3000 EUR to acct_1TillSeller0001 of ch_3TillAppGoods0001 (order-17)",
        ],
    ),
    (
        "connect/transfer.reversed",
        &[
            "transfer tr_3TillSeller00001 3000 EUR to acct_1TillSeller0001 reversed=3000 of ch_3TillAppGoods0001 (order-17)",
            "balance_transaction txn_1TillReversal001 transfer_refund/transfer_reversal 3000 less 0 is 3000 EUR of trr_1TillSeller0001",
        ],
    ),
    (
        "connect/transfer.paid.2015",
        &["payout tr_15TillOldPayout1 6700 USD Paid arrives 2015-05-11T00:00:00Z"],
    ),
    (
        "connect/application_fee.created",
        &[
            "application_fee fee_1TillFixture001 500 EUR on acct_1TillSeller0001 of py_1TillDirect00001 of txn_1TillAppFee0001",
        ],
    ),
    (
        "connect/application_fee.created.expanded",
        &[
            "application_fee fee_1TillFixture001 500 EUR on acct_1TillSeller0001 of py_1TillDirect00001 of txn_1TillAppFee0001",
            "balance_transaction txn_1TillAppFee0001 application_fee/platform_earning 500 less 0 is 500 EUR of fee_1TillFixture001",
        ],
    ),
    (
        "connect/application_fee.refunded.partial",
        &[
            "application_fee fee_1TillFixture001 500 EUR on acct_1TillSeller0001 of py_1TillDirect00001 of tr_1TillSeller0001 refunded=200 of txn_1TillAppFee0001 fr_1TillFixture0001=200 of txn_1TillFeeBack001",
        ],
    ),
    (
        "connect/application_fee.refunded",
        &[
            "balance_transaction txn_1TillFeeBack002 application_fee_refund/platform_earning_refund -300 less 0 is -300 EUR of fr_1TillFixture0002",
            "application_fee fee_1TillFixture001 500 EUR on acct_1TillSeller0001 of py_1TillDirect00001 of tr_1TillSeller0001 refunded=500 of txn_1TillAppFee0001 fr_1TillFixture0001=200 of txn_1TillFeeBack001 fr_1TillFixture0002=300 of txn_1TillFeeBack002",
        ],
    ),
    (
        "connect/application_fee.refund.updated",
        &[
            "application_fee fee_1TillFixture001 0 EUR refunded=200 fr_1TillFixture0001=200 of txn_1TillFeeBack001",
        ],
    ),
    (
        "connect/payment.created",
        &["connected_account: data.object is in the books of the connected account"],
    ),
    (
        "connect/charge.updated.expanded",
        &[
            "balance_transaction txn_1TillDirect0001 charge/charge 4200 less 588 is 3612 EUR on acct_1TillSeller0001 of ch_1TillDirect00001 application_fee=500 stripe_fee=88",
        ],
    ),
    (
        "connect/charge.succeeded.2016",
        &["connected_account: data.object is in the books of the connected account"],
    ),
    (
        "connect/account.updated",
        &["no_facts: data.object states nothing that concerns the books"],
    ),
    // Given back.
    (
        "refund/refund.created",
        &[
            "refund re_3TillAppGoods0001 1000 EUR of ch_3TillAppGoods0001 of pi_3TillAppGoods0001 Pending",
        ],
    ),
    (
        "refund/charge.refunded",
        &[
            "charge ch_3TillAppGoods0001 4200 EUR of pi_3TillAppGoods0001 for the order authorised captured=4200 refunded=1500",
        ],
    ),
    (
        "refund/charge.refunded.2018",
        &[
            "charge ch_1TillOld2018001 4200 EUR for the order authorised captured=4200 refunded=1500",
            "refund re_1TillOld2018002 500 EUR of ch_1TillOld2018001 Succeeded",
            "refund re_1TillOld2018001 1000 EUR of ch_1TillOld2018001 Succeeded",
        ],
    ),
    (
        "refund/refund.updated",
        &[
            "refund re_3TillAppGoods0001 1000 EUR of ch_3TillAppGoods0001 of pi_3TillAppGoods0001 Succeeded",
            "balance_transaction txn_3TillRefund0001 refund/refund -1000 less 0 is -1000 EUR of re_3TillAppGoods0001",
        ],
    ),
    (
        "refund/refund.failed",
        &[
            "refund re_3TillAppGoods0001 1000 EUR of ch_3TillAppGoods0001 of pi_3TillAppGoods0001 Failed",
            "balance_transaction txn_3TillRefund0002 refund_failure/refund_failure 1000 less 0 is 1000 EUR of re_3TillAppGoods0001",
        ],
    ),
    (
        "refund/charge.refund.updated.2020",
        &[
            "refund re_3TillAppGoods0001 1000 EUR of ch_3TillAppGoods0001 of pi_3TillAppGoods0001 Failed",
        ],
    ),
    // Disputed.
    (
        "dispute/charge.dispute.created.inquiry",
        &[
            "dispute du_1TillFixture0001 4200 EUR of ch_3TillAppGoods0001 of pi_3TillAppGoods0001 Warning (fraudulent)",
        ],
    ),
    (
        "dispute/charge.dispute.created",
        &[
            "dispute du_1TillFixture0001 4200 EUR of ch_3TillAppGoods0001 of pi_3TillAppGoods0001 NeedsResponse (fraudulent)",
        ],
    ),
    (
        "dispute/charge.dispute.funds_withdrawn",
        &[
            "dispute du_1TillFixture0001 4200 EUR of ch_3TillAppGoods0001 of pi_3TillAppGoods0001 NeedsResponse (fraudulent)",
            "balance_transaction txn_1TillDispute0001 adjustment/dispute -4200 less 1500 is -5700 EUR of du_1TillFixture0001 stripe_fee=1500",
        ],
    ),
    (
        "dispute/charge.dispute.updated",
        &[
            "dispute du_1TillFixture0001 4200 EUR of ch_3TillAppGoods0001 of pi_3TillAppGoods0001 UnderReview (fraudulent)",
            "balance_transaction txn_1TillDispute0001 adjustment/dispute -4200 less 1500 is -5700 EUR of du_1TillFixture0001 stripe_fee=1500",
        ],
    ),
    (
        "dispute/charge.dispute.funds_reinstated",
        &[
            "dispute du_1TillFixture0001 4200 EUR of ch_3TillAppGoods0001 of pi_3TillAppGoods0001 Won (fraudulent)",
            "balance_transaction txn_1TillDispute0001 adjustment/dispute -4200 less 1500 is -5700 EUR of du_1TillFixture0001 stripe_fee=1500",
            "balance_transaction txn_1TillDispute0002 adjustment/dispute_reversal 4200 less -1500 is 5700 EUR of du_1TillFixture0001 stripe_fee=-1500",
        ],
    ),
    (
        "dispute/charge.dispute.funds_reinstated.2017",
        &[
            "dispute dp_17TillOldShop01 4200 EUR of ch_15TillOldShop01 Won (fraudulent)",
            "balance_transaction txn_1TillDispute0001 adjustment/dispute -4200 less 1500 is -5700 EUR of ch_15TillOldShop01 stripe_fee=1500",
            "balance_transaction txn_1TillDispute0002 adjustment/dispute_reversal 4200 less -1500 is 5700 EUR of dp_17TillOldShop01 stripe_fee=-1500",
        ],
    ),
    (
        "dispute/charge.dispute.closed",
        &[
            "dispute du_1TillFixture0001 4200 EUR of ch_3TillAppGoods0001 of pi_3TillAppGoods0001 Lost (fraudulent)",
            "balance_transaction txn_1TillDispute0001 adjustment/dispute -4200 less 1500 is -5700 EUR of du_1TillFixture0001 stripe_fee=1500",
        ],
    ),
    (
        "dispute/charge.dispute.closed.refunded",
        &[
            "dispute du_1TillFixture0001 4200 EUR of ch_3TillAppGoods0001 of pi_3TillAppGoods0001 Won (fraudulent)",
        ],
    ),
    // To the bank.
    (
        "payout/payout.created",
        &[
            "payout po_1TillFixture0001 2000000 EUR Pending arrives 2026-11-05T00:00:00Z",
            "balance_transaction txn_1TillPayout00001 payout/payout -2000000 less 0 is -2000000 EUR of po_1TillFixture0001",
        ],
    ),
    (
        "payout/payout.updated",
        &["payout po_1TillFixture0001 2000000 EUR InTransit arrives 2026-11-05T00:00:00Z"],
    ),
    (
        "payout/payout.paid",
        &["payout po_1TillFixture0001 2000000 EUR Paid arrives 2026-11-05T00:00:00Z"],
    ),
    (
        "payout/payout.reconciliation_completed",
        &["payout po_1TillFixture0001 2000000 EUR Paid arrives 2026-11-05T00:00:00Z"],
    ),
    (
        "payout/payout.failed",
        &[
            "payout po_1TillFixture0001 2000000 EUR Failed arrives 2026-11-05T00:00:00Z",
            "balance_transaction txn_1TillPayout00002 payout_failure/payout_reversal 2000000 less 0 is 2000000 EUR of po_1TillFixture0001",
        ],
    ),
    (
        "payout/payout.canceled",
        &["payout po_1TillFixture0001 2000000 EUR Cancelled arrives 2026-11-05T00:00:00Z"],
    ),
    (
        "payout/payout.paid.connected",
        &[
            "payout po_1TillSeller00001 150000 EUR on acct_1TillSeller0001 Paid arrives 2026-11-05T00:00:00Z",
            "balance_transaction txn_1TillSellerPay01 payout/payout -150000 less 0 is -150000 EUR on acct_1TillSeller0001 of po_1TillSeller00001",
        ],
    ),
    (
        "payout/topup.succeeded",
        &[
            "balance_transaction txn_1TillTopup000001 topup/topup 5000 less 0 is 5000 EUR of tu_1TillFixture0001",
        ],
    ),
    // Everything else is kept.
    (
        "other/invoice.paid",
        &["no_facts: data.object states nothing that concerns the books"],
    ),
    (
        "other/customer.subscription.updated",
        &["no_facts: data.object states nothing that concerns the books"],
    ),
    (
        "other/identity.verification_session.verified",
        &["no_facts: data.object states nothing that concerns the books"],
    ),
    (
        "other/balance.available",
        &["no_facts: data.object states nothing that concerns the books"],
    ),
    (
        "other/teleport.completed",
        &["unknown_type: data.object is of a type that is not known"],
    ),
    (
        "other/v1.charge.updated.thin",
        &["thin_event: data.object was not sent: fetch the related object"],
    ),
    (
        "other/v2.core.account.updated.thin",
        &["thin_event: data.object was not sent: fetch the related object"],
    ),
    // 5000 yen; 2500 krónur; 12.340 dinars; 5000 ariary.
    (
        "currency/charge.succeeded.jpy",
        &["charge ch_3TillCurrencyjpy 5000 JPY authorised captured=5000"],
    ),
    (
        "currency/charge.succeeded.isk",
        &["charge ch_3TillCurrencyisk 2500 ISK authorised captured=2500"],
    ),
    (
        "currency/charge.succeeded.kwd",
        &["charge ch_3TillCurrencykwd 12340 KWD authorised captured=12340"],
    ),
    (
        "currency/charge.succeeded.mga",
        &["charge ch_3TillCurrencymga 500000 MGA authorised captured=500000"],
    ),
];

#[test]
fn every_event_of_every_flow_states_its_facts() {
    for (name, expected) in TABLE {
        let body = fixture(name);
        let (_, observe) =
            translate(body.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut seen: Vec<String> = observe.facts.iter().map(line).collect();
        let notification = observe.notification;
        match (notification.unrecognised, notification.detail) {
            (Some(reason), Some(detail)) => {
                assert_eq!(
                    notification.body.as_deref(),
                    Some(body.as_str()),
                    "{name}: the body is kept"
                );
                seen.push(format!("{reason}: {detail}"));
            }
            (reason, detail) => assert_eq!(
                (reason, detail, notification.body),
                (None, None, None),
                "{name}"
            ),
        }
        assert_eq!(seen, *expected, "{name}");
    }
}

#[test]
fn every_fixture_is_in_the_table() {
    let mut named: Vec<_> = TABLE
        .iter()
        .map(|(name, _)| format!("{name}.json"))
        .collect();
    named.sort();
    let found: Vec<_> = json_files(&fixtures())
        .iter()
        .map(|path| {
            let path = path.strip_prefix(fixtures()).expect("a fixture");
            path.to_str().expect("UTF-8").replace('\\', "/")
        })
        .filter(|path| !path.starts_with("balance_transactions/"))
        .collect();
    assert_eq!(found, named);
}
