//! The bytes of a file, without the bytes: what is there, and in what it differs from the truth.
//!
//! Two contents of a range are equal exactly when these say the same of it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use engine::digest::{FileDigest, RangeDigest};
use engine::range::ByteRange;
use engine::range_set::RangeSet;

/// What stands in a file, or came in a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// What was ever written; the rest are holes.
    pub(super) present: RangeSet,
    /// Bytes that are not the truth, and which of the wrong values they have.
    pub(super) wrong: BTreeMap<u64, u32>,
    /// Bytes of another revision of the file.
    pub(super) foreign: RangeSet,
}

impl Content {
    /// The bytes of a body, as the server sends them.
    pub(super) fn body(
        range: ByteRange,
        wrong: impl IntoIterator<Item = (u64, u32)>,
        is_foreign: bool,
    ) -> Self {
        let mut content = Self { present: RangeSet::new(), ..Self::default() };
        content.present.insert(range);
        content.wrong = wrong.into_iter().filter(|(at, _)| is_in(range, *at)).collect();
        if is_foreign {
            content.foreign.insert(range);
        }
        content
    }

    /// Puts what `other` has of `range` here.
    pub(super) fn overwrite(&mut self, range: ByteRange, other: &Self) {
        if range.is_empty() {
            return;
        }
        self.present.insert(range);
        if !self.wrong.is_empty() {
            self.wrong.retain(|at, _| !is_in(range, *at));
        }
        self.wrong.extend(other.wrong.range(range.start..range.end).map(|(at, tag)| (*at, *tag)));
        if !self.foreign.is_empty() {
            self.foreign.remove(range);
        }
        let foreign = other.foreign.iter().map(|run| run.intersection(range));
        self.foreign.extend(foreign.filter(|run| !run.is_empty()));
    }

    /// Whether all of the range is there and true.
    pub(super) fn is_true(&self, range: ByteRange) -> bool {
        self.present.contains(range)
            && self.wrong.range(range.start..range.end).next().is_none()
            && !self.foreign.intersects(range)
    }

    /// What the range hashes to.
    pub(super) fn digest(&self, range: ByteRange) -> RangeDigest {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&range.start.to_le_bytes());
        bytes[8..16].copy_from_slice(&range.end.to_le_bytes());
        if !self.is_true(range) {
            bytes[16..24].copy_from_slice(&self.flaws(range).to_le_bytes());
        }
        RangeDigest(bytes)
    }

    /// Whether the range holds the same in both.
    pub(super) fn is_same(&self, other: &Self, range: ByteRange) -> bool {
        self.digest(range) == other.digest(range)
    }

    /// A number for what is wrong in the range; never 0.
    pub(super) fn flaws(&self, range: ByteRange) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (at, tag) in self.wrong.range(range.start..range.end) {
            (at, tag).hash(&mut hasher);
        }
        for run in self.foreign.iter().map(|run| run.intersection(range)) {
            if !run.is_empty() {
                (run, "foreign").hash(&mut hasher);
            }
        }
        for gap in self.present.gaps(range) {
            (gap, "hole").hash(&mut hasher);
        }
        hasher.finish() | 1
    }
}

/// What a file's publisher says it hashes to.
pub(super) const RIGHT: FileDigest = FileDigest::Sha256([1; 32]);

/// What the other revision hashes to.
pub(super) const FOREIGN: FileDigest = FileDigest::Sha256([3; 32]);

/// The digest of a whole file, fed in steps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RunningDigest {
    flaws: u64,
}

impl RunningDigest {
    pub(super) fn feed(&mut self, content: &Content, range: ByteRange) {
        if !content.is_true(range) {
            let mut hasher = DefaultHasher::new();
            (self.flaws, content.flaws(range)).hash(&mut hasher);
            self.flaws = hasher.finish() | 1;
        }
    }

    pub(super) fn finish(self) -> FileDigest {
        if self.flaws == 0 {
            return RIGHT;
        }
        let mut bytes = [2; 32];
        bytes[..8].copy_from_slice(&self.flaws.to_le_bytes());
        FileDigest::Sha256(bytes)
    }
}

const fn is_in(range: ByteRange, at: u64) -> bool {
    range.start <= at && at < range.end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(range: ByteRange, wrong: &[(u64, u32)]) -> Content {
        Content::body(range, wrong.iter().copied(), false)
    }

    #[test]
    fn a_digest_differs_as_soon_as_a_byte_does() {
        let range = ByteRange::new(10, 20);
        let good = content(range, &[]);
        let others = [
            content(range, &[(12, 1)]),
            content(range, &[(12, 2)]),
            content(range, &[(13, 1)]),
            content(ByteRange::new(10, 19), &[]),
            Content::body(range, [], true),
        ];
        assert!(good.is_true(range));
        for other in &others {
            assert!(!other.is_true(range) && !other.is_same(&good, range), "{other:?}");
            assert_eq!(others.iter().filter(|it| it.is_same(other, range)).count(), 1);
        }
        assert!(others[0].is_same(&good, ByteRange::new(13, 20)), "outside nothing counts");
    }

    #[test]
    fn writing_over_a_flaw_heals_it() {
        let whole = ByteRange::new(0, 100);
        let mut disk = content(whole, &[(5, 1), (50, 1)]);
        disk.overwrite(ByteRange::new(0, 10), &content(whole, &[]));
        assert!(disk.is_true(ByteRange::new(0, 50)) && !disk.is_true(whole));
        disk.overwrite(ByteRange::new(40, 60), &Content::body(whole, [], true));
        assert!(!disk.is_true(ByteRange::new(59, 60)) && disk.is_true(ByteRange::new(60, 100)));
        disk.overwrite(whole, &content(whole, &[]));
        assert_eq!(disk, content(whole, &[]));
    }

    #[test]
    fn only_the_truth_has_the_right_digest() {
        let whole = ByteRange::new(0, 100);
        let halves = [ByteRange::new(0, 50), ByteRange::new(50, 100)];
        for (wrong, is_right) in [(&[][..], true), (&[(7, 1)], false), (&[(99, 1)], false)] {
            let mut running = RunningDigest::default();
            halves.iter().for_each(|half| running.feed(&content(whole, wrong), *half));
            assert_eq!(running.finish() == RIGHT, is_right, "{wrong:?}");
        }
    }
}
