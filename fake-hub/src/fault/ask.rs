//! Faults that change the question before it is answered honestly.
//!
//! The answer is then consistent in itself, and not what was asked for.

use std::time::Duration;

use hyper::header::{HeaderValue, IF_RANGE, RANGE};
use tokio::time::sleep;

use crate::fields::{Fields, RuleError};
use crate::hub::Hub;
use crate::quantity::{parse_bytes, parse_duration};
use crate::range::Asked;
use crate::routes::Ask;
use crate::storage::StorageEtag;
use crate::target::{Route, Target};

/// What happens to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskFault {
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

impl AskFault {
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

    /// Whether there is anything to change in this question.
    pub(crate) fn applies(self, ask: &Ask) -> bool {
        match self {
            Self::IgnoreRange | Self::WrongRange { .. } => ask.headers.contains_key(RANGE),
            Self::StorageEtag(_) => ask.target.route() == Route::Cdn,
            Self::StaleSize { .. } => matches!(
                ask.target,
                Target::Resolve(_)
                    | Target::Tree(_)
                    | Target::PathsInfo { .. }
                    | Target::Info { .. }
            ),
            Self::Delay(_) | Self::EtagChange | Self::CommitChange => true,
        }
    }

    /// Changes the question, or the world.
    pub(crate) async fn tell(self, hub: &Hub, ask: &mut Ask) {
        match self {
            Self::Delay(delay) => sleep(delay).await,
            Self::IgnoreRange => {
                ask.headers.remove(RANGE);
                ask.headers.remove(IF_RANGE);
                ask.is_range_bent = true;
            }
            Self::WrongRange { by } => shift_range(hub, ask, by),
            Self::EtagChange => ask.wants_newest = true,
            Self::StaleSize { by } => ask.size_is_stale_by = by,
            Self::StorageEtag(etag) => ask.storage_etag = Some(etag),
            Self::CommitChange => {
                if let Some(repo) = hub.repo_of(&ask.target) {
                    repo.advance();
                }
            }
        }
    }
}

fn shift_range(hub: &Hub, ask: &mut Ask, by: u64) {
    let len = hub.len_of(&ask.target).unwrap_or(0);
    if let Asked::Part(part) = Asked::of(ask.header(RANGE.as_str()), len) {
        let start = part.start.saturating_add(by).min(len - 1);
        let last = part.end.saturating_add(by).min(len) - 1;
        let range = HeaderValue::from_str(&format!("bytes={start}-{last}"));
        ask.headers.insert(RANGE, range.expect("digits are a header value"));
        ask.is_range_bent = true;
    }
}
