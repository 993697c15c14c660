//! What a cache or a local folder knows of a repository's files without asking the hub: which
//! there are, how long they are, what they must hash to.
//!
//! Reads names and records, none of the files' content.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::digest::FileDigest;
use engine::fault::DiskFault;
use engine::hub::path::{BlobName, RepoPath};
use engine::hub::repo::RepoId;
use engine::hub::revision::Commit;
use serde::Deserialize;

use super::inventory::{self, SnapshotFile};
use super::layout::{LocalDir, Place, RepoFolder};
use super::{part, store};
use crate::disk::{At, Disk, FileKind, if_there};

/// A file of a repository, as far as it is known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path in the repository.
    pub path: RepoPath,
    /// The commit that it belongs to.
    pub commit: Commit,
    /// Where people find it.
    pub shown: PathBuf,
    /// How much of it is here.
    pub stage: Stage,
    /// What it must be, if that is known.
    pub known: Option<Known>,
}

/// How much of a file is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It stands under its final name; whether it is right is another question.
    Finished,
    /// There is a part of it, or a link to what is not there.
    Begun,
    /// It is only known to exist in the repository.
    Listed,
}

/// What a file must be, and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What its publisher says it hashes to.
    pub digest: FileDigest,
    /// Its length in bytes, if that is written anywhere.
    pub size: Option<u64>,
    /// Its files on this disk.
    pub place: Place,
}

/// The files of a commit that the cache knows, by path. Blocks.
pub fn in_cache<D: Disk>(
    disk: &D,
    folder: &RepoFolder,
    repo: &RepoId,
    commit: &Commit,
) -> Result<Vec<Entry>, DiskFault> {
    let mut entries = BTreeMap::new();
    let tree = read_tree(disk, folder, commit)?;
    for (path, listed) in &tree {
        let known = known(disk, folder, commit, path, listed.digest, Some(listed.size))?;
        let shown = known.place.shown().to_owned();
        let (path, commit, stage) = (path.clone(), commit.clone(), Stage::Listed);
        let entry = Entry { path: path.clone(), commit, shown, stage, known: Some(known) };
        entries.insert(path, entry);
    }
    for (path, digest) in begun(disk, folder, repo, commit)? {
        let size = tree.get(&path).map(|listed| listed.size);
        let known = known(disk, folder, commit, &path, digest, size)?;
        let shown = known.place.shown().to_owned();
        let (commit, stage) = (commit.clone(), Stage::Begun);
        let entry = Entry { path: path.clone(), commit, shown, stage, known: Some(known) };
        entries.insert(path, entry);
    }
    for file in inventory::snapshot_files(disk, folder, commit)? {
        let listed = tree.get(&file.path);
        let digest = match listed {
            Some(listed) => Some(listed.digest),
            None => digest_of_pointer(disk, folder, &file)?,
        };
        let size = listed.map(|listed| listed.size);
        let known = digest
            .map(|digest| known(disk, folder, commit, &file.path, digest, size))
            .transpose()?;
        let (path, shown) = (file.path.clone(), file.pointer);
        let stage = if file.is_there { Stage::Finished } else { Stage::Begun };
        let entry = Entry { path, commit: commit.clone(), shown, stage, known };
        entries.insert(file.path, entry);
    }
    Ok(entries.into_values().collect())
}

/// The files that a local folder knows, by path. Blocks. Whether those that are finished come
/// from `repo` is not recorded there.
pub fn in_local_dir<D: Disk>(
    disk: &D,
    local: &LocalDir,
    repo: &RepoId,
) -> Result<Vec<Entry>, DiskFault> {
    let mut entries = BTreeMap::new();
    let root = local.records().join("download");
    for file in inventory::files_under(disk, &root)? {
        let found = match file.extension().and_then(|ending| ending.to_str()) {
            Some("metadata") => finished_locally(disk, local, &root, &file)?,
            Some("part") => begun_locally(disk, local, repo, &file)?,
            Some(_) | None => None,
        };
        let Some(entry) = found else { continue };
        // A part goes before the record of an earlier version.
        if entry.stage == Stage::Begun || !entries.contains_key(&entry.path) {
            entries.insert(entry.path.clone(), entry);
        }
    }
    Ok(entries.into_values().collect())
}

fn finished_locally<D: Disk>(
    disk: &D,
    local: &LocalDir,
    root: &Path,
    record: &Path,
) -> Result<Option<Entry>, DiskFault> {
    let Some(path) = inventory::repo_path(root, &record.with_extension("")) else {
        return Ok(None);
    };
    let Some(found) = store::read_metadata(disk, record)? else { return Ok(None) };
    let (Ok(digest), Ok(commit)) = (found.etag.parse(), found.commit.parse()) else {
        return Ok(None);
    };
    let Ok(blob) = found.etag.parse::<BlobName>() else { return Ok(None) };
    let place = local.place(&path, &blob);
    let stage = if is_file(disk, &place.target)? { Stage::Finished } else { Stage::Listed };
    let (shown, size) = (place.target.clone(), recorded_size(disk, &place)?);
    let known = Some(Known { digest, size, place });
    Ok(Some(Entry { path, commit, shown, stage, known }))
}

