//! Work that ends in one answer: hashing, checking the disk, and what a file's home does.
//!
//! Judges no digest; the machine does.

use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use engine::action::Answer;
use engine::digest::FileDigest;
use engine::fault::{DiskFault, Fault};
use engine::ledger::Proven;
use engine::range::ByteRange;
use futures_util::future::BoxFuture;

use crate::disk::pieces::{is_intact, read_pieces};
use crate::disk::{Disk, DiskFile};

/// Where a file comes from and where it goes.
pub trait Home: Send + Sync {
    /// Asks the hub where the file can be fetched. Ends in [`Answer::Located`].
    fn locate(&self) -> BoxFuture<'static, Result<Answer, Fault>>;
    /// An error unless the file is still ours to write.
    fn check(&self) -> BoxFuture<'static, Result<(), Fault>>;
    /// Puts another journal in the place of this one, durably and in one step.
    fn replace_journal(&self, content: Vec<u8>) -> BoxFuture<'static, Result<(), Fault>>;
    /// Puts the verified part into place; `journal_len` is how far the journal is written.
    fn seal(&self, journal_len: u64) -> BoxFuture<'static, Result<(), Fault>>;
}

/// The running digest of a file.
pub(crate) struct Hasher {
    context: Context,
    is_sha256: bool,
}

impl Hasher {
    /// A hasher for a file of `size` bytes that has a digest of the same kind as `digest`.
    pub(crate) fn new(digest: FileDigest, size: u64) -> Self {
        match digest {
            FileDigest::Sha256(_) => Self { context: Context::new(&SHA256), is_sha256: true },
            FileDigest::GitSha1(_) => {
                let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
                context.update(format!("blob {size}\0").as_bytes());
                Self { context, is_sha256: false }
            }
        }
    }

    fn feed(&mut self, file: &impl DiskFile, range: ByteRange) -> std::io::Result<()> {
        read_pieces(file, range, |_, bytes| {
            self.context.update(bytes);
            Ok(())
        })
    }

    fn finish(self) -> Option<FileDigest> {
        let digest = self.context.finish();
        if self.is_sha256 {
            digest.as_ref().try_into().ok().map(FileDigest::Sha256)
        } else {
            digest.as_ref().try_into().ok().map(FileDigest::GitSha1)
        }
    }
}

/// The digest of a whole file, of the same kind as `like`. Blocks; belongs inside [`Disk::run`].
///
/// # Errors
///
/// When the file cannot be read, or is shorter than `size`.
pub fn digest_of(file: &impl DiskFile, like: FileDigest, size: u64) -> std::io::Result<FileDigest> {
    let mut hasher = Hasher::new(like, size);
    hasher.feed(file, ByteRange::new(0, size))?;
    hasher.finish().ok_or_else(|| std::io::Error::other("a digest of another length"))
}

/// Adds a range to a file's running digest; yields it when the range ends the file.
pub(crate) async fn hash<D: Disk>(
    disk: D,
    part: Arc<D::File>,
    slot: Arc<Mutex<Option<Hasher>>>,
    digest: FileDigest,
    size: u64,
    range: ByteRange,
) -> Result<Answer, Fault> {
    let work = move |_: &D| {
        let mut slot = slot.lock().map_err(|_| DiskFault::Io("hashing failed before".into()))?;
        let running = slot.take().filter(|_| range.start > 0);
        let mut hasher = running.unwrap_or_else(|| Hasher::new(digest, size));
        hasher.feed(&*part, range).map_err(|error| read_fault(&error))?;
        if range.end == size {
            return Ok(hasher.finish());
        }
        *slot = Some(hasher);
        Ok(None)
    };
    disk.run(work).await.map(Answer::Hashed).map_err(Fault::Disk)
}

/// Which of the entries are not on the disk as recorded.
pub(crate) async fn check<D: Disk>(
    disk: D,
    part: Arc<D::File>,
    entries: Vec<Proven>,
) -> Result<Answer, Fault> {
    let work = move |_: &D| {
        let mut damaged = Vec::new();
        for entry in entries {
            if !is_intact(&*part, entry) {
                damaged.push(entry.range);
            }
        }
        Ok(Answer::Checked { damaged })
    };
    disk.run(work).await.map_err(Fault::Disk)
}

fn read_fault(error: &std::io::Error) -> DiskFault {
    DiskFault::Io(format!("reading back what was written: {error}"))
}
