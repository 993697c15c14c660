//! From a digest to a file in place: the last look at the disk, and the seal; and what follows
//! when the disk fails.
//!
//! The running digest reads each byte once, soon after it came; until the last one comes hours may
//! pass, in which a bad disk, or somebody else, can change what was read. So when nothing of ours
//! writes to the part any more it is marked, what was hashed before that is compared with its
//! records, and the mark must still be there when the part is put in place.

use super::file::{LastLook, Stage};
use super::{TaskKind, Transfer, Why};
use crate::action::{Action, Answer, TaskId};
use crate::digest::FileDigest;
use crate::event::{End, Event, Origin};
use crate::fault::{DiskFault, Fault};
use crate::ledger::Proven;
use crate::manifest::FileId;
use crate::policy::retry::DAMAGES_MAX;
use crate::range::ByteRange;

impl Transfer {
    /// Begins the last look at a complete part, if it has not begun. Says whether the running
    /// digest has to wait: what it reads after the mark need not be looked at again.
    pub(super) fn begin_last_look(&mut self, id: FileId) -> bool {
        let Some(file) = self.files.get_mut(&id) else { return false };
        match file.last_look {
            LastLook::Marking(_) => true,
            LastLook::Checking(_) | LastLook::Done => false,
            LastLook::Due => {
                let task_id = self.task(id, TaskKind::Mark);
                if let Some(file) = self.files.get_mut(&id) {
                    file.last_look = LastLook::Marking(task_id);
                }
                self.out.act(Action::Mark { task_id, file: id });
                true
            }
        }
    }

    pub(super) fn on_marked(&mut self, id: FileId, task_id: TaskId) {
        let Some(file) = self.files.get_mut(&id) else { return };
        // What was revoked meanwhile is looked at again when it is back.
        if file.last_look != LastLook::Marking(task_id) {
            return;
        }
        file.last_look = LastLook::Done;
        let hashed = file.hashed;
        if hashed > 0 {
            self.check(id, hashed, Why::LastLook);
        }
    }

    /// The digest is known: if nothing has changed since it was fed, the file is what it says. Says
    /// whether there may be another step at once.
    pub(super) fn conclude(&mut self, id: FileId, found: FileDigest) -> bool {
        if self.begin_last_look(id) {
            return false;
        }
        let Some(file) = self.files.get_mut(&id) else { return false };
        if file.last_look != LastLook::Done {
            return false;
        }
        if found != file.spec.digest {
            self.on_mismatch(id, found);
            return true;
        }
        file.stage = Stage::Sealing;
        self.out.tell(Event::Verified { file: id, digest: found });
        let task_id = self.task(id, TaskKind::Seal);
        self.out.act(Action::Seal { task_id, file: id });
        false
    }

    pub(super) fn on_sealed(&mut self, id: FileId) {
        let Some(file) = self.files.get_mut(&id) else { return };
        file.stage = Stage::Sealed;
        file.dirty_since = None;
        self.out.tell(Event::Sealed { file: id });
    }

    /// Compares what is recorded of the first `end` bytes with what the disk holds.
    pub(super) fn check(&mut self, id: FileId, end: u64, why: Why) {
        let Some(file) = self.files.get(&id) else { return };
        let entries: Vec<Proven> = file.ledger.intersecting(ByteRange::new(0, end)).collect();
        let task_id = self.task(id, TaskKind::Check { why });
        if let Some(file) = self.files.get_mut(&id) {
            match why {
                Why::LastLook => file.last_look = LastLook::Checking(task_id),
                Why::Unread => file.hashing = Some(task_id),
                Why::Mismatch => file.stage = Stage::Checking,
            }
        }
        self.out.act(Action::Check { task_id, file: id, entries });
    }

    pub(super) fn on_checked(&mut self, id: FileId, task_id: TaskId, why: Why, answer: &Answer) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let Answer::Checked { damaged } = answer else { return };
        match why {
            Why::LastLook if file.last_look != LastLook::Checking(task_id) => return,
            Why::LastLook if damaged.is_empty() => file.last_look = LastLook::Done,
            Why::LastLook => {}
            Why::Unread => file.hashing = None,
            Why::Mismatch if damaged.is_empty() => return self.investigate(id),
            Why::Mismatch => file.stage = Stage::Fetching,
        }
        if damaged.is_empty() || self.is_damage_hopeless(id, None) {
            return;
        }
        for range in damaged.clone() {
            let origin = Origin::Disk;
            self.out.tell(Event::Repaired { file: id, range, origin });
            self.revoke(id, range);
        }
    }

    /// Counts one more time that the disk did not hold what was written. When that has happened too
    /// often the file is given up.
    fn is_damage_hopeless(&mut self, id: FileId, fault: Option<Fault>) -> bool {
        let Some(file) = self.files.get_mut(&id) else { return true };
        file.damages += 1;
        if file.damages <= DAMAGES_MAX {
            return false;
        }
        let words = || "it keeps returning other bytes than were written".to_owned();
        self.fail(id, fault.unwrap_or_else(|| Fault::Disk(DiskFault::Io(words()))));
        true
    }

    /// A piece of work on the disk has failed.
    pub(super) fn on_disk_failed(&mut self, id: FileId, kind: &TaskKind, fault: Fault) {
        let Some(file) = self.files.get_mut(&id) else { return };
        match kind {
            TaskKind::Sync { .. } => {
                file.syncing = None;
                // What could not be made durable is not tried again: its next sync would lie.
                file.dirty_since = None;
                self.on_disk_fault(id, fault);
            }
            TaskKind::Hash { .. } => {
                // A bad sector, or a part that was cut: what can be read is kept.
                let hashed = file.hashed;
                file.hashing = None;
                file.rewind(hashed.saturating_sub(1));
                if !self.is_damage_hopeless(id, Some(fault)) {
                    self.check(id, u64::MAX, Why::Unread);
                }
            }
            TaskKind::Seal if fault == Fault::Disk(DiskFault::Touched) => {
                file.stage = Stage::Fetching;
                file.last_look = LastLook::Due;
                self.is_damage_hopeless(id, Some(fault));
            }
            TaskKind::Check { .. } | TaskKind::Mark | TaskKind::Seal => {
                self.on_disk_fault(id, fault);
            }
            TaskKind::Locate
            | TaskKind::Authorize
            | TaskKind::Describe { .. }
            | TaskKind::Name { .. } => debug_assert!(false, "{kind:?} is no work on the disk"),
        }
    }

    /// The disk has failed for one file, or for all.
    pub(super) fn on_disk_fault(&mut self, id: FileId, fault: Fault) {
        if matches!(&fault, Fault::Disk(fault) if fault.is_of_one_file()) {
            return self.fail(id, fault);
        }
        self.ending.last_fault = Some(fault.clone());
        self.end(End::Disk(fault));
    }
}
