//! The transfer machine: decides what to ask for, what to believe and what to do next.
//!
//! Does none of it: no async, no I/O, no clock, no threads, no randomness of its own.
//!
//! # The contract
//!
//! *Time, randomness and I/O are arguments; every input is one mutation; drain all outputs before
//! the next input; spurious wake-ups are harmless.*
//!
//! ```text
//! loop {
//!     while let Some(action) = transfer.poll_action() { /* carry it out */ }
//!     while let Some(event) = transfer.poll_event() { /* tell somebody */ }
//!     if transfer.is_ended() { break }
//!     /* wait for a report or for transfer.poll_timeout(), then call one handle_*(.., now) */
//! }
//! ```
//!
//! Three rules bind the shell that does so:
//!
//! 1. *The shell measures, the machine judges.* A body is streamed straight to its place; the
//!    machine learns lengths and digests.
//! 2. *A request closes once, and only itself.* `Abort` is a signal; the close that follows is the
//!    request's own last report.
//! 3. *Actions are carried out in order*, as far as they concern one file's journal.
//!
//! # Words
//!
//! A *chunk* is the unit shown to people, a *request* one HTTP exchange for one range. A range is
//! *missing* or *proven* (on the disk and recorded with its digest). The *ledger* holds the proven
//! ranges, the *journal* is the same as bytes on disk. A *lease* is the right to use a signed URL.
//! To *seal* is to rename the finished, verified file into place.

pub mod action;
pub mod config;
pub mod digest;
pub mod event;
pub mod fault;
pub mod hub;
pub mod journal;
pub mod ledger;
pub mod manifest;
mod policy;
pub mod range;
pub mod range_set;
pub mod stats;
pub mod time;
pub mod transfer;
pub mod verify;
pub mod xet;

pub use policy::reach::Reach;
pub use policy::records::{Flushed, Records, Taken};
pub use policy::retry::{NEW_URLS, Step, next_step};
