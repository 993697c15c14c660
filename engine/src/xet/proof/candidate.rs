//! One xorb whose chunks become known, until its name is proven by them.
//!
//! Does not know where in the file they are.

use std::collections::BTreeMap;

use crate::xet::combine::combine;
use crate::xet::hash::XetHash;
use crate::xet::merkle::{Fold, Node};
use crate::xet::reconstruction::{XORB_CHUNKS_MAX, XORB_CONTENT_MAX};

/// The chunks of a xorb that are known, by their places in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Candidate {
    nodes: BTreeMap<u32, Node>,
    /// Chunks of which copies differ: what else they are said to be.
    others: BTreeMap<u32, Vec<Node>>,
    /// Over the first `folded` chunks.
    fold: Fold,
    folded: u32,
    /// Whether there is something to try that was not tried.
    is_changed: bool,
    /// Length of the content of those chunks in bytes.
    len: u64,
    /// How many chunks the xorb has, once they are proven to be it.
    proven: Option<u32>,
}

impl Candidate {
    /// How many chunks the xorb has, if that is proven.
    pub(super) const fn proven(&self) -> Option<u32> {
        self.proven
    }

    /// How many chunks are known without a gap from the first one on.
    pub(super) const fn folded(&self) -> u32 {
        self.folded
    }

    /// Whether no chunk can stand behind those that are known from the first one on.
    pub(super) const fn is_full(&self) -> bool {
        self.folded == XORB_CHUNKS_MAX || self.len >= XORB_CONTENT_MAX
    }

    /// Whether these are the chunks from `first` on, as far as is proven.
    pub(super) fn is_right(&self, first: u32, nodes: &[Node]) -> bool {
        self.proven.is_some()
            && (first..).zip(nodes).all(|(index, node)| self.nodes.get(&index) == Some(node))
    }

    /// Adds what is known of the chunks from `first` on, while nothing is proven.
    pub(super) fn add(&mut self, first: u32, nodes: &[Node]) {
        for (index, &node) in (first..).zip(nodes) {
            let known = *self.nodes.entry(index).or_insert(node);
            if known != node {
                let others = self.others.entry(index).or_default();
                if !others.contains(&node) && others.len() < OTHERS_MAX {
                    others.push(node);
                    self.is_changed = true;
                }
            }
        }
    }

    /// Tries to prove the xorb. Only where `is_end` says that a piece of a file ends can the xorb
    /// end. Says whether it is proven.
    pub(super) fn judge(&mut self, xorb: XetHash, is_end: impl Fn(u32) -> bool) -> bool {
        while let Some(&node) = self.nodes.get(&self.folded) {
            self.fold.push(node);
            self.folded += 1;
            self.len += node.len;
            self.is_changed = true;
            if is_end(self.folded) && self.fold.root() == xorb {
                return self.prove(self.folded);
            }
        }
        // What copies disagree about is tried out once, not again for nothing new.
        let is_changed = std::mem::take(&mut self.is_changed);
        if !is_changed || self.others.range(..self.folded).next().is_none() {
            return false;
        }
        let slots: Vec<Vec<Node>> = (self.nodes.range(..self.folded))
            .map(|(index, &node)| {
                let others = self.others.get(index).into_iter().flatten().copied();
                [node].into_iter().chain(others).collect()
            })
            .collect();
        let slots: Vec<&[Node]> = slots.iter().map(Vec::as_slice).collect();
        let Some(picks) = combine(xorb, &slots) else { return false };
        for ((index, slot), pick) in (0..).zip(slots).zip(picks) {
            self.nodes.insert(index, slot[pick]);
        }
        self.prove(self.folded)
    }

    fn prove(&mut self, count: u32) -> bool {
        self.proven = Some(count);
        self.nodes.retain(|&index, _| index < count);
        self.others.clear();
        self.fold = Fold::new();
        true
    }
}

/// Versions of one chunk that are kept, besides the first.
const OTHERS_MAX: usize = 3;
