//! The table of bugs: by file, then in the order of that file.

macro_rules! bugs {
    ($($place:literal { $($bug:ident $name:literal $text:literal, found by $suite:literal;)* })*) => {
        /// A bug that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bug { $($(#[doc = $text] $bug,)*)* }

        impl Bug {
            /// All of them.
            pub const ALL: [Self; { [$($(stringify!($bug),)*)*].len() }] =
                [$($(Self::$bug,)*)*];

            /// Its name on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$bug => $name,)*)* }
            }

            /// What goes wrong, in a sentence without its capital and its full stop.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $($(Self::$bug => $text,)*)* }
            }

            /// The file that it is planted in, from the folder `crates`.
            #[must_use]
            pub const fn place(self) -> &'static str {
                match self { $($(Self::$bug => $place,)*)* }
            }

            /// The suite that has to find it.
            #[must_use]
            pub const fn suite(self) -> &'static str {
                match self { $($(Self::$bug => $suite,)*)* }
            }
        }
    };
}

bugs! {
    "journal/src/file_journal.rs" {
        PoisonIgnored "poison-ignored"
            "a journal whose write or sync has failed takes more records", found by "faults";
        WriteErrorIgnored "write-error-ignored"
            "a failed or short write of a frame is acknowledged", found by "faults";
        PublishedBeforeSync "published-before-sync"
            "readers are shown a frame before it is synced", found by "faults";
        NoSync "no-sync"
            "frames are acknowledged without a sync", found by "simulation";
        SyncErrorIgnored "sync-error-ignored"
            "a frame is acknowledged although its sync failed", found by "simulation";
        SyncRetried "sync-retried"
            "a failed sync is tried again, and the second answer believed", found by "faults";
        RoomKept "room-kept"
            "the room behind the frames of a segment stays when the next is begun",
            found by "faults";
        DirectoryNotSynced "directory-not-synced"
            "the name of a new segment is not synced", found by "faults";
    }
    "journal/src/frame.rs" {
        HeaderChecksumUnchecked "header-checksum-unchecked"
            "the checksum of a frame's header is not compared", found by "bit-flips";
        ChainUnchecked "chain-unchecked"
            "a frame may name another predecessor than the one before it", found by "tampering";
        PayloadChecksumUnchecked "payload-checksum-unchecked"
            "the checksum of a frame's records is not compared", found by "bit-flips";
        HashUnchecked "hash-unchecked"
            "the hash of a frame is not computed when a log is opened", found by "tampering";
        PositionSkipped "position-skipped"
            "a frame leaves a gap before its first position", found by "conformance";
        HashNotChained "hash-not-chained"
            "frames do not name the hash of the frame before", found by "conformance";
    }
    "journal/src/recovery.rs" {
        DurableMarkIgnored "durable-mark-ignored"
            "a log may end before what is known to have been durable", found by "recovery";
        TornTailKept "torn-tail-kept"
            "the tail of a torn append is reported and stays", found by "recovery";
        RemovalUnsynced "removal-unsynced"
            "a start does not make sure that a removed segment is gone for good",
            found by "recovery";
        CutTrusted "cut-trusted"
            "a file that looks cut is taken to be cut on the disk", found by "recovery";
        CacheTrusted "cache-trusted"
            "recovery does not write the last frame again", found by "recovery";
    }
    "journal/src/scan.rs" {
        DamageTakenForTear "damage-taken-for-tear"
            "damage before whole frames is cut as a torn tail", found by "recovery";
        RoomUnread "room-unread"
            "what starts with a nought is taken for room, whatever is behind it",
            found by "recovery";
    }
    "engine/src/engine.rs" {
        TimeRunsBack "time-runs-back"
            "records carry the caller's clock, also when it was set back", found by "audit";
        RefusalLeavesTrace "refusal-leaves-trace"
            "a command that no frame can hold is refused and changes the state",
            found by "simulation";
    }
    "engine/src/event_id.rs" {
        EventIdRepeated "event-id-repeated"
            "ids of events do not depend on the position", found by "audit";
    }
    "engine/src/snapshot/read.rs" {
        SnapshotHashUncompared "snapshot-hash-uncompared"
            "the hash at the end of a snapshot is not compared", found by "snapshots";
    }
    "engine/src/snapshot/start.rs" {
        SnapshotHistoryUncompared "snapshot-history-uncompared"
            "a snapshot of another history is taken for one of this roll", found by "snapshots";
        SnapshotAheadIgnored "snapshot-ahead-ignored"
            "a roll may end before a snapshot that was made of it", found by "snapshots";
    }
    "engine/src/snapshot/store.rs" {
        SnapshotNotSynced "snapshot-not-synced"
            "a snapshot gets its name before it is durable", found by "snapshots";
    }
    "engine/src/thread.rs" {
        AcknowledgedBeforeSync "acknowledged-before-sync"
            "the writer answers before the frame is appended", found by "acknowledgement";
        AnsweredUnderWay "answered-under-way"
            "the writer answers while the frame is with the log's thread", found by "acknowledgement";
        DuplicateBeforeSync "duplicate-before-sync"
            "a duplicate is answered before its original is durable", found by "acknowledgement";
    }
    "ledger/src/bulk.rs" {
        BulkIdUnchecked "bulk-id-unchecked"
            "the id of an entry in bulk may be used again", found by "ledger-laws";
        BulkRefusalStays "bulk-refusal-stays"
            "an entry in bulk that is refused for a limit stays posted", found by "ledger-laws";
    }
    "ledger/src/draft.rs" {
        EntryIdReused "entry-id-reused"
            "the id of an entry may be used again", found by "ledger-laws";
        ExpiredHoldCaptured "expired-hold-captured"
            "a hold can be captured after it has expired", found by "ledger-laws";
        MoreCapturedThanHeld "more-captured-than-held"
            "more is captured than was held", found by "ledger-laws";
        HoldKeptAfterCapture "hold-kept-after-capture"
            "what was held stays reserved while it is captured", found by "ledger-laws";
        RangeUnchecked "range-unchecked"
            "totals may leave the range of an amount", found by "ledger-laws";
        RefusedEntryStays "refused-entry-stays"
            "an entry refused for a limit stays in the draft", found by "ledger-laws";
    }
    "ledger/src/entry.rs" {
        SecondUnitUnchecked "second-unit-unchecked"
            "only the first unit of an entry has to balance", found by "ledger-laws";
    }
    "ledger/src/limits.rs" {
        PendingUncounted "pending-uncounted"
            "a limit does not count what is held", found by "ledger-laws";
        LimitOffByOne "limit-off-by-one"
            "an account may be drawn one below its limit", found by "ledger-laws";
    }
    "money/src/split.rs" {
        RemainderLost "remainder-lost"
            "the remainder of a division goes to nobody", found by "shop";
    }
    "book/src/book.rs" {
        DuplicateApplied "duplicate-applied"
            "a command whose key is known is applied again", found by "idempotency";
        FingerprintUncompared "fingerprint-uncompared"
            "a key answers for any request", found by "idempotency";
    }
    "book/src/tables.rs" {
        ColdRowForgotten "cold-row-forgotten"
            "a row that is changed after a long time starts anew", found by "cold-rows";
    }
    "book/src/facts.rs" {
        RefundTakenAsDelta "refund-taken-as-delta"
            "a charge's cumulative refund is added to the one before", found by "convergence";
    }
    "book/src/order.rs" {
        RefundUncapped "refund-uncapped"
            "more is returned on an order than was paid for it", found by "shop";
    }
    "book/src/decide/observe.rs" {
        OlderFactOverwrites "older-fact-overwrites"
            "what was said last counts, not what is known", found by "convergence";
    }
    "book/src/decide/orders.rs" {
        EarlyPaymentForgotten "early-payment-forgotten"
            "a payment that came before its order is not booked", found by "convergence";
        Oversold "oversold"
            "an order online takes more than the shelf holds", found by "shop";
        PaidOrderCancelled "paid-order-cancelled"
            "an order can be cancelled after it was paid", found by "shop";
    }
    "book/src/decide/reconcile.rs" {
        BookedAgain "booked-again"
            "the whole of what should stand is posted, not the difference",
            found by "convergence";
    }
    "book/src/posting/order.rs" {
        StockKeptOnCancel "stock-kept-on-cancel"
            "the goods of a cancelled order stay reserved", found by "shop";
        SellerPaidEarly "seller-paid-early"
            "a seller can have the money before the order is fulfilled", found by "shop";
    }
    "engine/src/cold_file.rs" {
        ColdChecksumUncompared "cold-checksum-uncompared"
            "a row is read back without its checksum", found by "cold-rows";
    }
    "projections/src/projector.rs" {
        RolledBackRowsRemembered "rolled-back-rows-remembered"
            "after a failed commit its rows are still remembered", found by "read-models";
        OtherHistoryKept "other-history-kept"
            "rows of another journal are taken for this one's", found by "read-models";
    }
    "projections/src/write/accounts.rs" {
        HoldsNotProjected "holds-not-projected"
            "holds do not reach the balances", found by "read-models";
    }
    "projections/src/write/mod.rs" {
        GapProjected "gap-projected"
            "a record may be missing from what is projected", found by "read-models";
        CheckpointOutsideCommit "checkpoint-outside-commit"
            "the checkpoint has an SQL commit of its own", found by "read-models";
    }
    "stripe/src/signature.rs" {
        OnlyFirstSecret "only-first-secret"
            "the second of two webhook secrets is not tried", found by "signatures";
        SignatureUncompared "signature-uncompared"
            "a webhook's signature is not compared", found by "signatures";
        AgeIgnored "age-ignored"
            "a webhook that was signed long ago is accepted", found by "signatures";
    }
    "stripe/src/translate.rs" {
        CardNumberKept "card-number-kept"
            "a card number in a webhook is stored", found by "card-numbers";
    }
    "proofs/src/key.rs" {
        CheckpointUnverified "checkpoint-unverified"
            "a checkpoint is believed whoever signed it", found by "proofs";
    }
    "proofs/src/merkle/hash.rs" {
        DomainsMixed "domains-mixed"
            "a record can pass for a node of the tree", found by "proofs";
    }
    "proofs/src/merkle/verify.rs" {
        OldRootUncompared "old-root-uncompared"
            "a log that was rewritten is called one that has grown", found by "proofs";
    }
    "proofs/src/prover.rs" {
        RewrittenLogSigned "rewritten-log-signed"
            "a log that contradicts an old checkpoint is signed again", found by "proofs";
    }
}

impl std::fmt::Display for Bug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_spelled_for_a_command_line() {
        let names: BTreeSet<&str> = Bug::ALL.map(Bug::name).into();
        assert_eq!(names.len(), Bug::ALL.len());
        let plain = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        assert!(names.iter().all(plain), "{names:?}");
    }

    #[test]
    fn there_are_more_than_the_bar_asks_for() {
        assert!(Bug::ALL.len() >= 20, "{}", Bug::ALL.len());
    }
}
