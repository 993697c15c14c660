//! What came of looking at one file.
//!
//! Not wording: the command turns these into sentences.

use std::path::PathBuf;

use engine::fault::DiskFault;
use engine::range::ByteRange;

/// One file, and whether it is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its path in the repository.
    pub path: String,
    /// What was read, if there was anything.
    pub local: Option<PathBuf>,
    /// The length that it must have, if that is known.
    pub size: Option<u64>,
    /// What it must hash to, if that is known.
    pub digest: Option<String>,
    /// Whether it is right.
    pub verdict: Verdict,
    /// Who is writing it now.
    pub held_by: Option<String>,
}

/// Whether a file is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It hashes to what its publisher says.
    Intact,
    /// It is whole, and does not.
    Damaged {
        /// Which bytes are not as they were recorded, or are too many or too few.
        ranges: Vec<ByteRange>,
        /// Which bytes have no record that could tell.
        unrecorded: Vec<ByteRange>,
    },
    /// It is a part.
    Incomplete {
        /// Bytes that were recorded, and are still as they were.
        proven: u64,
        /// Which bytes are not as they were recorded.
        damaged: Vec<ByteRange>,
        /// Bytes that have not been recorded yet.
        missing: u64,
    },
    /// There is nothing of it.
    Missing,
    /// It cannot be judged.
    Unjudged {
        /// Its length in bytes.
        len: u64,
        /// Why not.
        why: Unjudged,
    },
}

/// Why something cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unjudged {
    /// Nothing here says what it must hash to, and the hub was not to be asked, or did not say.
    NoDigest,
    /// It is shorter than the file, and there is only a digest of the whole.
    OnlyTheWhole,
    /// It cannot be read, and why.
    Unreadable(DiskFault),
}
