//! The shared Hugging Face cache and `--local-dir`: who may write there, and what appears when.
//!
//! Asks no hub anything, and decides nothing about transfers. Everything here blocks: it belongs
//! inside [`Disk::run`](crate::disk::Disk::run).
//!
//! A download goes: [`store::prepare`] → [`claim::try_claim`] until it is ours → [`store::find`]
//! → [`part::open`] → the transfer → [`store::seal`] → [`store::point`] and [`store::write_ref`],
//! or [`store::write_metadata`] → [`claim::Claim::release`].

pub mod catalogue;
pub mod claim;
pub mod doubt;
pub mod environment;
pub mod inventory;
pub mod layout;
pub mod obstacle;
pub mod part;
pub mod store;
mod swap;
pub mod unseal;
