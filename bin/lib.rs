//! moshi-fetch as a library: brings huge model files over links that drop, stall, throttle and
//! lie, verified while they arrive, losing nothing to a crash.
//!
//! Begin at [`Fetch`]. What the machine tells, and what it can be told, is at this
//! crate's root: a program that uses it needs no other crate of ours.
//!
//! Not the command line; that is `bin/main.rs`. What happens inside is told to `tracing`.

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

pub use engine::config::Config;
pub use engine::digest::FileDigest;
pub use engine::event::{End, Event, Origin, Wait};
pub use engine::fault::{Blame, DiskFault, Fault};
pub use engine::hub::repo::RepoKind;
pub use engine::manifest::FileId;
pub use engine::range::ByteRange;
pub use engine::stats::Stats;
pub use engine::time::Instant;
pub use error::Error;
pub use fetch::{Cancel, Fetch, FetchBuilder, Run};
pub use news::{News, Report};
