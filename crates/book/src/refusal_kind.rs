//! The table of refusals: of each its code, its cause, what to do about it, and whether trying again
//! can help. Codes are part of the interface: they are never renamed.

use crate::Retry;

macro_rules! refusal_kinds {
    ($($kind:ident $code:literal $retry:ident $cause:literal $remedy:literal,)+) => {
        /// Which refusal, without what it is about: the rows of the table of refusals.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum RefusalKind {
            $($kind,)+
        }

        impl RefusalKind {
            /// Every refusal there is.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// The stable code, part of the interface.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)+ }
            }

            #[must_use]
            pub fn retry(self) -> Retry {
                match self { $(Self::$kind => Retry::$retry,)+ }
            }

            /// Why, for people.
            #[must_use]
            pub fn cause(self) -> &'static str {
                match self { $(Self::$kind => $cause,)+ }
            }

            /// What to do about it, for people.
            #[must_use]
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$kind => $remedy,)+ }
            }
        }
    };
}

refusal_kinds! {
    IdempotencyConflict "idempotency_key_reused" Never
        "The Idempotency-Key was used for another request."
        "Use a new key; to repeat the first request, send it unchanged.",
    Invalid "parameter_invalid" Never
        "A field has a value that cannot be used; `param` names it."
        "Correct the value as `detail` says.",
    AmountOutOfRange "amount_out_of_range" Never
        "An amount or a sum of amounts exceeds 9223372036854775807 minor units."
        "Send a smaller amount.",
    Unbalanced "entry_unbalanced" Never
        "Debits and credits differ in a unit, or there are too few postings."
        "Make debits and credits equal in every unit.",
    AccountNotFound "account_not_found" AfterChange
        "No account of this path is open in this unit."
        "PUT /v1/accounts/{path} opens it; then send the request again.",
    AccountPathReserved "account_path_reserved" Never
        "A new account's path has a name `.` or `..`, which clients and proxies resolve to another path."
        "Choose another name.",
    AccountTypeConflict "account_type_conflict" Never
        "The account is open with another type. Types never change."
        "Leave the type as it is, or open an account of another path.",
    EntryExists "entry_exists" Never
        "An entry with this id is on the roll already."
        "Use another id, or none; an Idempotency-Key makes a repetition safe.",
    EntryNotFound "entry_not_found" AfterChange
        "There is no journal entry with this id."
        "Check the id; ask again once the entry is posted.",
    EntryAlreadyReversed "entry_already_reversed" Never
        "All of the entry was reversed before. An entry is reversed once, as far as amounts go."
        "`reversed_by` of GET /v1/entries/{id} names the entries that did it.",
    ReversalExceedsEntry "reversal_exceeds_entry" Never
        "More was to be reversed than is left of the entry, or on an account or a side that it did not post to."
        "Reverse no more than is left, on the entry's accounts and the opposite sides.",
    OrderExists "order_exists" Never
        "An order with this id is on the roll already."
        "Use another id, or none; an Idempotency-Key makes a repetition safe.",
    OrderNotFound "order_not_found" AfterChange
        "There is no order with this id."
        "Check the id; ask again once the order is placed.",
    OrderState "order_state" AfterChange
        "The order's state does not allow this."
        "GET the order: `status` says where it stands.",
    HoldNotFound "hold_not_found" Never
        "There is no hold with this id."
        "Check the id.",
    HoldExists "hold_exists" Never
        "A hold with this id was placed before."
        "Use another id, or none.",
    HoldEnded "hold_ended" Never
        "The hold was captured or voided before; `detail` says which, when and at which position."
        "Place a new hold, or post an entry.",
    HoldExpired "hold_expired" Never
        "The hold's time is over, whether its end is on the roll already or not."
        "Place a new hold, or post an entry.",
    CaptureExceedsHold "capture_exceeds_hold" Never
        "More was to be captured than is held, or something else."
        "Capture no more than is held, on the same accounts and sides.",
    InsufficientStock "insufficient_stock" AfterChange
        "The location does not have enough of an article available."
        "Receive stock, or order less; a sale that has happened is made `offline`.",
    WouldExceedLimit "would_exceed_limit" AfterChange
        "An account's limit stands against it: nothing left to draw on."
        "Post less, or once the account has more.",
    BalanceOutOfRange "balance_out_of_range" AfterChange
        "An account's balance, with what is pending on it, would exceed 9223372036854775807."
        "Bring the balance back first, or use another account.",
    LimitAlreadyExceeded "limit_already_exceeded" AfterChange
        "The limit cannot be set: the balances do not keep it."
        "Post until the balances keep the limit, then set it.",
    ClockWrong "clock_wrong" AfterChange
        "The server's clock is minutes behind the last event, or more than a year ahead of it, so that it would stamp events wrongly. Nothing is recorded, and commands are taken again as soon as the clock is right."
        "Set the clock. If it is right and the last events were stamped wrongly, or the book has slept for longer, restart with `tillroll serve --clock-is-right`.",
}
