//! What may be read of a transfer at any time.
//!
//! Changes nothing.

use super::Transfer;
use crate::ledger::Ledger;
use crate::manifest::FileId;
use crate::policy::reach::Reach;
use crate::stats::Stats;

impl Transfer {
    /// What was found out about hosts.
    pub const fn reach(&self) -> &Reach {
        &self.link.reach
    }

    /// What came and what it cost.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The proven ranges of a file.
    pub fn ledger(&self, file: FileId) -> Option<&Ledger> {
        self.files.get(&file).map(|file| &file.ledger)
    }

    /// How many requests are open.
    pub fn open_requests(&self) -> usize {
        self.in_flight.requests.len()
    }

    /// Whether it waits for ever: nothing is under way, and there is no deadline. Never true after
    /// an input; whoever drives a transfer may check that.
    pub fn is_stuck(&self) -> bool {
        let has_said = !self.out.actions.is_empty() || self.out.deadline.is_some();
        !self.ending.is_over && self.in_flight.is_empty() && !has_said
    }
}
