//! What of a tree a power cut leaves.
//!
//! Decides about names; what is left of a file's bytes is for [`data`](super::super::data).

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::super::content::Expectations;
use super::super::data::Spared;
use super::{Node, ROOT, Tree};

impl Tree {
    /// Makes all that is live durable.
    pub(in super::super) fn write_back(&mut self, sector_len: usize, expected: &Expectations) {
        for inode in self.inodes.values_mut() {
            match &mut inode.node {
                Node::File(data) => data.sync(inode.modified, sector_len, expected),
                Node::Folder(folder) => drop(folder.sync(folder.pending_count())),
                Node::Symlink(_) => {}
            }
        }
    }

    /// A power cut.
    pub(in super::super) fn forget(
        &mut self,
        rng: &mut Xoshiro256PlusPlus,
        spared: Spared,
        are_moves_ordered: bool,
        expected: &Expectations,
    ) {
        self.forget_names(rng, spared, are_moves_ordered);
        for inode in self.inodes.values_mut() {
            if let Node::File(data) = &mut inode.node {
                inode.modified = data.forget(rng, spared, inode.modified, expected);
            }
        }
    }

    fn forget_names(
        &mut self,
        rng: &mut Xoshiro256PlusPlus,
        spared: Spared,
        are_moves_ordered: bool,
    ) {
        let mut kept: BTreeMap<u64, usize> = BTreeMap::new();
        for (inode, folder) in self.folders() {
            let least = spared.until.map_or(0, |until| folder.count_until(until));
            kept.insert(inode, rng.random_range(least..=folder.pending_count()));
        }
        while are_moves_ordered && self.shorten(&mut kept) {}
        for (inode, count) in kept {
            if let Ok(folder) = self.folder_mut(inode) {
                folder.sync(count);
                folder.forget();
            }
        }
        let mut links = BTreeMap::from([(ROOT, 1)]);
        let mut left = vec![ROOT];
        while let Some(inode) = left.pop() {
            for inode in self.folder(inode).into_iter().flat_map(|folder| folder.names().values()) {
                *links.entry(*inode).or_insert(0) += 1;
                left.push(*inode);
            }
        }
        self.unnamed.clear();
        self.inodes.retain(|inode, known| {
            known.links = links.get(inode).copied().unwrap_or(0);
            known.links > 0
        });
    }

    /// Gives up removals whose addition elsewhere does not stay; `false` if there were none.
    fn shorten(&self, kept: &mut BTreeMap<u64, usize>) -> bool {
        for (inode, folder) in self.folders() {
            for (before, moved) in folder.pending_moves() {
                let Some((there, needed)) = self.destination(moved) else { continue };
                if before < kept[&inode] && needed > kept[&there] {
                    kept.insert(inode, before);
                    return true;
                }
            }
        }
        false
    }
}
