//! Every stored version of every event: types, codec with stable numbers, upcasting
