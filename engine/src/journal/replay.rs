//! What a journal says, whatever has happened to its bytes.
//!
//! Total, and reads no part file: what must be read again is asked of the shell by [`settle`].

use super::codec::{Decoded, Flaw, resume_at};
use super::{Begin, Record, Sealed};
use crate::ledger::{Ledger, Proven};
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
    let Scan { begin, records, good_len, damage } = scan(bytes);
    let counted = records.iter().filter(|record| record.is_counted()).count() as u64;
    let size = begin.as_ref().map_or(0, |begin| begin.size);
    let mut replay = Replay {
        begin,
        trusted: Ledger::new(size),
        unsynced: Vec::new(),
        vouched: RangeSet::new(),
        sealed: None,
        records: counted,
        good_len,
        damage,
    };
    if damage.is_some() {
        replay.unsynced = unrevoked(number(&records)).map(|(_, proven)| proven).collect();
    } else {
        believe(&records, &mut replay);
    }
    replay
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

/// The records of a journal, without judgement on what they say together.
struct Scan {
    begin: Option<Begin>,
    records: Vec<Record>,
    good_len: u64,
    damage: Option<Damage>,
}

fn scan(bytes: &[u8]) -> Scan {
    let mut begin = None;
    let mut records = Vec::new();
    let mut damage = None;
    let mut at = 0;
    while at < bytes.len() {
        let mut on_flaw = |flaw| {
            damage.get_or_insert(Damage { at: at as u64, flaw });
        };
        match Record::decode(&bytes[at..]) {
            Ok(Decoded { record, len }) => {
                let is_begin = matches!(record, Some(Record::Begin(_)));
                if is_begin != (at == 0) {
                    on_flaw(Flaw::Misplaced);
                }
                match record {
                    Some(Record::Begin(first)) if at == 0 => begin = Some(first),
                    Some(Record::Begin(_)) | None => {}
                    Some(record) => records.push(record),
                }
                at += len;
            }
            Err(flaw) => {
                on_flaw(flaw);
                at = resume_at(bytes, at + 1);
            }
        }
    }
    let good_len = damage.map_or(bytes.len() as u64, |damage| damage.at);
    Scan { begin, records, good_len, damage }
}

/// Takes a journal without damage at its word.
fn believe(records: &[Record], replay: &mut Replay) {
    let mut synced = 0;
    let mut seen = 0;
    for record in records {
        match record {
            Record::Proven(_) => seen += 1,
            Record::Revoked(_) => {
                seen += 1;
                replay.sealed = None;
            }
            // One that counts what is yet to come was not written by this program.
            Record::Synced { records } if *records <= seen => synced = synced.max(*records),
            Record::Sealed(sealed) => replay.sealed = Some(*sealed),
            Record::Synced { .. } | Record::Vouched(_) | Record::Begin(_) => {}
        }
    }
    let mut live = Ledger::new(replay.trusted.size());
    for record in records {
        live.apply(record);
    }
    replay.vouched = live.vouched().clone();
    for (number, proven) in unrevoked(lived(records, replay.trusted.size())) {
        if number < synced {
            replay.trusted.prove(proven);
        } else {
            replay.unsynced.push(proven);
        }
    }
}

/// A record that `Synced` counts, with its number from 0.
type Numbered = (u64, Record);

fn number(records: &[Record]) -> Vec<Numbered> {
    let counted = records.iter().filter(|record| record.is_counted());
    (0..).zip(counted.cloned()).collect()
}

/// The records as they acted on the live ledger: without entries that it did not take, and with
/// revocations as wide as what it gave up for them.
///
/// The width matters. A short entry may be trusted while the longer one that superseded it is
/// not; a revocation that hits only the longer one still frees the bytes of both for rewriting.
fn lived(records: &[Record], size: u64) -> Vec<Numbered> {
    let mut live = Ledger::new(size);
    let mut lived = Vec::new();
    for (number, record) in number(records) {
        if let Record::Revoked(range) = record {
            let revoked = live.revoke(range);
            lived.extend(revoked.iter().map(|range| (number, Record::Revoked(range))));
        } else if live.apply(&record) {
            lived.push((number, record));
        }
    }
    lived
}

/// The entries that share no byte with a later revocation, in order.
fn unrevoked(records: Vec<Numbered>) -> impl Iterator<Item = (u64, Proven)> {
    let mut revoked = RangeSet::new();
    let mut kept = Vec::new();
    for (number, record) in records.into_iter().rev() {
        match record {
            Record::Revoked(range) => revoked.insert(range),
            Record::Proven(proven) if !revoked.intersects(proven.range) => {
                kept.push((number, proven));
            }
            Record::Proven(_)
            | Record::Begin(_)
            | Record::Synced { .. }
            | Record::Vouched(_)
            | Record::Sealed(_) => {}
        }
    }
    kept.into_iter().rev()
}

#[cfg(test)]
mod tests;
