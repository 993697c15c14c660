//! Bytes of other files that go into a part: of an orphan, as far as a journal says what they are,
//! and of a file that is said to be the same.
//!
//! Believes only what it has read and hashed while copying.

use std::io;
use std::path::Path;

use engine::fault::DiskFault;
use engine::journal::{Begin, Record};
use engine::ledger::Proven;
use engine::range::ByteRange;

use super::{OpenPart, distrust, is_about, read_journal};
use crate::cache::environment::follow;
use crate::cache::layout::Place;
use crate::disk::pieces::{range_digest, read_pieces};
use crate::disk::{Access, At, Disk, DiskFile, FileKind, if_there};

/// Copies what a journal says of the orphan into the part, and then removes both.
pub(super) fn salvage<D: Disk>(
    disk: &D,
    place: &Place,
    begin: &Begin,
    open: &mut OpenPart<D>,
) -> Result<(), DiskFault> {
    let found = read_journal(disk, &place.orphan_journal).at(&place.orphan_journal)?;
    let Some((mut replay, _)) = found.filter(|(replay, _)| is_about(replay, begin)) else {
        return Ok(());
    };
    let stat = if_there(disk.stat(&place.orphan)).at(&place.orphan)?;
    if stat.is_some_and(|stat| stat.kind == FileKind::File) {
        let orphan = disk.open(&place.orphan, Access::Read).at(&place.orphan)?;
        distrust(&mut replay, begin.size);
        for proven in std::mem::take(&mut replay.unsynced).into_iter().rev() {
            let is_news = !open.ledger.proven().contains(proven.range);
            if is_news && open.ledger.admits(proven.range) {
                copy(place, &orphan, open, proven)?;
            }
        }
        settle(place, open)?;
        disk.remove_file(&place.orphan).at(&place.orphan)?;
    }
    disk.remove_file(&place.orphan_journal).at(&place.orphan_journal)
}

fn copy<D: Disk>(
    place: &Place,
    orphan: &D::File,
    open: &mut OpenPart<D>,
    proven: Proven,
) -> Result<(), DiskFault> {
    // What is hashed is what was written: the orphan may change under our eyes.
    let mut hasher = blake3::Hasher::new();
    let mut failed = None;
    let copied = read_pieces(orphan, proven.range, |at, bytes| {
        hasher.update(bytes);
        open.part.write_all_at(bytes, at).map_err(|error| {
            failed = Some(error);
            io::ErrorKind::Other.into()
        })
    });
    if let Some(error) = failed {
        return Err(error).at(&place.part);
    }
    let is_same = copied.is_ok() && *hasher.finalize().as_bytes() == proven.digest.0;
    if is_same {
        append(place, open, &Record::Proven(proven))?;
        open.ledger.prove(proven);
        open.records += 1;
    }
    Ok(())
}

/// Fills a part that has no bytes yet with those of `source`, a file of the same length and, as
/// far as is known, of the same content; whether it is, the file's own digest will tell. Blocks.
pub fn fill<D: Disk>(
    disk: &D,
    place: &Place,
    open: &mut OpenPart<D>,
    source: &Path,
) -> Result<(), DiskFault> {
    let source = follow(disk, source)?;
    let Ok(file) = disk.open(&source, Access::Read) else { return Ok(()) };
    let size = open.ledger.size();
    let is_same = file.stat().is_ok_and(|stat| stat.len == size);
    if !is_same || !open.ledger.proven().is_empty() {
        return Ok(());
    }
    let mut start = 0;
    while start < size {
        let range = ByteRange::new(start, (start + FILL_BYTES).min(size));
        let digest = range_digest(&file, range).at(&source)?;
        copy(place, &file, open, Proven { range, digest })?;
        start = range.end;
    }
    settle(place, open)
}

/// Makes what was copied into a part durable, and says so in its journal.
fn settle<D: Disk>(place: &Place, open: &mut OpenPart<D>) -> Result<(), DiskFault> {
    open.part.sync_data().at(&place.part)?;
    append(place, open, &Record::Synced { records: open.records })?;
    open.journal.sync_data().at(&place.journal)
}

pub(super) fn append<D: Disk>(
    place: &Place,
    open: &mut OpenPart<D>,
    record: &Record,
) -> Result<(), DiskFault> {
    let bytes = record.to_bytes();
    open.journal.write_all_at(&bytes, open.journal_len).at(&place.journal)?;
    open.journal_len += bytes.len() as u64;
    Ok(())
}

/// A record of what was copied covers so much.
const FILL_BYTES: u64 = 8 << 20;
