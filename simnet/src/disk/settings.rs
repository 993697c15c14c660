//! What kind of disk it is.
//!
//! Not what goes wrong on it; that is a [`Trouble`](super::trouble::Trouble).

use std::time::Duration;

/// How a disk behaves, also while all is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes written as one or not at all when the power fails: 512, or 4096.
    pub sector_len: usize,
    /// Bytes that fit on it; `None` if nothing ever fills it.
    pub capacity: Option<u64>,
    /// What its advisory locks are worth.
    pub locks: Locks,
    /// Whether it has links, hard and symbolic.
    pub has_links: bool,
    /// Whether only one kernel can have it mounted.
    pub is_local: bool,
    /// Whether a file moved to another folder cannot vanish from both, as on a filesystem with a
    /// journal. A bare one may lose it, as POSIX permits.
    pub are_moves_ordered: bool,
    /// After how long the system makes durable by itself what nobody synced; `None` for never.
    /// Linux takes about half a minute.
    pub write_back_after: Option<Duration>,
    /// How long each sync takes. The disk itself does not wait: whoever asks it should.
    pub sync_latency: Duration,
}

/// What advisory locks are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locks {
    /// One open file at a time has it.
    Honest,
    /// Everyone gets it, as on some network filesystems.
    Lying,
    /// There are none.
    Absent,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sector_len: 512,
            capacity: None,
            locks: Locks::Honest,
            has_links: true,
            is_local: true,
            are_moves_ordered: true,
            write_back_after: None,
            sync_latency: Duration::ZERO,
        }
    }
}
