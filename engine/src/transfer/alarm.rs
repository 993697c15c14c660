//! When the machine wants to be woken, and why.
//!
//! Has no clock.

use crate::time::Instant;

/// When the machine wants to be woken, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When.
    pub at: Instant,
    /// Why.
    pub why: Alarm,
}

/// Why the machine wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A request will have been silent too long.
    Stall,
    /// The next probe of a link that is down.
    Probe,
    /// A backoff ends.
    Retry,
    /// A host that asked for a pause may be asked again.
    Throttle,
    /// Written data has waited long enough for its sync.
    Sync,
    /// A look at who is slow.
    Straggler,
    /// The patience of the person ends.
    GiveUp,
}
