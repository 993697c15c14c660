//! Work that ends in one answer: hashing, checking the disk, and what a file's home does.
//!
//! Judges no digest; the machine does.

use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use engine::action::Answer;
use engine::digest::{FileDigest, RangeDigest};
use engine::fault::{DiskFault, Fault};
use engine::ledger::Proven;
use engine::range::ByteRange;
use futures_util::future::BoxFuture;

use crate::disk::{Disk, DiskFile};

/// Where a file comes from and where it goes.
pub trait Home: Send + Sync {
    /// Asks the hub where the file can be fetched. Ends in [`Answer::Located`].
    fn locate(&self) -> BoxFuture<'static, Result<Answer, Fault>>;
    /// An error unless the file is still ours to write.
    fn check(&self) -> BoxFuture<'static, Result<(), Fault>>;
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
    feed(file, ByteRange::new(0, size), |bytes| hasher.context.update(bytes))?;
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
        feed(&*part, range, |bytes| hasher.context.update(bytes)).map_err(read_fault)?;
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

/// Whether the bytes of a record are on the disk. What cannot be read is not there.
pub fn is_intact(file: &impl DiskFile, entry: Proven) -> bool {
    let mut hasher = blake3::Hasher::new();
    let fed = feed(file, entry.range, |bytes| {
        hasher.update(bytes);
    });
    fed.is_ok() && RangeDigest(*hasher.finalize().as_bytes()) == entry.digest
}

fn feed(file: &impl DiskFile, range: ByteRange, mut eat: impl FnMut(&[u8])) -> std::io::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    let mut at = range.start;
    while at < range.end {
        let want = usize::try_from(range.end - at).unwrap_or(READ_BYTES).min(READ_BYTES);
        let filled = file.read_full_at(&mut buffer[..want], at)?;
        if filled < want {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        eat(&buffer[..want]);
        at += want as u64;
    }
    Ok(())
}

fn read_fault(error: std::io::Error) -> DiskFault {
    DiskFault::Io(format!("reading back what was written: {error}"))
}

/// Read back in pieces that stay in a core's cache.
const READ_BYTES: usize = 256 << 10;
