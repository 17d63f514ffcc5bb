//! Loyalty points: a unit like any other, with a limit that no customer can
//! spend past.

use crate::client::{Exchange, ShopRequest};
use crate::driver::Driver;
use crate::shoppers::LOYAL_CUSTOMERS;
use crate::wire;
use anyhow::Result;
use hyper::Method;
use std::collections::BTreeMap;
use tillroll_events::EntryId;

const ISSUED: &str = "points:issued";
const POINTS: &str = "points";
/// Worth spending.
const ENOUGH: u64 = 150;

fn account(customer: usize) -> String {
    format!("customer:c{}:points", customer + 1)
}

impl<E: Exchange> Driver<'_, E> {
    pub(crate) async fn open_points(&mut self) -> Result<()> {
        let issued = wire::AccountJson {
            kind: "expense",
            unit: POINTS,
            limit: None,
        };
        self.open_account(ISSUED, &issued).await?;
        for customer in 0..LOYAL_CUSTOMERS {
            let points = wire::AccountJson {
                kind: "liability",
                unit: POINTS,
                limit: Some("debits_must_not_exceed_credits"),
            };
            self.open_account(&account(customer), &points).await?;
        }
        Ok(())
    }

    async fn open_account(&mut self, name: &str, body: &wire::AccountJson<'_>) -> Result<()> {
        let path = format!("/v1/accounts/{name}");
        self.change(Method::PUT, &path, "account", body, &[200, 201])
            .await?;
        Ok(())
    }

    /// One point for every major unit; a customer that has enough spends half.
    pub(crate) async fn earn_points(&mut self, order: usize) -> Result<()> {
        let purchase = &self.story.purchases[order];
        let Some(customer) = purchase.customer else {
            return Ok(());
        };
        let earned = match purchase.currency {
            // A yen is not worth a point.
            crate::catalogue::ShopCurrency::Jpy => self.orders[order].due / 150,
            currency => self.orders[order].due / currency.minor_units(),
        };
        if earned == 0 {
            return Ok(());
        }
        let text = format!("Points for {}", purchase.id);
        self.move_points(customer, earned, true, text).await?;
        self.points[customer] += earned;
        if self.points[customer] >= ENOUGH {
            let spent = self.points[customer] / 2;
            let text = "Points spent on a voucher".to_owned();
            self.move_points(customer, spent, false, text).await?;
            self.points[customer] -= spent;
        }
        Ok(())
    }

    async fn move_points(
        &mut self,
        customer: usize,
        amount: u64,
        earned: bool,
        text: String,
    ) -> Result<()> {
        let account = account(customer);
        let body = entry(self.entry_id(), &account, amount, earned, text);
        let (request, answer) = self.post("/v1/entries", "points", &body, 201).await?;
        self.report.point_entries += 1;
        if self.report.point_entries % 41 == 5 {
            self.repeat(request, &answer).await?;
        }
        Ok(())
    }

    /// Sorts by time as the server's own ids do; the count keeps them apart.
    fn entry_id(&self) -> EntryId {
        let milliseconds = u128::from(self.second().unsigned_abs()) * 1_000;
        let count = u128::from(self.report.point_entries);
        EntryId::from_u128(milliseconds << 80 | 0x7 << 76 | 0x2 << 62 | count)
    }

    /// One point more than there is.
    pub(crate) async fn overspend(&mut self) -> Result<()> {
        let account = account(0);
        let text = "A voucher that is too dear".to_owned();
        let dear = self.points[0] + 1;
        let body = entry(self.entry_id(), &account, dear, false, text);
        let request = ShopRequest {
            method: Method::POST,
            path: "/v1/entries".to_owned(),
            key: Some(self.key("overspend")),
            signature: None,
            body: serde_json::to_vec(&body)?.into(),
        };
        self.provoke(request, &["would_exceed_limit"]).await
    }
}

fn entry(
    id: EntryId,
    account: &str,
    amount: u64,
    earned: bool,
    description: String,
) -> wire::EntryJson<'_> {
    let (customer, issued) = if earned {
        ("credit", "debit")
    } else {
        ("debit", "credit")
    };
    let posting = |account, side| wire::PostingJson {
        account,
        unit: POINTS,
        side,
        amount,
    };
    wire::EntryJson {
        id: id.to_string(),
        description,
        postings: [posting(ISSUED, issued), posting(account, customer)],
        metadata: BTreeMap::new(),
    }
}
