//! Units, amounts, exact arithmetic, splitting by largest remainder, rounding
