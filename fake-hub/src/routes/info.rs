//! What the API tells about a repository, and about the caller.
//!
//! The listing of files with their sizes is the tree's.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use crate::access::{Caller, Refusal};
use crate::call::Call;
use crate::hub::Hub;
use crate::path::FileRef;
use crate::reply::Reply;
use crate::repo::spec::Access;
use crate::repo_id::{RepoId, RepoKind};
use crate::routes::{entry, envelope};

/// `GET /api/{kind}/{repo}`
pub(crate) async fn info(
    State(hub): State<Arc<Hub>>,
    repo: RepoId,
    caller: Caller,
    call: Call,
) -> Result<Reply, Refusal> {
    tell(&hub, caller, &call, &repo, "main")
}

/// `GET /api/{kind}/{repo}/revision/{revision}`
pub(crate) async fn info_at(
    State(hub): State<Arc<Hub>>,
    target: FileRef,
    caller: Caller,
    call: Call,
) -> Result<Reply, Refusal> {
    tell(&hub, caller, &call, &target.repo, &target.revision)
}

/// `GET /api/whoami-v2`
pub(crate) async fn whoami(caller: Caller) -> Result<Reply, Refusal> {
    let name = match caller {
        Caller::Anonymous => return Err(Refusal::NoToken),
        Caller::Outsider => "outsider",
        Caller::Member => "member",
    };
    let value = json!({
        "type": "user",
        "id": "000000000000000000000000",
        "name": name,
        "fullname": name,
        "orgs": [],
        "auth": { "type": "access_token", "accessToken": { "displayName": name, "role": "read" } },
    });
    Ok(envelope::json(&value))
}

fn tell(
    hub: &Hub,
    caller: Caller,
    call: &Call,
    id: &RepoId,
    revision: &str,
) -> Result<Reply, Refusal> {
    let repo = caller.check_repo(hub.repo(id))?;
    let commit = hub.commit(repo, revision)?;
    let has_blobs = call.parameter("blobs").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let siblings: Vec<Value> =
        commit.files.values().map(|file| entry::sibling(call, file, has_blobs)).collect();
    let gated = if repo.access == Access::Gated { json!("manual") } else { json!(false) };
    let mut value = json!({
        "_id": id.object_id(),
        "id": id.name,
        "author": id.name.split_once('/').map(|(author, _)| author),
        "sha": commit.sha,
        "lastModified": entry::DATE,
        "createdAt": entry::DATE,
        "private": repo.access == Access::Private,
        "gated": gated,
        "disabled": false,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": siblings,
    });
    if id.kind == RepoKind::Model {
        value["modelId"] = json!(id.name);
    }
    Ok(envelope::json(&value))
}
