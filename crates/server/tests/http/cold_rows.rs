//! Rows that left memory, over HTTP: a late refund and a late repetition are answered as ever.

use serde_json::json;

use crate::harness::{Shop, order, payment_succeeded};

async fn digest(shop: &Shop) -> serde_json::Value {
    shop.get("/v1/digest").await.expect(200).json()["digest"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_whose_rows_left_memory_is_paid_fulfilled_and_repeated_as_any_other() {
    let directory = tempfile::tempdir().unwrap();
    let shop = Shop::open_with(directory, |settings| settings.book.cold_after = 1);
    let body = order().to_string();
    let first = shop
        .post_keyed("/v1/orders", "old", &body)
        .await
        .expect(201);
    let id = first.json()["id"].as_str().unwrap().to_owned();
    // Everything else goes between the parts of its story.
    for round in 0..20 {
        shop.account(&format!("wallet:{round}"), "liability").await;
    }
    let again = shop
        .post_keyed("/v1/orders", "old", &body)
        .await
        .expect(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.json()["id"], first.json()["id"]);
    let paid = payment_succeeded("evt_late", &id, 1000);
    shop.webhook(&paid).await.expect(200);
    for round in 20..40 {
        shop.account(&format!("wallet:{round}"), "liability").await;
    }
    let position = shop.position();
    shop.webhook(&paid).await.expect(200);
    assert_eq!(shop.position(), position, "a webhook twice has one effect");
    shop.post(&format!("/v1/orders/{id}/fulfil"), json!({}))
        .await
        .expect(200);
    let said = digest(&shop).await;

    // From the snapshot of the stop, whose rows all begin outside of memory; then without.
    let directory = shop.close().await;
    let shop = Shop::open_with(directory, |settings| settings.book.cold_after = 1);
    assert!(shop.book().start().snapshot.is_some());
    assert_eq!(digest(&shop).await, said);
    let again = shop
        .post_keyed("/v1/orders", "old", &body)
        .await
        .expect(201);
    assert_eq!(again.json()["id"], first.json()["id"]);
    let directory = shop.close().await;
    let shop = Shop::open_with(directory, |settings| settings.book.snapshots = None);
    assert_eq!(shop.book().start().snapshot, None);
    assert_eq!(digest(&shop).await, said);
    shop.close().await;
}
