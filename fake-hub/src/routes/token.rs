//! Access tokens of the CAS, for those who may read a repository's files.
//!
//! What a token opens is the CAS's business.

use std::sync::Arc;

use axum::extract::State;
use hyper::StatusCode;
use serde_json::json;

use crate::access::{Caller, Refusal};
use crate::hub::Hub;
use crate::path::FileRef;
use crate::reply::{self, Reply};
use crate::routes::envelope;

/// `GET /api/{kind}/{repo}/xet-read-token/{revision}`: in JSON for one half of the real client,
/// in headers for the other.
pub(crate) async fn token(
    State(hub): State<Arc<Hub>>,
    target: FileRef,
    caller: Caller,
) -> Result<Reply, Refusal> {
    let repo = caller.check_repo(hub.repo(&target.repo))?;
    caller.check_files(repo)?;
    hub.commit(repo, &target.revision)?;
    if !repo.is_in_xet {
        return Ok(reply::json(StatusCode::NOT_FOUND, &json!({ "error": "not in Xet" })));
    }
    let (token, expires) = hub.passes.issue(&target.repo, hub.clock.now());
    let url = hub.cas_endpoint();
    let value = json!({ "accessToken": token, "exp": expires, "casUrl": url });
    let mut reply = envelope::json(&value);
    reply::set(&mut reply, "x-xet-access-token", &token);
    reply::set(&mut reply, "x-xet-token-expiration", &expires.to_string());
    reply::set(&mut reply, "x-xet-cas-url", &url);
    Ok(reply)
}
