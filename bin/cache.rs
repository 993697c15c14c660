//! The shared Hugging Face cache and `--local-dir`: who may write there, and what appears when.
//!
//! Asks no hub anything, and decides nothing about transfers. Everything here blocks: it belongs
//! inside [`Disk::run`](crate::disk::Disk::run).
//!
//! A download goes: [`store::prepare`] → [`file_lock::try_lock`] until it is ours → [`store::find`]
//! → [`part::open`] → the transfer → [`store::seal`] → [`store::point`] and [`store::write_ref`],
//! or [`store::write_metadata`] → [`file_lock::FileLock::release`].

mod atomic_file;
pub mod catalogue;
pub mod environment;
pub mod file_lock;
pub mod invalidate;
pub mod inventory;
pub mod layout;
pub mod obstacle;
pub mod part;
pub mod reopen;
pub mod store;
