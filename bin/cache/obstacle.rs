//! What is in the way of a file or a folder, found out before a byte is fetched.
//!
//! Creates nothing that stays, and removes nothing of others.

use std::io;
use std::path::Path;

use engine::fault::DiskFault;

use super::environment::{destination, follow};
use super::layout::folder_of;
use crate::disk::{Access, At, Disk, FileKind, Stat, if_there};

/// An error unless a folder is at `path`, or can be. Blocks.
pub fn check_folder<D: Disk>(disk: &D, path: &Path) -> Result<(), DiskFault> {
    for path in path.ancestors().filter(|path| !path.as_os_str().is_empty()) {
        if let Some(kind) = kind_of(disk, path)? {
            return is_folder(disk, path, kind);
        }
    }
    Ok(())
}

/// An error unless a file can be put at `path`, the folder of which is there. Blocks. The `nonce`
/// is one that no other process uses; below `root` all names are ours.
pub fn check_file<D: Disk>(
    disk: &D,
    path: &Path,
    root: &Path,
    nonce: &str,
) -> Result<(), DiskFault> {
    match if_there(disk.stat(path)).at(path)? {
        Some(stat) if stat.kind == FileKind::Folder => {
            Err(in_the_way(path, "is a folder, where a file is to be"))
        }
        Some(_) => check_names(disk, path, root),
        None => try_name(disk, path, nonce),
    }
}

/// An error if the filesystem takes `path`, which is there, for another name: one in other letters,
/// or a short one. Whatever is there is not ours to replace, then.
pub(super) fn check_names<D: Disk>(disk: &D, path: &Path, root: &Path) -> Result<(), DiskFault> {
    for path in path.ancestors().take_while(|path| *path != root && path.starts_with(root)) {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { break };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // A folder that cannot be read says nothing.
        let Ok(names) = disk.list(folder) else { continue };
        if names.binary_search_by(|known| known.as_os_str().cmp(name)).is_err() {
            let words = "is, on this filesystem, another name of what is there already";
            return Err(in_the_way(path, words));
        }
    }
    Ok(())
}

/// The folder at a path, or that a link there leads to. Blocks.
pub fn folder_at<D: Disk>(disk: &D, path: &Path) -> Option<Stat> {
    let path = follow(disk, path).ok()?;
    disk.stat(&path).ok().filter(|stat| stat.kind == FileKind::Folder)
}

/// What is at a path.
pub(super) fn kind_of<D: Disk>(disk: &D, path: &Path) -> Result<Option<FileKind>, DiskFault> {
    Ok(if_there(disk.stat(path)).at(path)?.map(|stat| stat.kind))
}

/// An error unless what is at `path`, which is of this kind, is a folder or leads to one.
pub(super) fn is_folder<D: Disk>(disk: &D, path: &Path, kind: FileKind) -> Result<(), DiskFault> {
    match kind {
        FileKind::Folder => Ok(()),
        FileKind::File | FileKind::Other => {
            Err(in_the_way(path, "is a file, where a folder is to be"))
        }
        FileKind::Symlink => {
            let target = destination(disk, path)?;
            match target.map_or(Ok(None), |target| kind_of(disk, &target))? {
                Some(FileKind::Folder) => Ok(()),
                Some(FileKind::File | FileKind::Symlink | FileKind::Other) => {
                    Err(in_the_way(path, "leads to a file, where a folder is to be"))
                }
                None => Err(in_the_way(path, "is a link that leads nowhere")),
            }
        }
    }
}

/// Finds out whether the filesystem takes a name with such characters, where some do not: from
/// FAT to NTFS they have the rules of Windows, whatever the system.
fn try_name<D: Disk>(disk: &D, path: &Path, nonce: &str) -> Result<(), DiskFault> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
    let is_plain = name.is_ascii() && !name.contains(UNUSUAL) && !name.ends_with(['.', ' ']);
    if is_plain {
        return Ok(());
    }
    // Beside it, so that nobody takes it for the file; its length was judged with the path.
    let telling = name.chars().rev().filter(|c| !c.is_ascii_alphanumeric()).take(CHARS_TRIED);
    let telling: String = telling.collect();
    let telling: String = telling.chars().rev().collect();
    let spare = path.with_file_name(format!(".{nonce}.x{telling}"));
    let created = disk.open(&spare, Access::CreateNew);
    let listed = disk.stat(&spare);
    let _ = disk.remove_file(&spare);
    match created.and(listed) {
        Ok(_) => Ok(()),
        Err(error) if is_about_the_name(&error) => {
            Err(DiskFault::BadName(path.display().to_string()))
        }
        Err(error) => Err(error).at(folder_of(path)),
    }
}

/// The ways in which filesystems say that they cannot hold a name: EINVAL (vfat, exfat, ntfs3),
/// ENOENT (some), EILSEQ (those that want UTF-8), ENAMETOOLONG.
pub(super) fn is_about_the_name(error: &io::Error) -> bool {
    const EILSEQ: [i32; 2] = [84, 92];
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotFound};
    matches!(error.kind(), InvalidFilename | InvalidInput | NotFound)
        || error.raw_os_error().is_some_and(|number| EILSEQ.contains(&number))
}

pub(super) fn in_the_way(path: &Path, words: &str) -> DiskFault {
    DiskFault::InTheWay(format!("{} {words}", path.display()))
}

/// What names on Linux and macOS may contain and on Windows may not.
const UNUSUAL: [char; 8] = ['<', '>', ':', '"', '|', '?', '*', '\\'];
/// So many characters are tried, so that the whole is not too long.
const CHARS_TRIED: usize = 40;
