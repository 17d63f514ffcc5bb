//! How a file differs from what the records make it: the row or the event, the field, what is said
//! there and what the record says. `check.py` says the same in the same words.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use serde_json::Value;

use crate::tables::cells;

/// A text from outside, so that it cannot play tricks on a terminal.
pub(crate) fn excerpt(text: &str) -> String {
    const MOST: usize = 200;
    let mut shown = String::new();
    for c in text.chars().take(MOST) {
        match c {
            ' '..='~' => shown.push(c),
            c => shown.extend(c.escape_unicode()),
        }
    }
    if text.chars().nth(MOST).is_some() {
        shown.push_str("...");
    }
    shown
}

/// How a file differs from what was expected, place by place. Nothing if the bytes are equal.
pub(crate) fn compare(name: &str, found: &[u8], expected: &[u8]) -> Vec<String> {
    if found == expected {
        return Vec::new();
    }
    let (Ok(found), Ok(expected)) = (std::str::from_utf8(found), std::str::from_utf8(expected))
    else {
        return vec!["it is no text".into()];
    };
    let wrong = match name {
        name if name.ends_with(".csv") => rows(found, expected),
        name if name.ends_with(".json") => events(found, expected).unwrap_or_default(),
        _ => Vec::new(),
    };
    match wrong.is_empty() {
        true => vec![first_line(found, expected)],
        false => wrong,
    }
}

fn first_line(found: &str, expected: &str) -> String {
    let (found, expected): (Vec<_>, Vec<_>) =
        (found.split('\n').collect(), expected.split('\n').collect());
    let differs = found.iter().zip(&expected).position(|(a, b)| a != b);
    let at = differs.unwrap_or_else(|| found.len().min(expected.len()));
    let shown = |lines: &[&str]| match lines.get(at) {
        Some(line) => excerpt(line),
        None => "nothing".to_owned(),
    };
    let (says, proved) = (shown(&found), shown(&expected));
    format!(
        "line {}: it says {says}, and it should say {proved}",
        at + 1
    )
}

/// Something that was found, and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counterpart {
    found: Option<usize>,
    expected: Option<usize>,
}

/// Which of what was found stands for which of what is expected, where they are not equal. Empty when
/// both have the same, in whatever order. `worth` says how much one is like the other, 0 for not at
/// all.
fn alike<T: Hash + Eq>(
    found: &[T],
    expected: &[T],
    worth: impl Fn(usize, usize) -> usize,
) -> Vec<Counterpart> {
    let (mut missing, extra) = (beyond(expected, found), beyond(found, expected));
    let mut pairs = Vec::new();
    for at in extra {
        let mut best: Option<(usize, usize)> = None;
        for (place, other) in missing.iter().enumerate() {
            let value = worth(at, *other);
            if value > best.map_or(0, |(_, most)| most) {
                best = Some((place, value));
            }
        }
        pairs.push(Counterpart {
            found: Some(at),
            expected: best.map(|(place, _)| missing.remove(place)),
        });
    }
    pairs.extend(missing.into_iter().map(|at| Counterpart {
        found: None,
        expected: Some(at),
    }));
    pairs
}

/// Which of some items others do not have as often.
fn beyond<T: Hash + Eq>(items: &[T], others: &[T]) -> Vec<usize> {
    let mut left: HashMap<&T, i64> = HashMap::new();
    for item in items {
        *left.entry(item).or_default() += 1;
    }
    for other in others {
        *left.entry(other).or_default() -= 1;
    }
    let mut beyond = Vec::new();
    for (at, item) in items.iter().enumerate() {
        if let Some(left) = left.get_mut(item).filter(|left| **left > 0) {
            *left -= 1;
            beyond.push(at);
        }
    }
    beyond
}

/// Of what is in both, the first that is not in its place, and where that place is.
fn moved<T: Eq>(found: &[T], expected: &[T], pairs: &[Counterpart]) -> Option<(usize, usize)> {
    let of = |side: fn(&Counterpart) -> Option<usize>, length: usize| -> Vec<usize> {
        let left_out: HashSet<usize> = pairs.iter().filter_map(side).collect();
        (0..length).filter(|at| !left_out.contains(at)).collect()
    };
    let left = of(|pair| pair.found, found.len());
    let right = of(|pair| pair.expected, expected.len());
    let mut places = left.iter().zip(&right);
    let (at, _) = places.find(|(at, place)| found[**at] != expected[**place])?;
    let place = right.iter().find(|place| expected[**place] == found[*at])?;
    Some((*at, *place))
}

