//! Finished files: which are there already, and how one comes to be there.
//!
//! Verifies no digest: what is sealed was verified by the caller, and what is found unverified is
//! for the caller to verify.
//!
//! # What a crash leaves, after each step of [`seal`]
//!
//! | after | on disk | the next run |
//! |---|---|---|
//! | nothing | part and journal | verifies again, seals |
//! | the part is synced | the same | the same |
//! | `Sealed` is appended, journal synced | the same, the journal vouches for the part | seals |
//! | the part is renamed | the file, its journal (or, after a power cut, as above) | finds it |
//! | the folder is synced | the same, for good | finds it, links it |
//! | the link (or, under `--local-dir`, the record) is there | all but the reference | the same |
//!
//! At no point is there anything under the final name but the whole file, verified and durable.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::fault::DiskFault;
use engine::hub::path::RepoPath;
use engine::hub::revision::{Commit, Revision};
use engine::journal::{self, Begin, Record};
use engine::ledger::Ledger;

pub use super::atomic_file::Settled;
use super::environment::destination;
use super::file_lock::FileLock;
use super::layout::{Place, PlaceKind, RepoFolder, folder_of};
use super::{atomic_file, obstacle, part};
use crate::disk::{Access, At, Disk, DiskFile, FileKind, Stat, if_there};

/// What is known of a finished file before anything is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is none.
    Nothing,
    /// It is there, was verified as a whole, and has not been touched since.
    Sealed {
        /// Where it is.
        path: PathBuf,
        /// Its length in bytes.
        len: u64,
        /// When it was verified, since 1970.
        verified: Duration,
    },
    /// Something is there that somebody else put there, or that was touched since.
    Unverified {
        /// Where it is.
        path: PathBuf,
        /// What it looks like. To be the same after it was read as before.
        stat: Stat,
    },
    /// Under `--local-dir`: what is there is, by its record, another version of the file.
    Other {
        /// Where it is.
        path: PathBuf,
    },
}

/// Looks for the finished file of `place`. Blocks.
pub fn find<D: Disk>(disk: &D, place: &Place, etag: &str) -> Result<Found, DiskFault> {
    let Some((path, stat)) = locate(disk, place)? else { return Ok(Found::Nothing) };
    let journal = part::read_journal(disk, &place.journal).at(&place.journal)?;
    if journal.is_some_and(|(replay, _)| part::is_sealed(&replay, &stat)) {
        // Its seal is the last that is written to a journal.
        let verified = disk.stat(&place.journal).at(&place.journal)?.modified;
        return Ok(Found::Sealed { path, len: stat.len, verified });
    }
    if let PlaceKind::LocalDir { metadata: Some(metadata), .. } = &place.kind {
        let record = read_metadata(disk, metadata)?;
        let is_other = |record: &LocalRecord| record.etag != etag && record.covers(&stat);
        if record.as_ref().is_some_and(is_other) {
            return Ok(Found::Other { path });
        }
    }
    Ok(Found::Unverified { path, stat })
}

/// Remembers that the finished file of `place`, which still looks like `stat`, was verified, so
/// that it need not be read again. Blocks. Not while there is a part: its journal is needed.
pub fn remember<D: Disk>(
    disk: &D,
    lock: &FileLock<D>,
    place: &Place,
    begin: &Begin,
    stat: &Stat,
) -> Result<(), DiskFault> {
    lock.check()?;
    let has_part = if_there(disk.stat(&place.part)).at(&place.part)?.is_some();
    let is_same = locate(disk, place)?.is_some_and(|(_, now)| now == *stat);
    if has_part || !is_same {
        return Ok(());
    }
    let mut bytes = journal::compact(begin, &Ledger::new(begin.size));
    Record::Sealed(part::sealed(stat)).encode(&mut bytes);
    atomic_file::replace(disk, &place.journal, &bytes, lock.nonce()).map(drop)
}

