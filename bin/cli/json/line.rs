//! The lines of `--json`, name by name.
//!
//! Not when they are written.

use moshi_fetch::news::PlannedFile;
use serde::{Serialize, Serializer};

/// One line while a fetch runs.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    /// The hub is asked what there is.
    Asking { host: &'a str },
    /// There is a token that cannot be used.
    TokenIgnored { message: &'a str },
    /// Asking the hub failed, and is tried again in so many seconds.
    AskingFailed { kind: &'static str, message: String, attempt: u32, seconds: f64 },
    /// Another host answers in the place of the endpoint.
    Elsewhere { endpoint: &'a str, host: &'a str },
    /// A server does not say how long its file is: it is read once to find out.
    Measuring { host: &'a str },
    /// What will be fetched, and how many bytes that is in all.
    Planned { commit: &'a str, total: u64, files: PlannedLines<'a> },
    /// A file is in place already.
    Present { file: &'a str },
    /// A file that another program left is checked.
    Verifying { file: &'a str },
    /// The part that was here is left as it is, and another one begun.
    Aside { file: &'a str, why: &'static str },
    /// Another process is fetching the file.
    Busy { file: &'a str, by: &'a str },
    /// Work on a file begins with so many of its bytes proven.
    Begun { file: &'a str, bytes: u64, total: u64 },
    /// The publisher vouches for so many of the file's bytes, before its digest says all.
    Vouched { file: &'a str, bytes: u64, total: u64 },
    /// So many bytes are proven, `vouched` of them vouched for; the rest takes between so many
    /// seconds, if that can be said.
    Progress {
        file: &'a str,
        bytes: u64,
        total: u64,
        vouched: u64,
        rate: u64,
        seconds_min: Option<u64>,
        seconds_max: Option<u64>,
    },
    /// All bytes of a chunk are proven; `index` counts from 0, `end` is exclusive.
    Chunk { file: &'a str, index: u64, count: u64, start: u64, end: u64 },
    /// Something went wrong and is being dealt with; `wasted` bytes came in vain.
    Fault { file: &'a str, kind: &'static str, message: String, wasted: u64 },
    /// Nothing is asked for, for so many seconds.
    Waiting {
        why: &'static str,
        seconds: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// The link has been silent for so many seconds.
    Down {
        seconds: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        host: Option<&'a str>,
    },
    /// The link answers again, after so many seconds.
    Up {
        seconds: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        host: Option<&'a str>,
    },
    /// The storage has called the file by its Xet hash.
    Named { file: &'a str },
    /// The server ignores ranges; the file comes in one stream.
    NoRanges { file: &'a str },
    /// What a slow request had left is shared among free workers.
    Split { file: &'a str, start: u64, end: u64 },
    /// The file's digest is what its publisher says.
    Verified { file: &'a str, digest: String },
    /// The file's digest is another one; what is damaged is looked for.
    Mismatch { file: &'a str, digest: String },
    /// A range was damaged and is fetched again.
    Repaired { file: &'a str, start: u64, end: u64, origin: &'static str },
    /// The file is in place.
    Sealed { file: &'a str, bytes: u64 },
    /// The file cannot be had.
    Failed { file: &'a str, kind: &'static str, message: String },
}

/// The files of `planned`, written one after the other: there may be a million.
#[derive(Debug)]
pub(crate) struct PlannedLines<'a>(pub(super) &'a [PlannedFile]);

impl Serialize for PlannedLines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lines = self.0.iter().map(|file| PlannedLine { file: &file.path, bytes: file.size });
        serializer.collect_seq(lines)
    }
}

/// A file of `planned`.
#[derive(Debug, Serialize)]
struct PlannedLine<'a> {
    file: &'a str,
    bytes: u64,
}
