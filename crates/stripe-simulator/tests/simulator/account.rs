use crate::support::{kinds, object, sim};
use serde_json::Value;
use tillroll_stripe_simulator::StripeCurrency;

#[test]
fn events_of_connected_accounts_carry_the_account() {
    let mut sim = sim();
    let seller = sim.create_account("Atelier", "FR", StripeCurrency::EUR);
    let before = object(&sim.drain_events(), "account.updated");
    assert_eq!(before["payouts_enabled"], false);
    assert_eq!(before["capabilities"]["transfers"], "inactive");
    sim.onboard_account(&seller).expect("it exists");
    let events = sim.drain_events();
    assert_eq!(kinds(&events), ["account.updated", "capability.updated"]);
    for event in &events {
        assert_eq!(event.account.as_ref(), Some(&seller));
        let body: Value = serde_json::from_str(&event.body).expect("JSON");
        assert_eq!(body["account"], seller.as_str());
    }
    let after = object(&events, "account.updated");
    assert_eq!(after["id"], seller.as_str());
    assert_eq!(after["payouts_enabled"], true);
    assert_eq!(
        after["requirements"]["currently_due"],
        serde_json::json!([])
    );
    sim.onboard_account(&seller).expect("it exists");
    assert!(sim.drain_events().is_empty(), "once is enough");
}
