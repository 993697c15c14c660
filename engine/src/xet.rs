//! Xet, the hub's content-addressed storage: names, trees, chunks and what can be proven by them.
//!
//! Asks for nothing and keeps no bytes: callers bring them, and decide what to do with a proof.
//!
//! A file is cut by its content into *chunks*; chunks are packed in order into *xorbs*; a
//! *reconstruction* says which chunks of which xorbs make up a file. A xorb is named by the root
//! of a tree over its chunks, and so is a file.

pub mod assembly;
pub mod chunk;
pub mod chunker;
pub mod combine;
pub mod cutter;
pub mod hash;
pub mod merkle;
pub mod proof;
pub mod reconstruction;
pub mod shard;
pub mod token;
pub mod unpacker;
pub mod wire;

#[cfg(test)]
mod tests;
