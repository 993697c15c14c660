//! The storage: whoever has a signed URL gets the bytes.
//!
//! It never looks at tokens, and its refusals are lines of text without the hub's codes.

use hyper::StatusCode;

use crate::hub::Hub;
use crate::reply::{self, Reply};
use crate::routes::{Ask, file};
use crate::shape::storage;
use crate::sign::BadUrl;
use crate::storage::Words;

/// `GET /xet-bridge-us/{repository}/{name}?…&Expires=…&Policy=…&Signature=…&Key-Pair-Id=…`
pub(crate) fn blob(hub: &Hub, ask: &Ask, name: &str) -> Reply {
    let now = hub.clock.now();
    if let Err(bad) = hub.signer.check(&ask.host, &ask.path, &ask.query, None, now) {
        return denied(hub, ask, bad);
    }
    let Some((repo, known)) = hub.blob(name) else {
        return missing(hub, ask);
    };
    let newest = repo.newest(&known.path).filter(|_| ask.wants_newest);
    file::stored(hub, ask, newest.unwrap_or(known))
}

/// The 403 of a bad URL.
pub(crate) fn denied(hub: &Hub, ask: &Ask, bad: BadUrl) -> Reply {
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
    refused(hub, ask, StatusCode::FORBIDDEN, words)
}

/// There is nothing of that name.
pub(crate) fn missing(hub: &Hub, ask: &Ask) -> Reply {
    refused(hub, ask, StatusCode::NOT_FOUND, storage::WORDS_MISSING)
}

/// A refusal in a line of text.
pub(crate) fn refused(hub: &Hub, ask: &Ask, status: StatusCode, words: &str) -> Reply {
    let mut reply = storage::REFUSED.fill(&[("words", words), ("pop", pop(hub, ask))]);
    *reply.status_mut() = status;
    reply
}

/// The edge that answers.
pub(crate) fn pop(hub: &Hub, ask: &Ask) -> &'static str {
    storage::POPS[usize::from(hub.storages.get(1) == Some(&ask.host))]
}
