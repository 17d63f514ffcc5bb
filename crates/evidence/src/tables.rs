//! What the records say as comma-separated values (RFC 4180), for a spreadsheet.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use tillroll_events::{AccountNames, Event};
use tillroll_ledger::{AccountId, EntryRef};
use tillroll_money::Amount;

use crate::links::{PackReason, ids};
use crate::pack::{OpenedNames, ProvedRecord};

/// Shows the entries that an event posts, or the one that it holds.
pub(crate) fn each_entry(event: &Event, mut visit: impl FnMut(&'static str, EntryRef<'_>)) {
    match event {
        Event::HoldPlaced(hold) => visit("pending", hold.entry.borrowed()),
        event => event.for_each_posted(|entry| visit("posted", entry)),
    }
}

/// The accounts that an event names in entries: what it moves, and what is left of another one.
pub(crate) fn named(event: &Event) -> BTreeSet<AccountId> {
    let mut named = BTreeSet::new();
    let mut add = |entry: EntryRef<'_>| {
        named.extend(entry.postings().iter().map(|posting| posting.account));
    };
    each_entry(event, |_, entry| add(entry));
    if let Event::EntryReversed(event) = event
        && let Some(left) = &event.left
    {
        add(left.borrowed());
    }
    named
}

/// The accounts that all of them name.
pub(crate) fn numbers(records: &[ProvedRecord]) -> BTreeSet<AccountId> {
    let events = records.iter().map(|proved| &proved.record.event);
    events.flat_map(named).collect()
}

const ENTRIES: &str = "position,event,occurred_at,recorded_at,state,account_number,account,unit,\
                       side,amount,minor_units\n";

/// A line for each posting, in the order of the roll.
pub(crate) fn entries(records: &[ProvedRecord], names: &OpenedNames) -> String {
    let mut csv = ENTRIES.to_owned();
    for ProvedRecord { position, record } in records {
        each_entry(&record.event, |state, entry| {
            for posting in entry.postings() {
                let number = posting.account.get();
                let (account, unit, amount) = match names.name(posting.account) {
                    Some((path, unit)) => {
                        let amount = Amount::major_of(posting.amount.into(), unit);
                        (path, unit.to_string(), amount)
                    }
                    None => (format!("#{number}"), String::new(), String::new()),
                };
                line(
                    &mut csv,
                    &[
                        &position.to_string(),
                        record.event.kind().name(),
                        &record.occurred_at.to_string(),
                        &record.recorded_at.to_string(),
                        state,
                        &number.to_string(),
                        &account,
                        &unit,
                        posting.side.as_str(),
                        &amount,
                        &posting.amount.to_string(),
                    ],
                );
            }
        });
    }
    csv
}

/// A line for each account that the entries name.
pub(crate) fn accounts(records: &[ProvedRecord], names: &OpenedNames) -> String {
    let mut csv = "account_number,account,unit,type,code,name,opened_at_position\n".to_owned();
    let numbers = numbers(records).into_iter();
    for (position, account) in numbers.filter_map(|account| names.get(account)) {
        line(
            &mut csv,
            &[
                &account.account.get().to_string(),
                account.path.as_str(),
                account.unit.as_str(),
                account.kind.as_str(),
                &account.code,
                &account.name,
                &position.to_string(),
            ],
        );
    }
    csv
}

/// A line for each record: what it is, and why it is there.
pub(crate) fn contents(records: &[ProvedRecord], reasons: &BTreeMap<u64, PackReason>) -> String {
    let mut csv = "position,event,why,by,names,file\n".to_owned();
    for proved in records {
        let reason = reasons.get(&proved.position);
        let by = reason.map(PackReason::by).unwrap_or_default();
        line(
            &mut csv,
            &[
                &proved.position.to_string(),
                proved.record.event.kind().name(),
                reason.map_or("", PackReason::word),
                &by,
                &ids(&proved.record.event).join(" "),
                &proved.file(),
            ],
        );
    }
    csv
}

fn line(csv: &mut String, cells: &[&str]) {
    for (index, cell) in cells.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let quoted = match cell.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => (*cell).to_owned(),
        };
        write!(csv, "{comma}{quoted}").expect("a string takes everything");
    }
    csv.push('\n');
}

/// The cells of a line. A cell that holds a newline stands on two lines, and is shown as it is there.
pub(crate) fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted || cell.is_empty() => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_would_break_a_line_are_quoted() {
        for (texts, expected) in [
            (&["a", "b"][..], "a,b\n"),
            (&["a,b", ""], "\"a,b\",\n"),
            (&["say \"no\"", "x\ny"], "\"say \"\"no\"\"\",\"x\ny\"\n"),
        ] {
            let mut csv = String::new();
            line(&mut csv, texts);
            assert_eq!(csv, expected);
            assert_eq!(cells(csv.trim_end_matches('\n')), texts);
        }
    }
}
