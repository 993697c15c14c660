//! What a journal says, whatever has happened to its bytes.
//!
//! Total, and reads no part file: what must be read again is asked of the shell by [`settle`]. A
//! journal may be long, so that it is read in two passes, record by record: what it says in all is
//! kept, and not what it says one after the other.

mod scan;

use std::convert::Infallible;

use self::scan::{Found, Scan};
use super::codec::Flaw;
use super::{Begin, Record, Sealed};
use crate::ledger::{Ledger, Proven};
use crate::range::ByteRange;
use crate::range_set::RangeSet;

/// What was understood of a journal, and what was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Whose bytes the part file holds. `None` if the journal is empty or lost its first record:
    /// then only a part file's name can vouch for that.
    pub begin: Option<Begin>,
    /// What may be believed as it is: durable, and not written since. Of size 0 without `begin`,
    /// and without entries if there is `damage`.
    pub trusted: Ledger,
    /// Claims to be checked against the part file, in the order they were appended. Those that
    /// others superseded are among them: a shorter one may hold where a longer one does not.
    pub unsynced: Vec<Proven>,
    /// What the publisher vouched for, as far as it is proven. Empty if there is `damage`.
    pub vouched: RangeSet,
    /// The file was verified and put into place. `None` if anything was revoked since, or if there
    /// is `damage`.
    pub sealed: Option<Sealed>,
    /// How many `Proven` and `Revoked` records there are, for `Synced` to count on.
    pub records: u64,
    /// How many bytes were understood, up to the first damage.
    pub good_len: u64,
    /// The first thing that was wrong, if any.
    pub damage: Option<Damage>,
}

/// Something in a journal that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Offset in the journal, in bytes.
    pub at: u64,
    /// What is wrong there.
    pub flaw: Flaw,
}

impl Replay {
    /// Whether the journal says all there is to say and needs no check: it may be appended to.
    /// Otherwise it must be replaced, as [the contract](super) says.
    pub const fn is_clean(&self) -> bool {
        self.begin.is_some() && self.damage.is_none() && self.unsynced.is_empty()
    }
}

/// Reads a journal. Any bytes have an answer, and no answer trusts more than was durable.
pub fn replay(bytes: &[u8]) -> Replay {
    let read = |buffer: &mut [u8], at: u64| -> Result<usize, Infallible> {
        let from = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let len = buffer.len().min(bytes.len() - from);
        buffer[..len].copy_from_slice(&bytes[from..from + len]);
        Ok(len)
    };
    replay_from(read).unwrap_or_else(|never| match never {})
}

/// The same of a journal that `read` reads from an offset into a buffer: it says how many bytes
/// those are, and fewer than the buffer has room for only at the end.
///
/// # Errors
///
/// Those of `read`.
pub fn replay_from<E>(
    mut read: impl FnMut(&mut [u8], u64) -> Result<usize, E>,
) -> Result<Replay, E> {
    let mut summary = Summary::read(&mut read)?;
    if summary.damage.is_none() {
        match believe(&summary, &mut read)? {
            Ok(replay) => return Ok(replay),
            Err(damage) => summary.damage = Some(damage),
        }
    }
    doubt(&summary, &mut read)
}

/// What a journal says about itself.
struct Summary {
    begin: Option<Begin>,
    /// How many records there are for `Synced` to count on, and how many of them are durable.
    records: u64,
    synced: u64,
    sealed: Option<Sealed>,
    /// Its length in bytes.
    len: u64,
    damage: Option<Damage>,
}

impl Summary {
    fn read<E>(read: impl FnMut(&mut [u8], u64) -> Result<usize, E>) -> Result<Self, E> {
        let (begin, sealed, damage) = (None, None, None);
        let mut sum = Self { begin, records: 0, synced: 0, sealed, len: 0, damage };
        let mut scan = Scan::new(read);
        while let Some(Found { at, record, flaw }) = scan.next()? {
            if let Some(flaw) = flaw {
                sum.damage.get_or_insert(Damage { at, flaw });
            }
            match record {
                Some(Record::Begin(begin)) if at == 0 => sum.begin = Some(begin),
                Some(Record::Proven(_)) => sum.records += 1,
                Some(Record::Revoked(_)) => {
                    sum.records += 1;
                    sum.sealed = None;
                }
                // One that counts what is yet to come was not written by this program.
                Some(Record::Synced { records }) if records <= sum.records => {
                    sum.synced = sum.synced.max(records);
                }
                Some(Record::Sealed(sealed)) => sum.sealed = Some(sealed),
                Some(Record::Synced { .. } | Record::Vouched(_) | Record::Begin(_)) | None => {}
            }
        }
        sum.len = scan.offset();
        Ok(sum)
    }

    fn size(&self) -> u64 {
        self.begin.as_ref().map_or(0, |begin| begin.size)
    }

    /// What is understood of it, apart from ranges.
    fn replay(&self) -> Replay {
        Replay {
            begin: self.begin.clone(),
            trusted: Ledger::new(self.size()),
            unsynced: Vec::new(),
            vouched: RangeSet::new(),
            sealed: self.sealed.filter(|_| self.damage.is_none()),
            records: self.records,
            good_len: self.damage.map_or(self.len, |damage| damage.at),
            damage: self.damage,
        }
    }
}

