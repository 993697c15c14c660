//! Xet storage: the LFS files of some repositories, cut into chunks and packed into xorbs.
//!
//! Hashes, cuts and the format of a chunk are the engine's; requests and signatures are the
//! routes'.

mod beside;
mod packing;
mod plan;
mod spec;
mod store;
mod token;
mod xorb;

pub use packing::Packing;
pub(crate) use plan::{Fetch, Plan};
pub use spec::{Shards, XetSpec};
pub use store::{Term, XetFile, XetStore};
pub(crate) use token::Passes;
pub use xorb::{PackedChunk, Xorb};
