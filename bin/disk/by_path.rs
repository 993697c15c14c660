//! What is done to a file by its path, where folders cannot be opened only to name things in them.
//!
//! Follows links to folders as the system does.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::Access;

/// A link that is not followed: there is no such rule here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Foreign;

impl Foreign {
    pub(super) const fn is_in(_error: &io::Error) -> bool {
        false
    }
}

/// Opens what is at a path, whatever that is but a link.
pub(super) fn open(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(access != Access::Read);
    if access == Access::CreateNew {
        // Exclusive creation does not follow a symbolic link.
        return options.create_new(true).open(path);
    }
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_symlink() {
        return Err(io::Error::other("is a symbolic link where a file should be"));
    }
    // A pipe without a writer would be waited for.
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::other("is not a regular file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let no_follow = rustix::fs::OFlags::NOFOLLOW.bits();
        options.custom_flags(i32::try_from(no_follow).unwrap_or_default());
    }
    options.open(path)
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

pub(super) fn hard_link(original: &Path, link: &Path) -> io::Result<()> {
    fs::hard_link(original, link)
}

pub(super) fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::symlink(target, link);
    #[cfg(windows)]
    return std::os::windows::fs::symlink_file(target, link);
}

pub(super) fn create_dir_all(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}
