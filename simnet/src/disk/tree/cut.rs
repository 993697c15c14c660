//! What of a tree a power cut leaves.
//!
//! Decides about names; what is left of a file's bytes is for [`data`](super::super::data).

use std::collections::BTreeMap;
use std::path::PathBuf;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::super::content::Expectations;
use super::super::data::Spared;
use super::super::folder::Folder;
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
        let names = self.names();
        self.unnamed.clear();
        self.inodes.retain(|inode, known| {
            let Some(names) = names.get(inode) else { return false };
            known.links = u32::try_from(names.len()).unwrap_or(u32::MAX);
            if let Some(name) = names.first().filter(|_| !names.contains(&known.path)) {
                known.path.clone_from(name);
            }
            true
        });
    }

    /// The names of everything that has one.
    fn names(&self) -> BTreeMap<u64, Vec<PathBuf>> {
        let root = PathBuf::from("/");
        let mut names = BTreeMap::from([(ROOT, vec![root.clone()])]);
        let mut left = vec![(ROOT, root)];
        while let Some((inode, path)) = left.pop() {
            for (name, inode) in self.folder(inode).into_iter().flat_map(Folder::names) {
                let path = path.join(name);
                names.entry(*inode).or_default().push(path.clone());
                left.push((*inode, path));
            }
        }
        names
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