/// Creates the folders of a place, and what tells other tools to leave them alone. An error if
/// the file cannot come to stand there. Blocks. The `nonce` is one that no other process uses.
pub fn prepare<D: Disk>(
    disk: &D,
    place: &Place,
    nonce: &str,
    settled: &Settled,
) -> Result<(), DiskFault> {
    let mut paths = vec![&place.target];
    match &place.kind {
        PlaceKind::Cache { pointer, .. } => paths.push(pointer),
        PlaceKind::LocalDir { metadata, .. } => paths.extend(metadata),
    }
    let root = root_of(place);
    for path in [&place.part, &place.lock].into_iter().chain(paths.iter().copied()) {
        atomic_file::create_folder(disk, folder_of(path))?;
    }
    for path in paths {
        obstacle::check_file(disk, path, root, nonce)?;
    }
    atomic_file::settle_above(disk, &place.part, settled)?;
    match &place.kind {
        PlaceKind::Cache { .. } => tag(disk, root),
        PlaceKind::LocalDir { records, .. } => {
            tag(disk, records);
            let _ = disk.write_new(&records.join(".gitignore"), b"*");
        }
    }
    Ok(())
}

/// The folder below which all names are ours: of the cache, where `.locks` is beside the
/// repository, or that of `--local-dir`, which has the records in `.cache/huggingface`.
fn root_of(place: &Place) -> &Path {
    let root = match &place.kind {
        PlaceKind::Cache { .. } => place.lock.ancestors().nth(3),
        PlaceKind::LocalDir { records, .. } => records.ancestors().nth(2),
    };
    root.unwrap_or(Path::new(""))
}

/// Whether people who look where the file of `place` is shown find the one at `path`: by a link
/// that leads there, or as a copy. Blocks.
pub fn is_shown<D: Disk>(disk: &D, place: &Place, path: &Path) -> Result<bool, DiskFault> {
    let stat = |path: &Path| if_there(disk.stat(path)).at(path);
    let (Some(shown), Some(found)) = (stat(place.shown())?, stat(path)?) else { return Ok(false) };
    if shown.kind != FileKind::Symlink {
        return Ok(shown.len == found.len);
    }
    let Some(led) = destination(disk, place.shown())? else { return Ok(false) };
    let led_to = stat(&led)?;
    Ok(led == path || led_to.is_some_and(|it| it.id.is_some() && it.id == found.id))
}

/// Puts the verified part of `place` where it belongs. Blocks.
///
/// The caller has read the part as a whole and found the digest that its publisher gives, has
/// closed all that wrote to it, and writes to it no more. `journal_len` is how far the journal is
/// written. An error if the part has been written to since it was [marked](part::mark).
pub fn seal<D: Disk>(
    disk: &D,
    lock: &FileLock<D>,
    place: &Place,
    part: &D::File,
    journal: &D::File,
    journal_len: u64,
    marked: &Stat,
) -> Result<(), DiskFault> {
    lock.check()?;
    if if_there(disk.stat(&place.target)).at(&place.target)?.is_some() {
        // Perhaps it was put there meanwhile, by another name.
        obstacle::check_names(disk, &place.target, root_of(place))?;
    }
    part.sync_all().at(&place.part)?;
    let stat = part.stat().at(&place.part)?;
    check_mark(&stat, marked)?;
    let record = Record::Sealed(part::sealed(&stat)).to_bytes();
    journal.write_all_at(&record, journal_len).at(&place.journal)?;
    // What was reserved for more records is free again.
    journal.set_len(journal_len + record.len() as u64).at(&place.journal)?;
    journal.sync_data().at(&place.journal)?;
    // Once more, and that the part at this name is the one we wrote: others rename by name too.
    lock.check()?;
    part::check_name(disk, &place.part, part)?;
    check_mark(&part.stat().at(&place.part)?, marked)?;
    match disk.rename(&place.part, &place.target) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            copy_over(disk, lock, place, part, stat.len)?;
        }
        result => result.at(&place.target)?,
    }
    atomic_file::sync_folder(disk, &place.target)?;
    if place.part.parent() != place.target.parent() {
        atomic_file::sync_folder(disk, &place.part)?;
    }
    for leftover in [&place.orphan_journal, &place.orphan] {
        let _ = disk.remove_file(leftover);
    }
    Ok(())
}

/// An error if a part is not as it was when it was marked.
fn check_mark(stat: &Stat, marked: &Stat) -> Result<(), DiskFault> {
    let is_same = (stat.len, stat.modified) == (marked.len, marked.modified);
    if is_same { Ok(()) } else { Err(DiskFault::Touched) }
}

