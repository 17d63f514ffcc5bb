//! Facts converge: any order, any repetition, one digest. And deciding never panics.

mod roll;

use proptest::prelude::*;
use roll::life::{Step, life_cycles, lines};
use roll::*;
use tillroll_book::Action;

/// Orders are fulfilled after they are placed; nothing else is in order.
fn tell(steps: &[Step]) -> Roll {
    let mut roll = Roll::new();
    let mut early = Vec::new();
    for step in steps {
        match step {
            Step::Fact(fact) => {
                roll.observe(fact.clone());
            }
            Step::Place(order) => {
                if roll
                    .try_do(Action::PlaceOrder(placed(*order, lines(*order))))
                    .is_ok()
                    && early.contains(order)
                {
                    roll.done(Action::FulfilOrder(order_id(*order)));
                }
            }
            Step::Fulfil(order) => {
                if roll.try_do(Action::FulfilOrder(order_id(*order))).is_err() {
                    early.push(*order);
                }
            }
        }
    }
    roll
}

#[test]
fn the_story_in_order_settles_every_clearing_account() {
    let roll = tell(&life_cycles());
    assert_eq!(roll.listing("clearing:"), "");
    let open: Vec<_> = roll
        .listing("order:")
        .lines()
        .filter(|line| line.contains(":clearing") || line.contains(":refunds"))
        .map(String::from)
        .collect();
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(roll.book().digest(), roll.replayed().digest());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn webhooks_converge(
        order in Just((0..life_cycles().len()).collect::<Vec<_>>()).prop_shuffle(),
        again in prop::collection::vec((0..life_cycles().len(), 0..life_cycles().len()), 0..30),
    ) {
        let steps = life_cycles();
        let mut told: Vec<Step> = order.iter().map(|&index| steps[index].clone()).collect();
        for (what, at) in again {
            told.insert(at, steps[what].clone());
        }
        let roll = tell(&told);
        prop_assert_eq!(roll.book().digest(), tell(&steps).book().digest());
        prop_assert_eq!(roll.book().digest(), roll.replayed().digest());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn deciding_never_panics_and_every_unit_sums_to_zero_after_every_command(
        actions in prop::collection::vec(arbitrary::action(), 1..60),
    ) {
        let mut roll = Roll::new();
        for action in actions {
            let before = roll.book().digest();
            if roll.try_do(action).is_err() {
                prop_assert_eq!(before, roll.book().digest(), "a refusal changed the book");
            }
        }
        prop_assert_eq!(roll.book().digest(), roll.replayed().digest());
    }
}
