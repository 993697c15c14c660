//! What happened on a disk, as the disk saw it.
//!
//! Judges nothing but one thing that only the disk can see: who wrote what after whom.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use engine::range::ByteRange;

use super::ProcessId;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// When, since 1970.
    pub at: Duration,
    /// Who did it.
    pub process: ProcessId,
    /// To which file, whatever its name.
    pub inode: u64,
    /// The name that the file was last given before.
    pub path: PathBuf,
    /// What happened to it.
    pub what: What,
}

/// What can happen to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It was created.
    Created,
    /// Bytes were written. Writes that continue one another are one fact.
    Written(ByteRange),
    /// It was cut, or grown with a hole.
    SetLen(u64),
    /// It was synced, and it worked.
    Synced,
    /// It was given a name by a rename or a link.
    Placed {
        /// Which.
        to: PathBuf,
        /// Whether all of its bytes were durable then.
        is_synced: bool,
        /// How long it was then, in bytes.
        len: u64,
        /// Which file lost that name.
        replaced: Option<u64>,
    },
    /// A name of it was removed.
    Removed,
}

/// A process wrote to a file again after another one had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interleaving {
    /// Which file.
    pub inode: u64,
    /// The name that it was last given then.
    pub path: PathBuf,
    /// Who wrote before and after.
    pub process: ProcessId,
    /// Who wrote in between.
    pub between: ProcessId,
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Operations that leave a trace, whether they worked or not.
    pub changes: u64,
    /// Bytes written.
    pub written: u64,
    /// Bytes read.
    pub read: u64,
    /// Syncs of files that worked.
    pub syncs: u64,
    /// Files that are open now.
    pub handles: usize,
    /// Files that were open at once, at most.
    pub handles_max: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    facts: VecDeque<Fact>,
    forgotten: u64,
    pub(super) totals: Totals,
    writers: BTreeMap<u64, Writers>,
    interleaved: BTreeSet<Interleaving>,
}

/// Who wrote to a file.
#[derive(Clone, Debug)]
struct Writers {
    last: ProcessId,
    before: BTreeSet<ProcessId>,
}

impl Watch {
    pub(super) fn push(&mut self, fact: Fact) {
        if let What::Written(range) = &fact.what {
            self.on_written(&fact);
            self.totals.written += range.len();
            if let Some(last) = self.facts.back_mut()
                && let What::Written(known) = &mut last.what
                && (last.process, last.inode, known.end) == (fact.process, fact.inode, range.start)
            {
                known.end = range.end;
                return;
            }
        }
        if self.facts.len() == FACTS_MAX {
            self.facts.pop_front();
            self.forgotten += 1;
        }
        self.facts.push_back(fact);
    }

    pub(super) fn facts(&self) -> Vec<Fact> {
        self.facts.iter().cloned().collect()
    }

    pub(super) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(super) fn last_writer(&self, inode: u64) -> Option<ProcessId> {
        self.writers.get(&inode).map(|writers| writers.last)
    }

    pub(super) fn interleaved(&self) -> Vec<Interleaving> {
        self.interleaved.iter().cloned().collect()
    }

    fn on_written(&mut self, fact: &Fact) {
        let Fact { process, inode, .. } = *fact;
        // The owner of the world edits as they like.
        if process == ProcessId::OWNER {
            return;
        }
        let fresh = || Writers { last: process, before: BTreeSet::new() };
        let writers = self.writers.entry(inode).or_insert_with(fresh);
        let between = std::mem::replace(&mut writers.last, process);
        if between != process {
            writers.before.insert(between);
            if writers.before.contains(&process) {
                let path = fact.path.clone();
                self.interleaved.insert(Interleaving { inode, path, process, between });
            }
        }
    }
}

/// So many facts are kept; older ones are forgotten.
const FACTS_MAX: usize = 100_000;
