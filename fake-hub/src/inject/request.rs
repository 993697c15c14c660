//! Faults that change the question before it is answered honestly.
//!
//! The answer is then consistent in itself, and not what was asked for.

use axum::extract::Request;
use hyper::header::{HeaderValue, IF_RANGE, RANGE};
use tokio::time::sleep;

use crate::call::{Changes, header};
use crate::fault::RequestFault;
use crate::hub::Hub;
use crate::range::Asked;
use crate::route::Route;
use crate::subject::Subject;

impl RequestFault {
    /// Whether there is anything to change in this question.
    pub(crate) fn applies(self, route: Route, subject: &Subject, request: &Request) -> bool {
        match self {
            Self::IgnoreRange | Self::WrongRange { .. } => request.headers().contains_key(RANGE),
            Self::StorageEtag(_) => route == Route::Cdn,
            Self::StaleSize { .. } => {
                route == Route::Resolve
                    || route == Route::Api && matches!(subject, Subject::Repo(_))
            }
            Self::Delay(_) | Self::EtagChange | Self::CommitChange => true,
        }
    }

    /// Changes the question, or the world.
    pub(crate) async fn inject(self, hub: &Hub, subject: &Subject, request: &mut Request) {
        if let Self::Delay(delay) = self {
            return sleep(delay).await;
        }
        let mut changes = Changes::default();
        match self {
            Self::Delay(_) => {}
            Self::IgnoreRange => {
                request.headers_mut().remove(RANGE);
                request.headers_mut().remove(IF_RANGE);
                changes.is_range_changed = true;
            }
            Self::WrongRange { by } => {
                if let Some(range) = shifted(header(request.headers(), RANGE), subject.len(hub), by)
                {
                    request.headers_mut().insert(RANGE, range);
                    changes.is_range_changed = true;
                }
            }
            Self::EtagChange => changes.wants_newest = true,
            Self::StaleSize { by } => changes.size_is_stale_by = by,
            Self::StorageEtag(etag) => changes.storage_etag = Some(etag),
            Self::CommitChange => {
                if let Some(repo) = subject.repo(hub) {
                    repo.advance();
                }
            }
        }
        request.extensions_mut().insert(changes);
    }
}

/// The range that lies later by so many bytes, within the `len` that there are.
fn shifted(range: Option<&str>, len: Option<u64>, by: u64) -> Option<HeaderValue> {
    let len = len?;
    let Asked::Part(part) = Asked::of(range, len) else {
        return None;
    };
    let start = part.start.saturating_add(by).min(len - 1);
    let last = part.end.saturating_add(by).min(len) - 1;
    let range = HeaderValue::from_str(&format!("bytes={start}-{last}"));
    Some(range.expect("digits are a header value"))
}
