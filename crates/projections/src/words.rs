//! Enumerations as the tables spell them: the words that their JSON uses.

use tillroll_events::{
    DisputeStatus, HoldEnd, IntentStatus, OrderStatus, PayoutStatus, RefundStatus, SplitRole,
};
use tillroll_ledger::Side;

pub(crate) fn side(side: Side) -> &'static str {
    side.as_str()
}

pub(crate) fn parse_side(word: &str) -> Option<Side> {
    [Side::Debit, Side::Credit]
        .into_iter()
        .find(|side| side.as_str() == word)
}

pub(crate) fn parse_order_status(word: &str) -> Option<OrderStatus> {
    OrderStatus::ALL
        .into_iter()
        .find(|status| status.as_str() == word)
}

macro_rules! words {
    ($type:ident, $write:ident $(, $parse:ident)?, { $($variant:ident => $word:literal),+ $(,)? }) => {
        pub(crate) fn $write(value: $type) -> &'static str {
            match value { $($type::$variant => $word),+ }
        }

        words!(@parse $type $($parse)?, { $($variant => $word),+ });

        #[cfg(test)]
        mod $write {
            use super::$type;

            #[test]
            fn words_are_those_of_the_json() {
                for value in [$($type::$variant),+] {
                    let word = super::$write(value);
                    assert_eq!(serde_json::json!(value), word);
                    $(assert_eq!(super::$parse(word), Some(value));)?
                }
            }
        }
    };
    (@parse $type:ident, { $($variant:ident => $word:literal),+ }) => {};
    (@parse $type:ident $parse:ident, { $($variant:ident => $word:literal),+ }) => {
        pub(crate) fn $parse(word: &str) -> Option<$type> {
            match word { $($word => Some($type::$variant),)+ _ => None }
        }
    };
}

words!(SplitRole, split_role, parse_split_role, {
    Sales => "sales",
    Commission => "commission",
    Seller => "seller",
    Tax => "tax",
});
words!(IntentStatus, intent_status, {
    Open => "open",
    Processing => "processing",
    RequiresCapture => "requires_capture",
    Cancelled => "cancelled",
    Succeeded => "succeeded",
});
words!(RefundStatus, refund_status, {
    Pending => "pending",
    Succeeded => "succeeded",
    Failed => "failed",
});
words!(DisputeStatus, dispute_status, parse_dispute_status, {
    Warning => "warning",
    WarningClosed => "warning_closed",
    NeedsResponse => "needs_response",
    UnderReview => "under_review",
    Won => "won",
    Lost => "lost",
});
words!(PayoutStatus, payout_status, parse_payout_status, {
    Pending => "pending",
    InTransit => "in_transit",
    Paid => "paid",
    Cancelled => "cancelled",
    Failed => "failed",
});
words!(HoldEnd, hold_end, {
    Voided => "voided",
    Expired => "expired",
});
