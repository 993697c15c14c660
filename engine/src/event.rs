//! What a person, a progress bar or a recorder should learn.
//!
//! Not wording: the command turns these into sentences, the recorder into rows.

use crate::digest::FileDigest;
use crate::fault::Fault;
use crate::manifest::FileId;
use crate::range::ByteRange;
use crate::time::{Duration, Instant};

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Work on a file begins, with so much of it proven already.
    Begun {
        /// Which file.
        file: FileId,
        /// Bytes that are proven from before.
        proven: u64,
    },
    /// Bytes of a file arrived.
    Received {
        /// Which file.
        file: FileId,
        /// How many.
        len: u64,
    },
    /// The proven part of a file grew or shrank.
    Proven {
        /// Which file.
        file: FileId,
        /// Bytes proven by now.
        proven: u64,
    },
    /// The part of a file that its publisher vouches for grew or shrank.
    Vouched {
        /// Which file.
        file: FileId,
        /// Bytes vouched for by now.
        vouched: u64,
    },
    /// All of a chunk is proven.
    Chunk {
        /// Which file.
        file: FileId,
        /// Which chunk, counted from 0.
        index: u64,
        /// How many chunks the file has.
        count: u64,
        /// Its bytes.
        range: ByteRange,
    },
    /// Something went wrong, and is being dealt with.
    Fault {
        /// Which file.
        file: FileId,
        /// What.
        fault: Fault,
        /// Bytes that came but could not be kept.
        wasted: u64,
    },
    /// Nothing can be asked for until then.
    Waiting {
        /// Why.
        why: Wait,
        /// Until when.
        until: Instant,
    },
    /// The link has gone silent or refuses everything.
    Down {
        /// Since when.
        since: Instant,
        /// Who it is, with the port, if other hosts answer: then it is not the link.
        host: Option<String>,
    },
    /// Bytes arrive again.
    Up {
        /// How long none did.
        after: Duration,
        /// From whom none did, if it was not the link.
        host: Option<String>,
    },
    /// The storage has called the file by its name in content-addressed storage: what comes is
    /// the very content that the hub speaks of, as far as a head can say so.
    Named {
        /// Which file.
        file: FileId,
    },
    /// The server ignores ranges: the file now comes in one stream.
    NoRanges {
        /// Which file.
        file: FileId,
    },
    /// A slow request was ended, so that free workers can share what it had left.
    Split {
        /// Which file.
        file: FileId,
        /// What it had left.
        range: ByteRange,
    },
    /// The whole file matches its publisher's digest.
    Verified {
        /// Which file.
        file: FileId,
        /// What it matches.
        digest: FileDigest,
    },
    /// The whole file does not match; what is guilty is being looked for.
    Mismatch {
        /// Which file.
        file: FileId,
        /// What it hashed to.
        found: FileDigest,
    },
    /// A range turned out to be bad and was fetched, or will be fetched, again.
    Repaired {
        /// Which file.
        file: FileId,
        /// Which bytes.
        range: ByteRange,
        /// Where the damage came from.
        origin: Origin,
    },
    /// The file is in place.
    Sealed {
        /// Which file.
        file: FileId,
    },
    /// The file cannot be had.
    Failed {
        /// Which file.
        file: FileId,
        /// Why.
        fault: Fault,
    },
    /// Nothing more will happen.
    Ended(End),
}

/// Why nothing can be asked for at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The server asked us to stay away for a while.
    Told {
        /// The status it said so with.
        status: u16,
    },
    /// After a fault, before the next try.
    Backoff {
        /// The fault.
        fault: Fault,
        /// Which try in a row comes next.
        attempt: u32,
    },
    /// The link is down; a probe follows.
    Probe {
        /// Which probe in a row comes next.
        attempt: u32,
    },
}

/// Where damage came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The disk no longer holds what was recorded.
    Disk,
    /// Two fetches of the same bytes differ: one of them was damaged on its way.
    Network,
}

/// How a transfer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every file is in place, or has failed for good.
    Finished,
    /// It was cancelled.
    Cancelled,
    /// It was given up after this long without progress.
    GaveUp {
        /// How long nothing was proven.
        after: Duration,
        /// The last thing that went wrong.
        fault: Option<Fault>,
    },
    /// The disk failed; going on would lose bytes.
    Disk(Fault),
}
