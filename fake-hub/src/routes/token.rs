//! Access tokens of the CAS, for those who may read a repository's files.
//!
//! What a token opens is the CAS's business.

use hyper::StatusCode;
use serde_json::json;

use crate::access::Refusal;
use crate::hub::Hub;
use crate::reply::{self, Reply};
use crate::repo::RepoId;
use crate::routes::{Ask, envelope};

/// `GET /api/{kind}/{repo}/xet-read-token/{revision}`: in JSON for one half of the real client,
/// in headers for the other.
pub(crate) fn token(hub: &Hub, ask: &Ask, id: &RepoId, revision: &str) -> Result<Reply, Refusal> {
    let caller = hub.tokens.caller(&ask.headers)?;
    let repo = caller.check_repo(hub.repo(id))?;
    caller.check_files(repo)?;
    hub.commit(repo, revision)?;
    if !repo.is_in_xet {
        return Ok(reply::json(StatusCode::NOT_FOUND, &json!({ "error": "not in Xet" })));
    }
    let (token, expires) = hub.passes.issue(id, hub.clock.now());
    let url = hub.cas_endpoint();
    let value = json!({ "accessToken": token, "exp": expires, "casUrl": url });
    let mut reply = envelope::json(&value);
    reply::set(&mut reply, "x-xet-access-token", &token);
    reply::set(&mut reply, "x-xet-token-expiration", &expires.to_string());
    reply::set(&mut reply, "x-xet-cas-url", &url);
    Ok(reply)
}
