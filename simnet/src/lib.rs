//! Weak links as data: when a byte that was sent has passed the bottleneck.
//!
//! No bytes, no sockets, no clock: time is an argument, so that whole nights pass in milliseconds
//! and every run can be had again from its [`seed`].

pub mod link;
pub mod profile;
pub mod seed;
pub mod trace;
