//! The real disk: `std::fs`, positioned reads and writes, advisory locks.
//!
//! Follows no symbolic link in the last part of a path, and above it none of a
//! neighbour (`beneath`), where the system has a way to tell.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use engine::fault::DiskFault;

use super::limits::{self, explain_creation, explain_length};
use super::{Access, Disk, DiskFile, FileId, FileKind, Stat, beneath};

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct StdDisk;

impl Disk for StdDisk {
    type File = File;

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, DiskFault> + Send + 'static,
    ) -> Result<T, DiskFault> {
        match tokio::task::spawn_blocking(move || work(&Self)).await {
            Ok(result) => result,
            Err(error) => Err(DiskFault::Io(format!("a task of this program died: {error}"))),
        }
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<File> {
        let opened = opening(|| beneath::open(path, access));
        if access == Access::CreateNew {
            return opened.map_err(|error| explain_creation(error, path));
        }
        let file = opened?;
        regular(DiskFile::stat(&file)?).map(|_| file)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        fs::symlink_metadata(path).map(|metadata| stat(&metadata))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let names =
            opening(|| fs::read_dir(folder))?.map(|entry| entry.map(|entry| entry.file_name()));
        let mut names = names.collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn create_dir_all(&self, folder: &Path) -> io::Result<()> {
        beneath::create_dir_all(folder).map_err(|error| explain_creation(error, folder))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        beneath::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        beneath::remove_file(path)
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        beneath::hard_link(original, link)
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        beneath::symlink(target, link).map_err(|error| explain_creation(error, link))
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    #[cfg(unix)]
    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        match opening(|| File::open(folder))?.sync_all() {
            // Some network filesystems cannot sync a folder; their server has done so already.
            Err(error) if cannot(&error) => Ok(()),
            result => result,
        }
    }

    #[cfg(windows)]
    fn sync_dir(&self, _folder: &Path) -> io::Result<()> {
        // NTFS journals names by itself, and folders cannot be opened to be flushed.
        Ok(())
    }

    fn available_space(&self, folder: &Path) -> io::Result<u64> {
        fs4::available_space(folder)
    }

    fn is_local(&self, folder: &Path) -> bool {
        // Only Linux has this table; elsewhere the answer is "in doubt".
        let mounts = opening(|| fs::read_to_string("/proc/self/mountinfo"));
        let Ok(mounts) = mounts else { return false };
        let Ok(folder) = fs::canonicalize(folder) else { return false };
        filesystem_of(&mounts, &folder).is_some_and(|name| LOCAL_FILESYSTEMS.contains(&name))
    }

    fn open_files_max(&self) -> Option<u64> {
        limits::open_files()
    }
}

impl DiskFile for File {
    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buffer, offset)
    }

    #[cfg(unix)]
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, offset).map_err(explain_length)
    }

    #[cfg(windows)]
    fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match std::os::windows::fs::FileExt::seek_write(self, bytes, offset)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => {
                    bytes = &bytes[count..];
                    offset += count as u64;
                }
            }
        }
        Ok(())
    }

    fn stat(&self) -> io::Result<Stat> {
        self.metadata().map(|metadata| stat(&metadata))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len).map_err(explain_length)
    }

    #[cfg(target_os = "linux")]
    fn reserve(&self, len: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        loop {
            match fallocate(self, FallocateFlags::KEEP_SIZE, 0, len).map_err(io::Error::from) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if cannot(&error) => return Ok(()),
                result => return result.map_err(explain_length),
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn reserve(&self, len: u64) -> io::Result<()> {
        // Here only a longer file can have more space.
        if len > self.metadata()?.len() {
            return Ok(());
        }
        match fs4::FileExt::allocate(self, len) {
            Err(error) if cannot(&error) => Ok(()),
            result => result.map_err(explain_length),
        }
    }

    fn set_modified(&self, time: Duration) -> io::Result<()> {
        Self::set_modified(self, SystemTime::UNIX_EPOCH + time)
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        Self::sync_all(self)
    }

    #[cfg(unix)]
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        self.set_permissions(fs::Permissions::from_mode(mode))
    }

    fn try_lock(&self) -> io::Result<bool> {
        match Self::try_lock(self) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) if cannot(&error) => {
                Err(io::ErrorKind::Unsupported.into())
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Opens something. Where too much is open, somebody will soon close theirs: most files of this
/// program, and of the others on a machine, are open for a moment.
fn opening<T>(open: impl Fn() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..OPEN_PAUSES {
        match open() {
            Err(error) if super::is_too_many_open(&error) => thread::sleep(OPEN_PAUSE),
            result => return result,
        }
    }
    open()
}

/// Whether the filesystem says that it has no such operation, rather than that it failed.
fn cannot(error: &io::Error) -> bool {
    // EINVAL, ENOLCK and ENOSYS have no stable kind, or one they share with real failures.
    const LINUX_ABSENCE: [i32; 4] = [22, 37, 38, 95];
    error.kind() == io::ErrorKind::Unsupported
        || cfg!(target_os = "linux")
            && error.raw_os_error().is_some_and(|number| LINUX_ABSENCE.contains(&number))
}

fn regular(stat: Stat) -> io::Result<Stat> {
    match stat.kind {
        FileKind::File => Ok(stat),
        FileKind::Symlink => Err(io::Error::other("is a symbolic link where a file should be")),
        FileKind::Folder => Err(io::ErrorKind::IsADirectory.into()),
        FileKind::Other => Err(io::Error::other("is not a regular file")),
    }
}

fn stat(metadata: &Metadata) -> Stat {
    let kind = metadata.file_type();
    let modified = metadata.modified().ok();
    Stat {
        kind: if kind.is_file() {
            FileKind::File
        } else if kind.is_dir() {
            FileKind::Folder
        } else if kind.is_symlink() {
            FileKind::Symlink
        } else {
            FileKind::Other
        },
        len: metadata.len(),
        allocated: allocated(metadata),
        links: links(metadata),
        modified: modified
            .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok())
            .unwrap_or(Duration::ZERO),
        id: id(metadata),
    }
}

#[cfg(unix)]
fn allocated(metadata: &Metadata) -> u64 {
    // Blocks of 512 bytes, whatever those of the filesystem are: stat(2).
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(windows)]
fn allocated(metadata: &Metadata) -> u64 {
    metadata.len()
}

#[cfg(unix)]
fn links(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(windows)]
fn links(_metadata: &Metadata) -> u64 {
    1
}

#[cfg(unix)]
fn id(metadata: &Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    Some(FileId { device: metadata.dev(), inode: metadata.ino() })
}

#[cfg(windows)]
fn id(_metadata: &Metadata) -> Option<FileId> {
    None
}

/// The type of the filesystem that `path` is on, from Linux's `/proc/self/mountinfo` (proc(5)).
fn filesystem_of<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mut best: Option<(PathBuf, &str)> = None;
    for line in mounts.lines() {
        let (before, after) = line.split_once(" - ")?;
        let point = PathBuf::from(unescape(before.split(' ').nth(4)?));
        // Of two mounts on one point, the later one hides the earlier.
        let nearer = best.as_ref().is_none_or(|(known, _)| point.starts_with(known));
        if path.starts_with(&point) && nearer {
            best = Some((point, after.split(' ').next()?));
        }
    }
    best.map(|(_, name)| name)
}

/// A mount point as it is: the kernel writes blanks and backslashes in octal.
fn unescape(point: &str) -> String {
    point.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

/// How often, and for how long, others are given time to close theirs.
const OPEN_PAUSES: usize = 30;
const OPEN_PAUSE: Duration = Duration::from_millis(100);

/// Filesystems that one kernel at a time can mount.
const LOCAL_FILESYSTEMS: [&str; 10] =
    ["bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"];

#[cfg(test)]
mod tests;
