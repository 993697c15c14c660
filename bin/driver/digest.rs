//! The digest of a whole file, fed in order while the rest of it still arrives; and, in the same
//! pass, the chunks that it is made of.
//!
//! Judges no digest and no chunk; the machine does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use engine::action::{Answer, CHECKPOINT_BYTES};
use engine::digest::FileDigest;
use engine::fault::{DiskFault, Fault};
use engine::range::ByteRange;
use engine::xet::cutter::Cutter;
use engine::xet::merkle::Node;

use crate::disk::pieces::read_pieces;
use crate::disk::{Disk, DiskFile};

/// The running digest of a file, which can go back to what it was.
#[derive(Default)]
pub(super) struct Running {
    at: u64,
    hasher: Option<Hasher>,
    /// What it was at multiples of [`CHECKPOINT_BYTES`].
    checkpoints: BTreeMap<u64, Hasher>,
}

impl Running {
    /// The digest as it was before byte `at`.
    fn before(&mut self, at: u64, begin: &Hasher) -> Option<Hasher> {
        let now = self.hasher.take().filter(|_| self.at == at && at > 0);
        self.checkpoints.retain(|checkpoint, _| *checkpoint <= at);
        now.or_else(|| (at == 0).then(|| begin.clone()))
            .or_else(|| self.checkpoints.get(&at).cloned())
    }

    fn put(&mut self, at: u64, hasher: Hasher) {
        if at.is_multiple_of(CHECKPOINT_BYTES) {
            self.checkpoints.insert(at, hasher.clone());
        }
        self.at = at;
        self.hasher = Some(hasher);
    }
}

/// The digest of a file's content so far.
#[derive(Clone)]
pub(crate) struct Hasher {
    context: Context,
    is_sha256: bool,
    cutter: Option<Cutter>,
}

impl Hasher {
    /// A hasher for a file of `size` bytes that has a digest of the same kind as `digest`.
    pub(crate) fn new(digest: FileDigest, size: u64, chunks: bool) -> Self {
        let cutter = chunks.then(Cutter::default);
        match digest {
            FileDigest::Sha256(_) => {
                Self { context: Context::new(&SHA256), is_sha256: true, cutter }
            }
            FileDigest::GitSha1(_) => {
                let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
                context.update(format!("blob {size}\0").as_bytes());
                Self { context, is_sha256: false, cutter }
            }
        }
    }

    fn feed(&mut self, file: &impl DiskFile, range: ByteRange) -> std::io::Result<Vec<Node>> {
        let mut chunks = Vec::new();
        read_pieces(file, range, |_, bytes| {
            self.context.update(bytes);
            if let Some(cutter) = &mut self.cutter {
                cutter.push(bytes, &mut chunks);
            }
            Ok(())
        })?;
        Ok(chunks)
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
    let mut hasher = Hasher::new(like, size, false);
    hasher.feed(file, ByteRange::new(0, size))?;
    hasher.finish().ok_or_else(|| std::io::Error::other("a digest of another length"))
}

/// Adds a range to a file's running digest, which begins with `begin`; yields the digest when the
/// range ends the file of `size` bytes.
pub(super) async fn hash<D: Disk>(
    disk: D,
    part: Arc<D::File>,
    running: Arc<Mutex<Running>>,
    begin: Hasher,
    size: u64,
    range: ByteRange,
) -> Result<Answer, Fault> {
    let work = move |_: &D| {
        let failed = || DiskFault::Io("hashing failed before".into());
        let mut running = running.lock().map_err(|_| failed())?;
        let mut hasher = running.before(range.start, &begin).ok_or_else(failed)?;
        let mut chunks = hasher.feed(&*part, range).map_err(|error| read_fault(&error))?;
        if range.end == size {
            chunks.extend(hasher.cutter.as_mut().and_then(Cutter::finish));
            return Ok(Answer::Hashed { digest: hasher.finish(), chunks });
        }
        running.put(range.end, hasher);
        Ok(Answer::Hashed { digest: None, chunks })
    };
    disk.run(work).await.map_err(Fault::Disk)
}

fn read_fault(error: &std::io::Error) -> DiskFault {
    DiskFault::Io(format!("reading back what was written: {error}"))
}
