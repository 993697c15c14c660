//! The hub over loopback sockets and over simulated ones, asked by a client that hides nothing.
//!
//! Time is paused where it matters: slow links cost no time, and nothing depends on the machine.

#![expect(clippy::unwrap_used, reason = "whatever the client cannot do fails the test")]

mod client;
mod errors;
mod faults;
mod honest;
mod likeness;
mod link;
mod listing;
mod manners;
mod mirrors;
mod simulated;
mod storage;
