//! moshi-fetch as a library: brings huge model files over links that drop, stall, throttle and
//! lie, verified while they arrive, losing nothing to a crash.
//!
//! Begin at [`fetch::Fetch`]. Not the command line; that is `bin/main.rs`.

pub mod cache;
mod cas;
#[cfg(feature = "demo")]
pub mod demo;
pub mod disk;
pub mod driver;
pub mod error;
pub mod fetch;
pub mod http;
pub mod news;
pub mod process;
pub mod status;
pub mod verify;
