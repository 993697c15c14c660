//! The real disk with faults, for tests: it dies after so many changes, or its locks lie.
//!
//! Dying is what a kill looks like from the disk's side: what was written stays, nothing follows.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::fault::DiskFault;

use super::{Access, Disk, DiskFile, Stat, StdDisk};

/// A disk that fails as it is told to.
#[derive(Clone)]
pub(crate) struct FailingDisk {
    changes_left: Arc<AtomicU64>,
    do_locks_lie: bool,
    has_links: bool,
    is_full: bool,
}

impl FailingDisk {
    /// Everyone gets every lock.
    pub(crate) fn with_lying_locks() -> Self {
        Self { do_locks_lie: true, ..Self::dying_after(u64::MAX) }
    }

    /// Links of neither kind can be made.
    pub(crate) fn without_links() -> Self {
        Self { has_links: false, ..Self::dying_after(u64::MAX) }
    }

    /// Nothing more can be written to files.
    pub(crate) fn that_is_full(self) -> Self {
        Self { is_full: true, ..self }
    }

    /// Every change after the first `changes` fails.
    pub(crate) fn dying_after(changes: u64) -> Self {
        let changes_left = Arc::new(AtomicU64::new(changes));
        Self { changes_left, do_locks_lie: false, has_links: true, is_full: false }
    }

    /// From now on every change after the first `changes` fails.
    pub(crate) fn die_after(&self, changes: u64) {
        self.changes_left.store(changes, Ordering::SeqCst);
    }

    fn change<T>(&self, change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let spend = |left: u64| left.checked_sub(1);
        match self.changes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend) {
            Ok(_) => change(),
            Err(_) => Err(io::Error::other("the disk is dead")),
        }
    }
}

impl Disk for FailingDisk {
    type File = FailingFile;

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, DiskFault> + Send + 'static,
    ) -> Result<T, DiskFault> {
        work(self)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<FailingFile> {
        let open = || StdDisk.open(path, access);
        let file = if access == Access::CreateNew { self.change(open) } else { open() }?;
        Ok(FailingFile { disk: self.clone(), file })
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        StdDisk.stat(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        StdDisk.list(folder)
    }

    fn create_dir_all(&self, folder: &Path) -> io::Result<()> {
        self.change(|| StdDisk.create_dir_all(folder))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|| StdDisk.rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.change(|| StdDisk.remove_file(path))
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        if !self.has_links {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.change(|| StdDisk.hard_link(original, link))
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        if !self.has_links {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.change(|| StdDisk.symlink(target, link))
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        StdDisk.read_link(path)
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        self.change(|| StdDisk.sync_dir(folder))
    }

    fn available_space(&self, folder: &Path) -> io::Result<u64> {
        if self.is_full { Ok(0) } else { StdDisk.available_space(folder) }
    }

    fn is_local(&self, _folder: &Path) -> bool {
        false
    }
}

/// A file on a [`FailingDisk`].
pub(crate) struct FailingFile {
    disk: FailingDisk,
    file: File,
}

impl DiskFile for FailingFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        DiskFile::read_at(&self.file, buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.disk.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.disk.change(|| DiskFile::write_all_at(&self.file, bytes, offset))
    }

    fn stat(&self) -> io::Result<Stat> {
        DiskFile::stat(&self.file)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.change(|| DiskFile::set_len(&self.file, len))
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        self.disk.change(|| DiskFile::reserve(&self.file, len))
    }

    fn set_modified(&self, time: Duration) -> io::Result<()> {
        self.disk.change(|| DiskFile::set_modified(&self.file, time))
    }

    fn sync_all(&self) -> io::Result<()> {
        self.disk.change(|| DiskFile::sync_all(&self.file))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.change(|| DiskFile::sync_data(&self.file))
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.disk.change(|| DiskFile::set_mode(&self.file, mode))
    }

    fn try_lock(&self) -> io::Result<bool> {
        if self.disk.do_locks_lie { Ok(true) } else { DiskFile::try_lock(&self.file) }
    }
}
