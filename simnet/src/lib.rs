//! The simulated parts of a world: weak links, a network of hosts behind one, a disk that forgets,
//! and a simulator that runs the bare machine over a link, without a byte being moved.
//!
//! Begin with [`link`], which both simulators ask: [`fluid`] for the bare machine, where time is an
//! argument and whole nights pass in milliseconds; [`net`] for the whole product, on turmoil's
//! hosts. No socket, file or clock of the machine that it runs on: every run can be had again from
//! its [`seed`].

pub mod disk;
pub mod fluid;
pub mod link;
#[cfg(feature = "net")]
pub mod net;
pub mod plot;
pub mod profile;
pub mod recording;
pub mod scores;
pub mod seed;
pub mod silence;
pub mod trace;
pub mod wild;
