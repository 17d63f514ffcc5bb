//! One command at work: events so far, and the state as they would leave it.

use tillroll_events::{
    AccountOpened, Event, ExternalId, JournalEntry, OrderId, SellerBalanceAdjusted, Timestamp,
};
use tillroll_ledger::{AccountId, AccountPath, AccountSpec, Draft, Entry, Side};
use tillroll_money::Unit;

use crate::decision::Decided;
use crate::store::{Legs, Tables};
use crate::{Chart, Refusal};

pub(crate) struct UnitOfWork<'a> {
    chart: &'a Chart,
    pub(crate) draft: Draft<'a>,
    pub(crate) tables: Tables<'a>,
    pub(crate) at: Timestamp,
    pub(crate) occurred_at: Timestamp,
    decided: Vec<Decided>,
}

impl<'a> UnitOfWork<'a> {
    pub(crate) fn new(
        chart: &'a Chart,
        draft: Draft<'a>,
        tables: Tables<'a>,
        at: Timestamp,
        occurred_at: Timestamp,
    ) -> Self {
        Self {
            chart,
            draft,
            tables,
            at,
            occurred_at,
            decided: Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> Vec<Decided> {
        self.decided
    }

    pub(crate) fn chart(&self) -> &'a Chart {
        self.chart
    }

    /// Adds an event, and lets what follows see it.
    pub(crate) fn emit(&mut self, event: impl Into<Event>, order: Option<OrderId>) {
        let event = event.into();
        self.tables.evolve(&event);
        self.decided.push(Decided {
            event,
            occurred_at: self.occurred_at,
            order,
        });
    }

    /// Puts the first event on an order's timeline, once it is known which.
    pub(crate) fn name_order_of_first(&mut self, order: Option<OrderId>) {
        if let Some(first) = self.decided.first_mut() {
            first.order = order;
        }
    }

    /// The account of a path that the posting rules use, opened as the chart says when it is
    /// new.
    pub(crate) fn account(&mut self, path: &str, unit: Unit) -> Result<AccountId, Refusal> {
        if let Some(account) = self.draft.lookup(path, unit) {
            return Ok(account);
        }
        let path: AccountPath = path
            .parse()
            .map_err(|error| Refusal::invalid("account", format!("{error}")))?;
        let rule = self.chart.rule(&path).ok_or_else(|| {
            Refusal::invalid(
                "account",
                format!("`{path}` is not in the chart of accounts"),
            )
        })?;
        Ok(self.open(
            AccountSpec {
                path,
                unit,
                kind: rule.kind,
                limit: rule.limit,
            },
            rule.code,
            rule.name,
        ))
    }

    pub(crate) fn open(&mut self, spec: AccountSpec, code: String, name: String) -> AccountId {
        let account = self.draft.open(spec.clone());
        let AccountSpec {
            path,
            unit,
            kind,
            limit,
        } = spec;
        self.emit(
            AccountOpened {
                account,
                path,
                unit,
                kind,
                limit,
                code,
                name,
            },
            None,
        );
        account
    }

    /// Posts the difference that brings a subject's books to where they should stand, and adds
    /// the event that carries it. Nothing is added when `only_if_changed` and nothing differs.
    ///
    /// A seller may have been paid what a refund now takes back: what his account cannot give
    /// is advanced to him first, and earned back as soon as it can be.
    pub(crate) fn book(
        &mut self,
        difference: &Legs,
        order: Option<OrderId>,
        event: impl FnOnce(Option<JournalEntry>) -> Event,
    ) -> Result<(), Refusal> {
        let sellers = self.sellers_in(difference);
        for (seller, account, drawn) in &sellers {
            let available = self.available(*account);
            if let Ok(drawn) = u64::try_from(*drawn)
                && drawn > available
            {
                self.adjust(seller, *account, Side::Credit, drawn - available)?;
            }
        }
        let entry = self.entry_of(difference)?;
        if let Some(entry) = &entry {
            self.draft.post(entry)?;
        }
        self.emit(event(entry.map(JournalEntry)), order);
        for (seller, account, _) in &sellers {
            let unit = self.unit_of(*account);
            let Some(receivable) = self
                .draft
                .lookup(&format!("seller:{seller}:receivable"), unit)
            else {
                continue;
            };
            let owed = u64::try_from(self.draft.balances(receivable).net_debit()).unwrap_or(0);
            let back = owed.min(self.available(*account));
            if back > 0 {
                self.adjust(seller, *account, Side::Debit, back)?;
            }
        }
        Ok(())
    }

    /// The entry that posts legs; none when there are none.
    pub(crate) fn entry_of(&self, legs: &Legs) -> Result<Option<Entry>, Refusal> {
        if legs.is_empty() {
            return Ok(None);
        }
        let mut postings = Vec::with_capacity(legs.iter().len());
        for (account, net) in legs.iter() {
            let side = if net > 0 { Side::Debit } else { Side::Credit };
            let amount =
                u64::try_from(net.unsigned_abs()).map_err(|_| Refusal::AmountOutOfRange {
                    param: "amount".into(),
                    detail: "the sum to post is beyond the range of an amount".into(),
                })?;
            let posting = self.draft.posting(account, side, amount);
            postings.push(posting.expect("legs name accounts of the draft"));
        }
        let entry = Entry::new(postings)
            .map_err(|error| Refusal::of_entry(error, |id| self.draft.unit(id)))?;
        Ok(Some(entry))
    }

    /// Sellers whose available balance the legs change: id, account, net amount drawn.
    fn sellers_in(&self, legs: &Legs) -> Vec<(ExternalId, AccountId, i128)> {
        legs.iter()
            .filter_map(|(account, drawn)| {
                let path = &self.draft.account(account)?.path;
                let seller = path
                    .as_str()
                    .strip_prefix("seller:")?
                    .strip_suffix(":available")?;
                Some((seller.parse().ok()?, account, drawn))
            })
            .collect()
    }

    fn unit_of(&self, account: AccountId) -> Unit {
        let account = self.draft.account(account);
        self.draft.unit_of(account.expect("the account is open"))
    }

    fn available(&self, account: AccountId) -> u64 {
        self.draft.balances(account).available(Side::Debit)
    }

    /// Moves `amount` between what a seller can get and what he owes.
    fn adjust(
        &mut self,
        seller: &ExternalId,
        available: AccountId,
        side: Side,
        amount: u64,
    ) -> Result<(), Refusal> {
        let currency = self.unit_of(available);
        let receivable = self.account(&format!("seller:{seller}:receivable"), currency)?;
        let mut legs = Legs::default();
        let signed = match side {
            Side::Debit => i128::from(amount),
            Side::Credit => -i128::from(amount),
        };
        legs.debit(available, signed);
        legs.debit(receivable, -signed);
        let entry = self.entry_of(&legs)?;
        let entry = entry.expect("an adjustment is never empty");
        self.draft.post(&entry)?;
        let owed = u64::try_from(self.draft.balances(receivable).net_debit()).unwrap_or(0);
        let seller = seller.clone();
        self.emit(
            SellerBalanceAdjusted {
                seller,
                currency,
                owed,
                entry: JournalEntry(entry),
            },
            None,
        );
        Ok(())
    }
}
