//! The single writer: decide, append, evolve, acknowledge
