//! The shared Hugging Face cache and `--local-dir`: who may write there, and what appears when.
//!
//! Asks no hub anything, and decides nothing about transfers. Everything here blocks: it belongs
//! inside [`Disk::run`](crate::disk::Disk::run).

pub mod claim;
pub mod environment;
pub mod layout;
