//! What is in a cache or a local folder: snapshots, unfinished downloads, what other tools left.
//!
//! Changes nothing, and asks no hub.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::fault::DiskFault;
use engine::hub::path::{BlobName, RepoPath};
use engine::hub::repo::RepoKind;
use engine::hub::revision::{Commit, Revision};
use engine::hub::target::shown_text;
use engine::journal;

use super::environment::destination;
use super::file_lock::{self, Busy};
use super::layout::{LocalDir, Place, RepoFolder, folder_of};
use super::part;
use crate::disk::{At, Disk, FileKind, if_there};
use crate::process::Process;

/// The commit that a revision was at when it was last asked for. Blocks.
pub fn cached_commit<D: Disk>(
    disk: &D,
    repo: &RepoFolder,
    revision: &Revision,
) -> Result<Option<Commit>, DiskFault> {
    if let Some(commit) = revision.commit() {
        return Ok(Some(commit));
    }
    let path = repo.reference(revision);
    let content = if_there(disk.read(&path, REF_MAX)).at(&path)?;
    Ok(content.and_then(|content| String::from_utf8_lossy(&content).trim().parse().ok()))
}

/// A file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Its path in the repository.
    pub path: RepoPath,
    /// Where it is in the snapshot.
    pub pointer: PathBuf,
    /// The blob that the snapshot links to; `None` for a copy.
    pub blob: Option<BlobName>,
    /// Whether it leads to a file.
    pub is_there: bool,
}

/// The files of a commit that are in the cache, by path, with those whose link leads nowhere.
/// Blocks.
pub fn snapshot_files<D: Disk>(
    disk: &D,
    repo: &RepoFolder,
    commit: &Commit,
) -> Result<Vec<SnapshotFile>, DiskFault> {
    let root = repo.snapshot(commit);
    let mut files = Vec::new();
    for pointer in files_under(disk, &root)? {
        // What cannot be a file of a repository was not put there by one.
        let Some(path) = repo_path(&root, &pointer) else { continue };
        let target = destination(disk, &pointer)?;
        let stat = target.map_or(Ok(None), |target| if_there(disk.stat(&target)).at(&target))?;
        let is_there = stat.is_some();
        let link = disk.read_link(&pointer).ok();
        let name = link.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        let blob = name.and_then(|name| name.parse().ok());
        files.push(SnapshotFile { path, pointer, blob, is_there });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// A download that is under way, or was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The bytes so far.
    pub part: PathBuf,
    /// Where it comes from, as its journal says: `repo@commit/path`.
    pub source: Option<String>,
    /// Size of the finished file in bytes.
    pub size: u64,
    /// Bytes that are proven.
    pub proven_bytes: u64,
    /// Those of them that the publisher vouches for.
    pub vouched_bytes: u64,
    /// Bytes that will be read back and checked when it continues.
    pub claimed_bytes: u64,
    /// When its journal last grew, since 1970.
    pub last_activity: Duration,
    /// Who is writing it, as far as that can be seen.
    pub holder: Option<Busy>,
}

/// The unfinished downloads of a cache. Blocks.
pub fn unfinished_in_cache<D: Disk>(
    disk: &D,
    cache: &Path,
    process: &Process,
) -> Result<Vec<Unfinished>, DiskFault> {
    let mut found = Vec::new();
    for blobs in blob_folders(disk, cache)? {
        for name in list(disk, &blobs)? {
            found.extend(unfinished(disk, &blobs.join(name), process)?);
        }
    }
    Ok(found)
}

/// The folder of contents of each repository in a cache.
fn blob_folders<D: Disk>(disk: &D, cache: &Path) -> Result<Vec<PathBuf>, DiskFault> {
    let is_repo = |name: &std::ffi::OsString| {
        name.to_str().is_some_and(|name| {
            RepoKind::ALL.iter().any(|kind| name.starts_with(&format!("{}--", kind.plural())))
        })
    };
    let names = list(disk, cache)?.into_iter().filter(is_repo);
    Ok(names.map(|name| cache.join(name).join("blobs")).collect())
}

/// The unfinished downloads under a `--local-dir`. Blocks.
pub fn unfinished_in_local_dir<D: Disk>(
    disk: &D,
    local: &LocalDir,
    process: &Process,
) -> Result<Vec<Unfinished>, DiskFault> {
    let mut found = Vec::new();
    for path in files_under(disk, &local.records().join("download"))? {
        found.extend(unfinished(disk, &path, process)?);
    }
    Ok(found)
}

/// What other tools left unfinished in a cache: bytes that nobody will continue. Blocks.
pub fn leftovers_in_cache<D: Disk>(disk: &D, cache: &Path) -> Result<Vec<Leftover>, DiskFault> {
    let mut found = Vec::new();
    for blobs in blob_folders(disk, cache)? {
        for name in list(disk, &blobs)? {
            found.extend(leftover(disk, &blobs.join(name))?);
        }
    }
    Ok(found)
}

/// What other tools left unfinished under a `--local-dir`. Blocks.
pub fn leftovers_in_local_dir<D: Disk>(
    disk: &D,
    local: &LocalDir,
) -> Result<Vec<Leftover>, DiskFault> {
    let mut found = Vec::new();
    for path in files_under(disk, &local.records().join("download"))? {
        found.extend(leftover(disk, &path)?);
    }
    Ok(found)
}

/// What another tool left of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub len: u64,
    /// Bytes of the disk that it takes.
    pub allocated: u64,
    /// When it last changed, since 1970.
    pub modified: Duration,
}

