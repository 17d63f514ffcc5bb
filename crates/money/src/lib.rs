//! Units, amounts and the exact arithmetic that the rest of the book is built on.
//!
//! Purpose: an amount is an unsigned integer of minor units and carries its unit, so that
//! euros cannot be added to yen or to T-shirts, and nothing is ever rounded by accident.
//!
//! Invariants: no floats; no amount above [`MAX_MINOR`]; every division says where its
//! remainder goes.
//!
//! It refuses to know: accounts, Stripe's own exponents (they live in the adapter), exchange
//! rates (they are derived from two integer amounts, never multiplied).

mod amount;
mod rate;
mod split;
mod unit;

pub use amount::{Amount, AmountError, MAX_MINOR, ParseAmountError};
pub use rate::{ParseRateError, Rate};
pub use split::largest_remainder;
pub use unit::{ParseUnitError, Unit, UnitKind};
