//! The transfer machine: decides what to ask for, what to believe and what to do next.
//!
//! Does none of it: no async, no I/O, no clock, no threads, no randomness of its own.

pub mod digest;
pub mod fault;
pub mod hub;
pub mod journal;
pub mod ledger;
pub mod range;
pub mod range_set;
pub mod time;
