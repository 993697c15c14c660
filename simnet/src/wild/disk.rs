//! A part of which only is kept what is right and what is wrong.
//!
//! Has no bytes and no time.

use std::collections::BTreeMap;

use engine::action::CHECKPOINT_BYTES;
use engine::digest::FileDigest;
use engine::journal::Record;
use engine::ledger::{Ledger, Proven};
use engine::range::ByteRange;
use engine::range_set::RangeSet;

use super::{RIGHT, WRONG};

pub(super) struct Part {
    size: u64,
    /// What came wrong, and is recorded as it came.
    came_wrong: RangeSet,
    /// What is no longer as it was recorded.
    damaged: RangeSet,
    /// What the records say.
    pub(super) ledger: Ledger,
    /// Whether the running digest has seen only what is right, and how far it is.
    digest: (u64, bool),
    checkpoints: BTreeMap<u64, bool>,
    is_marked: bool,
    is_touched: bool,
    is_sealed: bool,
}

impl Part {
    pub(super) fn new(size: u64) -> Self {
        Self {
            size,
            came_wrong: RangeSet::new(),
            damaged: RangeSet::new(),
            ledger: Ledger::new(size),
            digest: (0, true),
            checkpoints: BTreeMap::new(),
            is_marked: false,
            is_touched: false,
            is_sealed: false,
        }
    }

    pub(super) fn append(&mut self, record: &Record) {
        assert!(!self.is_sealed, "recorded after the seal: {record:?}");
        self.ledger.apply(record);
    }

    /// Says whether other bytes stood there before.
    pub(super) fn write(&mut self, range: ByteRange, is_wrong: bool) -> bool {
        assert!(!self.is_sealed, "wrote {range} after the seal");
        assert!(!self.ledger.proven().intersects(range), "wrote {range} over recorded bytes");
        let before = self.came_wrong.intersects(range) || self.damaged.intersects(range);
        self.damaged.remove(range);
        self.came_wrong.remove(range);
        if is_wrong {
            self.came_wrong.insert(range);
        }
        self.is_touched |= self.is_marked;
        before || is_wrong
    }

    /// Somebody else writes there. What is in place is not ours any more.
    pub(super) fn damage(&mut self, range: ByteRange) {
        if !self.is_sealed {
            self.damaged.insert(range);
            self.is_touched |= self.is_marked;
        }
    }

    pub(super) fn hash(&mut self, range: ByteRange) -> Option<FileDigest> {
        let before = if range.start == 0 {
            true
        } else if self.digest.0 == range.start {
            self.digest.1
        } else {
            let checkpoint = self.checkpoints.get(&range.start);
            *checkpoint.unwrap_or_else(|| panic!("nobody knows the digest before {range}"))
        };
        let wrong = self.came_wrong.intersects(range) || self.damaged.intersects(range);
        self.digest = (range.end, before && !wrong);
        if range.end.is_multiple_of(CHECKPOINT_BYTES) {
            self.checkpoints.insert(range.end, self.digest.1);
        }
        (range.end == self.size).then_some(if self.digest.1 { RIGHT } else { WRONG })
    }

    /// What a digest that could not be fed is worth.
    pub(super) const fn forget_digest(&mut self) {
        self.digest = (u64::MAX, false);
    }

    pub(super) fn check(&self, entries: &[Proven]) -> Vec<ByteRange> {
        let ranges = entries.iter().map(|entry| entry.range);
        ranges.filter(|range| self.damaged.intersects(*range)).collect()
    }

    pub(super) const fn mark(&mut self) {
        (self.is_marked, self.is_touched) = (true, false);
    }

    pub(super) const fn is_touched(&self) -> bool {
        self.is_touched || !self.is_marked
    }

    pub(super) fn seal(&mut self) {
        assert!(self.ledger.is_complete(), "sealed with {:?} missing", self.ledger.proven());
        assert!(self.came_wrong.is_empty(), "sealed with wrong bytes: {:?}", self.came_wrong);
        assert!(self.damaged.is_empty(), "sealed with changed bytes: {:?}", self.damaged);
        self.is_sealed = true;
    }
}
