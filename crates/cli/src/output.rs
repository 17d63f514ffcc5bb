//! Tables for people. Amounts are in major units with their unit beside them; `--json` has
//! integers of minor units instead.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use tillroll_money::{Amount, Unit};

use crate::console::Console;
use crate::exit::Stop;

const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Rows under a header, as wide as they need, or as the terminal has room.
#[derive(Debug)]
pub(crate) struct Rows {
    table: Table,
}

/// A column: its title, and where its cells stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column<'a> {
    Left(&'a str),
    Right(&'a str),
}

impl Rows {
    pub(crate) fn new(columns: &[Column<'_>]) -> Self {
        let mut table = Table::new();
        // The console knows what it is; a table must not look for itself.
        table.force_no_tty();
        table.load_style(STYLE);
        table.set_header(columns.iter().map(|column| match column {
            Column::Left(title) | Column::Right(title) => Cell::new(title),
        }));
        for (index, column) in columns.iter().enumerate() {
            if let (Column::Right(_), Some(column)) = (column, table.column_mut(index)) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { table }
    }

    pub(crate) fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        self.table.add_row(cells.into_iter().collect::<Vec<_>>());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Prints the table, or `nothing` when it has no rows.
    pub(crate) fn print(mut self, console: &mut Console<'_>, nothing: &str) -> Result<(), Stop> {
        if self.is_empty() {
            return console.say(nothing);
        }
        if let Some(columns) = console.width() {
            self.table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(columns);
        }
        for line in self.table.lines() {
            console.say(line.trim_end())?;
        }
        Ok(())
    }
}

/// `19.99`, `1200`, `-3.500`: a signed number of minor units in major ones.
pub(crate) fn major(minor: impl Into<i128>, unit: Unit) -> String {
    Amount::major_of(minor.into(), unit)
}

/// The same, and nothing for zero: most cells of a wide table are.
pub(crate) fn major_or_blank(minor: impl Into<i128>, unit: Unit) -> String {
    match minor.into() {
        0 => String::new(),
        minor => major(minor, unit),
    }
}

/// `1,234,567`
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `3 orders`, `1 order`
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = match (number, noun.strip_suffix('y')) {
        (1, _) => noun.to_owned(),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        (_, _) => format!("{noun}s"),
    };
    format!("{} {plural}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(rows: Rows, width: Option<u16>) -> String {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let console = Console::plain(&mut out, &mut err);
        let mut console = match width {
            Some(columns) => console.with_width(columns),
            None => console,
        };
        rows.print(&mut console, "nothing").unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_stand_right_and_lines_have_no_tail() {
        let mut rows = Rows::new(&[Column::Left("account"), Column::Right("balance")]);
        rows.push(["sales:web".into(), "1200".into()]);
        rows.push(["tax".into(), "5".into()]);
        let expected = " account     balance\n─────────────────────\n sales:web      1200\n tax               5\n";
        assert_eq!(printed(rows, None), expected);
    }

    #[test]
    fn a_table_fits_the_terminal() {
        let mut rows = Rows::new(&[Column::Left("name"), Column::Left("text")]);
        rows.push(["a".into(), "many words that do not fit on one line".into()]);
        let printed = printed(rows, Some(24));
        assert!(printed.lines().count() > 3, "{printed}");
        for line in printed.lines() {
            assert!(line.chars().count() <= 24, "{line:?}");
        }
    }

    #[test]
    fn counts_are_grouped_and_agree_with_their_noun() {
        for (number, expected) in [
            (0, "0 entries"),
            (1, "1 entry"),
            (999, "999 entries"),
            (1_000, "1,000 entries"),
            (1_234_567, "1,234,567 entries"),
        ] {
            assert_eq!(counted(number, "entry"), expected);
        }
        assert_eq!(counted(2, "day"), "2 days");
    }

    #[test]
    fn amounts_are_in_major_units() {
        for (minor, unit, expected) in [
            (1999_i64, "EUR", "19.99"),
            (-5, "EUR", "-0.05"),
            (1200, "JPY", "1200"),
            (4500, "KWD", "4.500"),
            (3, "sku:TEE", "3"),
        ] {
            assert_eq!(major(minor, unit.parse().unwrap()), expected);
        }
        assert_eq!(major_or_blank(0_i64, "EUR".parse().unwrap()), "");
    }
}