fn leftover<D: Disk>(disk: &D, path: &Path) -> Result<Option<Leftover>, DiskFault> {
    if path.extension().is_none_or(|ending| ending != "incomplete") {
        return Ok(None);
    }
    let stat = if_there(disk.stat(path)).at(path)?;
    Ok(stat.filter(|stat| stat.kind == FileKind::File).map(|stat| Leftover {
        path: path.to_owned(),
        len: stat.len,
        allocated: stat.allocated,
        modified: stat.modified,
    }))
}

/// What other tools left of this file: their unfinished downloads, with their lengths. Blocks.
/// Nothing is known of what is in them.
pub fn leftovers<D: Disk>(disk: &D, place: &Place, etag: &str) -> Result<Vec<PathBuf>, DiskFault> {
    let folder = folder_of(&place.part);
    let mut found = Vec::new();
    for name in list(disk, folder)? {
        let is_leftover = name.to_str().is_some_and(|name| {
            // `hf` writes ETAG.incomplete, or ETAG.xxxxxxxx.incomplete, with a hash of the file's
            // name before that under `--local-dir`. Hashes of other names are other files, but
            // with the same content.
            name.ends_with(".incomplete") && name.split('.').any(|word| word == etag)
        });
        let path = folder.join(name);
        let is_file = |kind| kind == FileKind::File;
        if is_leftover && if_there(disk.stat(&path)).at(&path)?.is_some_and(|it| is_file(it.kind)) {
            found.push(path);
        }
    }
    Ok(found)
}

fn unfinished<D: Disk>(
    disk: &D,
    path: &Path,
    process: &Process,
) -> Result<Option<Unfinished>, DiskFault> {
    if path.extension().is_none_or(|ending| ending != "part") {
        return Ok(None);
    }
    let Some(part) = if_there(disk.stat(path)).at(path)? else { return Ok(None) };
    let journal = path.with_extension("journal");
    let replay = match part::read_journal(disk, &journal) {
        Ok(found) => found.map(|(replay, _)| replay),
        // One that cannot be read proves nothing; the rest of the list is worth showing.
        Err(_) => None,
    };
    let replay = replay.unwrap_or_else(|| journal::replay(b""));
    let stamp = disk.stat(&journal).map_or(part.modified, |stat| stat.modified);
    let size = replay.begin.as_ref().map_or(part.len, |begin| begin.size);
    let is_whole = part.len == size;
    let trusted = journal::settle(&replay, size, |_| false);
    let (proven_bytes, vouched_bytes) =
        if is_whole { (trusted.proven_bytes(), trusted.vouched().len()) } else { (0, 0) };
    let all_bytes = journal::settle(&replay, size, |_| true).proven_bytes();
    Ok(Some(Unfinished {
        part: path.to_owned(),
        source: replay.begin.map(|begin| shown_text(&begin.source)),
        size,
        proven_bytes,
        vouched_bytes,
        claimed_bytes: all_bytes.saturating_sub(proven_bytes),
        last_activity: stamp,
        holder: file_lock::holder(disk, &path.with_extension("owner"), process)?,
    }))
}

/// All files in a folder and the folders in it. Follows no link to a folder.
pub(super) fn files_under<D: Disk>(disk: &D, root: &Path) -> Result<Vec<PathBuf>, DiskFault> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for name in list(disk, &folder)? {
            let path = folder.join(name);
            match if_there(disk.stat(&path)).at(&path)?.map(|stat| stat.kind) {
                Some(FileKind::Folder) => folders.push(path),
                Some(FileKind::File | FileKind::Symlink) => files.push(path),
                Some(FileKind::Other) | None => {}
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The names in a folder; none if there is no such folder.
pub(super) fn list<D: Disk>(disk: &D, folder: &Path) -> Result<Vec<std::ffi::OsString>, DiskFault> {
    Ok(if_there(disk.list(folder)).at(folder)?.unwrap_or_default())
}

pub(super) fn repo_path(root: &Path, pointer: &Path) -> Option<RepoPath> {
    let relative = pointer.strip_prefix(root).ok()?;
    let segments: Option<Vec<_>> =
        relative.components().map(|part| part.as_os_str().to_str()).collect();
    segments?.join("/").parse().ok()
}

const REF_MAX: u64 = 4096;

#[cfg(test)]
mod tests;
