//! Watches a run from outside and writes down what must not be: each rule by its name in
//! [`Rule`].
//!
//! Believes no counter of the product. What it is told by the product, it holds against the
//! disk, the hub and the link.

mod aftermath;
mod economy;
mod progress;
mod trust;
mod truth;

use std::collections::BTreeMap;
use std::fmt;

use engine::time::{Duration, Instant};

use crate::sometimes::{Sometimes, Tally};
pub use aftermath::{Aftermath, strays};
pub use economy::{Bill, check_pace};
pub use progress::{Death, Life};
pub use trust::Trust;
pub use truth::Truth;

/// What must always be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A file is called complete only if it is the publisher's, byte for byte.
    S1OnlyRightFiles,
    /// A file appears under its final name by a rename, verified and synced.
    S2SealedByRename,
    /// Replay proves no byte that is not on the disk as recorded.
    S3ReplayIsTrue,
    /// Proven bytes are not lost by a retry, a kill or a power cut.
    S4NothingLost,
    /// Nothing is written outside of its range or its path.
    S5InsideItsPlace,
    /// Bytes of two versions are never mixed, nor taken from an answer that is not the file's.
    S6OneVersion,
    /// The token goes to the hub's own host only.
    S8TokenStaysHome,
    /// Signed URLs are renewed before they end, and not asked again once they were refused.
    S8UrlsRenewed,
    /// Memory, connections and handles are bounded.
    S9Bounded,
    /// Progress only grows, is never more than all, and is on the disk; what is vouched for is
    /// the publisher's, whatever has been sent.
    S10HonestProgress,
    /// One writer per file.
    S11OneWriter,
    /// Once nothing goes wrong any more, it ends in time.
    L1Ends,
    /// After an outage the first byte comes soon.
    L3BackAfterOutage,
    /// What cannot be done ends in an error that says so.
    L4TypedError,
    /// Cancelling takes no longer than a second.
    L5CancelsFast,
    /// No more bytes are fetched than the trouble explains.
    E1NoWaste,
    /// Requests and connections are paced, and Retry-After is kept.
    E2Paced,
    /// At most one probe while all is silent.
    E3OneProbe,
    /// Nothing of the product panics.
    NoPanic,
}

/// A rule that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: Instant,
    /// Which rule.
    pub rule: Rule,
    /// How.
    pub how: String,
}

/// Who watches one run.
#[derive(Debug, Default)]
pub struct Witness {
    violations: Vec<Violation>,
    situations: Tally,
    /// Every process that ran the product, by its number on the disk.
    lives: BTreeMap<u64, Life>,
    /// What of each file, by its path, must be proven when it is next begun.
    floors: BTreeMap<String, Floor>,
    /// How many errors the disk has reported.
    disk_errors: u64,
    /// When a file that was all there did not hash to what it should, and which.
    mismatches: Vec<(Instant, String)>,
    /// Wrong bytes from the network were found.
    has_repaired: bool,
}

/// What a crash must have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Floor {
    Proven {
        /// While the power stays on.
        written: u64,
        /// Whatever happens.
        durable: u64,
        /// As far as was told.
        told: u64,
    },
    InPlace,
}

impl Witness {
    /// A rule is broken. Of each rule the first cases are kept.
    pub fn accuse(&mut self, at: Instant, rule: Rule, how: impl Into<String>) {
        let known = self.violations.iter().filter(|violation| violation.rule == rule).count();
        if known < VIOLATIONS_KEPT {
            self.violations.push(Violation { at, rule, how: how.into() });
        }
    }

    /// A situation came up.
    pub fn note(&mut self, situation: Sometimes) {
        self.situations.note(situation);
    }

    /// What was broken.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// What came up.
    pub const fn situations(&self) -> &Tally {
        &self.situations
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}: {}", self.rule, self.at, self.how)
    }
}

/// A span, for people.
fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

const VIOLATIONS_KEPT: usize = 3;

#[cfg(test)]
mod tests;