fn rows(found: &str, expected: &str) -> Vec<String> {
    let (found, expected): (Vec<_>, Vec<_>) =
        (found.split('\n').collect(), expected.split('\n').collect());
    let worth = |at: usize, other: usize| {
        let (a, b) = (cells(found[at]), cells(expected[other]));
        let equal = a.iter().zip(&b).filter(|(a, b)| a == b).count();
        match a.len() != b.len() || 2 * equal < b.len() {
            true => 0,
            false => 2 * equal + usize::from(at == other),
        }
    };
    let pairs = alike(&found, &expected, worth);
    let mut wrong = Vec::new();
    for pair in &pairs {
        match (pair.found, pair.expected) {
            (Some(at), Some(other)) => {
                let (says, proved) = (cells(found[at]), cells(expected[other]));
                for ((name, says), proved) in expected[0].split(',').zip(&says).zip(&proved) {
                    if says != proved {
                        wrong.push(format!(
                            "row {at}, {name}: it says {}, and the record says {}",
                            excerpt(says),
                            excerpt(proved)
                        ));
                    }
                }
            }
            (Some(at), None) => wrong.push(format!(
                "row {at} is what no record says: {}",
                excerpt(found[at])
            )),
            (None, Some(at)) => {
                wrong.push(format!("row {at} is missing: {}", excerpt(expected[at])));
            }
            (None, None) => {}
        }
    }
    if let Some((at, place)) = moved(&found, &expected, &pairs) {
        wrong.push(format!("row {at} is what belongs in row {place}"));
    }
    wrong
}

fn events(found: &str, expected: &str) -> Option<Vec<String>> {
    let found: Vec<Value> = serde_json::from_str(found).ok()?;
    let expected: Vec<Value> = serde_json::from_str(expected).ok()?;
    if !found.iter().all(Value::is_object) {
        return None;
    }
    let worth = |at: usize, other: usize| {
        let (a, b) = (&found[at], &expected[other]);
        let same = |name: &str| usize::from(a[name] == b[name]);
        same("id") * 4 + same("sequence") * 2 + usize::from(at == other)
    };
    let texts = |events: &[Value]| -> Vec<String> { events.iter().map(Value::to_string).collect() };
    let (says, proved) = (texts(&found), texts(&expected));
    let position = |event: &Value| {
        let sequence = event["sequence"].as_str();
        let number = sequence.and_then(|text| text.parse::<u64>().ok());
        number.unwrap_or_default()
    };
    let pairs = alike(&says, &proved, worth);
    let mut wrong = Vec::new();
    for pair in &pairs {
        match (pair.found, pair.expected) {
            (Some(at), Some(other)) => {
                let place = format!("event {at} (position {})", position(&expected[other]));
                let both = (Some(&found[at]), Some(&expected[other]));
                differences(both, "", &mut |path, says, proved| {
                    let path = excerpt(path.trim_start_matches('.'));
                    let (says, proved) = (excerpt(says), excerpt(proved));
                    wrong.push(format!(
                        "{place}, {path}: it says {says}, and the record says {proved}"
                    ));
                });
            }
            (Some(at), None) => wrong.push(format!(
                "event {at} is what no record says: {}",
                excerpt(&says[at])
            )),
            (None, Some(at)) => wrong.push(format!(
                "the event of position {} is missing",
                position(&expected[at])
            )),
            (None, None) => {}
        }
    }
    if let Some((at, place)) = moved(&says, &proved, &pairs) {
        wrong.push(format!("event {at} is what belongs in place {place}"));
    }
    Some(wrong)
}

/// Where two JSON values differ: the path, what is said, and what should be.
fn differences(
    both: (Option<&Value>, Option<&Value>),
    path: &str,
    say: &mut dyn FnMut(&str, &str, &str),
) {
    match both {
        (Some(Value::Object(says)), Some(Value::Object(proved))) => {
            let mut names: Vec<_> = says.keys().chain(proved.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let both = (says.get(name), proved.get(name));
                differences(both, &format!("{path}.{name}"), say);
            }
        }
        (Some(Value::Array(says)), Some(Value::Array(proved))) => {
            for at in 0..says.len().max(proved.len()) {
                differences(
                    (says.get(at), proved.get(at)),
                    &format!("{path}[{at}]"),
                    say,
                );
            }
        }
        (says, proved) => {
            let text = |value: Option<&Value>| match value {
                Some(value) => value.to_string(),
                None => "nothing".to_owned(),
            };
            let (says, proved) = (text(says), text(proved));
            if says != proved {
                say(path, &says, &proved);
            }
        }
    }
}
