//! One file of a transfer: what is proven, what is being asked for, how far its digest has come.
//!
//! Queues nothing; the conductor does.

use std::collections::{BTreeMap, BTreeSet};

use super::chunks::Xet;
use crate::action::TaskId;
use crate::action::{CHECKPOINT_BYTES, RequestId};
use crate::config::Config;
use crate::digest::FileDigest;
use crate::ledger::Ledger;
use crate::manifest::FileSpec;
use crate::policy::lease::Lease;
use crate::policy::protocol::Choice;
use crate::policy::repair::Repair;
use crate::policy::retry::{Backoff, CHANGES_MAX, Row};
use crate::range::ByteRange;
use crate::range_set::RangeSet;
use crate::time::Instant;
use url::Url;

/// What an earlier run left on the disk, as replay found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// The proven ranges.
    pub ledger: Ledger,
    /// How many records the journal holds.
    pub records: u64,
}

/// One file of a transfer.
#[derive(Debug)]
pub(super) struct File {
    pub(super) spec: FileSpec,
    pub(super) ledger: Ledger,
    /// What open requests may still write.
    pub(super) reserved: RangeSet,
    pub(super) lease: Lease<Url>,
    /// Which way its bytes are asked for.
    pub(super) choice: Choice,
    /// What its chunks prove, if it is in content-addressed storage.
    pub(super) xet: Option<Xet>,
    pub(super) backoff: Backoff,
    /// The ETag that every answer of a host must carry.
    pub(super) validators: BTreeMap<String, String>,
    /// How often an answer carried another one, or the range was not there.
    pub(super) changes: u32,
    /// Whether the storage has called the file by its name in content-addressed storage.
    pub(super) is_named: bool,
    /// Faults in a row of those who send its bytes, and of the hub.
    pub(super) row: Row,
    pub(super) hub_row: Row,
    /// Whether no answer to a range is of use, so that the whole file is asked for.
    pub(super) wants_whole: bool,
    /// How many answers in a row have ignored the range.
    pub(super) ignored: u32,
    /// The request that brings the whole file, where the server ignores ranges.
    pub(super) stream: Option<RequestId>,
    pub(super) stage: Stage,

    /// Records in the journal, those of them that are durable, and those that must be before
    /// anything more is asked for.
    pub(super) records: u64,
    pub(super) synced: u64,
    pub(super) barrier: u64,
    pub(super) dirty_since: Option<Instant>,
    pub(super) syncing: Option<TaskId>,

    /// The running digest covers `0..hashed`.
    pub(super) hashed: u64,
    pub(super) hashing: Option<TaskId>,
    /// What all of it hashes to.
    pub(super) found: Found,
    pub(super) last_look: LastLook,
    /// How often the disk did not hold what was recorded.
    pub(super) damages: u32,
    /// Ranges whose requests saw faults: first to be doubted when the digest is wrong.
    pub(super) suspect: RangeSet,
    pub(super) repair: Option<Repair>,
    chunks_told: BTreeSet<u64>,
}

/// How far a file has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Bytes are missing, or the digest is not known yet.
    Fetching,
    /// The digest is wrong: the disk is compared with its records.
    Checking,
    /// The digest is wrong and the disk is innocent: whoever may know is asked where the damage is.
    Searching,
    /// The digest is right: the file is being put in place.
    Sealing,
    /// It is in place.
    Sealed,
    /// It cannot be had.
    Failed,
}

/// What the whole file hashes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// That is not known yet.
    Unknown,
    /// This, which has still to be judged.
    Digest(FileDigest),
    /// Not what its publisher says.
    Wrong,
}

/// How far the last look at a complete part has come: whether it still holds what the digest was
/// fed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastLook {
    /// It has not begun.
    Due,
    /// The part is being marked.
    Marking(TaskId),
    /// What was hashed before that is being compared with its records.
    Checking(TaskId),
    /// Nothing has changed.
    Done,
}

