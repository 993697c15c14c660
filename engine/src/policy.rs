//! The policies: small values that are told facts and asked for a verdict, each with its constants
//! and a table of its own.
//!
//! None of them knows the transfer, or another one's business.

pub(crate) mod lease;
pub(crate) mod next_range;
pub(crate) mod outage;
pub(crate) mod protocol;
pub(crate) mod queries;
pub(crate) mod rate;
pub(crate) mod reach;
pub(crate) mod records;
pub(crate) mod repair;
pub(crate) mod retry;
pub(crate) mod silent_hosts;
pub(crate) mod stall;
pub(crate) mod straggler;
pub(crate) mod throttle;
pub(crate) mod window;
