//! The parts of a snapshot, in the order of the file.

macro_rules! sections {
    ($($(#[$doc:meta])* $section:ident $number:literal $name:literal;)*) => {
        /// A part of a snapshot. A number means something else in another version only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Section { $($(#[$doc])* $section,)* }

        impl Section {
            /// All of them, in the order of the file.
            pub const ALL: [Self; { [$($number,)*].len() }] = [$(Self::$section,)*];

            pub(crate) fn number(self) -> u16 {
                match self { $(Self::$section => $number,)* }
            }

            /// Its name in messages.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$section => $name,)* }
            }
        }
    };
}

sections! {
    /// Accounts in the order of opening, with their balances.
    Accounts 1 "accounts";
    /// Ids of entries that came in about ascending order.
    AscendingEntries 2 "ascending entry ids";
    /// Ids of all other entries.
    ScatteredEntries 3 "scattered entry ids";
    /// Ids of all holds that ever were.
    HoldIds 4 "hold ids";
    OpenHolds 5 "open holds";
    /// Idempotency keys.
    Keys 6 "idempotency keys";
    Orders 7 "orders";
    /// What names an order.
    Links 8 "links of orders";
    Intents 9 "intents";
    Charges 10 "charges";
    Refunds 11 "refunds";
    Disputes 12 "disputes";
    Transfers 13 "transfers";
    Payouts 14 "payouts";
    BalanceTransactions 15 "balance transactions";
    /// Balance transactions by what they are about.
    Sources 16 "balance transactions by source";
}

impl std::fmt::Display for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_lie_in_the_order_of_their_numbers() {
        let numbers: Vec<u16> = Section::ALL.map(Section::number).into();
        let expected: Vec<u16> = (1..=16).collect();
        assert_eq!(numbers, expected);
    }
}