/// Takes a journal without damage at its word, unless it has more ranges than are kept.
fn believe<E>(
    summary: &Summary,
    read: impl FnMut(&mut [u8], u64) -> Result<usize, E>,
) -> Result<Result<Replay, Damage>, E> {
    let mut replay = summary.replay();
    // As the ledger was when the journal was written; the same as what is trusted for as long as
    // all is durable.
    let mut live = None;
    let (mut claims, mut number) = (Claims::default(), 0);
    let mut scan = Scan::new(read);
    while let Some(Found { at, record: Some(record), .. }) = scan.next_known()? {
        let is_counted = record.is_counted();
        if is_counted && number >= summary.synced && live.is_none() {
            live = Some(replay.trusted.clone());
        }
        match (&mut live, &record) {
            (None, record) => drop(replay.trusted.apply(record)),
            // The width matters: a short entry may be trusted while the longer one that superseded
            // it is not, and a revocation that hits only that one frees the bytes of both.
            (Some(live), Record::Revoked(range)) => {
                for range in live.revoke(*range).iter() {
                    replay.trusted.revoke(range);
                    claims.revoke(number, range);
                }
            }
            (Some(live), Record::Proven(proven)) => {
                if live.prove(*proven) {
                    claims.add(number, *proven);
                }
            }
            (Some(live), record) => drop(live.apply(record)),
        }
        number += u64::from(is_counted);
        let known = live.as_ref().unwrap_or(&replay.trusted);
        if known.entry_count() > ENTRIES_MAX {
            return Ok(Err(Damage { at, flaw: Flaw::TooMany }));
        }
    }
    replay.vouched = live.as_ref().unwrap_or(&replay.trusted).vouched().clone();
    replay.trusted.forget_vouched();
    replay.unsynced = claims.unrevoked();
    Ok(Ok(replay))
}

/// Takes all that a damaged journal says of ranges for claims.
fn doubt<E>(
    summary: &Summary,
    read: impl FnMut(&mut [u8], u64) -> Result<usize, E>,
) -> Result<Replay, E> {
    let (mut claims, mut number) = (Claims::default(), 0);
    let mut scan = Scan::new(read);
    while let Some(found) = scan.next()? {
        match found.record {
            Some(Record::Proven(proven)) => claims.add(number, proven),
            Some(Record::Revoked(range)) => claims.revoke(number, range),
            Some(
                Record::Begin(_) | Record::Synced { .. } | Record::Vouched(_) | Record::Sealed(_),
            )
            | None => continue,
        }
        number += 1;
    }
    Ok(Replay { unsynced: claims.unrevoked(), ..summary.replay() })
}

/// Entries and revocations by their numbers, in order. Of neither more are kept than
/// [`ENTRIES_MAX`]: an entry that is left out is one that is fetched again.
#[derive(Default)]
struct Claims {
    entries: Vec<(u64, Proven)>,
    revoked: Vec<(u64, ByteRange)>,
}

impl Claims {
    fn add(&mut self, number: u64, proven: Proven) {
        if self.entries.len() < ENTRIES_MAX {
            self.entries.push((number, proven));
        }
    }

    fn revoke(&mut self, number: u64, range: ByteRange) {
        if self.revoked.len() >= ENTRIES_MAX {
            // All that stands before it may have been revoked.
            self.entries.clear();
            self.revoked.clear();
        }
        self.revoked.push((number, range));
    }

    /// The entries that share no byte with a later revocation, in order.
    fn unrevoked(mut self) -> Vec<Proven> {
        let mut revoked = RangeSet::new();
        self.entries.reverse();
        self.entries.retain(|(number, proven)| {
            while let Some((_, range)) = self.revoked.pop_if(|(later, _)| *later > *number) {
                revoked.insert(range);
            }
            !revoked.intersects(proven.range)
        });
        self.entries.into_iter().rev().map(|(_, proven)| proven).collect()
    }
}

/// What is on disk of a file of `size` bytes: what the replay trusts, and of its claims those that
/// `is_intact` confirms by reading the range again and hashing it. Asks about the latest first,
/// and never about bytes that are proven already.
///
/// Nothing is trusted of a journal about a file of another size.
pub fn settle(replay: &Replay, size: u64, mut is_intact: impl FnMut(Proven) -> bool) -> Ledger {
    let is_ours = replay.trusted.size() == size;
    let mut ledger = if is_ours { replay.trusted.clone() } else { Ledger::new(size) };
    for &proven in replay.unsynced.iter().rev() {
        let is_news = !ledger.proven().contains(proven.range) && ledger.admits(proven.range);
        if is_news && is_intact(proven) {
            ledger.prove(proven);
        }
    }
    if is_ours {
        for range in replay.vouched.iter() {
            ledger.apply(&Record::Vouched(range));
        }
    }
    ledger
}

/// More ranges of one file are not kept: as many as 250 GB have, asked for 1 MB at a time. They
/// take 30 MB of memory.
const ENTRIES_MAX: usize = 256 << 10;

#[cfg(test)]
mod tests;
