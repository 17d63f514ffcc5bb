//! The binary tillroll
