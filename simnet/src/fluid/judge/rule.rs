//! The rules by their short names, and what breaks one.
//!
//! Checks nothing.

use std::fmt;

use engine::time::Instant;

/// A rule: S for safety, L for liveness, E for economy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Never complete unless the digest matches.
    S1,
    /// Replay never proves a byte that is not on the disk as recorded.
    S3,
    /// Proven bytes are never lost by a retry, a kill or, once synced, a power cut.
    S4,
    /// Nobody writes outside of its range, and no two write the same.
    S5,
    /// Bytes of two revisions are never mixed.
    S6,
    /// What is not the file never becomes data.
    S7,
    /// Refused URLs are renewed, not asked again.
    S8,
    /// Nothing grows without bounds.
    S9,
    /// Progress is what is proven.
    S10,
    /// Once the link is good, the download ends in time.
    L1,
    /// A dead connection is replaced in time.
    L2,
    /// After an outage the first byte comes in time.
    L3,
    /// What cannot be had ends in its own error, and nothing else ends in one.
    L4,
    /// Cancelling ends within a second.
    L5,
    /// Little more comes over the wire than the file.
    E1,
    /// Nobody is asked too often, and pauses are kept.
    E2,
    /// One probe at a time while the link is down.
    E3,
    /// A restart reads again what is there, and does not fetch it again.
    E4,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::S1,
        Self::S3,
        Self::S4,
        Self::S5,
        Self::S6,
        Self::S7,
        Self::S8,
        Self::S9,
        Self::S10,
        Self::L1,
        Self::L2,
        Self::L3,
        Self::L4,
        Self::L5,
        Self::E1,
        Self::E2,
        Self::E3,
        Self::E4,
    ];
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// When that was noticed.
    pub at: Instant,
    /// How.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}: {}", self.rule, self.at, self.what)
    }
}
