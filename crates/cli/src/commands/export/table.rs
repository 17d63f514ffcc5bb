//! Entries and accounts as comma-separated values (RFC 4180), for a spreadsheet.

use std::fmt::Write;

use tillroll_events::{AccountNames, AccountOpened, Event, Record};
use tillroll_ledger::EntryRef;
use tillroll_log::Position;

use crate::output::major;

/// Shows the entries that an event posts, or the one that it holds.
pub(super) fn each_entry(event: &Event, mut visit: impl FnMut(&'static str, EntryRef<'_>)) {
    match event {
        Event::HoldPlaced(hold) => visit("pending", hold.entry.borrowed()),
        event => event.for_each_posted(|entry| visit("posted", entry)),
    }
}

const ENTRIES: &str = "position,event,occurred_at,recorded_at,state,account_number,account,unit,\
                       side,amount,minor_units\n";

/// A line for each posting, in the order of the roll.
pub(super) fn entries(events: &[(Position, Record)], names: &dyn AccountNames) -> String {
    let mut csv = ENTRIES.to_owned();
    for (position, record) in events {
        each_entry(&record.event, |state, entry| {
            for posting in entry.postings() {
                let number = posting.account.get();
                let (account, unit, amount) = match names.name(posting.account) {
                    Some((path, unit)) => (path, unit.to_string(), major(posting.amount, unit)),
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
pub(super) fn accounts(opened: &[(Position, &AccountOpened)]) -> String {
    let mut csv = "account_number,account,unit,type,code,name,opened_at_position\n".to_owned();
    for (position, account) in opened {
        line(
            &mut csv,
            &[
                &account.account.get().to_string(),
                &account.path.to_string(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_would_break_a_line_are_quoted() {
        for (cells, expected) in [
            (&["a", "b"][..], "a,b\n"),
            (&["a,b", ""], "\"a,b\",\n"),
            (&["say \"no\"", "x\ny"], "\"say \"\"no\"\"\",\"x\ny\"\n"),
        ] {
            let mut csv = String::new();
            line(&mut csv, cells);
            assert_eq!(csv, expected);
        }
    }
}
