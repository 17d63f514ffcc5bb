//! A Stripe of our own for the demo, tests and simulation
