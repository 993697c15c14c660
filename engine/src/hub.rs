//! What we ask of a hub, and what we believe of its answers: pure functions over plain data.
//!
//! Sends nothing and judges no bulk bytes; the shell sends, and the machine judges ranges.

pub mod answer;
pub mod asked;
pub mod asking;
pub mod disposition;
pub mod endpoint;
pub mod head;
pub mod headers;
pub mod listing;
pub mod path;
pub mod redirect;
pub mod repo;
pub mod request;
pub mod resolve;
pub mod revision;
pub mod signed;
pub mod target;

mod coding;
mod page;
mod percent;
