//! Notifications: what was not understood, until it is.

use tillroll_events::NotificationReceived;
use tillroll_projections::{Counts, PositionPage};

use crate::harness::{Models, Roll, external};

fn notification(id: &str, unrecognised: Option<&str>) -> NotificationReceived {
    NotificationReceived {
        id: external(id),
        kind: "tax.form.updated".into(),
        account: Some(external("acct_1")),
        api_version: None,
        created: None,
        livemode: true,
        unrecognised: unrecognised.map(str::to_owned),
        detail: Some("no rule".into()),
        body: unrecognised.map(|_| "{\"id\":1}".into()),
    }
}

#[test]
fn what_was_not_understood_is_listed_until_it_is() {
    let mut roll = Roll::default();
    roll.push(notification("evt_a", Some("unknown_type")));
    roll.push(notification("evt_b", None));
    let both = roll.push(notification("evt_c", Some("malformed")));
    roll.push(notification("evt_a", None));
    // An id that is used again for something else explains nothing.
    roll.push(NotificationReceived {
        kind: "charge.updated".into(),
        ..notification("evt_c", None)
    });
    let models = Models::of(&roll.numbered());
    let read = models.read();
    let list = |page: PositionPage| -> Vec<String> {
        let rows = read.unrecognised(&page).expect("rows").value;
        rows.items
            .iter()
            .map(|row| format!("{} {} {}", row.position, row.id, row.reason))
            .collect()
    };
    assert_eq!(list(PositionPage::default()), ["3 evt_c malformed"]);
    let before = PositionPage {
        as_of: Some(both),
        ..PositionPage::default()
    };
    assert_eq!(list(before), ["3 evt_c malformed", "1 evt_a unknown_type"]);
    let older = PositionPage {
        after: Some(3),
        ..before
    };
    assert_eq!(list(older), ["1 evt_a unknown_type"]);
    let newer = PositionPage {
        before: Some(1),
        ..before
    };
    assert_eq!(list(newer), ["3 evt_c malformed"]);
    let Counts {
        unrecognised,
        events,
        ..
    } = read.counts().expect("counts").value;
    assert_eq!(unrecognised, 1);
    assert_eq!(
        (events[0].kind.as_str(), events[0].events),
        ("notification.received", 5)
    );
    let row = &read
        .unrecognised(&PositionPage::default())
        .expect("rows")
        .value
        .items[0];
    assert_eq!(row.body.as_deref(), Some("{\"id\":1}"));
    assert_eq!(row.account.as_deref(), Some("acct_1"));
}
