//! The names in one folder twice: as a reader sees them, and as a power cut would leave them.
//!
//! Knows inodes by number only; what they are is for the [`tree`](super::tree).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

/// Names, and what happened to them since they were last synced.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    live: BTreeMap<OsString, u64>,
    durable: BTreeMap<OsString, u64>,
    pending: Vec<Pending>,
}

#[derive(Clone, Debug)]
struct Pending {
    change: Change,
    at: Duration,
}

/// What can happen to a name.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// It stands for this inode from now on, whatever it stood for.
    Add { name: OsString, inode: u64, moved: Option<Move> },
    /// It stands for nothing.
    Remove { name: OsString, moved: Option<Move> },
    /// What it stood for has another name in the same folder, in one step.
    Rename { from: OsString, to: OsString },
}

/// A rename from one folder to another: an addition there, a removal here, bound by a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move(pub(super) u64);

impl Folder {
    pub(super) const fn names(&self) -> &BTreeMap<OsString, u64> {
        &self.live
    }

    pub(super) fn inode(&self, name: &OsStr) -> Option<u64> {
        self.live.get(name).copied()
    }

    pub(super) fn change(&mut self, change: Change, now: Duration) {
        apply(&mut self.live, &change);
        self.pending.push(Pending { change, at: now });
    }

    /// How many changes a power cut may take back.
    pub(super) const fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// How many changes, from the first, are older than this moment or as old.
    pub(super) fn count_until(&self, moment: Duration) -> usize {
        self.pending.iter().take_while(|pending| pending.at <= moment).count()
    }

    /// Makes the first so many changes durable; returns the moves out of this folder in them.
    pub(super) fn sync(&mut self, count: usize) -> Vec<Move> {
        let mut moves = Vec::new();
        for Pending { change, .. } in self.pending.drain(..count) {
            apply(&mut self.durable, &change);
            if let Change::Remove { moved: Some(moved), .. } = change {
                moves.push(moved);
            }
        }
        moves
    }

    /// How many changes, from the first, it takes to have what was moved here, if it is not
    /// durable already.
    pub(super) fn count_to_add(&self, wanted: Move) -> Option<usize> {
        let is_it = |pending: &Pending| match pending.change {
            Change::Add { moved, .. } => moved == Some(wanted),
            Change::Remove { .. } | Change::Rename { .. } => false,
        };
        self.pending.iter().position(is_it).map(|index| index + 1)
    }

    /// The moves out of this folder that are not durable, each with how many changes come before.
    pub(super) fn pending_moves(&self) -> Vec<(usize, Move)> {
        let moved = |(index, pending): (usize, &Pending)| match pending.change {
            Change::Remove { moved: Some(moved), .. } => Some((index, moved)),
            Change::Remove { moved: None, .. } | Change::Add { .. } | Change::Rename { .. } => None,
        };
        self.pending.iter().enumerate().filter_map(moved).collect()
    }

    /// Whether this inode may have a name here, now or after a power cut.
    pub(super) fn may_name(&self, wanted: u64) -> bool {
        let adds = |pending: &Pending| match pending.change {
            Change::Add { inode, .. } => inode == wanted,
            Change::Remove { .. } | Change::Rename { .. } => false,
        };
        let is_in = |names: &BTreeMap<OsString, u64>| names.values().any(|inode| *inode == wanted);
        is_in(&self.live) || is_in(&self.durable) || self.pending.iter().any(adds)
    }

    /// Only what is durable is left.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
        self.live = self.durable.clone();
    }
}

fn apply(names: &mut BTreeMap<OsString, u64>, change: &Change) {
    match change {
        Change::Add { name, inode, .. } => {
            names.insert(name.clone(), *inode);
        }
        Change::Remove { name, .. } => {
            names.remove(name);
        }
        Change::Rename { from, to } => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
    }
}
