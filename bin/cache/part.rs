//! A part file and its journal, opened to be written on.
//!
//! Appends no records of a running transfer: that is the driver's business. Believes of an
//! earlier one only what the journal's [contract](engine::journal) lets it believe. How a part that
//! is being written is looked at stands in `written`, what is copied into one in `copied`.
//!
//! The journal is there before the part. So a part without a journal is one whose journal was
//! lost, or was renamed away because somebody may still write the part (see
//! [`file_lock`](super::file_lock)). Such a part is never written: it becomes the *orphan*, and
//! what a journal still says of an orphan is copied out of it, range by range, each checked.

mod copied;
mod written;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::fault::DiskFault;
use engine::journal::{self, Begin, Replay, Sealed};
use engine::ledger::Ledger;

use super::atomic_file;
use super::file_lock::{FileLock, isolate};
use super::layout::{Place, folder_of};
use super::obstacle::in_the_way;
use crate::disk::pieces::{is_intact, rewrite};
use crate::disk::{Access, At, Disk, DiskFile, FileKind, Stat, if_there};
pub use copied::fill;
use copied::salvage;
pub use written::{check_name, mark, safe_bytes};

/// A part file and its journal, ready to be written on.
pub struct OpenPart<D: Disk> {
    /// The bytes, as long as the finished file, with holes.
    pub part: Arc<D::File>,
    /// The records.
    pub journal: Arc<D::File>,
    /// Where the next record goes.
    pub journal_len: u64,
    /// How many of the records count for `Synced`.
    pub records: u64,
    /// What is proven.
    pub ledger: Ledger,
    /// The file was verified as a whole before, and only has to be put into place.
    pub is_verified: bool,
    /// A part of unknown content that is in nobody's way: bytes to be rescued, perhaps.
    pub orphan: Option<PathBuf>,
    /// Why what was there is not written on, if that is worth a word.
    pub aside: Option<Aside>,
}

/// Why a part is left as it is, and another one begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    /// It has other names, such as those that a backup by hard links gives it: what is written to
    /// it is written to all of them. What is proven of it is copied.
    HasOtherNames,
    /// It is a link to something elsewhere.
    IsALink,
}

/// Opens the part and the journal of `place`, continuing what is there if it is about `begin`.
///
/// Blocks for as long as it takes to read back what was not synced. The lock must be on `place`.
pub fn open<D: Disk>(
    disk: &D,
    lock: &FileLock<D>,
    place: &Place,
    begin: &Begin,
) -> Result<OpenPart<D>, DiskFault> {
    lock.check()?;
    let aside = set_aside(disk, place)?;
    let mut open = match resume(disk, lock, place, begin)? {
        Some(open) => open,
        None => start(disk, lock, place, begin)?,
    };
    open.aside = aside;
    if !open.ledger.is_complete() {
        if let Err(fault) = reserve(disk, place, &open) {
            if open.ledger.proven().is_empty() {
                discard(disk, place);
            }
            return Err(fault);
        }
        salvage(disk, place, begin, &mut open)?;
    }
    let orphan = if_there(disk.stat(&place.orphan)).at(&place.orphan)?;
    let is_file = orphan.is_some_and(|stat| stat.kind == FileKind::File);
    open.orphan = is_file.then(|| place.orphan.clone());
    Ok(open)
}

