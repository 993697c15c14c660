//! The disk as the rest of the program sees it, so that the same code runs on a simulated one.
//!
//! Knows nothing of caches, parts or journals: only files, folders and what can go wrong.

#[cfg(target_os = "linux")]
mod beneath;
#[cfg(not(target_os = "linux"))]
#[path = "disk/by_path.rs"]
mod beneath;
#[cfg(test)]
pub(crate) mod failing;
pub mod limits;
pub mod pieces;
pub mod standard;

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use engine::fault::DiskFault;

use crate::process::{self, Process};
pub use limits::Limit;
pub use standard::StdDisk;

/// A disk, and who uses it when: everything that touches files, names them or dates them goes
/// through it.
///
/// All calls but [`run`](Self::run) block, and belong inside it. They may also come from a
/// destructor; a simulated disk whose host has crashed must refuse those rather than obey.
pub trait Disk: Clone + Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;

    /// Runs blocking work off the async threads; a simulated disk runs it at once. Work that
    /// panics is an error, and work that has begun is never cut short.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, DiskFault> + Send + 'static,
    ) -> impl Future<Output = Result<T, DiskFault>> + Send;

    /// Opens a regular file. A symbolic link, a folder or a device at `path` is refused, never
    /// followed.
    fn open(&self, path: &Path, access: Access) -> io::Result<Self::File>;
    /// What is at `path`, without following a symbolic link there.
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// The names in a folder, sorted.
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;
    /// Creates a folder and those above it.
    fn create_dir_all(&self, folder: &Path) -> io::Result<()>;
    /// Moves a file, replacing what is at `to` in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file or a symbolic link.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Gives a file a second name. Fails if `link` exists, or where the filesystem has no links.
    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()>;
    /// Creates a symbolic link at `link` that says `target`. Fails if `link` exists.
    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()>;
    /// What a symbolic link says.
    fn read_link(&self, path: &Path) -> io::Result<std::path::PathBuf>;
    /// Makes the names in a folder durable: what was created, renamed or removed there.
    fn sync_dir(&self, folder: &Path) -> io::Result<()>;
    /// Bytes that may still be written to the filesystem of `folder`.
    fn available_space(&self, folder: &Path) -> io::Result<u64>;
    /// Whether only this machine's kernel can have this filesystem mounted: then whoever wrote
    /// there before the last boot is gone. `false` when in doubt.
    fn is_local(&self, folder: &Path) -> bool;

    /// How many files this process may have open at once; `None` if there is no such limit.
    fn open_files_max(&self) -> Option<u64> {
        None
    }

    /// Who we are to the others who use this disk.
    fn process(&self) -> Process {
        Process::current()
    }

    /// A number that nobody else ever draws, for claims and for names of temporary files.
    fn nonce(&self) -> u128 {
        process::nonce()
    }

    /// The date, since 1970, to be written into files.
    fn date(&self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    /// The content of a file of at most `limit` bytes; a longer one is an error.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let file = self.open(path, Access::Read)?;
        let len = file.stat()?.len;
        if len > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than it can be"));
        }
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        let filled = file.read_full_at(&mut bytes, 0)?;
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Creates a file that must not exist yet, with this content. Not synced.
    fn write_new(&self, path: &Path, content: &[u8]) -> io::Result<Self::File> {
        let file = self.open(path, Access::CreateNew)?;
        file.write_all_at(content, 0)?;
        Ok(file)
    }
}

/// An open file. Reads and writes say where; there is no cursor.
pub trait DiskFile: Send + Sync + 'static {
    /// Reads some bytes at `offset`; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all bytes at `offset`, growing the file if need be.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// What this file is now, whatever its name has become.
    fn stat(&self) -> io::Result<Stat>;
    /// Cuts the file, or grows it with zeros that take no space.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Reserves space for the first `len` bytes, and leaves the length as it is. `Ok` where the
    /// filesystem cannot; an error is a disk that is too full.
    fn reserve(&self, len: u64) -> io::Result<()>;
    /// Says when the content last changed, since 1970. The next write says so anew.
    fn set_modified(&self, time: Duration) -> io::Result<()>;
    /// Makes content and length durable.
    fn sync_data(&self) -> io::Result<()>;
    /// The same, and what else is known of the file: when its content last changed.
    fn sync_all(&self) -> io::Result<()>;
    /// Sets the permission bits of this file, whatever its name has become, where there are any.
    fn set_mode(&self, _mode: u32) -> io::Result<()> {
        Ok(())
    }
    /// Takes the advisory lock: `false` if another open file has it, [`io::ErrorKind::Unsupported`]
    /// where there are no locks. It ends when the file is closed.
    fn try_lock(&self) -> io::Result<bool>;

    /// Reads until `buffer` is full or the file ends; returns how many bytes that were.
    fn read_full_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read a file that exists.
    Read,
    /// To read and write a file that exists.
    Write,
    /// To read and write a file that does not exist yet.
    CreateNew,
}

