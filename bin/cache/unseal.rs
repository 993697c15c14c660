//! Turns a finished file that is damaged back into a part, so that only the damage is fetched.
//!
//! Decides nothing: the caller has found its digest to be wrong.

use engine::digest::RangeDigest;
use engine::fault::DiskFault;
use engine::journal::{self, Begin};
use engine::ledger::{Ledger, Proven};
use engine::range::ByteRange;

use super::claim::Claim;
use super::layout::Place;
use super::{part, swap};
use crate::disk::{Access, At, Disk, DiskFile};

/// Renames the finished file of `place` to its part, with a journal that says what is known of
/// it: the ranges that still are as they were recorded, or, where nothing was recorded, all of
/// them as they are now, for the file's own digest to doubt. Blocks.
pub fn unseal<D: Disk>(
    disk: &D,
    claim: &Claim<D>,
    place: &Place,
    begin: &Begin,
) -> Result<(), DiskFault> {
    claim.check()?;
    let file = disk.open(&place.target, Access::Read).at(&place.target)?;
    let recorded = part::read_journal(disk, &place.journal).at(&place.journal)?;
    let mut ledger = Ledger::new(begin.size);
    if let Some((replay, _)) = recorded {
        for proven in replay.trusted.entries().chain(replay.unsynced.iter().copied()) {
            if part::is_intact(&file, proven) {
                ledger.prove(proven);
            }
        }
    }
    if ledger.proven().is_empty() {
        ledger = as_it_is(&file, begin.size).at(&place.target)?;
    }
    // A journal without its part claims nothing, a part without its journal would be lost.
    let bytes = journal::compact(begin, &ledger);
    swap::replace(disk, &place.journal, &bytes, claim.nonce())?;
    disk.rename(&place.target, &place.part).at(&place.target)?;
    swap::sync_folder(disk, &place.part)
}

/// The ranges of a file with the digests that they have now.
fn as_it_is(file: &impl DiskFile, size: u64) -> std::io::Result<Ledger> {
    let mut ledger = Ledger::new(size);
    let mut buffer = vec![0; PIECE];
    let mut start = 0;
    while start < size {
        let range = ByteRange::new(start, (start + RANGE_BYTES).min(size));
        let mut hasher = blake3::Hasher::new();
        let mut at = range.start;
        while at < range.end {
            let want = usize::try_from(range.end - at).unwrap_or(PIECE).min(PIECE);
            let filled = file.read_full_at(&mut buffer[..want], at)?;
            if filled < want {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            hasher.update(&buffer[..want]);
            at += want as u64;
        }
        let digest = RangeDigest(*hasher.finalize().as_bytes());
        ledger.prove(Proven { range, digest });
        start = range.end;
    }
    Ok(ledger)
}

const RANGE_BYTES: u64 = 8 << 20;
const PIECE: usize = 256 << 10;
