//! Commands in, refusals or events out: orders, payments, splits, stock
