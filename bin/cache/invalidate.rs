//! Takes back what a journal says beyond what was found on the disk.
//!
//! Reads no file's content: the caller has, and says what of it is intact.

use engine::fault::DiskFault;
use engine::journal::{self, Begin};
use engine::ledger::Ledger;

use super::atomic_file;
use super::file_lock::FileLock;
use super::layout::Place;
use crate::disk::{Access, At, Disk, DiskFile, if_there};

/// Replaces the journal of `place` by one that knows only the ranges in `intact`: a finished file
/// is then no longer believed to be verified, and a part lacks what is damaged. Blocks.
pub fn doubt<D: Disk>(
    disk: &D,
    lock: &FileLock<D>,
    place: &Place,
    begin: &Begin,
    intact: &Ledger,
) -> Result<(), DiskFault> {
    lock.check()?;
    // The fifth rule of the journal's contract: the new one says that all of it is durable.
    if let Some(part) = if_there(disk.open(&place.part, Access::Write)).at(&place.part)? {
        part.sync_data().at(&place.part)?;
    }
    let bytes = journal::compact(begin, intact);
    atomic_file::replace(disk, &place.journal, &bytes, lock.nonce()).map(drop)
}
