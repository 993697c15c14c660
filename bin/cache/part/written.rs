//! Looking at a part that somebody writes: whether it is still there, who else touches it, and what
//! of it a reader would find.
//!
//! Writes nothing but a mark.

use std::io;
use std::path::Path;
use std::time::Duration;

use engine::fault::DiskFault;
use engine::journal::{self, Begin};

use super::{distrust, is_about, read_journal};
use crate::cache::layout::Place;
use crate::disk::pieces::is_intact;
use crate::disk::{At, Disk, DiskFile, Stat, if_there};

/// An error unless `file` is still what is at `path`. Blocks.
pub fn check_name<D: Disk>(disk: &D, path: &Path, file: &D::File) -> Result<(), DiskFault> {
    let there = if_there(disk.stat(path)).at(path)?;
    let what = match there {
        Some(there) if there.id == file.stat().at(path)?.id => return Ok(()),
        Some(_) => "was replaced",
        None => "was removed",
    };
    let path = path.display();
    Err(DiskFault::Gone(format!("{path}: {what} by somebody else while it was being written")))
}

/// Marks a part of `size` bytes that nothing of ours writes to any more, so that whoever else does
/// so is noticed: it gets a time of its own, in the past, which the next write would replace. And
/// its length, if somebody has changed that; what is missing then is found when it is read.
///
/// # Errors
///
/// When it cannot be looked at.
pub fn mark(part: &impl DiskFile, size: u64) -> io::Result<Stat> {
    if part.stat()?.len != size {
        part.set_len(size)?;
    }
    let written = part.stat()?.modified;
    if let Err(error) = part.set_modified(written.saturating_sub(MARK_BEFORE)) {
        // The part may be another user's. Then its time is a mark only as fine as that is.
        tracing::debug!(%error, "the part could not be marked");
    }
    // As the filesystem keeps it, which may be rounded.
    part.stat()
}

/// What a reader who comes now would find recorded and true of `place`, in bytes, if that is still
/// `part`. Changes nothing. Blocks.
pub fn safe_bytes<D: Disk>(
    disk: &D,
    place: &Place,
    begin: &Begin,
    part: &D::File,
) -> Result<u64, DiskFault> {
    let Some(there) = if_there(disk.stat(&place.part)).at(&place.part)? else { return Ok(0) };
    let stat = part.stat().at(&place.part)?;
    let found = read_journal(disk, &place.journal).at(&place.journal)?;
    let Some((mut replay, _)) = found.filter(|(replay, _)| is_about(replay, begin)) else {
        return Ok(0);
    };
    if there.id != stat.id {
        return Ok(0);
    }
    if stat.len != begin.size {
        distrust(&mut replay, begin.size);
    }
    let ledger = journal::settle(&replay, begin.size, |proven| is_intact(part, proven));
    Ok(ledger.proven_bytes())
}

/// More than any filesystem rounds a time by: 2 s are FAT's.
const MARK_BEFORE: Duration = Duration::from_secs(3);
