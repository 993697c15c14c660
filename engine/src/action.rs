//! What the machine tells the shell to do, and what the shell says in return: plain data.
//!
//! Decides nothing. Bytes of a file never appear here, only where they are and what they hash to.

use url::Url;

use crate::digest::{FileDigest, RangeDigest};
use crate::fault::Fault;
use crate::journal::Record;
use crate::ledger::Proven;
use crate::manifest::{FileId, Location};
use crate::range::ByteRange;
use crate::time::Duration;
use crate::xet::hash::XetHash;
use crate::xet::merkle::Node;
use crate::xet::reconstruction::Reconstruction;
use crate::xet::shard::Shard;
use crate::xet::token::ReadToken;

/// One HTTP exchange for one range; it has exactly one close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// One piece of work that ends in one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// What the shell is to do next. Carried out in the order in which they are polled.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// NextStep the hub where the file can be fetched. Ends in [`Answer::Located`].
    Locate {
        /// What the answer refers to.
        task_id: TaskId,
        /// Which file.
        file: FileId,
    },
    /// NextStep the hub for a token to its content-addressed storage. Ends in
    /// [`Answer::Authorized`].
    Authorize {
        /// What the answer refers to.
        task_id: TaskId,
        /// Which file.
        file: FileId,
    },
    /// NextStep for a range. Report the head, or the plan, and wait for [`Action::Receive`] before
    /// reading the body.
    Request {
        /// What all reports of it refer to.
        id: RequestId,
        /// Which file.
        file: FileId,
        /// Where and how to ask.
        route: Route,
        /// Which bytes.
        range: ByteRange,
    },
    /// NextStep what chunks a range of the file is made of. Ends in [`Answer::Described`].
    Describe {
        /// What the answer refers to.
        task_id: TaskId,
        /// Which file it is in the storage.
        hash: XetHash,
        /// What the storage wants to see.
        token: ReadToken,
        /// Which bytes.
        range: ByteRange,
    },
    /// NextStep for the names of all chunks of the xorbs that are stored together with this chunk.
    /// Ends in [`Answer::Named`].
    Name {
        /// What the answer refers to.
        task_id: TaskId,
        /// Which chunk.
        chunk: XetHash,
        /// What the storage wants to see.
        token: ReadToken,
    },
    /// Read the body and write what is wanted of it to its place.
    Receive {
        /// The request whose head was judged good.
        id: RequestId,
        /// Which byte of the file the body begins with.
        body_start: u64,
        /// Which bytes of the file to keep, in order; the others are read and dropped.
        gaps: Vec<ByteRange>,
        /// Whether to compare with what stands on the disk before writing over it.
        compare: bool,
        /// Whether the body is compressed as a whole, and is to be unpacked as it comes.
        gunzip: bool,
    },
    /// Let a request end with the chunks that are coming: it is to ask for no others.
    Drain {
        /// Which request.
        id: RequestId,
    },
    /// End a request. Its close comes all the same, from the request itself.
    Abort {
        /// Which request.
        id: RequestId,
    },
    /// Append a record to the file's journal.
    Append {
        /// Which file.
        file: FileId,
        /// What to append.
        record: Record,
    },
    /// Make the part's data durable, then append `Synced { records }`, then make the journal
    /// durable. Ends in [`Answer::Synced`].
    Sync {
        /// What the answer refers to.
        task_id: TaskId,
        /// Which file.
        file: FileId,
        /// How many records have been appended when this was asked for.
        records: u64,
    },
    /// Add the range to the file's running digest, in order. A range that starts where the last
    /// one ended goes on; one that starts at a multiple of [`CHECKPOINT_BYTES`] goes on from what
    /// the digest was there before; one that ends the file yields the digest. Ends in
    /// [`Answer::Hashed`].
    Hash {
        /// What the answer refers to.
        task_id: TaskId,
        /// Which file.
        file: FileId,
        /// Which bytes to read back.
        range: ByteRange,
        /// Whether to cut them into chunks, too.
        chunks: bool,
    },
    /// Read ranges back and compare them with their records. Ends in [`Answer::Checked`].
    Check {
        /// What the answer refers to.
        task_id: TaskId,
        /// Which file.
        file: FileId,
        /// What should be there.
        entries: Vec<Proven>,
    },
    /// Nothing of ours writes to the part any more: mark it, so that whoever else does so before it
    /// is sealed is noticed. Ends in [`Answer::Marked`].
    Mark {
        /// What the answer refers to.
        task_id: TaskId,
        /// Which file.
        file: FileId,
    },
    /// The whole file is verified: make it durable and put it in place, unless somebody has written
    /// to it since it was marked. Ends in [`Answer::Sealed`], or in
    /// [`DiskFault::Touched`](crate::fault::DiskFault::Touched).
    Seal {
        /// What the answer refers to.
        task_id: TaskId,
        /// Which file.
        file: FileId,
    },
}

/// Where and how a range is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// From the storage host, as it is.
    Http {
        /// Where to ask.
        url: Url,
        /// Whether to ask for the whole file, because no answer to a range was of use.
        whole: bool,
    },
    /// From content-addressed storage, in packed chunks.
    Xet {
        /// Which file it is there.
        hash: XetHash,
        /// What the storage wants to see.
        token: ReadToken,
    },
}

/// How a piece of work ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Where the file can be fetched, and what the hub says it is by now.
    Located {
        /// Where to ask.
        location: Location,
        /// Its digest, if the hub says so.
        digest: Option<FileDigest>,
        /// Its length, if the hub says so.
        size: Option<u64>,
    },
    /// What opens the storage.
    Authorized {
        /// The token.
        token: ReadToken,
        /// How long it is good for, if that is known.
        ttl: Option<Duration>,
    },
    /// What the range is made of.
    Described(Reconstruction),
    /// The names.
    Named(Shard),
    /// The data and the marker are durable.
    Synced,
    /// The range was added.
    Hashed {
        /// The digest of the whole file, if that was the last range.
        digest: Option<FileDigest>,
        /// The chunks that ended in it, in order.
        chunks: Vec<Node>,
    },
    /// Which of the entries are not on the disk as recorded.
    Checked {
        /// The ranges that differ.
        damaged: Vec<ByteRange>,
    },
    /// The part is marked.
    Marked,
    /// The file is in place.
    Sealed,
}

/// Bytes that were written to their place, as the shell measured them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// From where the request began to write (or the gap's start) to where it has come.
    pub range: ByteRange,
    /// The digest of all of it.
    pub digest: RangeDigest,
    /// In a comparing request: whether any byte of it differs from what stood there before.
    pub changed: bool,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Close {
    /// All wanted bytes came and were written.
    Done,
    /// It was told to end.
    Aborted,
    /// Something went wrong.
    Failed(Fault),
}

/// The running digest can go back to any multiple of so many bytes that it has passed.
pub const CHECKPOINT_BYTES: u64 = 64 << 20;
