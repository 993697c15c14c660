//! The CDN: whoever has a signed URL gets the bytes.
//!
//! It never looks at tokens, and its errors are XML without the hub's codes.

use hyper::StatusCode;

use crate::hub::Hub;
use crate::reply::{self, Reply};
use crate::routes::{Ask, file};
use crate::sign::BadUrl;
use crate::storage::Words;

/// `GET /lfs/…/{sha256}?Expires=…&Signature=…&Key-Pair-Id=…`
pub(crate) fn blob(hub: &Hub, ask: &Ask, sha256: &str) -> Reply {
    if let Err(bad) = hub.signer.check(&ask.host, &ask.path, &ask.query, hub.clock.now()) {
        return denied(hub, bad);
    }
    let Some((repo, known)) = hub.blob(sha256) else {
        return reply::xml(StatusCode::NOT_FOUND, "NoSuchKey", "The key does not exist.");
    };
    let newest = repo.newest(&known.path).filter(|_| ask.wants_newest);
    file::stored(hub, ask, newest.unwrap_or(known))
}

/// The 403 of a bad URL.
pub(crate) fn denied(hub: &Hub, bad: BadUrl) -> Reply {
    let (code, message) = match bad {
        BadUrl::Unsigned => ("MissingKey", "Missing Key-Pair-Id query parameter or cookie value"),
        BadUrl::Forged => ("AccessDenied", "Access denied"),
        BadUrl::Expired => ("AccessDenied", "Request has expired"),
    };
    if hub.storage.words == Words::Text {
        return reply::text(StatusCode::FORBIDDEN, message);
    }
    reply::xml(StatusCode::FORBIDDEN, code, message)
}
