//! Which of several versions of each chunk make up a xorb.
//!
//! Does not know where the versions are from, nor how to get more of them.

use super::hash::XetHash;
use super::merkle::{Fold, Node};

/// Picks a version of each chunk such that together they are the xorb: for each slot, which one.
///
/// Two copies of a xorb with damage in different chunks are enough. `None` if no choice is right,
/// a slot has no version, or there are more choices than are worth trying.
pub fn combine(xorb: XetHash, slots: &[&[Node]]) -> Option<Vec<usize>> {
    let doubts = slots.iter().filter(|slot| slot.len() > 1).count();
    if doubts > DOUBTS_MAX || slots.is_empty() {
        return None;
    }
    let mut search = Search { xorb, slots, picks: Vec::new(), work: 0 };
    search.is_found(Fold::new()).then_some(search.picks)
}

struct Search<'a> {
    xorb: XetHash,
    slots: &'a [&'a [Node]],
    /// The versions that are in the fold.
    picks: Vec<usize>,
    /// How many nodes were folded in all, or might have been in the same time.
    work: usize,
}

impl Search<'_> {
    /// Whether some choice for the slots behind those picked is right; then it is in `picks`.
    fn is_found(&mut self, mut fold: Fold) -> bool {
        let slots = self.slots;
        while let Some(&&[node]) = slots.get(self.picks.len()) {
            fold.push(node);
            self.picks.push(0);
            self.work += 1;
        }
        let at = self.picks.len();
        let Some(versions) = slots.get(at) else {
            self.work += ROOT_WORK;
            return fold.root() == self.xorb;
        };
        for (pick, &node) in versions.iter().enumerate() {
            if self.work > WORK_MAX {
                return false;
            }
            let mut fold = fold.clone();
            fold.push(node);
            self.picks.truncate(at);
            self.picks.push(pick);
            self.work += 1;
            if self.is_found(fold) {
                return true;
            }
        }
        false
    }
}

/// Slots with more than one version that are worth a search.
const DOUBTS_MAX: usize = 16;

/// Nodes that are folded before the search is given up: a fraction of a second's work.
const WORK_MAX: usize = 1 << 19;

/// What it takes to close the groups that stand open, in nodes folded.
const ROOT_WORK: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xet::merkle::root;

    fn node(seed: u32) -> Node {
        Node { hash: XetHash::of_chunk(&seed.to_le_bytes()), len: 10_000 + u64::from(seed % 7) }
    }

    #[test]
    fn copies_with_damage_in_different_chunks_make_a_whole_one() {
        let truth: Vec<_> = (0..1000).map(node).collect();
        let mut slots: Vec<Vec<Node>> = truth.iter().map(|&node| vec![node]).collect();
        for at in [0, 5, 400, 999] {
            slots[at].insert(0, node(5000 + at as u32));
        }
        slots[7].push(node(7000));
        let slots: Vec<&[Node]> = slots.iter().map(Vec::as_slice).collect();
        let picks = combine(root(&truth), &slots).unwrap();
        let picked: Vec<_> = slots.iter().zip(&picks).map(|(slot, &pick)| slot[pick]).collect();
        assert_eq!(picked, truth);
        // One more chunk that is wrong in all copies, and nothing can be made of them.
        let bad = [node(1)];
        let mut slots = slots;
        slots[500] = &bad;
        assert_eq!(combine(root(&truth), &slots), None);
    }

    #[test]
    fn a_search_that_leads_nowhere_ends() {
        let versions = [node(1), node(2), node(3), node(4)];
        assert_eq!(combine(XetHash::ZERO, &[versions.as_slice(); DOUBTS_MAX]), None);
        assert_eq!(combine(XetHash::ZERO, &[versions.as_slice(); DOUBTS_MAX + 1]), None);
        assert_eq!(combine(XetHash::ZERO, &[]), None);
        assert_eq!(combine(versions[0].hash, &[&versions[..1], &[]]), None);
        assert_eq!(combine(versions[2].hash, &[&versions]), Some(vec![2]));
    }
}
