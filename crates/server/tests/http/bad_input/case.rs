//! A request that is not to be had, and what has to be said of it; and tables of such.

use serde_json::Value;

#[derive(Debug)]
pub(super) struct Case {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// `null` where nothing is sent.
    pub(super) body: Value,
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) param: Option<String>,
}

impl Case {
    /// A body for a route that takes one, refused with 422.
    pub(super) fn post(path: &'static str, body: Value, code: &'static str, param: &str) -> Self {
        Self {
            method: "POST",
            path,
            body,
            status: 422,
            code,
            param: Some(param.to_owned()),
        }
    }
}

/// Of lines of method, path, status, code, param (`-` for none) and, to the end of the line, the
/// body where there is one.
pub(super) fn requests(table: &'static str) -> impl Iterator<Item = Case> {
    rows(table).map(|([method, path, status, code, param], body)| Case {
        method,
        path,
        body: json(if body.is_empty() { "null" } else { body }),
        status: status.parse().unwrap(),
        code,
        param: (param != "-").then(|| param.to_owned()),
    })
}

/// Of lines of a JSON Pointer, status, code, param and, to the end of the line, the value: `base`
/// with this value there, posted to `path`.
pub(super) fn changes(
    path: &'static str,
    base: &Value,
    table: &'static str,
) -> impl Iterator<Item = Case> {
    rows(table).map(move |([pointer, status, code, param], value)| Case {
        status: status.parse().unwrap(),
        ..Case::post(path, with(base, pointer, json(value)), code, param)
    })
}

/// Each line's first columns, and the rest of it.
fn rows<const N: usize>(
    table: &'static str,
) -> impl Iterator<Item = ([&'static str; N], &'static str)> {
    let lines = table.lines().filter(|line| !line.is_empty());
    lines.map(|line| {
        let mut rest = line;
        let columns = [(); N].map(|()| {
            let (column, after) = rest.split_once(' ').unwrap_or((rest, ""));
            assert!(!column.is_empty(), "{line:?} has too few columns");
            rest = after.trim_start();
            column
        });
        (columns, rest)
    })
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text:?} in a table: {error}"))
}

/// `base` with the value at a JSON Pointer replaced or added.
pub(super) fn with(base: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = base.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match changed.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        parent => parent[name] = value,
    }
    changed
}
