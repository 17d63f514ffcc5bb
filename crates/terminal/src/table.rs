//! Tables for people.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use crate::{Console, Stop, line};

const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Rows under a header, as wide as they need, or as the terminal has room.
#[derive(Debug)]
pub struct Rows {
    table: Table,
}

/// A column: its title, and where its cells stand.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    Left(&'a str),
    Right(&'a str),
}

impl Rows {
    #[must_use]
    pub fn new(columns: &[Column<'_>]) -> Self {
        let mut table = Table::new();
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

    /// Adds a row with a cell for each column.
    pub fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        // Before it is laid out, so that columns stay columns.
        let cells = cells.into_iter().map(|cell| line(&cell).into_owned());
        self.table.add_row(cells.collect::<Vec<_>>());
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Prints the table, or `nothing` when it has no rows.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn print(mut self, console: &mut Console<'_>, nothing: &str) -> Result<(), Stop> {
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
}
