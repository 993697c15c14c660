//! Faults that change the question before it is answered honestly.
//!
//! The answer is then consistent in itself, and not what was asked for.

use std::time::Duration;

use crate::fields::{Fields, RuleError};
use crate::quantity::{parse_bytes, parse_duration};
use crate::storage::StorageEtag;

/// What happens to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestFault {
    /// `delay D`: the answer comes late.
    Delay(Duration),
    /// `ignore-range`: 200 and the whole file.
    IgnoreRange,
    /// `wrong-range [by=BYTES]`: 206 for a range that starts and ends later than asked.
    WrongRange {
        /// How much later, in bytes; 1 if not given.
        by: u64,
    },
    /// `etag-change`: the newer version of the file under the same URL.
    EtagChange,
    /// `storage-etag MODE`: what the storage's ETag says.
    StorageEtag(StorageEtag),
    /// `stale-size [by=BYTES]`: the size of large files is that of an older, shorter version.
    StaleSize {
        /// How much shorter, in bytes; 1 if not given.
        by: u64,
    },
    /// `commit-change`: somebody pushed; `main` moves on before the answer.
    CommitChange,
}

impl RequestFault {
    pub(crate) fn parse(kind: &str, fields: &mut Fields<'_>) -> Result<Option<Self>, RuleError> {
        Ok(Some(match kind {
            "delay" => Self::Delay(fields.argument("a duration such as 2s", parse_duration)?),
            "ignore-range" => Self::IgnoreRange,
            "wrong-range" => Self::WrongRange { by: fields.take("by", parse_bytes)?.unwrap_or(1) },
            "etag-change" => Self::EtagChange,
            "stale-size" => Self::StaleSize { by: fields.take("by", parse_bytes)?.unwrap_or(1) },
            "storage-etag" => {
                Self::StorageEtag(fields.argument("xet, sha256, none, …", str::parse)?)
            }
            "commit-change" => Self::CommitChange,
            _ => return Ok(None),
        }))
    }
}
