//! Net amounts by account: what a subject (an order, a balance transaction, a payout) has on
//! the books, and what it should have.
//!
//! Books follow facts by difference: the posting rules say what should stand, this says what
//! must be posted so that it does. So it never matters in which order facts arrive.

use minicbor::data::Type;
use minicbor::decode::Error;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};
use tillroll_ledger::{AccountId, Entry, Side};

/// Debits less credits by account, never zero, in the order of accounts. A subject has a handful:
/// a tree of them would be mostly room for more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Legs(Vec<(AccountId, i128)>);

impl Legs {
    /// Adds to the debit side, or to the credit side when negative.
    pub fn debit(&mut self, account: AccountId, amount: i128) {
        match self
            .0
            .binary_search_by_key(&account, |(account, _)| *account)
        {
            Ok(place) => {
                let net = &mut self.0[place].1;
                *net += amount;
                if *net == 0 {
                    self.0.remove(place);
                }
            }
            Err(_) if amount == 0 => {}
            Err(place) => self.0.insert(place, (account, amount)),
        }
    }

    /// Adds what an entry posts.
    pub(crate) fn add_entry(&mut self, entry: Option<&Entry>) {
        for posting in entry.map_or(&[][..], Entry::postings) {
            let amount = i128::from(posting.amount);
            match posting.side {
                Side::Debit => self.debit(posting.account, amount),
                Side::Credit => self.debit(posting.account, -amount),
            }
        }
    }

    /// What must be added to `booked` to reach these legs.
    pub(crate) fn less(&self, booked: &Self) -> Self {
        let mut difference = self.clone();
        for (account, net) in &booked.0 {
            difference.debit(*account, -net);
        }
        difference
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Accounts and their amounts, by account.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (AccountId, i128)> {
        self.0.iter().map(|(account, net)| (*account, *net))
    }
}

/// Account and amount in turn. Amounts of a subject are sums of many, so they may leave 64 bits,
/// and nearly never do.
impl<C> Encode<C> for Legs {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(self.0.len() as u64 * 2)?;
        for (account, net) in &self.0 {
            e.u32(account.get())?;
            match i64::try_from(*net) {
                Ok(net) => e.i64(net)?,
                Err(_) => e.bytes(&net.to_be_bytes())?,
            };
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Legs {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        let values = d
            .array()?
            .ok_or_else(|| Error::message("legs have a fixed length"))?;
        if values % 2 != 0 {
            return Err(Error::message("each account has an amount"));
        }
        let most = usize::try_from(values / 2).unwrap_or(usize::MAX);
        let mut legs = Self(Vec::with_capacity(most.min(8)));
        for _ in 0..values / 2 {
            let account = AccountId::new(d.u32()?);
            let net = match d.datatype()? {
                Type::Bytes => {
                    let bytes: [u8; 16] = d
                        .bytes()?
                        .try_into()
                        .map_err(|_| Error::message("a wide amount has 16 bytes"))?;
                    i128::from_be_bytes(bytes)
                }
                _ => i128::from(d.i64()?),
            };
            let before = legs.0.last();
            if net == 0 || before.is_some_and(|(before, _)| *before >= account) {
                return Err(Error::message(
                    "legs are in the order of accounts, and never zero",
                ));
            }
            legs.0.push((account, net));
        }
        Ok(legs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_read_back_whatever_their_width_and_nothing_else_does() {
        let wide = i128::from(i64::MAX) + 1;
        let mut legs = Legs::default();
        for (account, net) in [
            (7, wide),
            (2, -5),
            (9, i128::MIN),
            (3, i128::from(i64::MIN)),
        ] {
            legs.debit(AccountId::new(account), net);
        }
        let bytes = minicbor::to_vec(&legs).unwrap();
        assert_eq!(minicbor::decode::<Legs>(&bytes).unwrap(), legs);
        for wrong in [vec![1, 5, 1, 5], vec![2, 5, 1, 5], vec![1, 0], vec![1]] {
            let bytes = minicbor::to_vec(&wrong).unwrap();
            assert!(minicbor::decode::<Legs>(&bytes).is_err(), "{wrong:?}");
        }
    }
}