impl Stage {
    /// Whether nothing more will happen to the file.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Sealed | Self::Failed)
    }
}

impl File {
    pub(super) fn new(
        spec: FileSpec,
        resumed: Option<Resumed>,
        config: &Config,
        now: Instant,
    ) -> Self {
        let (ledger, records) = match resumed {
            Some(Resumed { ledger, records }) => (ledger, records),
            None => (Ledger::new(spec.size), 0),
        };
        let mut lease = Lease::default();
        if let Some(location) = &spec.location {
            lease.on_given(location.url.clone(), location.ttl, now);
        }
        let xet = spec.xet.filter(|_| config.use_xet);
        let mut file = Self {
            lease,
            choice: Choice::new(xet.is_some()),
            xet: xet.map(|hash| Xet::new(hash, spec.size)),
            spec,
            reserved: RangeSet::default(),
            backoff: Backoff::new(config.backoff_max),
            validators: BTreeMap::new(),
            changes: 0,
            is_named: false,
            row: Row::default(),
            hub_row: Row::default(),
            wants_whole: false,
            ignored: 0,
            stream: None,
            stage: Stage::Fetching,
            records,
            synced: 0,
            barrier: 0,
            // What replay had to read again is true, but not known to be durable.
            dirty_since: (records > 0).then_some(now),
            syncing: None,
            hashed: 0,
            hashing: None,
            found: Found::Unknown,
            last_look: LastLook::Due,
            damages: 0,
            suspect: RangeSet::default(),
            repair: None,
            chunks_told: BTreeSet::new(),
            ledger,
        };
        let whole = ByteRange::new(0, file.spec.size);
        file.chunks_in(whole, config.chunk_bytes);
        file
    }

    /// Whether a revocation still has to become durable before its range may be written again.
    pub(super) const fn is_barred(&self) -> bool {
        self.synced < self.barrier
    }

    /// Whether answers of other ETags than the first are doubted. Where the hub insists that the
    /// file is the same, or they keep changing, edges disagree about ETags, and the file's digest
    /// alone is the judge.
    pub(super) const fn pins_validator(&self) -> bool {
        self.changes < CHANGES_MAX
    }

    /// Nothing more is to be learnt from ETags.
    pub(super) fn unpin_validator(&mut self) {
        self.changes = CHANGES_MAX;
        self.validators.clear();
    }

    /// What is not proven.
    pub(super) fn missing(&self) -> RangeSet {
        self.ledger.missing().collect()
    }

    /// The end of the proven run at the front of the file.
    pub(super) fn frontier(&self) -> u64 {
        self.ledger.proven().covering_end(0).unwrap_or(0)
    }

    /// What stands at `at` may be other bytes from now on: the digest goes back to before.
    pub(super) fn rewind(&mut self, at: u64) {
        if at < self.hashed {
            self.hashed = at / CHECKPOINT_BYTES * CHECKPOINT_BYTES;
            if let Some(xet) = &mut self.xet {
                xet.rewind(self.hashed);
            }
        }
        self.found = Found::Unknown;
        self.last_look = LastLook::Due;
    }

    /// The chunks that `range` has completed, each told once.
    pub(super) fn chunks_in(
        &mut self,
        range: ByteRange,
        chunk_bytes: u64,
    ) -> Vec<(u64, ByteRange)> {
        let mut complete = Vec::new();
        if range.is_empty() {
            return complete;
        }
        for index in range.start / chunk_bytes..=(range.end - 1) / chunk_bytes {
            let start = index * chunk_bytes;
            let chunk = ByteRange::new(start, (start + chunk_bytes).min(self.spec.size));
            if self.ledger.proven().contains(chunk) && self.chunks_told.insert(index) {
                complete.push((index, chunk));
            }
        }
        complete
    }

    /// Drops what is left of a failed file.
    pub(super) fn on_failed(&mut self) {
        self.stage = Stage::Failed;
        self.repair = None;
    }
}
