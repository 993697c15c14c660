//! What a link is like, as data, and a few links to be had by name.
//!
//! Does nothing: a [`Link`](crate::link::Link) is what behaves like one.

use std::num::NonZeroU64;

use engine::time::Duration;

use crate::trace::Trace;

/// What a link is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What all connections together can get, over time.
    pub trace: Trace,
    /// What each connection can get at most, in bytes per second: a server that throttles, or TCP
    /// on a path that loses packets.
    pub conn_cap: Option<NonZeroU64>,
    /// There and back on the link when it is idle.
    pub rtt: Duration,
}

impl Profile {
    /// One of the built-in links:
    ///
    /// - `weak-87k`: 87 KB/s for all, the field report's link while it holds. 14.32 GB take 46 h.
    /// - `capped-1m`: 1 MB/s for all, 105 KB/s for each connection, as the report's other figures
    ///   have it: ten workers get ten times what one gets, thirty get no more.
    /// - `fibre`: 125 MB/s, where nothing may be slower for our care.
    ///
    /// The round trips, 120 ms and for `fibre` 10 ms, are assumptions; the report gives none.
    pub fn named(name: &str) -> Option<Self> {
        let constant = |rate, conn_cap, rtt_millis| Self {
            trace: Trace::constant(rate),
            conn_cap,
            rtt: Duration::from_millis(rtt_millis),
        };
        match name {
            "weak-87k" => Some(constant(WEAK_RATE, None, 120)),
            "capped-1m" => Some(constant(CAPPED_RATE, Some(CAPPED_CONN_CAP), 120)),
            "fibre" => Some(constant(FIBRE_RATE, None, 10)),
            _ => None,
        }
    }
}

const WEAK_RATE: NonZeroU64 = rate(87_000);
const CAPPED_RATE: NonZeroU64 = rate(1_000_000);
const CAPPED_CONN_CAP: NonZeroU64 = rate(105_000);
const FIBRE_RATE: NonZeroU64 = rate(125_000_000);

const fn rate(bytes_per_second: u64) -> NonZeroU64 {
    NonZeroU64::new(bytes_per_second).expect("a rate above is not 0")
}