/// What a journal says of the file that it is about, if that is the one we mean, and how long it
/// is. A journal that lost its beginning is believed as far as its claims can be checked: it has
/// the right name. One that is no file, or longer than any of ours, says nothing.
pub(crate) fn read_journal<D: Disk>(disk: &D, path: &Path) -> io::Result<Option<(Replay, u64)>> {
    let stat = if_there(disk.stat(path))?;
    if stat.is_none_or(|stat| stat.kind != FileKind::File || stat.len > JOURNAL_MAX) {
        return Ok(None);
    }
    let Some(file) = if_there(disk.open(path, Access::Read))? else { return Ok(None) };
    let len = file.stat()?.len.min(JOURNAL_MAX);
    // Its writer may be appending to it.
    let read = |buffer: &mut [u8], at: u64| {
        let left = usize::try_from(len.saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        file.read_full_at(&mut buffer[..wanted], at)
    };
    Ok(Some((journal::replay_from(read)?, len)))
}

/// Whether a file that looks like `stat` is the one that was verified and recorded.
pub(super) fn is_sealed(replay: &Replay, stat: &Stat) -> bool {
    replay.sealed == Some(sealed(stat))
}

pub(super) fn sealed(stat: &Stat) -> Sealed {
    // 2^127 nanoseconds are longer than any clock goes.
    let modified_ns = i128::try_from(stat.modified.as_nanos()).unwrap_or(i128::MAX);
    Sealed { len: stat.len, modified_ns }
}

fn is_about(replay: &Replay, begin: &Begin) -> bool {
    let is_same = |it: &Begin| it.size == begin.size && it.digest == begin.digest;
    replay.begin.as_ref().is_none_or(is_same)
}

/// Puts a part aside that is not ours alone to write.
fn set_aside<D: Disk>(disk: &D, place: &Place) -> Result<Option<Aside>, DiskFault> {
    let Some(stat) = if_there(disk.stat(&place.part)).at(&place.part)? else { return Ok(None) };
    let target = if_there(disk.stat(&place.target)).at(&place.target)?;
    let is_finished = stat.id.is_some() && target.is_some_and(|target| target.id == stat.id);
    match stat.kind {
        // The finished file, by a name that a power cut brought back. It must not be written.
        FileKind::File if is_finished => {
            disk.remove_file(&place.part).at(&place.part)?;
            Ok(None)
        }
        FileKind::File if stat.links > 1 => {
            isolate(disk, place).at(&place.part)?;
            Ok(Some(Aside::HasOtherNames))
        }
        // Only the link goes; what it leads to is not ours.
        FileKind::Symlink => {
            disk.remove_file(&place.part).at(&place.part)?;
            Ok(Some(Aside::IsALink))
        }
        FileKind::File => Ok(None),
        FileKind::Folder | FileKind::Other => {
            Err(in_the_way(&place.part, "is in the way of a file"))
        }
    }
}

/// Continues an earlier part. `None` if there is none, or none that may be written.
fn resume<D: Disk>(
    disk: &D,
    lock: &FileLock<D>,
    place: &Place,
    begin: &Begin,
) -> Result<Option<OpenPart<D>>, DiskFault> {
    let Some(part) = if_there(disk.open(&place.part, Access::Write)).at(&place.part)? else {
        return Ok(None);
    };
    let stat = part.stat().at(&place.part)?;
    if stat.links > 1 {
        // Somebody has given it another name since it was looked at.
        isolate(disk, place).at(&place.part)?;
        return Ok(None);
    }
    let found = read_journal(disk, &place.journal).at(&place.journal)?;
    let Some((mut replay, len)) = found.filter(|(replay, _)| is_about(replay, begin)) else {
        // If there is an orphan's journal, it may well be that of this part: one who was renaming
        // both died after the first. Its claims are checked in any case.
        disk.rename(&place.part, &place.orphan).at(&place.part)?;
        return Ok(None);
    };
    let has_its_length = stat.len == begin.size;
    if !has_its_length {
        distrust(&mut replay, begin.size);
    }
    let ledger = journal::settle(&replay, begin.size, |proven| is_intact(&part, proven));
    let is_verified = has_its_length && is_sealed(&replay, &stat) && ledger.is_complete();
    if !has_its_length {
        part.set_len(begin.size).at(&place.part)?;
    }
    let shortest = journal::compact(begin, &ledger);
    let is_long = len > 2 * shortest.len() as u64 + JOURNAL_SLACK;
    let recorded = if_there(disk.stat(&place.journal)).at(&place.journal)?;
    let is_ours = recorded.is_some_and(|stat| stat.links == 1);
    let replaced = if replay.is_clean() && !is_long && is_ours {
        None
    } else {
        // Fifth rule of the journal's contract.
        for entry in ledger.entries().filter(|it| !replay.trusted.proven().contains(it.range)) {
            rewrite(&part, entry.range).at(&place.part)?;
        }
        part.sync_data().at(&place.part)?;
        match atomic_file::replace(disk, &place.journal, &shortest, lock.nonce()) {
            // One that is only long is as good.
            Err(DiskFault::Full | DiskFault::Quota | DiskFault::Inodes)
                if replay.is_clean() && is_ours =>
            {
                None
            }
            replaced => Some(replaced?),
        }
    };
    let (journal, journal_len, records) = if let Some(journal) = replaced {
        (journal, shortest.len() as u64, ledger.entries().count() as u64)
    } else {
        let journal = disk.open(&place.journal, Access::Write).at(&place.journal)?;
        (journal, len, replay.records)
    };
    let (part, journal) = (Arc::new(part), Arc::new(journal));
    let (orphan, aside) = (None, None);
    Ok(Some(OpenPart { part, journal, journal_len, records, ledger, is_verified, orphan, aside }))
}

/// Puts another journal of a file of `size` bytes in the place of the one that is there. The lock
/// must stand.
pub fn replace_journal<D: Disk>(
    disk: &D,
    lock: &FileLock<D>,
    place: &Place,
    content: &[u8],
    size: u64,
) -> Result<D::File, DiskFault> {
    lock.check()?;
    let room = journal::room(size);
    atomic_file::replace_with_room(disk, &place.journal, content, lock.nonce(), room)
}

/// Makes claims of all that was trusted: this part is not as the journal knows it.
fn distrust(replay: &mut Replay, size: u64) {
    let trusted = std::mem::replace(&mut replay.trusted, Ledger::new(size));
    let claims = std::mem::take(&mut replay.unsynced);
    replay.unsynced = trusted.entries().chain(claims).collect();
}

/// Begins a part that does not exist yet.
fn start<D: Disk>(
    disk: &D,
    lock: &FileLock<D>,
    place: &Place,
    begin: &Begin,
) -> Result<OpenPart<D>, DiskFault> {
    let ledger = Ledger::new(begin.size);
    let bytes = journal::compact(begin, &ledger);
    let journal = atomic_file::replace(disk, &place.journal, &bytes, lock.nonce())?;
    let part = disk.open(&place.part, Access::CreateNew).at(&place.part)?;
    if let Err(error) = part.set_len(begin.size) {
        discard(disk, place);
        return Err(error).at(&place.part);
    }
    atomic_file::sync_folder(disk, &place.part)?;
    Ok(OpenPart {
        part: Arc::new(part),
        journal: Arc::new(journal),
        journal_len: bytes.len() as u64,
        records: 0,
        ledger,
        is_verified: false,
        orphan: None,
        aside: None,
    })
}

/// Leaves nothing of a part that has no bytes yet, and will have none.
fn discard<D: Disk>(disk: &D, place: &Place) {
    // What cannot be removed is found, and begun anew, by the next one.
    let _ = disk.remove_file(&place.part);
    let _ = disk.remove_file(&place.journal);
}

/// How many bytes a part will still take of its filesystem. Blocks.
pub fn missing_bytes<D: Disk>(disk: &D, place: &Place, size: u64) -> Result<u64, DiskFault> {
    let Some(stat) = if_there(disk.stat(&place.part)).at(&place.part)? else { return Ok(size) };
    let recorded = read_journal(disk, &place.journal).at(&place.journal)?;
    let proven = recorded.map_or(0, |(replay, _)| replay.trusted.proven().len());
    Ok(missing(size, proven, stat.allocated))
}

/// Where blocks are compressed or shared, a part may be whole and yet take little space.
fn missing(size: u64, proven: u64, allocated: u64) -> u64 {
    size.saturating_sub(proven).min(size.saturating_sub(allocated))
}

/// Finds out now, not after hours, that the disk is too small.
fn reserve<D: Disk>(disk: &D, place: &Place, open: &OpenPart<D>) -> Result<(), DiskFault> {
    let size = open.ledger.size();
    let allocated = open.part.stat().at(&place.part)?.allocated;
    let needed = missing(size, open.ledger.proven_bytes(), allocated);
    // Asked first, because a filesystem may keep what it could allocate before it failed.
    let available = disk.available_space(folder_of(&place.part));
    if available.is_ok_and(|available| available < needed) {
        return Err(DiskFault::Full);
    }
    open.part.reserve(size).at(&place.part)?;
    if let Err(error) = open.journal.reserve(open.journal_len + journal::room(size)) {
        // On a disk that is nearly full what there is may do.
        tracing::warn!(%error, "there is no room for a journal as long as it may become");
    }
    Ok(())
}

/// A longer journal is none, in bytes. One is replaced when it is twice as long as it need be,
/// which is an eighth of this for as many ranges as are kept.
const JOURNAL_MAX: u64 = 256 << 20;
/// Below this, a journal is not worth shortening.
const JOURNAL_SLACK: u64 = 64 << 10;

#[cfg(test)]
mod tests;
