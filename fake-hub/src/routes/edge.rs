//! How the storage refuses: in lines of text, without the hub's codes.
//!
//! What is refused is decided elsewhere.

use hyper::StatusCode;

use crate::call::Call;
use crate::hub::Hub;
use crate::reply::{self, Reply};
use crate::shape::storage;
use crate::sign::BadUrl;
use crate::storage::Words;

/// The 403 of a bad URL.
pub(crate) fn denied(hub: &Hub, call: &Call, bad: BadUrl) -> Reply {
    let words = match bad {
        BadUrl::Unsigned => storage::WORDS_UNSIGNED,
        BadUrl::Resource => storage::WORDS_RESOURCE,
        BadUrl::Key => storage::WORDS_KEY,
        BadUrl::Range => storage::WORDS_RANGE,
        BadUrl::Expired if hub.storage.words == Words::Xml => {
            return reply::xml(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired");
        }
        BadUrl::Expired => storage::WORDS_EXPIRED,
    };
    refused(hub, call, StatusCode::FORBIDDEN, words)
}

/// There is nothing of that name.
pub(crate) fn missing(hub: &Hub, call: &Call) -> Reply {
    refused(hub, call, StatusCode::NOT_FOUND, storage::WORDS_MISSING)
}

/// A refusal in a line of text.
pub(crate) fn refused(hub: &Hub, call: &Call, status: StatusCode, words: &str) -> Reply {
    let mut reply = storage::REFUSED.fill(&[("words", words), ("pop", pop(hub, call))]);
    *reply.status_mut() = status;
    reply
}

/// The edge that answers.
pub(crate) fn pop(hub: &Hub, call: &Call) -> &'static str {
    let is_second = hub.storages.get(1).is_some_and(|second| second == call.host());
    storage::POPS[usize::from(is_second)]
}
