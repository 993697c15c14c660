//! A file that tells how much of it was read.
//!
//! Cannot be written to.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::disk::{DiskFile, Stat};

/// Hears how many bytes were read by now.
pub(super) type Tell = Arc<dyn Fn(u64) + Send + Sync>;

/// A file being read, by one who wants to know how far that is.
pub(super) struct Told<F> {
    file: F,
    read: AtomicU64,
    tell: Tell,
}

impl<F> Told<F> {
    pub(super) fn new(file: F, tell: Tell) -> Self {
        Self { file, read: AtomicU64::new(0), tell }
    }
}

impl<F: DiskFile> DiskFile for Told<F> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let len = self.file.read_at(buffer, offset)?;
        let before = self.read.fetch_add(len as u64, Ordering::Relaxed);
        let now = before + len as u64;
        if now / TELL_EVERY > before / TELL_EVERY {
            (self.tell)(now);
        }
        Ok(len)
    }

    fn stat(&self) -> io::Result<Stat> {
        self.file.stat()
    }

    fn write_all_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn reserve(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_modified(&self, _: Duration) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_all(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn try_lock(&self) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Often enough for a bar, even from a slow disk.
const TELL_EVERY: u64 = 4 << 20;
