//! One file of the story: how far it is and what is being done to it.
//!
//! Knows nothing of the other files, nor of the link.

use std::time::Duration;

use engine::digest::FileDigest;
use engine::time::Instant;
use moshi_fetch::news::PlannedFile;

use crate::cli::pace::Pace;

/// One file.
#[derive(Debug)]
pub(super) struct FileStory {
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) proven: u64,
    /// Bytes its publisher vouches for; `None` as long as there never were any.
    pub(super) vouched: Option<u64>,
    pub(super) pace: Option<Pace>,
    pub(super) stage: FileStage,
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
    Busy { by: String, since: Instant },
    Fetching,
    Repairing,
    Verified { digest: FileDigest },
    Present,
    Sealed,
    Failed,
}

impl FileStory {
    pub(super) fn new(planned: &PlannedFile) -> Self {
        Self {
            path: planned.path.clone(),
            size: planned.size,
            proven: 0,
            vouched: None,
            pace: None,
            stage: FileStage::Planned,
            last_bytes: None,
            is_one_stream: false,
            dead_end: None,
        }
    }

    pub(super) fn on_begun(&mut self, proven: u64, now: Instant) {
        self.stage = FileStage::Fetching;
        self.proven = proven;
        self.vouched = None;
        self.pace = Some(Pace::new(now));
    }

    /// Says how many bytes were gained.
    pub(super) fn on_proven(&mut self, proven: u64, now: Instant) -> u64 {
        let gained = proven.saturating_sub(self.proven);
        self.proven = proven;
        if let Some(pace) = &mut self.pace {
            pace.on_gain(gained, now);
        }
        gained
    }

    /// Whether bytes came for it lately.
    pub(super) fn is_moving(&self, now: Instant) -> bool {
        self.last_bytes.is_some_and(|last| now.since(last) < STILL_MOVING)
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
        matches!(self, Self::Verified { .. } | Self::Present | Self::Sealed)
    }

    pub(super) const fn is_failed(&self) -> bool {
        matches!(self, Self::Failed)
    }

    pub(super) const fn is_under_way(&self) -> bool {
        matches!(self, Self::Fetching | Self::Repairing | Self::Verified { .. })
    }

    /// Whether it is the same stage, whenever it began.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Busy { by, .. }, Self::Busy { by: other, .. }) => by == other,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}

/// A file stays in sight for this long after its last byte.
const STILL_MOVING: Duration = Duration::from_secs(30);
