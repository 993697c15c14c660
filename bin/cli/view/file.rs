//! One file of the view: how far it is and what is being done to it.
//!
//! Knows nothing of the other files, nor of the link.

use std::sync::Arc;
use std::time::Duration;

use engine::digest::FileDigest;
use engine::time::Instant;
use moshi_fetch::news::PlannedFile;

use crate::cli::eta::Eta;

/// One file. There may be a million: what only those have that are worked on is elsewhere.
#[derive(Debug)]
pub(super) struct FileView {
    pub(super) path: Arc<str>,
    pub(super) size: u64,
    pub(super) proven: u64,
    pub(super) stage: FileStage,
    pub(super) work: Option<Box<Work>>,
}

/// What there is to tell of a file that is worked on.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Bytes its publisher vouches for; `None` as long as there never were any.
    pub(super) vouched: Option<u64>,
    pub(super) eta: Option<Eta>,
    pub(super) last_bytes: Option<Instant>,
    pub(super) is_one_stream: bool,
    /// A fault that ends the way it came, until it is seen whether there is another.
    pub(super) dead_end: Option<String>,
}

/// What is being done to a file.
#[derive(Debug)]
pub(super) enum FileStage {
    Planned,
    Checking { since: Instant },
    Busy(Box<Holder>),
    Fetching,
    Repairing,
    Verified(Box<FileDigest>),
    Present,
    Sealed,
    Failed,
}

/// Who has a file, and since when we wait for it.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) by: String,
    pub(super) since: Instant,
}

impl FileView {
    pub(super) fn new(planned: &PlannedFile) -> Self {
        let path = Arc::clone(&planned.path);
        Self { path, size: planned.size, proven: 0, stage: FileStage::Planned, work: None }
    }

    /// What is told of the work on it.
    pub(super) fn work(&mut self) -> &mut Work {
        self.work.get_or_insert_default()
    }

    /// Bytes its publisher vouches for, if there ever were any.
    pub(super) fn vouched(&self) -> Option<u64> {
        self.work.as_ref().and_then(|work| work.vouched)
    }

    pub(super) fn eta(&self) -> Option<&Eta> {
        self.work.as_ref().and_then(|work| work.eta.as_ref())
    }

    pub(super) fn on_begun(&mut self, proven: u64, now: Instant) {
        self.stage = FileStage::Fetching;
        self.proven = proven;
        let work = self.work();
        (work.vouched, work.eta) = (None, Some(Eta::new(now)));
    }

    /// Says how many bytes were gained.
    pub(super) fn on_proven(&mut self, proven: u64, now: Instant) -> u64 {
        let gained = proven.saturating_sub(self.proven);
        self.proven = proven;
        if let Some(eta) = &mut self.work().eta {
            eta.on_gain(gained, now);
        }
        gained
    }

    /// Whether bytes came for it lately.
    pub(super) fn is_moving(&self, now: Instant) -> bool {
        let last = self.work.as_ref().and_then(|work| work.last_bytes);
        last.is_some_and(|last| now.since(last) < STILL_MOVING)
    }

    /// Whether all bytes are here and the digest is not yet known to be right.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.stage, FileStage::Fetching) && self.proven == self.size
    }
}

impl FileStage {
    pub(super) const fn is_in_place(&self) -> bool {
        matches!(self, Self::Present | Self::Sealed)
    }

    /// Whether its own digest was found to be right, which says more than any part of it.
    pub(super) const fn is_verified(&self) -> bool {
        matches!(self, Self::Verified(_) | Self::Present | Self::Sealed)
    }

    pub(super) const fn is_failed(&self) -> bool {
        matches!(self, Self::Failed)
    }

    pub(super) const fn is_under_way(&self) -> bool {
        matches!(self, Self::Fetching | Self::Repairing | Self::Verified(_))
    }

    /// Whether it is the same stage, whenever it began.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Busy(holder), Self::Busy(other)) => holder.by == other.by,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}

/// A file stays in sight for this long after its last byte.
const STILL_MOVING: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_which_nothing_is_told_is_small() {
        assert!(size_of::<FileView>() <= 64, "{}", size_of::<FileView>());
    }
}
