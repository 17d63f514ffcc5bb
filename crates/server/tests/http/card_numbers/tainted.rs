//! Bodies with a card number in each place.

use serde_json::Value;

/// A number that passes the check of a card's digits.
pub(super) const NUMBER: u64 = 4_242_424_242_424_242;

/// Values, in JSON, that hold the card number.
const VALUES: [&str; 9] = [
    r#""4242424242424242""#,
    r#""pay with 4242 4242 4242 4242, please""#,
    r#""4242-4242-4242-4242""#,
    r#""\u0034242424242424242""#,
    "4242424242424242",
    "-4242424242424242",
    "4.242424242424242e15",
    r#"{"x":[{"y":"4242424242424242"}]}"#,
    r#"[[4242424242424242]]"#,
];

const NAMES: [&str; 3] = [
    r#""4242424242424242""#,
    r#""4242 4242 4242 4242""#,
    r#""\u00342424242-42424242""#,
];

/// Places of values in a body, as JSON Pointers; not those of amounts, which may be any number.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{here}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                places(member, &format!("{here}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// `body` with `change` applied to the JSON text of the value at `place`.
fn changed(body: &Value, place: &str, change: &dyn Fn(&str) -> String) -> String {
    fn write(value: &Value, here: &str, place: &str, change: &dyn Fn(&str) -> String) -> String {
        let inner = match value {
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let items: Vec<_> = items
                    .map(|(index, item)| write(item, &format!("{here}/{index}"), place, change))
                    .collect();
                format!("[{}]", items.join(","))
            }
            Value::Object(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, member)| {
                        let value = write(member, &format!("{here}/{name}"), place, change);
                        format!("{}:{value}", Value::from(name.as_str()))
                    })
                    .collect();
                format!("{{{}}}", members.join(","))
            }
            plain => plain.to_string(),
        };
        if here == place { change(&inner) } else { inner }
    }
    write(body, "", place, change)
}

/// All that is sent in the place of a right body.
pub(super) fn tainted(body: &Value, is_amount: fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    places(body, "", &mut found);
    let mut all = Vec::new();
    for place in &found {
        for value in VALUES {
            let is_number = !value.starts_with(['"', '{', '[']);
            if !(is_number && is_amount(place)) {
                all.push(changed(body, place, &|_| value.to_owned()));
            }
        }
        let is_object = body.pointer(place).is_some_and(Value::is_object);
        if !is_object {
            continue;
        }
        let member = |inner: &str, member: &str| match &inner[1..] {
            "}" => format!("{{{member}}}"),
            rest => format!("{{{member},{rest}"),
        };
        for name in NAMES {
            all.push(changed(body, place, &|inner| {
                member(inner, &format!("{name}:1"))
            }));
        }
        for value in VALUES {
            all.push(changed(body, place, &|inner| {
                member(inner, &format!("\"z\":{value}"))
            }));
            // The first of two members of one name is hidden by the second.
            let hidden = format!("\"z\":{value},\"z\":1");
            all.push(changed(body, place, &|inner| member(inner, &hidden)));
            for name in body
                .pointer(place)
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(|o| o.keys())
            {
                let hidden = format!("\"{name}\":{value}");
                all.push(changed(body, place, &|inner| member(inner, &hidden)));
            }
        }
    }
    all
}

pub(super) fn is_amount(place: &str) -> bool {
    let name = place.rsplit('/').next().unwrap_or_default();
    name.contains("amount") || ["quantity", "unit_price", "net", "fee"].contains(&name)
}
