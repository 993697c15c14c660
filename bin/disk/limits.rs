//! What the system allows this process: how many files may be open at once, how long a file may
//! become, how many more files a filesystem takes.
//!
//! Decides nothing about it, and asks only the system.

use std::fmt;
use std::io;
use std::path::Path;

/// A limit that an operation has met, of those that the error's number does not tell apart. The
/// payload of an [`io::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The filesystem has room for bytes, but for no more files.
    Inodes,
    /// The process may write no file longer than so many bytes (`ulimit -f`).
    FileLength(u64),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inodes => f.write_str("the filesystem takes no more files"),
            Self::FileLength(max) => write!(f, "no file may be longer than {max} bytes"),
        }
    }
}

impl std::error::Error for Limit {}

impl Limit {
    /// The limit in an error.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).copied()
    }
}

/// Lets this process have as many files open as it may at most: the limit that a shell or macOS
/// starts it with (256 there) is only a default.
#[cfg(unix)]
pub fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // macOS may call the maximum unlimited, and yet allow no more than this.
    for wanted in [maximum, maximum.map_or(Some(OPEN_MAX), |most| Some(most.min(OPEN_MAX)))] {
        let is_more = current.is_some_and(|current| wanted.is_none_or(|it| it > current));
        if is_more && setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum }).is_ok() {
            return;
        }
    }
}

/// Nothing to raise here.
#[cfg(not(unix))]
pub const fn raise_open_files() {}

/// How many files this process may have open; `None` if there is no such limit.
#[cfg(unix)]
pub(super) fn open_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// How many files this process may have open; `None` if there is no such limit.
#[cfg(not(unix))]
pub(super) const fn open_files() -> Option<u64> {
    None
}

/// An error of writing, or of growing a file, with what the system leaves out.
#[cfg(unix)]
pub(super) fn explain_length(error: io::Error) -> io::Error {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
    match limit {
        Some(max) if error.kind() == io::ErrorKind::FileTooLarge => {
            io::Error::new(io::ErrorKind::FileTooLarge, Limit::FileLength(max))
        }
        Some(_) | None => error,
    }
}

/// An error of writing, or of growing a file, with what the system leaves out.
#[cfg(not(unix))]
pub(super) const fn explain_length(error: io::Error) -> io::Error {
    error
}

/// An error of creating something at `path`, with what the system leaves out.
#[cfg(unix)]
pub(super) fn explain_creation(error: io::Error, path: &Path) -> io::Error {
    let has_no_inodes = || {
        let nearest = path.ancestors().skip(1).find_map(|folder| {
            let here = Path::new(".");
            rustix::fs::statvfs(if folder.as_os_str().is_empty() { here } else { folder }).ok()
        });
        // Filesystems that make them as needed say 0 of 0.
        nearest.is_some_and(|it| it.f_files > 0 && it.f_favail == 0)
    };
    if error.kind() == io::ErrorKind::StorageFull && has_no_inodes() {
        return io::Error::new(io::ErrorKind::StorageFull, Limit::Inodes);
    }
    error
}

/// An error of creating something at `path`, with what the system leaves out.
#[cfg(not(unix))]
pub(super) const fn explain_creation(error: io::Error, _path: &Path) -> io::Error {
    error
}

/// What macOS allows (`OPEN_MAX` of its `sys/syslimits.h`).
#[cfg(unix)]
const OPEN_MAX: u64 = 10_240;
