//! What we ask of a hub, and what we believe of its answers: pure functions over plain data.
//!
//! Sends nothing and judges no bulk bytes; the shell sends, and the machine judges ranges.

pub mod endpoint;
pub mod head;
pub mod headers;
pub mod path;
pub mod repo;
pub mod request;
pub mod revision;

mod percent;
