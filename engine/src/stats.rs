//! What came and what it cost, counted over one transfer.
//!
//! Not progress: that is what is proven.

use std::collections::BTreeMap;

/// Counts over one transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Body bytes that arrived.
    pub received: u64,
    /// Body bytes that arrived and could not be kept.
    pub wasted: u64,
    /// Range requests that were sent.
    pub requests: u64,
    /// Times that the hub was asked where a file is.
    pub locates: u64,
    /// Faults met, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Bytes that were fetched a second time to find damage.
    pub refetched: u64,
}

impl Stats {
    /// Adds what another transfer counted.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.wasted += other.wasted;
        self.requests += other.requests;
        self.locates += other.locates;
        self.refetched += other.refetched;
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
    }

    /// How many faults were met in all.
    pub fn fault_count(&self) -> u64 {
        self.faults.values().sum()
    }
}