fn begun_locally<D: Disk>(
    disk: &D,
    local: &LocalDir,
    repo: &RepoId,
    part: &Path,
) -> Result<Option<Entry>, DiskFault> {
    let journal = part.with_extension("journal");
    let Some((replay, _)) = part::read_journal(disk, &journal).at(&journal)? else {
        return Ok(None);
    };
    let Some(begin) = replay.begin else { return Ok(None) };
    let Some(digest) = begin.digest else { return Ok(None) };
    let source = begin.source.strip_prefix(&format!("{repo}@"));
    let Some((commit, path)) = source.and_then(|rest| rest.split_once('/')) else {
        return Ok(None);
    };
    let (Ok(commit), Ok(path)) = (commit.parse(), path.parse::<RepoPath>()) else {
        return Ok(None);
    };
    let Ok(blob) = digest.hex().parse::<BlobName>() else { return Ok(None) };
    let place = local.place(&path, &blob);
    let (shown, size) = (place.target.clone(), Some(begin.size));
    let known = Some(Known { digest, size, place });
    Ok(Some(Entry { path, commit, shown, stage: Stage::Begun, known }))
}

/// The parts of a commit's files in the cache: their path, and what they must hash to.
fn begun<D: Disk>(
    disk: &D,
    folder: &RepoFolder,
    repo: &RepoId,
    commit: &Commit,
) -> Result<Vec<(RepoPath, FileDigest)>, DiskFault> {
    let blobs = folder.blobs();
    let source = format!("{repo}@{commit}/");
    let mut found = Vec::new();
    for name in inventory::list(disk, &blobs)? {
        let path = blobs.join(name);
        if path.extension().is_none_or(|ending| ending != "part") {
            continue;
        }
        let journal = path.with_extension("journal");
        let Ok(Some((replay, _))) = part::read_journal(disk, &journal) else { continue };
        let Some(begin) = replay.begin else { continue };
        let file = begin.source.strip_prefix(&source).and_then(|path| path.parse().ok());
        found.extend(file.zip(begin.digest));
    }
    Ok(found)
}

fn known<D: Disk>(
    disk: &D,
    folder: &RepoFolder,
    commit: &Commit,
    path: &RepoPath,
    digest: FileDigest,
    size: Option<u64>,
) -> Result<Known, DiskFault> {
    let blob = digest.hex().parse::<BlobName>();
    let blob = blob.map_err(|bad| DiskFault::Io(bad.to_string()))?;
    let place = folder.place(commit, path, &blob);
    let size = match size {
        Some(size) => Some(size),
        None => recorded_size(disk, &place)?,
    };
    Ok(Known { digest, size, place })
}

/// The length of the finished file, as its journal has it.
fn recorded_size<D: Disk>(disk: &D, place: &Place) -> Result<Option<u64>, DiskFault> {
    let found = part::read_journal(disk, &place.journal).at(&place.journal)?;
    Ok(found.and_then(|(replay, _)| replay.begin).map(|begin| begin.size))
}

/// What a snapshot's file must hash to, by the name of the blob that it is.
fn digest_of_pointer<D: Disk>(
    disk: &D,
    folder: &RepoFolder,
    file: &SnapshotFile,
) -> Result<Option<FileDigest>, DiskFault> {
    if let Some(blob) = &file.blob {
        return Ok(blob.as_str().parse().ok());
    }
    // Where there are no symbolic links, it may be another name of the blob.
    let Some(stat) = if_there(disk.stat(&file.pointer)).at(&file.pointer)? else {
        return Ok(None);
    };
    let blobs = folder.blobs();
    for name in inventory::list(disk, &blobs)? {
        let digest = name.to_str().and_then(|name| name.parse().ok());
        let other = if digest.is_some() { disk.stat(&blobs.join(&name)).ok() } else { None };
        if stat.id.is_some() && other.is_some_and(|other| other.id == stat.id) {
            return Ok(digest);
        }
    }
    Ok(None)
}

fn is_file<D: Disk>(disk: &D, path: &Path) -> Result<bool, DiskFault> {
    let stat = if_there(disk.stat(path)).at(path)?;
    Ok(stat.is_some_and(|stat| matches!(stat.kind, FileKind::File | FileKind::Symlink)))
}

/// What `hf` keeps of a commit's listing, in `trees/{commit}.json`.
#[derive(Debug, Deserialize)]
struct TreeFile {
    format_version: u64,
    files: BTreeMap<String, TreeEntry>,
}

#[derive(Debug, Deserialize)]
struct TreeEntry {
    size: u64,
    blob_id: String,
    lfs_sha256: Option<String>,
    lfs_size: Option<u64>,
}

/// A file of a listing.
#[derive(Clone, Copy, Debug)]
struct Listed {
    digest: FileDigest,
    size: u64,
}

/// The listing of a commit, if `hf` left one that makes sense.
fn read_tree<D: Disk>(
    disk: &D,
    folder: &RepoFolder,
    commit: &Commit,
) -> Result<BTreeMap<RepoPath, Listed>, DiskFault> {
    let path = folder.path().join("trees").join(format!("{commit}.json"));
    let Ok(Some(bytes)) = if_there(disk.read(&path, TREE_MAX)) else {
        return Ok(BTreeMap::new());
    };
    let tree = serde_json::from_slice::<TreeFile>(&bytes).ok();
    let Some(tree) = tree.filter(|tree| tree.format_version == TREE_VERSION) else {
        return Ok(BTreeMap::new());
    };
    let listed = tree.files.into_iter().filter_map(|(path, entry)| {
        let digest = entry.lfs_sha256.unwrap_or(entry.blob_id).parse().ok()?;
        Some((path.parse().ok()?, Listed { digest, size: entry.lfs_size.unwrap_or(entry.size) }))
    });
    Ok(listed.collect())
}

const TREE_VERSION: u64 = 1;
/// As long as an answer of the hub about files may be, in bytes.
const TREE_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests;
