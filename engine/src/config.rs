//! The settings of a transfer, with the defaults and where they come from.
//!
//! Knows no command line and no link profile: the command maps those to these.

use crate::policy::protocol::Kind;
use crate::time::Duration;

/// How a transfer is to behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// At most this many requests open at once.
    pub workers_max: u32,
    /// No request asks for more bytes than this. With resume inside a request anything from 1 to
    /// 50 MiB is within 2 % on shared links; smaller ones keep the tail short.
    pub request_bytes_max: u64,
    /// No request asks for fewer bytes than this, unless fewer are missing.
    pub request_bytes_min: u64,
    /// Silence after which a request is given up; `None` adapts it to the gaps seen.
    pub stall_after: Option<Duration>,
    /// Where it adapts, it never becomes shorter than this: what `HF_HUB_DOWNLOAD_TIMEOUT` says.
    pub stall_at_least: Option<Duration>,
    /// The hub gets at least this long to begin an answer: what `HF_HUB_ETAG_TIMEOUT` says.
    pub answer_within: Option<Duration>,
    /// Backoff never waits longer than this.
    pub backoff_max: Duration,
    /// The whole transfer is given up after this long without a proven byte; `None` is never.
    pub give_up_after: Option<Duration>,
    /// Received bytes are synced to the disk at least this often.
    pub sync_every: Duration,
    /// The unit shown to people, in bytes.
    pub chunk_bytes: u64,
    /// Whether files may come in chunks from content-addressed storage. If not, what they are
    /// called there still says whether an answer is about the right content.
    pub use_xet: bool,
}

impl Config {
    /// The fewest bytes that a request of this kind asks for. One that is ended early loses the
    /// chunk that it is at, so that fewer and longer ones are better for chunks.
    pub(crate) fn request_bytes_min(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Http => self.request_bytes_min,
            Kind::Xet => self.request_bytes_min.max(CHUNKS_BYTES_MIN).min(self.request_bytes_max),
        }
    }
}

/// What a request for chunks asks for at least, if it may: a chunk lost is 1 % of it.
const CHUNKS_BYTES_MIN: u64 = 4 << 20;

impl Default for Config {
    fn default() -> Self {
        Self {
            workers_max: 8,
            request_bytes_max: 8 << 20,
            request_bytes_min: 1 << 20,
            stall_after: None,
            stall_at_least: None,
            answer_within: None,
            backoff_max: Duration::from_secs(300),
            give_up_after: None,
            sync_every: Duration::from_millis(1500),
            chunk_bytes: 50 << 20,
            use_xet: true,
        }
    }
}
