//! A set of bytes of a file, as disjoint ranges in order.
//!
//! Knows no file and no size: what is missing is asked for within a range.

use std::collections::BTreeMap;
use std::{fmt, iter};

use crate::range::ByteRange;

/// A set of bytes, kept as runs: sorted ranges that neither overlap nor touch.
///
/// An empty range has no bytes: every set contains it, none intersects it, adding it is nothing.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct RangeSet {
    /// End of each run, by its start.
    runs: BTreeMap<u64, u64>,
    /// Bytes in all runs.
    len: u64,
}

impl RangeSet {
    /// The set without bytes.
    pub const fn new() -> Self {
        Self { runs: BTreeMap::new(), len: 0 }
    }

    /// How many bytes are in the set.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no bytes in the set.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The runs, in order.
    pub fn iter(&self) -> impl Iterator<Item = ByteRange> + '_ {
        self.runs.iter().map(|(&start, &end)| ByteRange::new(start, end))
    }

    /// Adds the bytes of `range`.
    pub fn insert(&mut self, range: ByteRange) {
        if range.is_empty() {
            return;
        }
        let mut run = range;
        if let Some((&start, &end)) = self.runs.range(..=range.start).next_back()
            && end >= range.start
        {
            run = ByteRange::new(start, end.max(range.end));
        }
        // One that begins where the run ends touches it, and becomes part of it.
        while let Some((&start, &end)) = self.runs.range(run.start..=run.end).next() {
            self.take_run(start, end);
            run.end = run.end.max(end);
        }
        self.put_run(run);
    }

    /// Takes the bytes of `range` out.
    pub fn remove(&mut self, range: ByteRange) {
        let cut: Vec<_> = self.overlapping(range).collect();
        for run in cut {
            self.take_run(run.start, run.end);
            self.put_run(ByteRange::new(run.start, range.start));
            self.put_run(ByteRange::new(range.end, run.end));
        }
    }

    /// Whether every byte of `range` is in the set.
    pub fn contains(&self, range: ByteRange) -> bool {
        range.is_empty() || self.covering_end(range.start).is_some_and(|end| end >= range.end)
    }

    /// Whether at least one byte of `range` is in the set.
    pub fn intersects(&self, range: ByteRange) -> bool {
        self.overlapping(range).next().is_some()
    }

    /// Where the run ends that the byte `at` is in; `None` if that byte is not in the set.
    pub fn covering_end(&self, at: u64) -> Option<u64> {
        self.runs.range(..=at).next_back().map(|(_, &end)| end).filter(|&end| end > at)
    }

    /// The bytes of `range` that are in the set, as maximal ranges in order.
    pub fn within(&self, range: ByteRange) -> impl Iterator<Item = ByteRange> + '_ {
        self.overlapping(range).map(move |run| run.intersection(range))
    }

    /// The bytes of `within` that are not in the set, as maximal ranges in order.
    pub fn gaps(&self, within: ByteRange) -> impl Iterator<Item = ByteRange> + '_ {
        let starts = iter::once(within.start).chain(self.overlapping(within).map(|run| run.end));
        let ends = self.overlapping(within).map(|run| run.start).chain(iter::once(within.end));
        // Where a run sticks out of `within`, the gap beside it comes out empty.
        starts
            .zip(ends)
            .map(|(start, end)| ByteRange::new(start, end))
            .filter(|gap| !gap.is_empty())
    }

    /// The first of the [`gaps`](Self::gaps).
    pub fn first_gap(&self, within: ByteRange) -> Option<ByteRange> {
        self.gaps(within).next()
    }

    /// The runs that share a byte with `range`, whole, in order.
    fn overlapping(&self, range: ByteRange) -> impl Iterator<Item = ByteRange> + '_ {
        let before = self.runs.range(..range.start).next_back();
        before
            .into_iter()
            .chain(self.runs.range(range.start..range.end))
            .map(|(&start, &end)| ByteRange::new(start, end))
            .filter(move |run| !run.intersection(range).is_empty())
    }

    fn take_run(&mut self, start: u64, end: u64) {
        self.runs.remove(&start);
        self.len -= end - start;
    }

    /// Adds a run that overlaps and touches no other; nothing if it is empty.
    fn put_run(&mut self, run: ByteRange) {
        if !run.is_empty() {
            self.runs.insert(run.start, run.end);
            self.len += run.len();
        }
    }
}

impl FromIterator<ByteRange> for RangeSet {
    fn from_iter<I: IntoIterator<Item = ByteRange>>(ranges: I) -> Self {
        let mut set = Self::new();
        set.extend(ranges);
        set
    }
}

impl Extend<ByteRange> for RangeSet {
    fn extend<I: IntoIterator<Item = ByteRange>>(&mut self, ranges: I) {
        for range in ranges {
            self.insert(range);
        }
    }
}

