//! The advisory lock that `hf` takes around the same download.
//!
//! It keeps `hf` and us apart where it works. It is never needed for safety: on some filesystems
//! everyone gets it.

use std::io;
use std::path::Path;

use crate::disk::{Access, Disk, DiskFile};

/// What asking for the lock gave.
pub(super) enum Lock<F> {
    /// It is ours while the file is open.
    Taken {
        _file: F,
        /// The inode of the lock file, if a second lock on it was seen to be refused.
        proof: Option<u64>,
    },
    /// Somebody else has it.
    Held,
    /// There are no locks here, or we may not use this one.
    Absent,
}

impl<F: DiskFile> Lock<F> {
    /// Asks for the lock, without waiting.
    pub(super) fn take<D: Disk<File = F>>(disk: &D, path: &Path) -> Self {
        for _ in 0..ROUNDS {
            let Ok((file, is_new)) = open(disk, path) else { return Self::Absent };
            match file.try_lock() {
                Ok(true) if is_at(disk, path, &file) => {
                    let proof = proof(disk, path, &file);
                    return Self::Taken { _file: file, proof };
                }
                // Removed by its holder before we had it: a lock on a name that is no more.
                Ok(true) => {}
                Ok(false) => return Self::Held,
                Err(_) => {
                    // Where there are no locks, `hf` takes the file's mere presence for one.
                    if is_new {
                        let _ = disk.remove_file(path);
                    }
                    return Self::Absent;
                }
            }
        }
        Self::Held
    }

    /// See [`Lock::Taken`].
    pub(super) const fn proof(&self) -> Option<u64> {
        match self {
            Self::Taken { proof, .. } => *proof,
            Self::Held | Self::Absent => None,
        }
    }
}

fn open<D: Disk>(disk: &D, path: &Path) -> io::Result<(D::File, bool)> {
    match disk.open(path, Access::CreateNew) {
        Ok(file) => {
            // As `hf` does, so that the members of a group can share a cache.
            let _ = file.set_mode(0o664);
            Ok((file, true))
        }
        Err(_) => disk.open(path, Access::Write).map(|file| (file, false)),
    }
}

fn is_at<D: Disk>(disk: &D, path: &Path, file: &D::File) -> bool {
    match (disk.stat(path), file.stat()) {
        (Ok(named), Ok(open)) => named.id == open.id,
        _ => false,
    }
}

/// Sees whether the lock excludes anyone, by asking for it twice.
fn proof<D: Disk>(disk: &D, path: &Path, file: &D::File) -> Option<u64> {
    let second = disk.open(path, Access::Write).ok()?;
    let is_refused = matches!(second.try_lock(), Ok(false));
    file.stat().ok()?.id.filter(|_| is_refused).map(|id| id.inode)
}

/// How often a lock file that vanishes is tried again.
const ROUNDS: usize = 8;
