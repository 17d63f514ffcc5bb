//! Bad input: a problem that names the field, nothing on the roll, and never a 5xx.
//!
//! What is sent and what is said of it stands in tables: `orders`, `entries`, `others`. `case`
//! reads them, `field` judges them; `body`, `length` and `path` are about what no table holds.

mod body;
mod case;
mod entries;
mod field;
mod length;
mod orders;
mod others;
mod path;