impl fmt::Debug for RangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// The same cases on every run, unless `PROPTEST_RNG_SEED` names others; a failure shows it.
    pub(crate) fn seeded(cases: u32) -> ProptestConfig {
        let mut config = ProptestConfig { cases, ..ProptestConfig::default() };
        config.failure_persistence = None;
        if config.rng_seed == RngSeed::Random {
            config.rng_seed = RngSeed::Fixed(1);
        }
        println!("replay with PROPTEST_RNG_SEED={}", config.rng_seed);
        config
    }

    /// Any range within `0..end`, empty ones too.
    pub(crate) fn range_within(end: u64) -> impl Strategy<Value = ByteRange> {
        (0..=end, 0..=end).prop_map(|(a, b)| ByteRange::new(a.min(b), a.max(b)))
    }

    type Ranges<'a> = &'a [(u64, u64)];

    fn set(ranges: Ranges<'_>) -> RangeSet {
        ranges.iter().map(|&(start, end)| ByteRange::new(start, end)).collect()
    }

    fn runs(set: &RangeSet) -> Vec<(u64, u64)> {
        set.iter().map(|run| (run.start, run.end)).collect()
    }

    #[test]
    fn inserting_joins_what_overlaps_or_touches() {
        let cases: &[(Ranges<'_>, Ranges<'_>)] = &[
            (&[], &[]),
            (&[(5, 5)], &[]),
            (&[(0, 2), (2, 4)], &[(0, 4)]),
            (&[(2, 4), (0, 2)], &[(0, 4)]),
            (&[(0, 2), (3, 4)], &[(0, 2), (3, 4)]),
            (&[(0, 2), (6, 8), (2, 6)], &[(0, 8)]),
            (&[(0, 2), (4, 5), (9, 10), (1, 9)], &[(0, 10)]),
            (&[(0, 9), (3, 4)], &[(0, 9)]),
            (&[(u64::MAX - 1, u64::MAX), (0, 1)], &[(0, 1), (u64::MAX - 1, u64::MAX)]),
        ];
        for (ranges, expected) in cases {
            assert_eq!(runs(&set(ranges)), *expected, "{ranges:?}");
        }
    }

    #[test]
    fn removing_splits_and_trims() {
        let whole = ByteRange::new(0, u64::MAX);
        let cases: &[((u64, u64), Ranges<'_>)] = &[
            ((3, 3), &[(2, 6), (8, 12)]),
            ((6, 8), &[(2, 6), (8, 12)]),
            ((3, 5), &[(2, 3), (5, 6), (8, 12)]),
            ((0, 3), &[(3, 6), (8, 12)]),
            ((5, 9), &[(2, 5), (9, 12)]),
            ((2, 12), &[]),
        ];
        for &((start, end), expected) in cases {
            let mut set = set(&[(2, 6), (8, 12)]);
            set.remove(ByteRange::new(start, end));
            assert_eq!(runs(&set), expected, "{start}..{end}");
            set.remove(whole);
            assert_eq!((set.len(), set.is_empty()), (0, true));
        }
    }

    #[test]
    fn an_empty_range_is_contained_and_never_intersects() {
        let empty = ByteRange::new(3, 3);
        for set in [set(&[]), set(&[(0, 9)])] {
            assert!(set.contains(empty) && !set.intersects(empty));
            assert_eq!(set.first_gap(empty), None);
        }
    }

    const END: u64 = 40;

    proptest! {
        #![proptest_config(seeded(500))]

        #[test]
        fn behaves_like_an_array_of_bits(
            edits in prop::collection::vec((any::<bool>(), range_within(END)), 0..30),
            asked in range_within(END),
        ) {
            let mut set = RangeSet::new();
            let mut bits = vec![false; END as usize];
            for (is_insert, range) in edits {
                if is_insert { set.insert(range) } else { set.remove(range) }
                bits[range.start as usize..range.end as usize].fill(is_insert);
            }

            let within = &bits[asked.start as usize..asked.end as usize];
            prop_assert_eq!(set.len(), bits.iter().filter(|&&bit| bit).count() as u64);
            prop_assert_eq!(set.is_empty(), !bits.contains(&true));
            prop_assert_eq!(set.contains(asked), !within.contains(&false));
            prop_assert_eq!(set.intersects(asked), within.contains(&true));
            prop_assert_eq!(runs_of(&bits, ByteRange::new(0, END), true), runs(&set));
            let gaps: Vec<_> = set.gaps(asked).map(|gap| (gap.start, gap.end)).collect();
            prop_assert_eq!(runs_of(&bits, asked, false), gaps);
            for at in 0..END {
                let run = runs(&set).into_iter().find(|&(start, end)| start <= at && at < end);
                prop_assert_eq!(set.covering_end(at), run.map(|(_, end)| end));
            }
            prop_assert_eq!(set.iter().collect::<RangeSet>(), set);
        }
    }

    /// The maximal ranges of `within` whose bits are all `bit`.
    fn runs_of(bits: &[bool], within: ByteRange, bit: bool) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for at in (within.start..within.end).filter(|&at| bits[at as usize] == bit) {
            match runs.last_mut() {
                Some((_, end)) if *end == at => *end += 1,
                Some(_) | None => runs.push((at, at + 1)),
            }
        }
        runs
    }
}
