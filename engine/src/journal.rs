//! The append-only journal that says which ranges of a part file are proven, as bytes.
//!
//! Reads and writes no file: the shell does, and keeps the contract below.
//!
//! # The writer's contract
//!
//! 1. A journal begins with `Begin`. Every `Proven` and `Revoked` record is appended as it is
//!    [applied](crate::ledger::Ledger::apply) to the live ledger, in that order.
//! 2. `Proven` is appended after its bytes were written to the part file. Nothing need be synced.
//! 3. `Synced { records: n }` is appended after a sync of the part file that *began* after the
//!    `n`th of those records was appended, and succeeded. After a sync that failed no later one
//!    may be trusted to have done its work: replay and settle as after a crash.
//! 4. Only bytes that the live ledger lacks are written. To write proven ones again, append
//!    `Revoked`, then sync the *journal*, then write.
//! 5. To continue after a restart: replay and settle. Unless the replay
//!    [is clean](Replay::is_clean), the journal is not appended to but replaced: write those
//!    claims that held again as they stand, sync the part file, write [`compact`] to another file,
//!    sync it, rename it over the journal, sync the directory; only then write on.
//!
//! # Why replay believes only what is on disk
//!
//! *A journal without damage.* A crash can only cut off what was not synced. By 4, a revocation
//! that is cut off was not yet acted upon, so the entries that it would have removed still
//! stand on disk as recorded. The entries before the last marker were durable by 3 and have not
//! been written since; replay trusts them, less those that went when the live ledger applied a
//! later revocation. Every other entry is a claim, which is believed when the shell has read the
//! bytes again and they hash to its digest.
//!
//! *A damaged journal*: a record cut short, a page lost between others, a flipped bit. Here a
//! revocation may be missing that *was* acted upon. So no marker is believed: all entries are
//! claims, and because a claim proves itself it does not matter what went missing around it.
//! That makes it safe to read on behind the damage, and so a flipped bit costs one reading of the
//! part file, not the download. Nor can a torn tail be told from a damaged last record, so it is
//! treated the same. Claims that held are written again because a sync that failed may be why
//! they are claims: the system may then hold them in memory, believe that it has written them,
//! and write nothing at the next sync (what Linux does with pages whose write failed). By 5
//! nothing is ever appended behind damage or beside a claim that failed,
//! so no later marker can cover either.
//!
//! What this cannot see is a journal put back to an earlier state record by record, by a disk that
//! loses what it called durable, or by a person. The file's own digest finds that in the end.

mod codec;
mod replay;

use crate::digest::FileDigest;
use crate::ledger::{Ledger, Proven};
use crate::range::ByteRange;
pub use codec::{Decoded, Flaw, SOURCE_LEN_MAX, VERSION};
pub use replay::{Damage, Replay, replay, replay_from, settle};

/// One entry of the journal. For its bytes see [`Record::encode`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Whose bytes the part file holds. The first record, and only the first.
    Begin(Begin),
    /// A range was written and hashes to this.
    Proven(Proven),
    /// The bytes of the first `records` `Proven` and `Revoked` records of this journal are
    /// durable. A count, because records are appended while a sync is under way.
    Synced {
        /// How many `Proven` and `Revoked` records, from the first.
        records: u64,
    },
    /// Every entry that shares a byte with this range is no longer proven.
    Revoked(ByteRange),
    /// The publisher vouches for what is in this range. Says nothing of what is missing.
    Vouched(ByteRange),
    /// The file was verified and put into place.
    Sealed(Sealed),
}

/// Which file a journal is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Size of the file in bytes.
    pub size: u64,
    /// What its publisher says it hashes to, if they do.
    pub digest: Option<FileDigest>,
    /// Where it comes from, for people: `repo@commit/path`. Of a longer text the first
    /// [`SOURCE_LEN_MAX`] bytes are kept.
    pub source: String,
}

/// What identifies the finished file, so that it need not be hashed again while it looks the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Its length in bytes.
    pub len: u64,
    /// When it was last modified, in nanoseconds since 1970 (UTC); negative before.
    pub modified_ns: i128,
}

impl Record {
    /// Whether it is one of those that `Synced` counts.
    pub const fn is_counted(&self) -> bool {
        match self {
            Self::Proven(_) | Self::Revoked(_) => true,
            Self::Begin(_) | Self::Synced { .. } | Self::Vouched(_) | Self::Sealed(_) => false,
        }
    }
}

/// How long a journal that holds so many entries may become before it is worth shortening, in
/// bytes.
pub const fn len_max(entries: u64) -> u64 {
    SLACK.saturating_add(LONGER.saturating_mul(RECORD_LEN).saturating_mul(entries))
}

/// What the journal of a file of `size` bytes may take of its filesystem, so that a disk that is
/// full of other things later does not keep what came from being recorded.
pub const fn room(size: u64) -> u64 {
    len_max(size.div_ceil(RECORDED_MAX).saturating_add(FRAGMENTS)).saturating_add(BETWEEN_SYNCS)
}

/// A record covers at most so many bytes, so that damage is found, and mended, this finely.
pub const RECORDED_MAX: u64 = 256 << 10;
/// The length of a record of a range, in bytes.
const RECORD_LEN: u64 = 56;
/// A journal may be this many times longer than it need be, ...
const LONGER: u64 = 4;
/// ... and this many bytes more.
const SLACK: u64 = 16 << 10;
/// Entries that are not full: one for each request that was cut, until they are joined.
const FRAGMENTS: u64 = 64;
/// What is appended before a sync looks at the length.
const BETWEEN_SYNCS: u64 = 16 << 10;

/// The shortest journal that says what `ledger` says, the same bytes for the same ledger. It says
/// that all of it is durable: sync the part file first.
pub fn compact(begin: &Begin, ledger: &Ledger) -> Vec<u8> {
    let mut out = Record::Begin(begin.clone()).to_bytes();
    let mut records = 0;
    for proven in ledger.entries() {
        Record::Proven(proven).encode(&mut out);
        records += 1;
    }
    Record::Synced { records }.encode(&mut out);
    for range in ledger.vouched().iter() {
        Record::Vouched(range).encode(&mut out);
    }
    out
}
