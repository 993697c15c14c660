//! The proven ranges of one file in memory, each with the digest that proves it.
//!
//! Not on disk: the journal says the same as bytes. Replaying one is folding its records in.

use std::collections::BTreeMap;

use crate::digest::RangeDigest;
use crate::journal::Record;
use crate::range::ByteRange;
use crate::range_set::RangeSet;

/// A range that was received and written, and the digest of what was written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Which bytes of the file.
    pub range: ByteRange,
    /// What they hash to.
    pub digest: RangeDigest,
}

/// What is proven of a file of known size: disjoint entries, each with its own digest.
///
/// A digest can be neither cut nor joined, so entries come and go whole: one that is contained in
/// a new one gives way to it, one that is revoked in part is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    size: u64,
    /// End and digest of each entry, by its start.
    entries: BTreeMap<u64, (u64, RangeDigest)>,
    /// The bytes of all entries.
    proven: RangeSet,
    /// Those of them that the publisher vouches for.
    vouched: RangeSet,
}

impl Ledger {
    /// Nothing proven yet of a file of `size` bytes.
    pub const fn new(size: u64) -> Self {
        Self { size, entries: BTreeMap::new(), proven: RangeSet::new(), vouched: RangeSet::new() }
    }

    /// Size of the file in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The proven bytes.
    pub const fn proven(&self) -> &RangeSet {
        &self.proven
    }

    /// The bytes that the publisher vouches for, as far as they are proven.
    pub const fn vouched(&self) -> &RangeSet {
        &self.vouched
    }

    /// How many bytes are proven.
    pub const fn proven_bytes(&self) -> u64 {
        self.proven.len()
    }

    /// The bytes not proven, as maximal ranges in order.
    pub fn missing(&self) -> impl Iterator<Item = ByteRange> + '_ {
        self.proven.gaps(ByteRange::new(0, self.size))
    }

    /// Whether every byte of the file is proven.
    pub const fn is_complete(&self) -> bool {
        self.proven.len() == self.size
    }

    /// How many entries there are.
    pub fn entry_count(&self) -> usize {
        self.entries.len()
    }

    /// Nothing is vouched for any more.
    pub(crate) fn forget_vouched(&mut self) {
        self.vouched = RangeSet::new();
    }

    /// The entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = Proven> + '_ {
        self.entries.iter().map(entry)
    }

    /// The entry that the byte `at` is in.
    pub fn entry_at(&self, at: u64) -> Option<Proven> {
        self.entries.range(..=at).next_back().map(entry).filter(|proven| at < proven.range.end)
    }

    /// The entries that share a byte with `range`, whole, in order.
    pub fn intersecting(&self, range: ByteRange) -> impl Iterator<Item = Proven> + '_ {
        let before = self.entries.range(..range.start).next_back();
        before
            .into_iter()
            .chain(self.entries.range(range.start..range.end))
            .map(entry)
            .filter(move |proven| !proven.range.intersection(range).is_empty())
    }

    /// Folds a record in; the others than `Proven` and `Revoked` say nothing about ranges. Says
    /// whether anything changed.
    pub fn apply(&mut self, record: &Record) -> bool {
        match record {
            Record::Proven(proven) => self.prove(*proven),
            Record::Revoked(range) => !self.revoke(*range).is_empty(),
            Record::Vouched(range) => self.vouch(*range),
            Record::Begin(_) | Record::Synced { .. } | Record::Sealed(_) => false,
        }
    }

    /// Whether an entry for `range` would be taken: it is not empty, lies within the file, and
    /// contains whole every entry that it overlaps.
    pub fn admits(&self, range: ByteRange) -> bool {
        !range.is_empty()
            && range.end <= self.size
            && self.intersecting(range).all(|proven| range.contains(proven.range))
    }

    /// Adds an entry in place of those it contains, if the ledger [admits](Self::admits) it. To
    /// leave it out is safe: less is proven than could be. Says whether it was taken.
    pub fn prove(&mut self, proven: Proven) -> bool {
        let Proven { range, digest } = proven;
        let is_taken = self.admits(range);
        if is_taken {
            // What is superseded is there still: only its record is another one.
            self.remove(range);
            self.entries.insert(range.start, (range.end, digest));
            self.proven.insert(range);
        }
        is_taken
    }

    /// The publisher vouches for what is there now. Says whether that is news.
    fn vouch(&mut self, range: ByteRange) -> bool {
        let before = self.vouched.len();
        let mut missing = RangeSet::new();
        self.proven.gaps(range).for_each(|gap| missing.insert(gap));
        self.vouched.insert(range);
        missing.iter().for_each(|gap| self.vouched.remove(gap));
        self.vouched.len() != before
    }

    /// Removes every entry that shares a byte with `range`. Returns what is no longer proven,
    /// which may be more than was asked for.
    pub fn revoke(&mut self, range: ByteRange) -> RangeSet {
        let revoked = self.remove(range);
        revoked.iter().for_each(|range| self.vouched.remove(range));
        revoked
    }

    fn remove(&mut self, range: ByteRange) -> RangeSet {
        let removed: Vec<_> = self.intersecting(range).map(|proven| proven.range).collect();
        for range in &removed {
            self.entries.remove(&range.start);
            self.proven.remove(*range);
        }
        removed.into_iter().collect()
    }
}