/// Makes the finished file of a cache place visible in its snapshot: by a relative link, or where
/// there are none by moving it there; where links are not wanted by a second name, or a copy.
/// Blocks.
pub fn point<D: Disk>(
    disk: &D,
    place: &Place,
    nonce: &str,
    use_links: bool,
) -> Result<(), DiskFault> {
    let PlaceKind::Cache { pointer, link } = &place.kind else { return Ok(()) };
    let there = if_there(disk.stat(pointer)).at(pointer)?;
    let Some(file) = if_there(disk.stat(&place.target)).at(&place.target)? else {
        // Without links, `hf` moves the only copy into the snapshot.
        return there.map(drop).ok_or_else(|| missing(&place.target));
    };
    if let Some(stat) = there {
        let is_link = stat.kind == FileKind::Symlink;
        if is_link && disk.read_link(pointer).at(pointer)? == *link
            || stat.id.is_some() && stat.id == file.id
        {
            return Ok(());
        }
    }
    atomic_file::create_folder(disk, folder_of(pointer))?;
    let has_link = atomic_file::replace_with_if(disk, pointer, nonce, |spare| {
        Ok(use_links && is_made(disk.symlink(link, spare))?
            || is_made(disk.hard_link(&place.target, spare))?)
    })?;
    if has_link {
        return Ok(());
    }
    // Where there are no links, no other snapshot leads to the blob: the file itself goes into
    // this one, as `hf` does it, and takes no room twice.
    if use_links {
        return move_into(disk, place, pointer);
    }
    let copied = atomic_file::replace_with(disk, pointer, nonce, |spare| {
        let source = disk.open(&place.target, Access::Read)?;
        copy(&source, &disk.open(spare, Access::CreateNew)?, file.len)
    });
    match copied {
        Err(DiskFault::Full) => move_into(disk, place, pointer),
        result => result,
    }
}

fn move_into<D: Disk>(disk: &D, place: &Place, pointer: &Path) -> Result<(), DiskFault> {
    disk.rename(&place.target, pointer).at(pointer)?;
    atomic_file::sync_folder(disk, pointer)?;
    atomic_file::sync_folder(disk, &place.target)
}

