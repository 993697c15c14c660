//! The simulated parts of a world: weak links, a disk that forgets, and a simulator that runs the
//! bare machine over a link, without a byte being moved.
//!
//! No sockets and no clock: time is an argument, so that whole nights pass in milliseconds and
//! every run can be had again from its [`seed`].

pub mod disk;
pub mod fluid;
pub mod link;
pub mod plot;
pub mod profile;
pub mod recording;
pub mod scores;
pub mod seed;
pub mod silence;
pub mod trace;
pub mod wild;
