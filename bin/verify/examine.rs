//! Reads one file and judges it: as a whole by its publisher's digest, below that by the digests
//! that were recorded while it came.
//!
//! Blocks. Changes nothing but records that turned out to be wrong.

use std::path::{Path, PathBuf};

use engine::fault::DiskFault;
use engine::journal::{self, Replay};
use engine::ledger::Ledger;
use engine::range::ByteRange;
use engine::range_set::RangeSet;

use super::progress::{Tell, Told};
use super::report::{Finding, Unjudged, Verdict};
use crate::cache::catalogue::{Known, Stage};
use crate::cache::environment::follow;
use crate::cache::file_lock;
use crate::cache::invalidate::doubt;
use crate::cache::part;
use crate::cache::reopen::reopen;
use crate::cache::store::{self, Found};
use crate::disk::pieces::is_intact;
use crate::disk::{Access, At, Disk, DiskFile, if_there};
use crate::driver::digest_of;
use crate::fetch::lock_now;
use crate::fetch::subject::Subject;

/// One file to be read.
pub(super) struct Examination {
    pub(super) subject: Subject,
    /// What to read instead of what is in its place.
    pub(super) path: Option<PathBuf>,
    /// Whether damage is to be fetched again afterwards.
    pub(super) repair: bool,
    pub(super) tell: Tell,
}

/// What was read, and what is known of it.
struct Read {
    verdict: Verdict,
    /// The file's length, as far as that is known by now.
    size: u64,
    /// The ranges that are as they were recorded.
    intact: Ledger,
    /// Whether there are records that lock more.
    is_overstated: bool,
}

impl Examination {
    /// Reads the file, and judges it. What cannot be read keeps none of the others from that.
    pub(super) fn run<D: Disk>(&self, disk: &D) -> Finding {
        self.judge(disk).unwrap_or_else(|fault| {
            let why = Unjudged::Unreadable(fault);
            self.finding(None, None, Verdict::Unjudged { len: 0, why })
        })
    }

    fn judge<D: Disk>(&self, disk: &D) -> Result<Finding, DiskFault> {
        let Some(known) = &self.subject.known else { return self.unknown(disk) };
        if let Some(path) = &self.path {
            let path = follow(disk, path)?;
            let read = self.foreign(disk, known, &path)?;
            return Ok(self.finding(Some(path), Some(read.size), read.verdict));
        }
        match store::find(disk, &known.place, &known.digest.hex())? {
            Found::Sealed { path, .. } | Found::Unverified { path, .. } => {
                let read = self.whole(disk, known, &path, &known.place.journal)?;
                self.act_on_whole(disk, known, &path, &read)?;
                Ok(self.finding(Some(path), Some(read.size), read.verdict))
            }
            Found::Nothing | Found::Other { .. } => self.unfinished(disk, known),
        }
    }

    fn unfinished<D: Disk>(&self, disk: &D, known: &Known) -> Result<Finding, DiskFault> {
        let place = &known.place;
        if if_there(disk.stat(&place.part)).at(&place.part)?.is_none() {
            return Ok(self.finding(None, known.size, Verdict::Missing));
        }
        let holder = file_lock::holder(disk, &place.owner, &disk.process())?;
        let read = self.part(disk, known, &place.part, &place.journal)?;
        let is_bad =
            matches!(&read.verdict, Verdict::Incomplete { damaged, .. } if !damaged.is_empty());
        // Its writer knows better than what was read while it wrote.
        if is_bad && holder.is_none() {
            self.take_back(disk, known, &read);
        }
        let mut finding = self.finding(Some(place.part.clone()), Some(read.size), read.verdict);
        finding.held_by = holder.map(|holder| holder.by);
        Ok(finding)
    }

    /// A whole file: its digest decides, and the records say where it is damaged.
    fn whole<D: Disk>(
        &self,
        disk: &D,
        known: &Known,
        path: &Path,
        journal: &Path,
    ) -> Result<Read, DiskFault> {
        let file = self.open(disk, path)?;
        let len = file.stat().at(path)?.len;
        let replay = replay(disk, journal, known)?;
        let recorded_size = replay.begin.as_ref().map(|begin| begin.size);
        let size = known.size.or(recorded_size).unwrap_or(len);
        let has_digest = |size| Ok(digest_of(&file, known.digest, size).at(path)? == known.digest);
        let mut wrong = RangeSet::new();
        if len >= size && has_digest(size)? {
            let intact = claims(&replay, size);
            if len == size {
                return Ok(Read { verdict: Verdict::Intact, size, intact, is_overstated: false });
            }
            wrong.insert(ByteRange::new(size, len));
            let verdict =
                Verdict::Damaged { ranges: wrong.iter().collect(), unrecorded: Vec::new() };
            return Ok(Read { verdict, size, intact, is_overstated: true });
        }
        let mut intact = claims(&replay, size);
        let unrecorded = intact.missing().collect();
        for proven in claims(&replay, size).entries() {
            if !is_intact(&file, proven) {
                intact.revoke(proven.range);
                wrong.insert(proven.range);
            }
        }
        if len < size {
            wrong.insert(ByteRange::new(len, size));
        }
        let verdict = Verdict::Damaged { ranges: wrong.iter().collect(), unrecorded };
        let is_overstated = replay.sealed.is_some() || !wrong.is_empty();
        Ok(Read { verdict, size, intact, is_overstated })
    }

