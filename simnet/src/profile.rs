//! What a link is like, as data, and where to get some: by name, or from a recording.
//!
//! Does nothing: a [`Link`](crate::link::Link) is what behaves like one.

mod named;
mod recorded;
mod weather;

use std::num::NonZeroU64;

use engine::time::Duration;

use crate::trace::Trace;
pub use recorded::write_recorded;

/// What a link is like. All there is to say is said in whole numbers, hazards as the mean time
/// between two events, so that equal profiles are equal and a run can be had again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What all connections together can get, over time.
    pub trace: Trace,
    /// What each connection can get at most, in bytes per second: a server that throttles, or TCP
    /// on a path that loses packets.
    pub conn_cap: Option<NonZeroU64>,
    /// There and back on the link when it is idle.
    pub rtt: Duration,
    /// How many bytes wait in front of the bottleneck before senders have to.
    pub queue: u64,
    /// Every connection is reset after this long, on average, while the link is up.
    pub reset_every: Option<Duration>,
    /// So many connections do not disturb each other.
    pub free_connections: u32,
    /// Each connection above `free_connections` adds resets to all: one in this long to each.
    pub crowd_reset_every: Option<Duration>,
    /// Each connection above `free_connections` makes every byte cost this many millionths of a
    /// byte more.
    pub crowd_cost_ppm: u32,
    /// A connection falls silent for ever after this long, on average, and nobody is told.
    pub stall_every: Option<Duration>,
    /// A connection that was idle for longer may have been forgotten by a NAT on the way, ...
    pub nat_after: Option<Duration>,
    /// ... in so many cases out of 100.
    pub p_dead_percent: u8,
    /// A proxy or a server allows no more connections than this.
    pub conn_limit: Option<u32>,
    /// Unfair sharing: the standard deviation of the logarithm of a connection's weight, times 100.
    pub sigma_percent: u32,
    /// When nothing passes, whatever the trace says.
    pub outages: Vec<Outage>,
    /// Round trips from dialling to being able to send a request: 1 for TCP, 2 with TLS 1.3.
    pub setup_rtts: u32,
    /// Round trips that a request costs beyond its own on a connection that was used before.
    pub reuse_rtts: u32,
}

/// A time, or many, in which nothing passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When the first one begins, counted from the start of the run.
    pub first: Duration,
    /// How long each lasts.
    pub lasting: Duration,
    /// From the beginning of one to that of the next, which is longer than it lasts; `None` if
    /// there is only one.
    pub every: Option<Duration>,
}

impl Profile {
    /// A link that does nothing but carry and delay: nothing is reset, capped or refused.
    pub fn plain(trace: Trace, rtt: Duration) -> Self {
        Self {
            trace,
            conn_cap: None,
            rtt,
            queue: 0,
            reset_every: None,
            free_connections: 0,
            crowd_reset_every: None,
            crowd_cost_ppm: 0,
            stall_every: None,
            nat_after: None,
            p_dead_percent: 0,
            conn_limit: None,
            sigma_percent: 0,
            outages: Vec::new(),
            setup_rtts: 2,
            reuse_rtts: 0,
        }
    }
}
