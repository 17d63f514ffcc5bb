//! The tables are as SCHEMA.md says.

mod harness;

use std::collections::BTreeMap;

use harness::{Models, query};

#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    columns: Vec<Column>,
    key: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Column {
    name: String,
    /// `INTEGER`, `TEXT, may be null`; empty for a view.
    kind: String,
}

fn quoted(text: &str) -> Option<String> {
    let text = text.trim().strip_prefix('`')?.strip_suffix('`')?;
    Some(text.to_owned())
}

fn documented() -> BTreeMap<String, Table> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let mut current = String::new();
    for line in include_str!("../SCHEMA.md").lines() {
        if let Some(name) = line.strip_prefix("## ") {
            current = quoted(name).expect("a heading names a table");
            assert!(
                tables.insert(current.clone(), Table::default()).is_none(),
                "{current} is documented twice"
            );
        } else if let Some(key) = line.strip_prefix("Key: ") {
            let table = tables.get_mut(&current).expect("a key belongs to a table");
            table.key = key.split(',').filter_map(quoted).collect();
        } else if let Some(row) = line.strip_prefix('|') {
            let cells: Vec<&str> = row.trim_end_matches('|').split('|').collect();
            let Some(name) = quoted(cells[0]) else {
                continue;
            };
            let (kind, meaning) = match cells.as_slice() {
                [_, meaning] => (String::new(), meaning),
                [_, kind, meaning] => (kind.trim().to_owned(), meaning),
                _ => panic!("{current}: {line}"),
            };
            assert!(
                !meaning.trim().is_empty(),
                "{current}.{name} has no meaning"
            );
            let table = tables
                .get_mut(&current)
                .expect("a column belongs to a table");
            table.columns.push(Column { name, kind });
        }
    }
    tables
}

fn made(models: &Models) -> BTreeMap<String, Table> {
    let path = models.path();
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let columns = query(
        &path,
        "SELECT m.name, m.type, c.name, c.type, c.\"notnull\", c.pk
         FROM sqlite_master m, pragma_table_info(m.name) c
         WHERE m.type IN ('table', 'view') ORDER BY m.name, c.cid",
    );
    for row in columns {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [table, object, name, kind, not_null, key] = cells[..] else {
            panic!("{row}");
        };
        let entry = tables.entry(table.to_owned()).or_default();
        let kind = match (object, not_null, key) {
            ("view", ..) => String::new(),
            (_, "0", "0") => format!("{kind}, may be null"),
            _ => kind.to_owned(),
        };
        entry.columns.push(Column {
            name: name.to_owned(),
            kind,
        });
        let place: usize = key.parse().expect("a number");
        if place > 0 {
            entry.key.resize(entry.key.len().max(place), String::new());
            entry.key[place - 1] = name.to_owned();
        }
    }
    tables
}

#[test]
fn every_table_and_column_is_documented_and_nothing_else_is() {
    let models = Models::of(&[]);
    let (documented, made) = (documented(), made(&models));
    let names = |tables: &BTreeMap<String, Table>| tables.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&documented), names(&made));
    for (name, table) in &made {
        assert_eq!(&documented[name], table, "{name}");
    }
}

#[test]
fn every_number_is_an_integer() {
    let models = Models::of(&[]);
    let kinds = query(
        &models.path(),
        "SELECT DISTINCT c.type FROM sqlite_master m, pragma_table_info(m.name) c
         WHERE m.type = 'table' ORDER BY 1",
    );
    assert_eq!(kinds, ["INTEGER", "TEXT"]);
    let loose = query(
        &models.path(),
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%STRICT%'",
    );
    assert!(loose.is_empty(), "{loose:?}");
}

/// A question that scans a table grows with the history; these must not.
#[test]
fn questions_about_one_thing_seek_and_never_scan() {
    let models = Models::of(&[]);
    let questions = [
        "SELECT p.debits_after FROM account_postings a
         CROSS JOIN postings p ON p.position = a.position AND p.ordinal = a.ordinal
         WHERE a.account_id = 1 AND a.position <= 9
         ORDER BY a.position DESC, a.ordinal DESC LIMIT 1",
        "SELECT p.amount FROM account_postings a
         CROSS JOIN postings p ON p.position = a.position AND p.ordinal = a.ordinal
         CROSS JOIN events e ON e.position = a.position
         WHERE a.account_id = 1 AND (a.position, a.ordinal) > (1, 2) AND a.position <= 9
         ORDER BY a.position ASC, a.ordinal ASC LIMIT 10",
        "SELECT p.amount FROM account_postings a
         CROSS JOIN postings p ON p.position = a.position AND p.ordinal = a.ordinal
         CROSS JOIN events e ON e.position = a.position
         WHERE a.account_id = 1 AND (a.position, a.ordinal) < (8, 2) AND a.position <= 9
         ORDER BY a.position DESC, a.ordinal DESC LIMIT 10",
        "SELECT carried FROM account_carries
         WHERE account_id = 1 AND (position, ordinal) <= (2, 3)
         ORDER BY position DESC, ordinal DESC LIMIT 1",
        "SELECT standing FROM order_events WHERE order_id = 'a' AND position <= 9
         AND standing IS NOT NULL ORDER BY position DESC LIMIT 1",
        "SELECT e.kind FROM order_events o CROSS JOIN events e ON e.position = o.position
         WHERE o.order_id = 'a' AND o.position > 1 AND o.position <= 9 ORDER BY o.position LIMIT 5",
        "SELECT position FROM positions_by_time WHERE recorded_at <= 5
         ORDER BY recorded_at DESC LIMIT 1",
        "SELECT o.id FROM orders o WHERE o.position > 1 AND o.position < 9 AND o.channel = 'web'
         ORDER BY o.position DESC LIMIT 5",
        "SELECT o.id FROM orders o WHERE o.position > 1 AND o.position < 9 AND o.status = 'paid'
         ORDER BY o.position DESC LIMIT 5",
        "SELECT o.id FROM order_splits s CROSS JOIN orders o ON o.position = s.order_position
         WHERE s.seller = 'a' AND s.order_position > 1 AND s.order_position < 9
         ORDER BY s.order_position DESC LIMIT 5",
        "SELECT path FROM accounts WHERE path >= 'a' AND path < 'b' AND (path, unit) > ('a', 'b')
         ORDER BY path, unit",
        "SELECT paid FROM seller_history WHERE seller = 'a' AND unit = 'EUR' AND position <= 9
         ORDER BY position DESC LIMIT 1",
        "SELECT id FROM entries WHERE reverses = 'a' AND position <= 9
         AND reversal IS NOT NULL ORDER BY position",
        "SELECT reversal FROM entries WHERE reverses = 'a' AND position <= 9
         AND reversal IS NOT NULL ORDER BY position DESC LIMIT 1",
        "SELECT id FROM payouts WHERE first_position > 1 AND first_position < 9
         ORDER BY first_position DESC LIMIT 5",
        "SELECT n.id FROM notifications n WHERE n.position > 1 AND n.position < 9
         ORDER BY n.position DESC LIMIT 5",
    ];
    for question in questions {
        for step in query(&models.path(), &format!("EXPLAIN QUERY PLAN {question}")) {
            assert!(
                !step.contains("SCAN") && !step.contains("TEMP B-TREE"),
                "{step}: {question}"
            );
        }
    }
}
