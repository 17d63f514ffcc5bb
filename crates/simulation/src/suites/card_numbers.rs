//! A card number that comes in with a webhook is not recorded.

use tillroll_book::Action;
use tillroll_stripe::REDACTED;

use super::roll::Roll;
use super::{Caught, Verdict, ensure};

/// Stripe's own number for trying things out.
const DIGITS: &str = "4242424242424242";

pub(super) fn check() -> Verdict {
    for written in [DIGITS.to_owned(), spaced(" "), spaced("-")] {
        let body = format!(
            r#"{{"id":"evt_1","object":"event","type":"note.written","created":1790000000,
                "livemode":false,"data":{{"object":{{"object":"note","text":"paid by {written}"}}}}}}"#
        );
        let translated = tillroll_stripe::translate(body.as_bytes());
        let (key, observe) = translated.map_err(Caught::unexpected("a body of Stripe's"))?;
        let mut roll = Roll::new();
        let answer = roll.submit(Some(key), Action::Observe(observe))?;
        let events = answer.map_err(Caught::unexpected("a webhook is refused"))?;
        let recorded = format!("{events:?}");
        ensure(recorded.contains(REDACTED), || {
            "of a body that is kept, nothing is taken out".into()
        })?;
        let digits: String = recorded.chars().filter(char::is_ascii_digit).collect();
        ensure(!digits.contains(DIGITS), || "the number is recorded".into())?;
    }
    Ok(())
}

fn spaced(by: &str) -> String {
    let (groups, _) = DIGITS.as_bytes().as_chunks::<4>();
    let groups: Vec<String> = groups
        .iter()
        .map(|four| four.iter().copied().map(char::from).collect())
        .collect();
    groups.join(by)
}
