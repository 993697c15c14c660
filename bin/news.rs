//! What a fetch tells while it runs: for a progress bar, a log, or another program.
//!
//! Not wording: the command turns these into sentences.

mod queue;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::event::Event;
use engine::fault::Fault;
use engine::manifest::FileId;
use engine::stats::Stats;
use engine::time::Instant;

pub use crate::cache::part::Aside;
pub(crate) use queue::{NewsInbox, NewsSender, queue};

/// Something that a fetch tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The hub is asked what there is.
    Asking {
        /// The host that is asked.
        host: String,
    },
    /// There is a token that cannot be used; the fetch goes on without one.
    TokenIgnored {
        /// Why, without any of the token.
        why: String,
    },
    /// Asking the hub failed, and will be tried again.
    AskingFailed {
        /// What went wrong.
        fault: Fault,
        /// How often in a row it has.
        attempt: u32,
        /// When it is tried again.
        again_in: Duration,
    },
    /// Another host answers in the place of the endpoint that was asked.
    Elsewhere {
        /// The endpoint.
        endpoint: String,
        /// The host that it leads to.
        host: String,
    },
    /// A file of what was asked for cannot be had; the others are fetched.
    Unavailable {
        /// Its path.
        path: String,
        /// Why.
        fault: Fault,
    },
    /// A server does not say how long its file is, which is found out by reading it once.
    Measuring {
        /// The server.
        host: String,
    },
    /// What will be fetched.
    Planned {
        /// The commit that the revision is pinned to; empty for a plain URL.
        commit: String,
        /// The files, in the order in which they will be fetched.
        files: Vec<PlannedFile>,
    },
    /// A file is in place already.
    Present {
        /// Which file.
        file: FileId,
    },
    /// A file that another program left in place is checked against its digest.
    Verifying {
        /// Which file.
        file: FileId,
    },
    /// The part of a file that was here is left as it is, and another one begun.
    Aside {
        /// Which file.
        file: FileId,
        /// Why.
        why: Aside,
    },
    /// Another process is fetching the file; we wait for it.
    Busy {
        /// Which file.
        file: FileId,
        /// Who has it.
        by: String,
    },
    /// What the transfer machine tells.
    Transfer {
        /// What it tells.
        event: Event,
        /// When, on the fetch's own clock.
        at: Instant,
        /// How many requests are open.
        open_requests: usize,
    },
}

/// A file that will be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFile {
    /// What the other news call it.
    pub file: FileId,
    /// Its path in the repository.
    pub path: Arc<str>,
    /// Its length in bytes.
    pub size: u64,
}

/// What a fetch has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What to open: the file that was asked for, or the folder that holds all of them.
    pub path: PathBuf,
    /// The commit; empty for a plain URL.
    pub commit: String,
    /// The files.
    pub files: Vec<FetchedFile>,
    /// What came and what it cost.
    pub stats: Stats,
    /// How long it took.
    pub elapsed: Duration,
}

/// A file that is in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    /// Its path in the repository.
    pub path: String,
    /// Where it is on this disk.
    pub local: PathBuf,
    /// Its length in bytes.
    pub size: u64,
    /// What it hashes to, as verified.
    pub digest: String,
    /// Whether it was there already.
    pub was_present: bool,
    /// When it was verified, since 1970, if that was before: then it was not read again, because
    /// its length and date are what they were. `None` if it was verified now.
    pub verified: Option<Duration>,
}
