//! What is on the disk, held against the truth: after every crash, and at the end.
//!
//! Reads past the product, its processes and its faults.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use engine::journal;
use engine::time::Instant;
use simnet::disk::SimDisk;

use super::{Rule, Witness};

/// One file: what it is and where it goes.
#[derive(Clone, Debug)]
pub struct Aftermath {
    /// Its path in the repository.
    pub path: String,
    /// What the publisher published.
    pub truth: Bytes,
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
        if let Some(found) = disk.peek(&self.target)
            && is_disk_honest
            && found != self.truth
        {
            let how = format!("{} is in place with {}", self.path, self.first_difference(&found));
            witness.accuse(now, Rule::S1OnlyRightFiles, how);
        }
        if is_disk_honest && let Some(part) = disk.peek(&self.part) {
            self.check_replay(disk, &part, is_content_honest, witness, now);
        }
    }

    /// What replay would trust must be on the disk as recorded, and right if nobody lied.
    fn check_replay(
        &self,
        disk: &SimDisk,
        part: &[u8],
        is_content_honest: bool,
        witness: &mut Witness,
        now: Instant,
    ) {
        let replay = journal::replay(&disk.peek(&self.journal).unwrap_or_default());
        for entry in replay.trusted.entries() {
            let (start, end) = (entry.range.start as usize, entry.range.end as usize);
            let recorded = part.get(start..end).map(blake3::hash);
            if recorded.map(|hash| *hash.as_bytes()) != Some(entry.digest.0) {
                let how = format!("{} of {} is not as recorded", entry.range, self.path);
                witness.accuse(now, Rule::S3ReplayIsTrue, how);
            } else if is_content_honest && part.get(start..end) != self.truth.get(start..end) {
                let how = format!("{} of {} is proven and wrong", entry.range, self.path);
                witness.accuse(now, Rule::S3ReplayIsTrue, how);
            }
        }
    }

    /// Holds what a process tells to be proven against the bytes that are right on the disk.
    pub fn check_progress(&self, disk: &SimDisk, witness: &mut Witness, now: Instant) {
        let told = witness.proven_of(&self.path);
        let right = disk.peek(&self.part).or_else(|| disk.peek(&self.target));
        let right = right.map_or(0, |found| count_equal(&found, &self.truth));
        if right < told {
            let how = format!("{told} proven bytes of {}, {right} on the disk", self.path);
            witness.accuse(now, Rule::S10HonestProgress, how);
        }
    }

    /// Whether the finished file is there and right, under the name that people open.
    pub fn is_in_place(&self, disk: &SimDisk) -> bool {
        disk.peek(&self.shown).is_some_and(|found| found == self.truth)
    }

    fn first_difference(&self, found: &[u8]) -> String {
        let differs = |(found, truth): (&u8, &u8)| found != truth;
        match found.iter().zip(&self.truth).position(differs) {
            Some(at) => format!("a wrong byte at {at}"),
            None => format!("{} of {} bytes", found.len(), self.truth.len()),
        }
    }
}

/// All names that are not where the product may write.
pub fn strays(disk: &SimDisk, home: &Path) -> Vec<PathBuf> {
    disk.walk().into_iter().filter(|path| !path.starts_with(home)).collect()
}

fn count_equal(found: &[u8], truth: &[u8]) -> u64 {
    let pairs = found.chunks(PIECE).zip(truth.chunks(PIECE));
    let equal = pairs.map(|(found, truth)| {
        if found == truth {
            return found.len();
        }
        found.iter().zip(truth).filter(|(found, truth)| found == truth).count()
    });
    equal.sum::<usize>() as u64
}

const PIECE: usize = 4096;
