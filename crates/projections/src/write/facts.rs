//! What the processor says is now true: one row per object, the latest facts about it.

use rusqlite::{OptionalExtension, types::ToSqlOutput};
use tillroll_events::{Event, TransferFacts};

use super::{RecordPlace, Writer};
use crate::ProjectError;
use crate::facts::{self, FactTable, FactVisitor};

impl Writer<'_> {
    /// Writes the facts of an event that has any.
    pub(super) fn facts(
        &mut self,
        place: RecordPlace,
        event: &Event,
        order: Option<&str>,
    ) -> Result<(), ProjectError> {
        if let Event::TransferObserved(event) = event {
            self.transfer(place, &event.facts)?;
        }
        let writer = &mut FactWriter {
            writer: self,
            place,
            order,
        };
        facts::visit(event, writer)
    }

    /// What a transfer adds to what its seller was sent.
    fn transfer(&mut self, place: RecordPlace, facts: &TransferFacts) -> Result<(), ProjectError> {
        let sent = place.column_of(facts.amount)? - place.column_of(facts.reversed)?;
        let before: Option<i64> = self
            .sql
            .prepare_cached("SELECT amount - reversed FROM transfers WHERE id = ?1")?
            .query_row([facts.id.as_str()], |row| row.get(0))
            .optional()?;
        let change = sent
            .checked_sub(before.unwrap_or(0))
            .ok_or_else(|| place.contradiction("a transfer leaves the range of an amount"))?;
        if change != 0 {
            self.seller_moved(place, facts.seller.as_str(), facts.currency, change, 0)?;
        }
        Ok(())
    }
}

struct FactWriter<'w, 'a> {
    writer: &'w mut Writer<'a>,
    place: RecordPlace,
    order: Option<&'w str>,
}

impl FactVisitor for FactWriter<'_, '_> {
    type Error = ProjectError;

    fn facts<F: FactTable>(&mut self, facts: &F) -> Result<(), ProjectError> {
        let Self {
            writer,
            place,
            order,
        } = self;
        let columns = facts.columns().map_err(|error| match error {
            rusqlite::Error::ToSqlConversionFailure(error) => {
                place.contradiction(error.to_string())
            }
            other => other.into(),
        })?;
        let mut statement = writer.sql.prepare_cached(&F::table().write)?;
        let id = ToSqlOutput::from(facts.id().as_str());
        let order = order.map_or(ToSqlOutput::Owned(rusqlite::types::Value::Null), Into::into);
        let values = [id].into_iter().chain(columns);
        let values = values.chain([order, ToSqlOutput::from(place.column)]);
        statement.execute(rusqlite::params_from_iter(values))?;
        Ok(())
    }
}
