//! What is done to the disk of a world, by itself or by others, and how much of it came to pass.
//!
//! Does none of it; that is the fault_injector's.

use std::sync::atomic::Ordering;

use engine::time::Instant;
use simnet::disk::trouble::TroubleId;

use super::{Stage, lock};
use crate::sometimes::Sometimes;

impl Stage {
    /// Whether the disk has only forgotten what it may forget.
    pub(crate) fn is_disk_honest(&self) -> bool {
        !self.has_rotted.load(Ordering::Relaxed)
    }

    /// The disk is about to report an error.
    pub(crate) fn on_disk_error(&self, trouble: TroubleId) {
        lock(&self.errors).push(trouble);
    }

    /// A file's next sync, or record, is about to fail.
    pub(crate) fn on_file_error(&self, trouble: TroubleId) {
        lock(&self.file_errors).push(trouble);
    }

    /// Notes whether one of those has come to pass.
    pub(crate) fn note_files_failed(&self) {
        let disk = self.computer.disk();
        if lock(&self.file_errors).iter().any(|trouble| disk.hits(*trouble) > 0) {
            self.witness().note(Sometimes::SyncOrRecordFailed);
        }
    }

    /// How many errors it has reported.
    pub(super) fn disk_errors(&self) -> u64 {
        lock(&self.errors).iter().map(|trouble| self.computer.disk().hits(*trouble)).sum()
    }

    /// The disk has changed what it holds.
    pub(crate) fn on_bit_rot(&self, now: Instant) {
        self.has_rotted.store(true, Ordering::Relaxed);
        self.witness().on_bit_rot(now);
    }

    /// Somebody else has taken away so many bytes, or spoilt them.
    pub(crate) fn on_tamper(&self, len: u64, now: Instant) {
        self.taken.fetch_add(len, Ordering::Relaxed);
        self.on_bit_rot(now);
        self.witness().note(Sometimes::Tampered);
    }

    /// How many bytes somebody else has taken away or spoilt.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}
