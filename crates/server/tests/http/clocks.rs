//! What clients see of a clock that is wrong, and of the way back.

use serde_json::json;
use tillroll_events::Timestamp;

use crate::harness::{NOW, Shop, entry, payment_succeeded};

const YEAR: i64 = 365 * 24 * 3600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(NOW + second)
}

#[tokio::test]
async fn a_clock_that_leaps_takes_nothing_until_it_is_right() {
    let shop = Shop::open();
    shop.account("cash", "asset").await;
    shop.account("capital", "equity").await;
    let head = shop.position();
    let wrong = (503, "clock_wrong".to_owned(), None);
    for second in [-3600, 30 * YEAR] {
        shop.clock.set(at(second));
        let refused = shop.post("/v1/entries", entry("cash", "capital", 5)).await;
        assert_eq!(refused.problem(), wrong);
        assert!(refused.header("retry-after").is_some());
        assert_eq!(shop.get("/readyz").await.problem(), wrong);
        // What is there is read as ever.
        shop.get("/v1/accounts/cash").await.expect(200);
        shop.get("/healthz").await.expect(200);
        shop.clock.set(at(1));
        shop.get("/readyz").await.expect(200);
    }
    assert_eq!(shop.position(), head);
    let posted = shop.post("/v1/entries", entry("cash", "capital", 5));
    let posted = posted.await.expect(201).json();
    assert_eq!(posted["recorded_at"], at(1).to_string());
}

/// What Stripe says is not lost: it is told to say it again.
#[tokio::test]
async fn a_webhook_is_not_taken_and_not_lost_while_the_clock_is_wrong() {
    let shop = Shop::open();
    let order = shop.post("/v1/orders", crate::harness::order());
    let order = order.await.expect(201).json()["id"].clone();
    let event = payment_succeeded("evt_1", order.as_str().unwrap(), 1000);
    // The signature is by the right clock, the roll by one that says that it is earlier.
    shop.clock.set(at(60));
    shop.account("cash", "asset").await;
    shop.clock.set(at(60 - 301));
    let head = shop.position();
    let refused = shop.webhook(&event).await;
    assert_eq!(refused.problem(), (503, "clock_wrong".into(), None));
    assert_eq!(shop.position(), head);
    shop.clock.set(at(61));
    shop.webhook(&event).await.expect(200);
    let path = format!("/v1/orders/{}", order.as_str().unwrap());
    assert_eq!(shop.get(&path).await.json()["paid"], 1000);
}

/// Given a start by a clock two years ahead that somebody answered for by mistake, when the next
/// goes by the right one, then times, holds and `as_of` are sane again, and the roll says why.
#[tokio::test]
async fn after_a_mistake_there_is_a_way_back() {
    let shop = Shop::open();
    shop.account("cash", "asset").await;
    shop.account("capital", "equity").await;
    let post = |amount| entry("cash", "capital", amount);
    shop.post("/v1/entries", post(100)).await.expect(201);
    let good = shop.position();
    let confirmed = |second: i64| {
        move |settings: &mut crate::harness::Settings| {
            settings.book.clock_is_right = true;
            settings.book.clock =
                std::sync::Arc::new(tillroll_runtime::ManualClock::at(at(second)));
        }
    };
    let shop = Shop::open_with(shop.close().await, confirmed(2 * YEAR));
    let wrong = shop.post("/v1/entries", post(10)).await.expect(201).json();
    assert_eq!(wrong["recorded_at"], at(2 * YEAR).to_string());
    let shop = Shop::open_with(shop.close().await, confirmed(3600));
    let back = shop.position();
    let posted = shop.post("/v1/entries", post(1)).await.expect(201).json();
    assert_eq!(posted["recorded_at"], at(3600).to_string());
    let mut hold = post(1);
    hold["expires_at"] = json!(at(7200).to_string());
    shop.post("/v1/holds", hold).await.expect(201);

    let balance = async |moment: i64| {
        let path = format!("/v1/accounts/cash?as_of={}", at(moment));
        let answer = shop.get(&path).await.expect(200);
        (
            answer.position(),
            answer.json()["data"][0]["debits_posted"].clone(),
        )
    };
    assert_eq!(balance(10).await, (good, json!(100)));
    assert_eq!(
        balance(3599).await,
        (good, json!(100)),
        "what is known to have been recorded"
    );
    let (_, now) = balance(3601).await;
    assert_eq!(now, 111);
    let (_, later) = balance(3 * YEAR).await;
    assert_eq!(later, 111);

    let path = format!("/v1/events?after={}&limit=1", back - 1);
    let event = shop.get(&path).await.expect(200).json()["data"][0].clone();
    assert_eq!(event["type"], "tillroll.clock.confirmed");
    assert_eq!(event["data"]["last_recorded_at"], at(2 * YEAR).to_string());
    assert_eq!(event["data"]["wrong_from"], good + 1);
    assert_eq!(event["origin"], "cli");
}
