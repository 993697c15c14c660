//! How often, and for what, content-addressed storage is asked beside the chunks themselves: what a
//! file is made of, and what its chunks are called.
//!
//! Asks nobody.

use crate::time::Duration;

/// So often it is asked what a file is made of, beside the requests for its chunks.
pub(crate) const DESCRIBE_TRIES: u32 = 8;
/// The longest pause after a question that was not answered.
pub(crate) const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// So often it is asked for names.
pub(crate) const NAME_TRIES: u32 = 8;
/// So often a token is asked for only to find out what to doubt.
pub(crate) const TOKEN_TRIES: u32 = 3;
/// So much that came otherwise is worth a question.
pub(crate) const DESCRIBE_BYTES: u64 = 1 << 20;
/// The storage lists chunks whose hash is a multiple of this.
pub(crate) const LISTED: u64 = 1024;
/// So many of them are asked for at most.
pub(crate) const LEADS_MAX: usize = 4;
/// Chunks that are not what their names say are fetched again so often by these names.
pub(crate) const NAMED_MAX: u32 = 5;
/// So much may well be wrong, however small the file.
pub(crate) const PLAUSIBLE_BYTES: u64 = 1 << 20;