    /// A part: only its records can tell, and each is checked.
    fn part<D: Disk>(
        &self,
        disk: &D,
        known: &Known,
        path: &Path,
        journal: &Path,
    ) -> Result<Read, DiskFault> {
        let file = self.open(disk, path)?;
        let replay = replay(disk, journal, known)?;
        let recorded_size = replay.begin.as_ref().map(|begin| begin.size);
        let len = file.stat().at(path)?.len;
        let size = known.size.or(recorded_size).unwrap_or(len);
        let mut intact = journal::settle(&replay, size, |proven| is_intact(&file, proven));
        let mut damaged = RangeSet::new();
        // What is trusted was durable: if it is not there any more, it was damaged since.
        if replay.trusted.size() == size {
            for proven in replay.trusted.entries() {
                if !is_intact(&file, proven) {
                    intact.revoke(proven.range);
                    damaged.insert(proven.range);
                }
            }
        }
        let proven = intact.proven_bytes();
        let missing = size.saturating_sub(proven + damaged.len());
        let damaged: Vec<ByteRange> = damaged.iter().collect();
        let is_overstated = !damaged.is_empty();
        let verdict = Verdict::Incomplete { proven, damaged, missing };
        Ok(Read { verdict, size, intact, is_overstated })
    }

    /// Any file on the disk, with or without records of ours beside it.
    fn foreign<D: Disk>(&self, disk: &D, known: &Known, path: &Path) -> Result<Read, DiskFault> {
        let journal = journal_beside(path);
        let len = disk.stat(path).at(path)?.len;
        let size = known.size.unwrap_or(len);
        let has_records = !claims(&replay(disk, &journal, known)?, size).proven().is_empty();
        // A part is as long as the file from the beginning.
        let is_part = is_part(path) || len < size;
        if has_records && is_part {
            self.part(disk, known, path, &journal)
        } else if len >= size {
            self.whole(disk, known, path, &journal)
        } else {
            let verdict = Verdict::Unjudged { len, why: Unjudged::OnlyTheWhole };
            Ok(Read { verdict, size, intact: Ledger::new(size), is_overstated: false })
        }
    }

    fn unknown<D: Disk>(&self, disk: &D) -> Result<Finding, DiskFault> {
        let path = self.path.as_ref().or(self.subject.shown.as_ref());
        let path = path.filter(|_| self.path.is_some() || self.subject.stage == Stage::Finished);
        let Some(path) = path else { return Ok(self.finding(None, None, Verdict::Missing)) };
        let path = follow(disk, path)?;
        let len = disk.stat(&path).at(&path)?.len;
        let verdict = Verdict::Unjudged { len, why: Unjudged::NoDigest };
        Ok(self.finding(Some(path), None, verdict))
    }

    fn open<D: Disk>(&self, disk: &D, path: &Path) -> Result<Told<D::File>, DiskFault> {
        let file = disk.open(path, Access::Read).at(path)?;
        Ok(Told::new(file, self.tell.clone()))
    }

    fn finding(&self, local: Option<PathBuf>, size: Option<u64>, verdict: Verdict) -> Finding {
        Finding {
            path: self.subject.path.clone(),
            local,
            size,
            digest: self.subject.known.as_ref().map(|known| known.digest.to_string()),
            verdict,
            held_by: None,
        }
    }

    /// A whole file that is damaged must not be believed again; for a repair it becomes a part.
    fn act_on_whole<D: Disk>(
        &self,
        disk: &D,
        known: &Known,
        path: &Path,
        read: &Read,
    ) -> Result<(), DiskFault> {
        if read.verdict == Verdict::Intact {
            return Ok(());
        }
        let place = &known.place;
        let has_part = if_there(disk.stat(&place.part)).at(&place.part)?.is_some();
        if !self.repair || has_part || path != place.target {
            if !has_part {
                self.take_back(disk, known, read);
            }
            return Ok(());
        }
        let Some(lock) = lock_now(disk, place)? else { return Ok(()) };
        reopen(disk, &lock, place, &self.subject.begin(known.digest, read.size))
    }

    /// Best effort: a cache that cannot be written can still be judged.
    fn take_back<D: Disk>(&self, disk: &D, known: &Known, read: &Read) {
        if !read.is_overstated {
            return;
        }
        let begin = self.subject.begin(known.digest, read.size);
        let taken = match lock_now(disk, &known.place) {
            Ok(Some(lock)) => doubt(disk, &lock, &known.place, &begin, &read.intact),
            Ok(None) => Ok(()),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = taken {
            tracing::warn!(%fault, "the record of a damaged file could not be taken back");
        }
    }
}

/// What a journal says, if it is about the file that is meant.
fn replay<D: Disk>(disk: &D, path: &Path, known: &Known) -> Result<Replay, DiskFault> {
    let found = part::read_journal(disk, path).at(path)?.map(|(replay, _)| replay);
    let is_ours = |replay: &Replay| {
        let begin = replay.begin.as_ref();
        begin.is_none_or(|begin| {
            begin.digest.is_none_or(|digest| digest == known.digest)
                && known.size.is_none_or(|size| size == begin.size)
        })
    };
    Ok(found.filter(is_ours).unwrap_or_else(|| journal::replay(b"")))
}

/// All that is recorded, whether it holds or not.
fn claims(replay: &Replay, size: u64) -> Ledger {
    journal::settle(replay, size, |_| true)
}

/// The records of a part are beside it under its stem, those of a blob under its name.
fn journal_beside(path: &Path) -> PathBuf {
    if is_part(path) {
        return path.with_extension("journal");
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".journal");
    PathBuf::from(name)
}

fn is_part(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "part")
}
