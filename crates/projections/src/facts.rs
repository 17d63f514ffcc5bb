//! The tables of facts: a row per object that the processor names, with the latest facts about it.
//!
//! A table is declared once, at the end of this file: its columns are fields of the facts, and the
//! types of the fields say what a column holds. How it is made, written, read and listed follows
//! from that. Each also has `id`, `order_id` (the order whose timeline the latest event is on) and
//! the positions of the first and the latest event.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rusqlite::Row;
use rusqlite::types::ToSqlOutput;
use tillroll_events::{
    ApplicationFeeFacts, ApplicationFeeRefund, BalanceTransactionFacts, ChargeFacts, DisputeFacts,
    DisputeStatus, Event, ExternalId, FeeDetail, IntentFacts, IntentStatus, OrderId, PayoutFacts,
    PayoutStatus, RefundFacts, RefundStatus, TransferFacts,
};

use crate::column::{ColumnValue, json_columns, word_columns};

/// Facts that have a table. It is public only as a bound of [`ListedFacts`]: its module is private,
/// so no other crate can name, call or implement it.
pub trait FactTable: Sized {
    fn table() -> &'static FactSql;

    fn id(&self) -> &ExternalId;

    /// What the columns behind `id` hold.
    fn columns(&self) -> rusqlite::Result<Vec<ToSqlOutput<'_>>>;

    /// Reads them back from the columns behind the first, which is `id`.
    fn read(row: &Row<'_>, order: Option<OrderId>) -> rusqlite::Result<Self>;
}

/// Facts that are listed by the position of their first event.
pub trait ListedFacts: FactTable {}

/// The statements of a table.
#[derive(Debug)]
pub struct FactSql {
    pub(crate) create: String,
    pub(crate) write: String,
    /// `SELECT` and `FROM`; what is selected is `id`, the columns, `order_id` and the positions.
    pub(crate) select: String,
    pub(crate) columns: usize,
}

impl FactSql {
    fn new(table: &str, columns: &[(&str, String)], listed: bool) -> Self {
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let types: Vec<String> = columns
            .iter()
            .map(|(name, kind)| format!("    {name} {kind},\n"))
            .collect();
        let index = match listed {
            true => {
                format!("CREATE UNIQUE INDEX {table}_by_position ON {table} (first_position);\n")
            }
            false => String::new(),
        };
        let create = format!(
            "CREATE TABLE {table} (\n    id TEXT PRIMARY KEY,\n{}    order_id TEXT,\n    \
             first_position INTEGER NOT NULL,\n    last_position INTEGER NOT NULL\n\
             ) STRICT, WITHOUT ROWID;\n{index}",
            types.concat(),
        );
        let listed = names.join(", ");
        let parameters: Vec<String> = (1..=names.len() + 3).map(|n| format!("?{n}")).collect();
        let updates: Vec<String> = names
            .iter()
            .map(|name| format!("{name} = excluded.{name}, "))
            .collect();
        let write = format!(
            "INSERT INTO {table} (id, {listed}, order_id, first_position, last_position)
             VALUES ({parameters}, ?{position})
             ON CONFLICT (id) DO UPDATE SET {updates}order_id = excluded.order_id,
                 last_position = excluded.last_position",
            parameters = parameters.join(", "),
            position = names.len() + 3,
            updates = updates.concat(),
        );
        let select =
            format!("SELECT id, {listed}, order_id, first_position, last_position FROM {table}");
        Self {
            create,
            write,
            select,
            columns: names.len(),
        }
    }
}

/// The SQL of a field's column.
fn column<F, T: ColumnValue>(_: impl Fn(&F) -> &T) -> String {
    let null = if T::MAY_BE_NULL { "" } else { " NOT NULL" };
    format!("{}{null}", T::TYPE)
}

/// The events with facts, their facts, the table, `listed` where it has an index for that, and its
/// columns: fields of the facts, `as` another name where SQL takes the field's for its own. Behind
/// the semicolon stands the field that `order_id` is read back into.
macro_rules! fact_tables {
    ($($event:ident: $facts:ident in $table:ident $($listed:ident)? {
        $($field:ident $(as $column:ident)?),+ $(; $order:ident)?
    })+) => {
        $(impl FactTable for $facts {
            fn table() -> &'static FactSql {
                static TABLE: OnceLock<FactSql> = OnceLock::new();
                TABLE.get_or_init(|| FactSql::new(
                    stringify!($table),
                    &[$((
                        fact_tables!(@name $field $($column)?),
                        column(|facts: &$facts| &facts.$field),
                    ),)+],
                    !["", $(stringify!($listed))?].concat().is_empty(),
                ))
            }

            fn id(&self) -> &ExternalId {
                &self.id
            }

            fn columns(&self) -> rusqlite::Result<Vec<ToSqlOutput<'_>>> {
                Ok(vec![$(self.$field.to_column()?,)+])
            }

            #[allow(unused_variables, reason = "not all facts name their order")]
            fn read(row: &Row<'_>, order: Option<OrderId>) -> rusqlite::Result<Self> {
                let mut indexes = 1..;
                let mut next = || indexes.next().expect("a row has few columns");
                Ok(Self {
                    id: ColumnValue::of_column(row, 0)?,
                    $($field: ColumnValue::of_column(row, next())?,)+
                    $($order: order,)?
                })
            }
        })+

        $($(fact_tables!(@$listed $facts);)?)+

        /// Makes the tables in an empty database.
        pub(crate) fn create_all() -> String {
            [$(<$facts>::table().create.as_str(),)+].concat()
        }

        /// Takes the facts that an event carries.
        pub(crate) trait FactVisitor {
            type Error;

            fn facts<F: FactTable>(&mut self, facts: &F) -> Result<(), Self::Error>;
        }

        /// Shows the facts of an event that has any.
        pub(crate) fn visit<V: FactVisitor>(
            event: &Event,
            visitor: &mut V,
        ) -> Result<(), V::Error> {
            match event {
                $(Event::$event(event) => visitor.facts(&event.facts),)+
                _ => Ok(()),
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $column:ident) => { stringify!($column) };
    (@listed $facts:ident) => { impl ListedFacts for $facts {} };
}

word_columns!(IntentStatus, RefundStatus, DisputeStatus, PayoutStatus);
json_columns!(Vec<FeeDetail>, BTreeMap<ExternalId, ApplicationFeeRefund>);

fact_tables! {
    IntentObserved: IntentFacts in intents {
        currency, amount, capturable, received, status; order
    }
    ChargeObserved: ChargeFacts in charges {
        intent, currency, amount, authorised, captured, refunded, failed, expired,
        failure_code; order
    }
    RefundObserved: RefundFacts in refunds {
        charge, intent, currency, amount, status
    }
    DisputeObserved: DisputeFacts in disputes listed {
        charge, intent, currency, amount, status, reason
    }
    TransferObserved: TransferFacts in transfers {
        seller, currency, amount, reversed, source_charge, group as transfer_group
    }
    PayoutObserved: PayoutFacts in payouts listed {
        account, currency, amount, status, arrival
    }
    ApplicationFeeObserved: ApplicationFeeFacts in application_fees listed {
        account, charge, originating_transaction, currency, amount, refunded,
        balance_transaction, refunds
    }
    BalanceTransactionBooked: BalanceTransactionFacts in balance_transactions {
        account, kind, category, currency, amount, fee, net, source, fees, created, available_on
    }
}