/// Whether a link was made; `false` where there are none.
fn is_made(result: io::Result<()>) -> io::Result<bool> {
    use io::ErrorKind::{PermissionDenied, Unsupported};
    match result {
        Ok(()) => Ok(true),
        Err(error)
            if matches!(error.kind(), PermissionDenied | Unsupported)
                || error.raw_os_error() == Some(NO_SYMLINK_PRIVILEGE) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Records which commit a branch or tag is at. Blocks. Writes only if that is news, because the
/// cache may be readable only.
pub fn write_ref<D: Disk>(
    disk: &D,
    repo: &RepoFolder,
    revision: &Revision,
    commit: &Commit,
    nonce: &str,
) -> Result<(), DiskFault> {
    if revision.as_str() == commit.as_str() {
        return Ok(());
    }
    let path = repo.reference(revision);
    let known = if_there(disk.read(&path, REF_MAX));
    if known.is_ok_and(|known| known.is_some_and(|known| known == commit.as_str().as_bytes())) {
        return Ok(());
    }
    atomic_file::create_folder(disk, folder_of(&path))?;
    atomic_file::replace(disk, &path, commit.as_str().as_bytes(), nonce).map(drop)
}

/// Records that a commit has no file of this path, so that `hf` need not ask. Blocks.
pub fn note_missing<D: Disk>(
    disk: &D,
    repo: &RepoFolder,
    commit: &Commit,
    path: &RepoPath,
) -> Result<(), DiskFault> {
    let path = repo.missing(commit, path);
    atomic_file::create_folder(disk, folder_of(&path))?;
    match disk.write_new(&path, b"") {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error).at(&path),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// What `hf` records of a file under `--local-dir`: three lines.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalRecord {
    /// The commit.
    pub commit: String,
    /// The ETag.
    pub etag: String,
    /// When this was true, in seconds since 1970.
    pub timestamp: f64,
}

impl LocalRecord {
    /// Whether the file has not changed since, by the rule of `hf`, which allows for a second.
    pub fn covers(&self, stat: &Stat) -> bool {
        stat.modified.as_secs_f64() - 1.0 <= self.timestamp
    }
}

/// The record of a file, if there is one that makes sense. Blocks.
pub fn read_metadata<D: Disk>(disk: &D, path: &Path) -> Result<Option<LocalRecord>, DiskFault> {
    let Some(bytes) = if_there(disk.read(path, METADATA_MAX)).at(path)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines().map(str::trim);
    let record = (|| {
        Some(LocalRecord {
            commit: lines.next()?.to_owned(),
            etag: lines.next()?.to_owned(),
            timestamp: lines.next()?.parse().ok()?,
        })
    })();
    Ok(record)
}

/// Writes the record of a finished file under `--local-dir`. Blocks. `wall` is the time since
/// 1970.
pub fn write_metadata<D: Disk>(
    disk: &D,
    place: &Place,
    commit: &Commit,
    etag: &str,
    wall: Duration,
    nonce: &str,
) -> Result<(), DiskFault> {
    let PlaceKind::LocalDir { metadata: Some(path), .. } = &place.kind else { return Ok(()) };
    // Not before the file itself, by whatever clock stamped that: `hf` would not believe it.
    let modified = disk.stat(&place.target).at(&place.target)?.modified;
    let timestamp = wall.max(modified);
    let (seconds, micros) = (timestamp.as_secs(), timestamp.subsec_micros());
    let text = format!("{}\n{etag}\n{seconds}.{micros:06}\n", commit.as_str());
    atomic_file::replace(disk, path, text.as_bytes(), nonce).map(drop)
}

/// Where the finished file of a place is, if it is anywhere.
fn locate<D: Disk>(disk: &D, place: &Place) -> Result<Option<(PathBuf, Stat)>, DiskFault> {
    let mut candidates = vec![&place.target];
    if let PlaceKind::Cache { pointer, .. } = &place.kind {
        // Without links, `hf` keeps the file itself in the snapshot.
        candidates.push(pointer);
    }
    for candidate in candidates {
        // `hf` may keep the blob in a store shared by all repositories, with a link to it here.
        let Some(path) = destination(disk, candidate)? else { continue };
        if let Some(stat) = if_there(disk.stat(&path)).at(&path)?
            && stat.kind == FileKind::File
        {
            return Ok(Some((path, stat)));
        }
    }
    Ok(None)
}

/// Brings a part to a folder that is on another filesystem.
fn copy_over<D: Disk>(
    disk: &D,
    lock: &FileLock<D>,
    place: &Place,
    part: &D::File,
    len: u64,
) -> Result<(), DiskFault> {
    atomic_file::replace_with(disk, &place.target, lock.nonce(), |spare| {
        copy(part, &disk.open(spare, Access::CreateNew)?, len)
    })?;
    disk.remove_file(&place.part).at(&place.part)
}

fn copy(from: &impl DiskFile, to: &impl DiskFile, len: u64) -> io::Result<()> {
    let mut buffer = vec![0; COPY_LEN];
    let mut at = 0;
    while at < len {
        let filled = from.read_full_at(&mut buffer, at)?;
        if filled == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        to.write_all_at(&buffer[..filled], at)?;
        at += filled as u64;
    }
    to.sync_data()
}

/// Marks a folder as a cache, for backup programs (<https://bford.info/cachedir/>). Not vital.
fn tag<D: Disk>(disk: &D, folder: &Path) {
    let _ = disk.write_new(&folder.join("CACHEDIR.TAG"), CACHEDIR_TAG.as_bytes());
}

fn missing(path: &Path) -> DiskFault {
    DiskFault::Io(format!("{}: is not there", path.display()))
}

const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # This file is a cache directory tag created by moshi-fetch.\n\
    # For information about cache directory tags, see https://bford.info/cachedir/\n";
/// What Windows says to a user who may not make symbolic links; no such number elsewhere.
const NO_SYMLINK_PRIVILEGE: i32 = 1314;
const REF_MAX: u64 = 4096;
const METADATA_MAX: u64 = 4096;
const COPY_LEN: usize = 1 << 20;

#[cfg(test)]
mod tests;
