//! What is on the disk, held against the truth: after every crash, and at the end.
//!
//! Reads past the product, its processes and its faults.

use std::path::{Path, PathBuf};

use engine::journal;
use engine::range::ByteRange;
use engine::range_set::RangeSet;
use engine::time::Instant;
use simnet::disk::SimDisk;

use super::trust::Trust;
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
    /// Looks at one file.
    pub fn look(&self, disk: &SimDisk, trust: Trust, witness: &mut Witness, now: Instant) {
        let flaw = self.truth.flaw(disk, &self.target);
        if let Some(flaw) = flaw.filter(|_| !witness.is_edited_late(&self.path)) {
            let how = format!("{} is in place with {flaw}", self.path);
            witness.accuse(now, Rule::S1OnlyRightFiles, how);
        }
        if !trust.is_disk_honest {
            return;
        }
        self.check_replay(disk, trust, witness, now);
    }

    /// What replay would trust must be on the disk as recorded, and right if nobody lied; what it
    /// holds to be vouched for must be right even so.
    fn check_replay(&self, disk: &SimDisk, trust: Trust, witness: &mut Witness, now: Instant) {
        let Some(journal) = disk.peek(&self.journal) else { return };
        let replay = journal::replay(&journal);
        let ranges = replay.trusted.entries().count() + replay.unsynced.len().min(RANGES_NEW);
        let allowed = (JOURNAL_BYTES + ranges * JOURNAL_BYTES_PER_RANGE) as u64;
        let lens = (journal.len() as u64, allowed);
        witness.spend(lens, now, Rule::S9Bounded, &format!("a journal of {ranges} ranges"));
        for entry in replay.trusted.entries() {
            let Some(found) = disk.peek_range(&self.part, entry.range) else { return };
            witness.arm(Rule::S3ReplayIsTrue);
            if *blake3::hash(&found).as_bytes() != entry.digest.0 {
                let how = format!("{} of {} is not as recorded", entry.range, self.path);
                witness.accuse(now, Rule::S3ReplayIsTrue, how);
            } else if trust.is_content_honest && !self.truth.is_right(disk, &self.part, entry.range)
            {
                let how = format!("{} of {} is proven and wrong", entry.range, self.path);
                witness.accuse(now, Rule::S3ReplayIsTrue, how);
            }
        }
        if !trust.is_description_honest {
            return;
        }
        let proven = replay.trusted.proven().iter();
        let vouched = proven.flat_map(|proven| {
            replay.vouched.iter().map(move |vouched| vouched.intersection(proven))
        });
        for range in vouched.filter(|range| !range.is_empty()) {
            if !self.truth.is_right(disk, &self.part, range) {
                let how = format!("{range} of {} is vouched for and wrong", self.path);
                witness.accuse(now, Rule::S3ReplayIsTrue, how);
            }
        }
    }

    /// What the journal proves of what is on the disk; `None` if there is no journal.
    pub fn proven(&self, disk: &SimDisk) -> Option<RangeSet> {
        let replay = journal::replay(&disk.peek(&self.journal)?);
        Some(replay.trusted.proven().clone()).filter(|proven| !proven.is_empty())
    }

    /// Holds what a process tells to be vouched for against the bytes that are right on the disk.
    pub fn check_vouched(&self, disk: &SimDisk, witness: &mut Witness, now: Instant) {
        let told = witness.vouched_of(&self.path);
        if told == 0 {
            return;
        }
        let right = self.count_right(disk);
        witness.check(right >= told, now, Rule::S10HonestProgress, || {
            format!("{told} bytes of {} vouched for, {right} right", self.path)
        });
    }

    /// Holds what a process tells to be proven against the bytes that are right on the disk.
    pub fn check_progress(&self, disk: &SimDisk, witness: &mut Witness, now: Instant) {
        let told = witness.proven_of(&self.path);
        let right = self.count_right(disk);
        witness.check(right >= told, now, Rule::S10HonestProgress, || {
            format!("{told} proven bytes of {}, {right} on the disk", self.path)
        });
    }

    fn count_right(&self, disk: &SimDisk) -> u64 {
        let has_part = disk.peek_range(&self.part, NOTHING).is_some();
        self.truth.count_right(disk, if has_part { &self.part } else { &self.target })
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
