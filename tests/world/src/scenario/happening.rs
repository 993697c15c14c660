//! What can happen to a world, each at its time.
//!
//! Makes nothing happen.

use engine::time::{Duration, Instant};

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Since the start.
    pub at: Duration,
    /// What.
    pub what: Happening,
}

/// What can happen to a world, apart from what the link and the hub do by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The process is killed when it has used the disk so many times more, and started again.
    Kill {
        /// Operations from now on; 0 is at once.
        after_ops: u32,
        /// How long it stays dead.
        down: Duration,
    },
    /// The power fails when the disk has been used so many times more.
    PowerCut {
        /// Operations from now on; 0 is at once.
        after_ops: u32,
        /// How long it is dark.
        down: Duration,
    },
    /// Nothing passes in either direction; what was sent arrives afterwards.
    Outage {
        /// How long.
        lasting: Duration,
    },
    /// Connections that are open now never carry a byte again; new ones do.
    HalfOpen,
    /// Names are not resolved.
    NoNames {
        /// How long.
        lasting: Duration,
    },
    /// The hub's machine crashes; its memory is gone.
    HubCrash {
        /// How long it is away.
        down: Duration,
    },
    /// The disk reports an error for one of the next operations.
    DiskError {
        /// How many operations from now on.
        after_ops: u32,
    },
    /// The next sync of the unfinished file fails, and what it should have written may never be.
    SyncError,
    /// The next record of the unfinished file cannot be appended.
    JournalError,
    /// A bit of the unfinished file changes on the disk.
    BitRot {
        /// Where in the file, in parts of a thousand of its length.
        permille: u16,
    },
    /// Somebody else edits the unfinished file.
    Tamper {
        /// How.
        how: Tamper,
        /// Where in the file, in parts of a thousand of its length.
        permille: u16,
    },
    /// So many bytes of the next write go down, and then it fails.
    ShortWrite {
        /// How many operations from now on.
        after_ops: u32,
    },
    /// The disk has no room for the next record of the unfinished file.
    JournalFull,
    /// The first machine sleeps: its programs use no disk.
    Suspend {
        /// How long.
        lasting: Duration,
    },
    /// Somebody sets the clock that dates are told by.
    ClockJump {
        /// By so many seconds.
        seconds: i32,
    },
    /// Names are resolved late.
    SlowNames {
        /// How much later each.
        by: Duration,
        /// For how long.
        lasting: Duration,
    },
    /// Nobody who dials the storage is answered, while all others are.
    Dark {
        /// How long.
        lasting: Duration,
    },
    /// The user stops it, and starts it again later.
    Cancel {
        /// How much later.
        pause: Duration,
    },
}

/// What others may do to a file that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// Set up to 300 KB of it to zero.
    Zero,
    /// Cut it off there.
    Truncate,
    /// Remove it.
    Remove,
}

impl Step {
    /// From when on it is felt.
    pub(crate) fn start(&self) -> Instant {
        Instant::at(self.at)
    }

    /// Whether it makes any part of the network unreachable, or the program deaf, in that time or
    /// so shortly before.
    pub(crate) fn is_disconnection(&self, after: Duration, from: Instant, to: Instant) -> bool {
        let lasting = match self.what {
            Happening::Outage { lasting }
            | Happening::NoNames { lasting }
            | Happening::SlowNames { lasting, .. }
            | Happening::Dark { lasting }
            | Happening::Suspend { lasting } => lasting,
            Happening::HubCrash { down } => down,
            Happening::Kill { .. }
            | Happening::PowerCut { .. }
            | Happening::HalfOpen
            | Happening::DiskError { .. }
            | Happening::SyncError
            | Happening::JournalError
            | Happening::BitRot { .. }
            | Happening::Tamper { .. }
            | Happening::ShortWrite { .. }
            | Happening::JournalFull
            | Happening::ClockJump { .. }
            | Happening::Cancel { .. } => return false,
        };
        self.start() < to && self.start() + lasting + after > from
    }

    /// When nothing passes because of it.
    pub(crate) fn outage(&self) -> Option<Duration> {
        if let Happening::Outage { lasting } = self.what { Some(lasting) } else { None }
    }
}

impl Happening {
    /// Whether the disk does what it should not.
    pub(crate) const fn is_of_disk(self) -> bool {
        matches!(
            self,
            Self::DiskError { .. }
                | Self::SyncError
                | Self::JournalError
                | Self::BitRot { .. }
                | Self::Tamper { .. }
                | Self::ShortWrite { .. }
                | Self::JournalFull
        )
    }
}
