//! Turns a finished file that is damaged back into a part, so that only the damage is fetched.
//!
//! Decides nothing: the caller has found its digest to be wrong.

use engine::fault::DiskFault;
use engine::journal::{self, Begin};
use engine::ledger::{Ledger, Proven};
use engine::range::ByteRange;

use super::file_lock::FileLock;
use super::layout::{Place, PlaceKind};
use super::{atomic_file, part};
use crate::disk::pieces::{is_intact, range_digest};
use crate::disk::{Access, At, Disk, DiskFile, FileKind, if_there};

/// Renames the finished file of `place` to its part, with a journal that says what is known of
/// it: the ranges that still are as they were recorded, or, where nothing was recorded, all of
/// them as they are now, for the file's own digest to doubt. Blocks.
pub fn reopen<D: Disk>(
    disk: &D,
    lock: &FileLock<D>,
    place: &Place,
    begin: &Begin,
) -> Result<(), DiskFault> {
    lock.check()?;
    let file = disk.open(&place.target, Access::Read).at(&place.target)?;
    let recorded = part::read_journal(disk, &place.journal).at(&place.journal)?;
    let mut ledger = Ledger::new(begin.size);
    if let Some((replay, _)) = recorded {
        for proven in replay.trusted.entries().chain(replay.unsynced.iter().copied()) {
            if is_intact(&file, proven) {
                ledger.prove(proven);
            }
        }
    }
    if ledger.proven().is_empty() {
        ledger = as_it_is(&file, begin.size).at(&place.target)?;
    }
    hide_second_name(disk, place, &file)?;
    // A journal without its part claims nothing, a part without its journal would be lost.
    let bytes = journal::compact(begin, &ledger);
    atomic_file::replace(disk, &place.journal, &bytes, lock.nonce())?;
    disk.rename(&place.target, &place.part).at(&place.target)?;
    atomic_file::sync_folder(disk, &place.part)
}

/// Where a snapshot holds a second name of the file instead of a link to it, readers would see
/// the part being written.
fn hide_second_name<D: Disk>(disk: &D, place: &Place, file: &D::File) -> Result<(), DiskFault> {
    let PlaceKind::Cache { pointer, .. } = &place.kind else { return Ok(()) };
    let shown = if_there(disk.stat(pointer)).at(pointer)?;
    let id = file.stat().at(&place.target)?.id;
    if shown.is_some_and(|shown| shown.kind == FileKind::File && (id.is_none() || shown.id == id)) {
        disk.remove_file(pointer).at(pointer)?;
    }
    Ok(())
}

/// The ranges of a file with the digests that they have now.
fn as_it_is(file: &impl DiskFile, size: u64) -> std::io::Result<Ledger> {
    let mut ledger = Ledger::new(size);
    let mut start = 0;
    while start < size {
        let range = ByteRange::new(start, (start + RANGE_BYTES).min(size));
        let digest = range_digest(file, range)?;
        ledger.prove(Proven { range, digest });
        start = range.end;
    }
    Ok(ledger)
}

const RANGE_BYTES: u64 = 8 << 20;
