//! What has passed through an account has no bound, its balance has.

use serde_json::{Value, json};

use crate::harness::{Shop, entry};

const MAX: u64 = i64::MAX as u64;

/// An integer up to 2^63 - 1, digits above, and the document says both.
fn total(times: u64) -> Value {
    match u128::from(MAX) * u128::from(times) {
        small if times < 2 => json!(u64::try_from(small).unwrap()),
        large => json!(large.to_string()),
    }
}

#[tokio::test]
async fn an_account_goes_on_after_any_number_of_largest_entries() {
    let shop = Shop::open();
    shop.account("bank", "asset").await;
    shop.account("owner", "equity").await;
    let mut last = 0;
    for times in 1..=3 {
        for (debit, credit) in [("bank", "owner"), ("owner", "bank")] {
            let posted = shop.post("/v1/entries", entry(debit, credit, MAX)).await;
            last = posted.expect(201).position();
        }
        let at = format!("?min_position={last}");
        let bank = shop
            .get(&format!("/v1/accounts/bank{at}"))
            .await
            .expect(200);
        let bank = &bank.json()["data"][0];
        assert_eq!(bank["debits_posted"], total(times));
        assert_eq!(bank["credits_posted"], total(times));
        assert_eq!(bank["balance"], 0);
        let balance = shop
            .get(&format!("/v1/trial-balance{at}"))
            .await
            .expect(200);
        let unit = &balance.json()["units"][0];
        assert_eq!(unit["debits"], total(2 * times));
        assert_eq!(unit["balanced"], true);
        assert_eq!(unit["accounts"][0]["debits"], total(times));
    }
    let statement = format!("/v1/accounts/bank/statement?unit=EUR&limit=100&min_position={last}");
    let statement = shop.get(&statement).await.expect(200).json();
    let lines = statement["data"].as_array().unwrap();
    let debits: Vec<&Value> = lines.iter().map(|line| &line["debits_after"]).collect();
    let balances: Vec<&Value> = lines.iter().map(|line| &line["balance_after"]).collect();
    let expected = [1, 1, 2, 2, 3, 3].map(total);
    assert_eq!(debits, expected.iter().collect::<Vec<_>>());
    assert_eq!(balances, [&json!(MAX), &json!(0)].repeat(3));

    // The balance is bounded: a change makes room, and the account is as good as ever.
    let post =
        async |debit, credit, amount| shop.post("/v1/entries", entry(debit, credit, amount)).await;
    post("bank", "owner", MAX).await.expect(201);
    let refused = post("bank", "owner", 1).await;
    assert_eq!(
        refused.problem(),
        (409, "balance_out_of_range".into(), None)
    );
    assert_eq!(refused.json()["retry"], "after_change");
    post("owner", "bank", 1).await.expect(201);
    post("bank", "owner", 1).await.expect(201);
    let digest = shop.get("/v1/digest").await.expect(200).json()["digest"].clone();
    let shop = shop.restart().await;
    assert_eq!(
        shop.get("/v1/digest").await.expect(200).json()["digest"],
        digest
    );
}
