//! What to doubt when the whole file's digest is wrong and the disk holds what was recorded: in
//! which order ranges are fetched again, and when there is no more to doubt.
//!
//! Does not know what is right; only the publisher's digest does.

use crate::range::ByteRange;
use crate::range_set::RangeSet;

/// A search for the bytes that were damaged on their way here.
///
/// Each range is fetched again and compared with what is on the disk. Where the two differ one of
/// them is wrong: the newer one stays, the digest is tried, and if it is still wrong, the search
/// goes on; ranges that have ever differed are doubted once more in the next round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repair {
    /// What is still to be fetched again, the most suspect first.
    ranks: Vec<RangeSet>,
    differed: RangeSet,
    rounds: u32,
    found: bool,
}

/// What to do next in a repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Something differed: try the digest.
    Rehash,
    /// Go on fetching what is doubted.
    Search,
    /// Two fetches of everything agree, or never will: the publisher's digest is not to be had.
    Hopeless,
}

impl Repair {
    /// A search through these ranges, those of the first set first; and of each set first what is
    /// `suspect`, because something went wrong when it came.
    pub(crate) fn new(ranks: Vec<RangeSet>, suspect: &RangeSet) -> Self {
        let halves = |rank: RangeSet| {
            let first: RangeSet = suspect.iter().flat_map(|range| rank.within(range)).collect();
            let mut rest = rank;
            first.iter().for_each(|range| rest.remove(range));
            [first, rest]
        };
        let ranks = ranks.into_iter().flat_map(halves).filter(|rank| !rank.is_empty()).collect();
        Self { ranks, differed: RangeSet::new(), rounds: 1, found: false }
    }

    /// What is to be fetched again next.
    pub(crate) fn doubted(&self) -> RangeSet {
        self.ranks.iter().find(|rank| !rank.is_empty()).cloned().unwrap_or_default()
    }

    /// The publisher vouches for what is there now.
    pub(crate) fn on_vouched(&mut self, range: ByteRange) {
        self.ranks.iter_mut().for_each(|rank| rank.remove(range));
        self.differed.remove(range);
    }

    /// Bytes were fetched again; they differ from those of before, or not.
    pub(crate) fn on_fetched(&mut self, range: ByteRange, differs: bool) {
        self.ranks.iter_mut().for_each(|rank| rank.remove(range));
        if differs {
            self.differed.insert(range);
            self.found = true;
        }
    }

    /// Whether a difference has been found that the digest does not know yet.
    pub(crate) const fn has_found(&self) -> bool {
        self.found
    }

    /// The digest is still wrong with everything that was found.
    pub(crate) const fn on_mismatch(&mut self) {
        self.found = false;
    }

    /// What to do when everything asked for has arrived.
    pub(crate) fn next_step(&mut self) -> Next {
        if self.found {
            return Next::Rehash;
        }
        if self.ranks.iter().all(RangeSet::is_empty) {
            if self.differed.is_empty() || self.rounds == ROUNDS_MAX {
                return Next::Hopeless;
            }
            self.rounds += 1;
            self.ranks = vec![std::mem::take(&mut self.differed)];
        }
        Next::Search
    }
}

/// A range that has differed is fetched this often at most.
const ROUNDS_MAX: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Repair {
        Repair::new(vec![[ByteRange::new(0, 100)].into_iter().collect()], &RangeSet::new())
    }

    #[test]
    fn ends_when_two_fetches_agree_on_everything() {
        let mut repair = whole();
        assert_eq!(repair.next_step(), Next::Search);
        repair.on_fetched(ByteRange::new(0, 100), false);
        assert_eq!(repair.next_step(), Next::Hopeless);
    }

    #[test]
    fn a_difference_is_tried_then_doubted_once_more() {
        let mut repair = whole();
        repair.on_fetched(ByteRange::new(0, 10), true);
        assert_eq!(repair.next_step(), Next::Rehash);
        repair.on_mismatch();
        assert_eq!(repair.next_step(), Next::Search);
        repair.on_fetched(ByteRange::new(10, 100), false);
        assert_eq!(repair.next_step(), Next::Search);
        let doubted: Vec<ByteRange> = repair.doubted().iter().collect();
        assert_eq!(doubted, [ByteRange::new(0, 10)]);
        repair.on_fetched(ByteRange::new(0, 10), false);
        assert_eq!(repair.next_step(), Next::Hopeless);
    }

    #[test]
    fn the_most_suspect_is_fetched_first_and_the_vouched_not_at_all() {
        let set = |start, end| [ByteRange::new(start, end)].into_iter().collect::<RangeSet>();
        let mut repair = Repair::new(vec![set(50, 60), set(0, 50)], &set(40, 55));
        for (start, end) in [(50, 55), (55, 60), (40, 50)] {
            assert_eq!(repair.doubted(), set(start, end));
            repair.on_fetched(ByteRange::new(start, end), false);
        }
        assert_eq!(repair.doubted(), set(0, 40));
        repair.on_vouched(ByteRange::new(0, 50));
        assert_eq!(repair.next_step(), Next::Hopeless);
    }

    #[test]
    fn a_path_that_always_lies_is_given_up() {
        let mut repair = whole();
        let mut fetches = 0;
        while repair.next_step() != Next::Hopeless {
            repair.on_fetched(ByteRange::new(0, 100), true);
            assert_eq!(repair.next_step(), Next::Rehash);
            repair.on_mismatch();
            fetches += 1;
        }
        assert_eq!(fetches, ROUNDS_MAX);
    }
}