/// What is at a path, or behind an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: FileKind,
    /// Length in bytes.
    pub len: u64,
    /// Bytes of the disk that it takes: less than `len` where it has holes.
    pub allocated: u64,
    /// How many names it has; 1 where the system does not say.
    pub links: u64,
    /// When the content last changed, since 1970, by the clock of the filesystem.
    pub modified: Duration,
    /// Which file it is, apart from its name; `None` where the system does not say.
    pub id: Option<FileId>,
}

/// What can be at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink,
    /// A device, a pipe or a socket.
    Other,
}

/// Device and inode number: the same file, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    /// The filesystem.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
}

/// What a failure at `path` means to the machine.
pub fn disk_fault(error: &io::Error, path: &Path) -> DiskFault {
    use io::ErrorKind::{
        FileTooLarge, InvalidFilename, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem,
        StorageFull,
    };
    let path = path.display();
    if beneath::Foreign::is_in(error) {
        return DiskFault::InTheWay(format!("{path} {error}"));
    }
    // Everything else is one kind of fault, so no list of the other kinds could say more.
    let kind = error.kind();
    match Limit::of(error) {
        Some(Limit::Inodes) => return DiskFault::Inodes,
        Some(Limit::FileLength(max)) => return DiskFault::FileLimit(max),
        None => {}
    }
    if kind == StorageFull {
        DiskFault::Full
    } else if kind == QuotaExceeded {
        DiskFault::Quota
    } else if kind == FileTooLarge && error.raw_os_error().is_some() {
        DiskFault::TooLarge(path.to_string())
    } else if kind == InvalidFilename {
        DiskFault::BadName(path.to_string())
    } else if kind == PermissionDenied {
        DiskFault::NotPermitted(path.to_string())
    } else if kind == ReadOnlyFilesystem {
        DiskFault::ReadOnly(path.to_string())
    } else if is_too_many_open(error) {
        DiskFault::TooManyOpen
    } else {
        DiskFault::Io(format!("{path}: {error}"))
    }
}

/// Whether this process, or the whole system, has as many files open as it may.
pub(crate) fn is_too_many_open(error: &io::Error) -> bool {
    // EMFILE and ENFILE have no kind in std; their numbers are the same on all of Unix.
    const NUMBERS: [i32; 2] = [24, 23];
    cfg!(unix) && error.raw_os_error().is_some_and(|number| NUMBERS.contains(&number))
}

/// Turns an I/O result into one that names the path it was about.
pub trait At<T> {
    /// The error as a fault at `path`.
    fn at(self, path: &Path) -> Result<T, DiskFault>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, DiskFault> {
        self.map_err(|error| disk_fault(&error, path))
    }
}

/// `None` instead of an error when there is nothing at the path, or something above it is no
/// folder.
pub fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_an_error_decides_the_fault() {
        let path = Path::new("/cache/x");
        let check = |error: io::Error, expected: DiskFault| {
            assert_eq!(disk_fault(&error, path), expected, "{error}");
        };
        check(io::ErrorKind::StorageFull.into(), DiskFault::Full);
        check(io::ErrorKind::QuotaExceeded.into(), DiskFault::Quota);
        check(io::ErrorKind::PermissionDenied.into(), DiskFault::NotPermitted("/cache/x".into()));
        check(io::ErrorKind::ReadOnlyFilesystem.into(), DiskFault::ReadOnly("/cache/x".into()));
        check(io::Error::other("broken"), DiskFault::Io("/cache/x: broken".into()));
        let limited = |kind, limit| io::Error::new(kind, limit);
        check(limited(io::ErrorKind::StorageFull, Limit::Inodes), DiskFault::Inodes);
        let of_length = limited(io::ErrorKind::FileTooLarge, Limit::FileLength(7));
        check(of_length, DiskFault::FileLimit(7));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn error_numbers_map_to_faults() {
        // The numbers are those of errno(3) on Linux.
        let path = Path::new("p");
        for (number, expected) in [
            (28, DiskFault::Full),
            (122, DiskFault::Quota),
            (13, DiskFault::NotPermitted("p".into())),
            (1, DiskFault::NotPermitted("p".into())),
            (30, DiskFault::ReadOnly("p".into())),
            (27, DiskFault::TooLarge("p".into())),
            (36, DiskFault::BadName("p".into())),
            (24, DiskFault::TooManyOpen),
            (23, DiskFault::TooManyOpen),
        ] {
            assert_eq!(disk_fault(&io::Error::from_raw_os_error(number), path), expected);
        }
    }
}
