//! Watches a run from outside and writes down what must not be: each rule by its name in
//! [`Rule`].
//!
//! Believes no counter of the product. What it is told by the product, it holds against the
//! disk, the hub and the link.

mod aftermath;
mod economy;
mod progress;
mod rule;
mod trust;
mod truth;

use std::collections::BTreeMap;
use std::fmt;

use engine::manifest::FileId;
use engine::time::{Duration, Instant};

use simnet::scores::Scores;

use crate::sometimes::{Sometimes, Tally};
pub use aftermath::{Aftermath, strays};
pub use economy::{Bill, check_pace};
pub use progress::{Death, Life};
pub use rule::Rule;
pub use trust::Trust;
pub use truth::Truth;

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
    scores: Scores<Rule>,
    /// Every process that ran the product, by its number on the disk.
    lives: BTreeMap<u64, Life>,
    /// What of each file, by its path, must be proven when it is next begun.
    floors: BTreeMap<String, Floor>,
    /// How many errors the disk has reported.
    disk_errors: u64,
    /// When a file that was all there did not hash to what it should, and which.
    mismatches: Vec<(Instant, String)>,
    /// Which files each process found to be wrong when they were all there, and how large they are.
    searches: BTreeMap<(u64, FileId), u64>,
    /// Wrong bytes from the network were found.
    has_repaired: bool,
    /// When somebody changed what the disk held, and when files were put in place.
    edits: Vec<Instant>,
    sealed: BTreeMap<String, Instant>,
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

    /// A rule could be broken here.
    pub fn arm(&mut self, rule: Rule) {
        self.scores.arm(rule);
    }

    /// A rule could be broken here: it holds, or not.
    pub fn check(&mut self, holds: bool, at: Instant, rule: Rule, how: impl FnOnce() -> String) {
        self.arm(rule);
        if !holds {
            self.accuse(at, rule, how());
        }
    }

    /// A rule allows so much, and so much was used.
    pub fn spend(&mut self, (used, allowed): (u64, u64), at: Instant, rule: Rule, what: &str) {
        if !self.scores.spend(rule, used, allowed) {
            self.accuse(at, rule, format!("{what}: {used}, {allowed} allowed"));
        }
    }

    /// A rule allows so much time, and so much was used.
    pub fn spend_time(
        &mut self,
        (used, allowed): (Duration, Duration),
        at: Instant,
        rule: Rule,
        what: &str,
    ) {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.spend((millis(used), millis(allowed)), at, rule, &format!("{what}, in ms"));
    }

    /// How often each rule could have been broken.
    pub const fn scores(&self) -> &Scores<Rule> {
        &self.scores
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

const VIOLATIONS_KEPT: usize = 3;

#[cfg(test)]
mod tests;