fn entry((&start, &(end, digest)): (&u64, &(u64, RangeDigest))) -> Proven {
    Proven { range: ByteRange::new(start, end), digest }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::range_set::tests::{range_within, seeded};

    const SIZE: u64 = 20;

    type Ranges<'a> = &'a [(u64, u64)];

    fn proven(start: u64, end: u64) -> Proven {
        let digest = RangeDigest([(start * 32 + end) as u8; 32]);
        Proven { range: ByteRange::new(start, end), digest }
    }

    fn ledger(ranges: Ranges<'_>) -> Ledger {
        let mut ledger = Ledger::new(SIZE);
        for &(start, end) in ranges {
            ledger.apply(&Record::Proven(proven(start, end)));
        }
        ledger
    }

    fn ranges(ledger: &Ledger) -> Vec<(u64, u64)> {
        ledger.entries().map(|proven| (proven.range.start, proven.range.end)).collect()
    }

    #[test]
    fn an_entry_gives_way_only_to_one_that_contains_it() {
        let cases: &[((u64, u64), bool, Ranges<'_>)] = &[
            ((4, 9), true, &[(4, 9), (12, 16)]),
            ((4, 8), true, &[(4, 8), (12, 16)]),
            ((2, 18), true, &[(2, 18)]),
            ((8, 12), true, &[(4, 8), (8, 12), (12, 16)]),
            ((4, 12), true, &[(4, 12), (12, 16)]),
            ((4, 7), false, &[(4, 8), (12, 16)]),
            ((5, 9), false, &[(4, 8), (12, 16)]),
            ((4, 13), false, &[(4, 8), (12, 16)]),
            ((3, 3), false, &[(4, 8), (12, 16)]),
            ((16, SIZE + 1), false, &[(4, 8), (12, 16)]),
            ((SIZE + 1, SIZE + 2), false, &[(4, 8), (12, 16)]),
        ];
        for &((start, end), is_taken, expected) in cases {
            let mut ledger = ledger(&[(4, 8), (12, 16)]);
            let record = Record::Proven(proven(start, end));
            assert_eq!(ledger.apply(&record), is_taken, "{start}..{end}");
            assert_eq!(ranges(&ledger), expected, "{start}..{end}");
        }
    }

    #[test]
    fn revoking_a_byte_revokes_its_whole_entry() {
        let cases: &[((u64, u64), Ranges<'_>)] = &[
            ((5, 6), &[(12, 16)]),
            ((7, 13), &[]),
            ((8, 12), &[(4, 8), (12, 16)]),
            ((5, 5), &[(4, 8), (12, 16)]),
            ((15, u64::MAX), &[(4, 8)]),
        ];
        for &((start, end), expected) in cases {
            let mut ledger = ledger(&[(4, 8), (12, 16)]);
            let before = ledger.proven().clone();
            let range = ByteRange::new(start, end);
            let changed = ledger.apply(&Record::Revoked(range));
            assert_eq!(ranges(&ledger), expected, "{start}..{end}");
            assert_eq!(changed, *ledger.proven() != before, "{start}..{end}");
        }
    }

    #[test]
    fn revoking_says_what_is_no_longer_proven() {
        let mut ledger = ledger(&[(0, 4), (4, 8), (12, 16)]);
        let revoked = ledger.revoke(ByteRange::new(5, 13));
        assert_eq!(format!("{revoked:?}"), "{4..8, 12..16}");
    }

    #[test]
    fn what_is_vouched_for_is_proven_and_goes_with_it() {
        let mut ledger = ledger(&[(0, 4), (4, 8)]);
        assert!(ledger.apply(&Record::Vouched(ByteRange::new(0, 10))));
        assert_eq!(format!("{:?}", ledger.vouched()), "{0..8}");
        assert!(!ledger.apply(&Record::Vouched(ByteRange::new(2, 6))), "no news");
        ledger.prove(proven(0, 8));
        assert_eq!(format!("{:?}", ledger.vouched()), "{0..8}", "only its record is another");
        ledger.revoke(ByteRange::new(5, 6));
        assert!(ledger.vouched().is_empty());
    }

    #[test]
    fn complete_when_nothing_is_missing() {
        assert!(Ledger::new(0).is_complete());
        let mut ledger = ledger(&[(0, 4), (10, SIZE)]);
        assert!(!ledger.is_complete());
        assert_eq!(ledger.missing().collect::<Vec<_>>(), [ByteRange::new(4, 10)]);
        ledger.prove(proven(4, 10));
        assert!(ledger.is_complete());
        assert_eq!((ledger.proven_bytes(), ledger.missing().next()), (SIZE, None));
    }

    proptest! {
        #![proptest_config(seeded(500))]

        #[test]
        fn entries_are_disjoint_and_sum_to_the_proven_bytes(
            edits in prop::collection::vec((0..5, range_within(SIZE + 2)), 0..30),
        ) {
            let mut ledger = Ledger::new(SIZE);
            for (kind, range) in edits {
                let before = ledger.clone();
                let record = if kind == 0 {
                    Record::Revoked(range)
                } else {
                    Record::Proven(proven(range.start, range.end))
                };
                let changed = ledger.apply(&record);
                prop_assert!(changed || ledger == before, "{record:?} changed {before:?}");

                let ranges: Vec<_> = ledger.entries().map(|proven| proven.range).collect();
                prop_assert!(ranges.is_sorted_by(|a, b| a.end <= b.start), "{ranges:?}");
                prop_assert_eq!(&ranges.iter().copied().collect::<RangeSet>(), ledger.proven());
                prop_assert!(ledger.proven_bytes() <= SIZE);
                for at in 0..SIZE + 2 {
                    let byte = ByteRange::new(at, at + 1);
                    let holder = ledger.entries().find(|proven| proven.range.contains(byte));
                    prop_assert_eq!(ledger.entry_at(at), holder);
                    prop_assert_eq!(ledger.intersecting(byte).next(), holder);
                }
            }
        }
    }
}
