//! Reading a range of a file back, piece by piece, and what it hashes to.
//!
//! Judges nothing. Blocks; belongs inside [`Disk::run`](super::Disk::run).

use std::io;

use engine::digest::RangeDigest;
use engine::ledger::Proven;
use engine::range::ByteRange;

use super::DiskFile;

/// Shows `range` to `eat`, in order.
///
/// # Errors
///
/// When the file cannot be read, ends before the range does, or `eat` fails.
pub fn read_pieces(
    file: &impl DiskFile,
    range: ByteRange,
    mut eat: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; PIECE_BYTES];
    let mut at = range.start;
    while at < range.end {
        let want = usize::try_from(range.end - at).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let filled = file.read_full_at(&mut buffer[..want], at)?;
        if filled < want {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        eat(at, &buffer[..want])?;
        at += want as u64;
    }
    Ok(())
}

/// Writes a range again as it stands, so that the next sync covers it even where an earlier one
/// failed: after such a failure a system may take for written what is only in its memory.
///
/// # Errors
///
/// When the file cannot be read or written, or ends before the range does.
pub fn rewrite(file: &impl DiskFile, range: ByteRange) -> io::Result<()> {
    read_pieces(file, range, |at, bytes| file.write_all_at(bytes, at))
}

/// What a range hashes to as it stands.
///
/// # Errors
///
/// When the file cannot be read, or ends before the range does.
pub fn range_digest(file: &impl DiskFile, range: ByteRange) -> io::Result<RangeDigest> {
    let mut hasher = blake3::Hasher::new();
    read_pieces(file, range, |_, bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(RangeDigest(*hasher.finalize().as_bytes()))
}

/// Whether the bytes of a record are there. What cannot be read is not.
pub fn is_intact(file: &impl DiskFile, proven: Proven) -> bool {
    range_digest(file, proven.range).is_ok_and(|digest| digest == proven.digest)
}

/// Small enough to stay in a core's cache.
const PIECE_BYTES: usize = 256 << 10;
