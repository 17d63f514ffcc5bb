//! How events reach an endpoint: late, twice, out of order, or only on a retry.
//!
//! What becomes of an event depends on the seed and the event's id alone, not
//! on what was planned before it: the same seed delivers the same bytes at the
//! same seconds.

use crate::exchange::mix;
use crate::id::{AccountId, EventId};
use crate::signing;
use crate::webhook::StripeEvent;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// Seconds after the first attempt at which Stripe tries again.
const RETRIES: [i64; 5] = [300, 1_800, 7_200, 18_000, 36_000];

/// How rough the way is; shares are per thousand events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chaos {
    /// Delivered once more, some time later.
    pub duplicated: u16,
    /// Held up for a good while.
    pub late: u16,
    /// First attempt lost, then retried; each retry may be lost as well.
    pub dropped: u16,
    /// Seconds that a delivery usually takes.
    pub usual_delay: RangeInclusive<i64>,
    /// Seconds that a late one takes.
    pub late_delay: RangeInclusive<i64>,
}

impl Chaos {
    /// In order, once, at the second at which it happened.
    #[must_use]
    pub fn none() -> Self {
        Self {
            duplicated: 0,
            late: 0,
            dropped: 0,
            usual_delay: 0..=0,
            late_delay: 0..=0,
        }
    }

    /// Far rougher than Stripe is on a bad day.
    #[must_use]
    pub fn rough() -> Self {
        Self {
            duplicated: 40,
            late: 50,
            dropped: 30,
            usual_delay: 0..=9,
            late_delay: 60..=14_400,
        }
    }
}

/// One arrival of an event at the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// Seconds since the epoch at which it arrives.
    pub due: i64,
    /// The event.
    pub event: EventId,
    /// Its type.
    pub kind: &'static str,
    /// Id of the object that it is about.
    pub object: String,
    /// The connected account that it happened on.
    pub account: Option<AccountId>,
    /// 1, or more when earlier attempts were lost.
    pub attempt: u8,
    /// Whether the event has arrived before.
    pub duplicate: bool,
    /// The bytes to post.
    pub body: String,
}

impl WebhookDelivery {
    /// `Stripe-Signature`, signed when it is due.
    #[must_use]
    pub fn signature(&self, secret: &str) -> String {
        signing::header(secret, self.due, self.body.as_bytes())
    }
}

/// Plans the deliveries of events.
#[derive(Debug, Clone)]
pub struct DeliveryPlan {
    seed: u64,
    chaos: Chaos,
}

impl DeliveryPlan {
    /// A plan with so much chaos.
    #[must_use]
    pub fn new(seed: u64, chaos: Chaos) -> Self {
        Self { seed, chaos }
    }

    /// When and how often `event` arrives, in order of arrival; at least once.
    #[must_use]
    pub fn schedule(&self, event: &StripeEvent) -> Vec<WebhookDelivery> {
        let mut facts = vec![self.seed];
        facts.extend(event.id.as_str().bytes().map(u64::from));
        let mut random = ChaCha8Rng::seed_from_u64(mix(&facts));
        let mut happens = |share: u16| random.random_range(0..1_000) < share;
        let (late, duplicated) = (happens(self.chaos.late), happens(self.chaos.duplicated));
        let lost = RETRIES
            .iter()
            .take_while(|_| happens(self.chaos.dropped))
            .count();
        let usual = random.random_range(self.chaos.usual_delay.clone());
        let held_up = random.random_range(self.chaos.late_delay.clone());
        let again = random.random_range(self.chaos.late_delay.clone());

        let retried = lost.checked_sub(1).map_or(0, |last| RETRIES[last]);
        let due = event.created + usual + retried + if late { held_up } else { 0 };
        let arrival = |due, duplicate| WebhookDelivery {
            due,
            event: event.id.clone(),
            kind: event.kind,
            object: event.object.clone(),
            account: event.account.clone(),
            attempt: u8::try_from(lost + 1).expect("there are five retries"),
            duplicate,
            body: event.body.clone(),
        };
        let mut arrivals = vec![arrival(due, false)];
        if duplicated {
            arrivals.push(arrival(due + again, true));
        }
        arrivals
    }

    /// The arrivals of all `events`, in order of arrival; events of one second
    /// that arrive in one second keep their order.
    #[must_use]
    pub fn schedule_all(&self, events: &[StripeEvent]) -> Vec<WebhookDelivery> {
        let mut arrivals: Vec<WebhookDelivery> = events
            .iter()
            .flat_map(|event| self.schedule(event))
            .collect();
        arrivals.sort_by_key(|delivery| delivery.due);
        arrivals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CreateIntent, PaymentMethod, StripeCurrency, StripeSimulator};

    fn events(seed: u64, payments: usize) -> Vec<StripeEvent> {
        let mut sim = StripeSimulator::seeded(seed);
        for payment in 0..payments {
            sim.advance(600);
            let params =
                CreateIntent::new(1_000, StripeCurrency::EUR).for_order(&format!("ord_{payment}"));
            let intent = sim.create_intent(params).expect("a valid intent");
            sim.confirm_intent(&intent, PaymentMethod::card())
                .expect("a good card");
        }
        sim.run_until_quiet();
        sim.drain_events()
    }

    #[test]
    fn without_chaos_everything_arrives_in_order_and_once() {
        let events = events(1, 20);
        let arrivals = DeliveryPlan::new(1, Chaos::none()).schedule_all(&events);
        assert_eq!(arrivals.len(), events.len());
        for (event, arrival) in events.iter().zip(&arrivals) {
            assert_eq!(event.id, arrival.event);
            assert_eq!(event.body, arrival.body);
            assert_eq!(event.created, arrival.due);
            assert!(!arrival.duplicate);
        }
    }

    #[test]
    fn the_same_seed_delivers_the_same_bytes() {
        let arrivals = |seed| DeliveryPlan::new(seed, Chaos::rough()).schedule_all(&events(2, 50));
        assert_eq!(arrivals(9), arrivals(9));
        assert_ne!(arrivals(9), arrivals(10));
    }

    #[test]
    fn chaos_duplicates_reorders_and_retries_and_loses_nothing() {
        let events = events(3, 400);
        let arrivals = DeliveryPlan::new(3, Chaos::rough()).schedule_all(&events);
        for event in &events {
            let mine: Vec<&WebhookDelivery> = arrivals
                .iter()
                .filter(|arrival| arrival.event == event.id)
                .collect();
            assert!(!mine[0].duplicate, "{:?}", event.id);
            assert!(mine.iter().skip(1).all(|arrival| arrival.duplicate));
            assert!(mine.iter().all(|arrival| arrival.due >= event.created));
        }
        assert!(arrivals.iter().any(|arrival| arrival.duplicate));
        assert!(arrivals.iter().any(|arrival| arrival.attempt > 1));
        let place = |id: &EventId| events.iter().position(|event| event.id == *id);
        assert!(
            arrivals
                .windows(2)
                .any(|pair| place(&pair[0].event) > place(&pair[1].event)),
            "something was reordered"
        );
        assert!(arrivals.windows(2).all(|pair| pair[0].due <= pair[1].due));
    }
}
