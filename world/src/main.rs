//! Runs many simulated worlds, or one of them again.
//!
//! Not yet written.

fn main() {}
