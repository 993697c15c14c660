//! What is on the disk, held against the truth: after every crash, and at the end.
//!
//! Reads past the product, its processes and its faults.

use std::path::{Path, PathBuf};

use engine::journal;
use engine::range::ByteRange;
use engine::time::Instant;
use simnet::disk::SimDisk;

use super::truth::Truth;
use super::{Rule, Witness};

/// One file: what it is and where it goes.
#[derive(Clone, Debug)]
pub struct Aftermath {
    /// Its path in the repository.
    pub path: String,
    /// What the publisher published.
    pub truth: Truth,
    /// Where it is when it is finished.
    pub target: PathBuf,
    /// Where it is until then.
    pub part: PathBuf,
    /// What is recorded of it.
    pub journal: PathBuf,
    /// Where people find it.
    pub shown: PathBuf,
}

impl Aftermath {
    /// Looks at one file. `is_content_honest` says that nobody has sent a wrong byte of it, and
    /// `is_disk_honest` that the disk has not changed one.
    pub fn look(
        &self,
        disk: &SimDisk,
        is_content_honest: bool,
        is_disk_honest: bool,
        witness: &mut Witness,
        now: Instant,
    ) {
        if !is_disk_honest {
            return;
        }
        if let Some(flaw) = self.truth.flaw(disk, &self.target) {
            let how = format!("{} is in place with {flaw}", self.path);
            witness.accuse(now, Rule::S1OnlyRightFiles, how);
        }
        self.check_replay(disk, is_content_honest, witness, now);
    }

    /// What replay would trust must be on the disk as recorded, and right if nobody lied.
    fn check_replay(
        &self,
        disk: &SimDisk,
        is_content_honest: bool,
        witness: &mut Witness,
        now: Instant,
    ) {
        let Some(journal) = disk.peek(&self.journal) else { return };
        let replay = journal::replay(&journal);
        let ranges = replay.trusted.entries().count() + replay.unsynced.len().min(RANGES_NEW);
        if journal.len() > JOURNAL_BYTES + ranges * JOURNAL_BYTES_PER_RANGE {
            let how = format!("{} bytes of journal for {ranges} ranges", journal.len());
            witness.accuse(now, Rule::S9Bounded, how);
        }
        for entry in replay.trusted.entries() {
            let Some(found) = disk.peek_range(&self.part, entry.range) else { return };
            if *blake3::hash(&found).as_bytes() != entry.digest.0 {
                let how = format!("{} of {} is not as recorded", entry.range, self.path);
                witness.accuse(now, Rule::S3ReplayIsTrue, how);
            } else if is_content_honest && !self.truth.is_right(disk, &self.part, entry.range) {
                let how = format!("{} of {} is proven and wrong", entry.range, self.path);
                witness.accuse(now, Rule::S3ReplayIsTrue, how);
            }
        }
    }

    /// Holds what a process tells to be proven against the bytes that are right on the disk.
    pub fn check_progress(&self, disk: &SimDisk, witness: &mut Witness, now: Instant) {
        let told = witness.proven_of(&self.path);
        let has_part = disk.peek_range(&self.part, NOTHING).is_some();
        let path = if has_part { &self.part } else { &self.target };
        let right = self.truth.count_right(disk, path);
        if right < told {
            let how = format!("{told} proven bytes of {}, {right} on the disk", self.path);
            witness.accuse(now, Rule::S10HonestProgress, how);
        }
    }

    /// Whether the finished file is there and right, under the name that people open.
    pub fn is_in_place(&self, disk: &SimDisk) -> bool {
        let is_there = disk.peek_range(&self.shown, NOTHING).is_some();
        is_there && self.truth.flaw(disk, &self.shown).is_none()
    }
}

/// All names that are not where the product may write.
pub fn strays(disk: &SimDisk, home: &Path) -> Vec<PathBuf> {
    disk.walk().into_iter().filter(|path| !path.starts_with(home)).collect()
}

/// A journal that is as long as this, and this for each range, should have been shortened.
const JOURNAL_BYTES: usize = 48 << 10;
const JOURNAL_BYTES_PER_RANGE: usize = 400;
/// So many ranges may have come since the last sync.
const RANGES_NEW: usize = 500;
/// A look at nothing of a file tells whether there is one.
const NOTHING: ByteRange = ByteRange::new(0, 0);
