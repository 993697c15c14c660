//! Small files and links that appear, or change, in one step.
//!
//! Says nothing about what is in them. A reader sees the old or the new, never a half.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use engine::fault::DiskFault;

use super::layout::folder_of;
use super::obstacle;
use crate::disk::{Access, At, Disk, DiskFile};

/// Makes `content` the content of the file at `path`: written elsewhere, synced, renamed, and the
/// name made durable. Returns the file, open for writing. The nonce is one that no other process
/// uses.
pub(super) fn replace<D: Disk>(
    disk: &D,
    path: &Path,
    content: &[u8],
    nonce: &str,
) -> Result<D::File, DiskFault> {
    replace_with_room(disk, path, content, nonce, 0)
}

/// The same, with room behind the content for so many bytes more.
pub(super) fn replace_with_room<D: Disk>(
    disk: &D,
    path: &Path,
    content: &[u8],
    nonce: &str,
    room: u64,
) -> Result<D::File, DiskFault> {
    let (spare, file) = with_spare(disk, path, nonce, |spare| disk.open(spare, Access::CreateNew))?;
    let reserved = if room > 0 { file.reserve(content.len() as u64 + room) } else { Ok(()) };
    let written = reserved
        .and_then(|()| file.write_all_at(content, 0))
        .and_then(|()| file.sync_data())
        .and_then(|()| disk.rename(&spare, path));
    if let Err(error) = written {
        let _ = disk.remove_file(&spare);
        return Err(error).at(path);
    }
    sync_folder(disk, path)?;
    Ok(file)
}

/// Makes what `create` creates at a spare path appear at `path`.
pub(super) fn replace_with<D: Disk>(
    disk: &D,
    path: &Path,
    nonce: &str,
    create: impl Fn(&Path) -> io::Result<()>,
) -> Result<(), DiskFault> {
    replace_with_if(disk, path, nonce, |spare| create(spare).map(|()| true)).map(drop)
}

/// The same, if `create` says that it has created something. Says whether it has.
pub(super) fn replace_with_if<D: Disk>(
    disk: &D,
    path: &Path,
    nonce: &str,
    create: impl Fn(&Path) -> io::Result<bool>,
) -> Result<bool, DiskFault> {
    let (spare, is_there) = with_spare(disk, path, nonce, create)?;
    if !is_there {
        return Ok(false);
    }
    if let Err(error) = disk.rename(&spare, path) {
        let _ = disk.remove_file(&spare);
        return Err(error).at(path);
    }
    // Renaming one name of a file over another name of it does nothing, and leaves both.
    let _ = disk.remove_file(&spare);
    sync_folder(disk, path)?;
    Ok(true)
}

/// Creates a folder and those above it, so that they are still there after a power cut.
pub(super) fn create_folder<D: Disk>(disk: &D, folder: &Path) -> Result<(), DiskFault> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    if let Some(kind) = obstacle::kind_of(disk, folder)? {
        return obstacle::is_folder(disk, folder, kind);
    }
    if let Some(above) = folder.parent() {
        create_folder(disk, above)?;
        settle_folder(disk, above)?;
    }
    match disk.create_dir_all(folder) {
        Err(error) if obstacle::is_about_the_name(&error) => {
            return Err(DiskFault::BadName(folder.display().to_string()));
        }
        result => result.at(folder)?,
    }
    sync_if_readable(disk, folder)
}

/// Makes the name of a folder durable in which nothing is yet: who created it may have died, or
/// failed, before they did that.
fn settle_folder<D: Disk>(disk: &D, folder: &Path) -> Result<(), DiskFault> {
    let is_empty = disk.list(folder).is_ok_and(|names| names.is_empty());
    if is_empty { sync_if_readable(disk, folder) } else { Ok(()) }
}

/// The folders whose names a fetch has made durable, so that it does so once, not for each file.
#[derive(Clone, Debug, Default)]
pub struct Settled(Arc<Mutex<BTreeSet<PathBuf>>>);

impl Settled {
    fn is_new(&self, folder: &Path) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(folder.to_owned())
    }
}

/// Makes the names of the folders above `path` durable, as far up as a download's own go: who
/// created them may have died before they did that.
pub(super) fn settle_above<D: Disk>(
    disk: &D,
    path: &Path,
    settled: &Settled,
) -> Result<(), DiskFault> {
    let own = path.ancestors().skip(1).take(OWN_FOLDERS);
    own.filter(|folder| folder.parent().is_some() && settled.is_new(folder))
        .try_for_each(|folder| sync_if_readable(disk, folder))
}

/// A folder may be writable but not readable, and then it cannot be opened to be synced.
fn sync_if_readable<D: Disk>(disk: &D, folder: &Path) -> Result<(), DiskFault> {
    match sync_folder(disk, folder) {
        Err(DiskFault::NotPermitted(_)) => Ok(()),
        result => result,
    }
}

/// Makes the name `path` durable.
pub(super) fn sync_folder<D: Disk>(disk: &D, path: &Path) -> Result<(), DiskFault> {
    let folder = folder_of(path);
    disk.sync_dir(folder).at(folder)
}

/// Creates something under a name in the same folder that nobody else uses.
fn with_spare<D: Disk, T>(
    disk: &D,
    path: &Path,
    nonce: &str,
    create: impl Fn(&Path) -> io::Result<T>,
) -> Result<(PathBuf, T), DiskFault> {
    let mut last = io::ErrorKind::AlreadyExists.into();
    for attempt in 0..SPARES_MAX {
        // Not made from the name of the file, which may be as long as a name can be.
        let spare = path.with_file_name(format!(".{nonce}.{attempt}.tmp"));
        match create(&spare) {
            Ok(created) => return Ok((spare, created)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => {
                let _ = disk.remove_file(&spare);
                return Err(error).at(path);
            }
        }
    }
    Err(last).at(path)
}

/// So many files in one folder are replaced by one process at the same time at most.
const SPARES_MAX: usize = 64;

/// `blobs`, the repository's folder, the cache.
const OWN_FOLDERS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::StdDisk;
    use crate::disk::failing::FailingDisk;

    #[test]
    fn the_old_or_the_new_whenever_it_dies() {
        for changes in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("main");
            replace(&StdDisk, &path, b"old", "n").unwrap();
            let disk = FailingDisk::dying_after(changes);
            let result = replace(&disk, &path, b"newer", "m");
            let content = std::fs::read(&path).unwrap();
            assert!(content == b"old" || content == b"newer", "{changes}: {content:?}");
            if result.is_ok() {
                assert_eq!(content, b"newer");
                assert_eq!(StdDisk.list(folder.path()).unwrap(), ["main"]);
                assert!(changes > 3);
                return;
            }
        }
    }

    #[test]
    fn leftovers_of_the_same_process_are_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("main");
        std::fs::write(folder.path().join(".n.0.tmp"), "left").unwrap();
        replace(&StdDisk, &path, b"new", "n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn folders_are_created_all_the_way_down() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        create_folder(&StdDisk, &deep).unwrap();
        create_folder(&StdDisk, &deep).unwrap();
        assert!(deep.is_dir());
        std::fs::write(deep.join("file"), "").unwrap();
        assert!(create_folder(&StdDisk, &deep.join("file/d")).is_err());
    }
}
