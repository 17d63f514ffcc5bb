//! The parts of a snapshot, in the order of the file.

macro_rules! sections {
    ($($(#[$doc:meta])* $section:ident $number:literal $name:literal;)*) => {
        /// A part of a snapshot. Numbers are never used for anything else.
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
    /// Ids of entries.
    Entries 2 "entry ids";
    /// Ids of all holds that ever were.
    HoldIds 3 "hold ids";
    OpenHolds 4 "open holds";
    /// Idempotency keys.
    Keys 5 "idempotency keys";
    Orders 6 "orders";
    /// What names an order.
    Links 7 "links of orders";
    Intents 8 "intents";
    Charges 9 "charges";
    Refunds 10 "refunds";
    Disputes 11 "disputes";
    Transfers 12 "transfers";
    Payouts 13 "payouts";
    BalanceTransactions 14 "balance transactions";
    /// Balance transactions by what they are about.
    Sources 15 "balance transactions by source";
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
        let expected: Vec<u16> = (1..=15).collect();
        assert_eq!(numbers, expected);
    }
}
