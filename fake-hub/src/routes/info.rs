//! What the API tells about a repository, and about the caller.
//!
//! The listing of files with their sizes is the tree's.

use serde_json::{Value, json};

use crate::access::{Caller, Refusal};
use crate::hub::Hub;
use crate::reply::Reply;
use crate::repo::{Access, RepoFile, RepoId};
use crate::routes::{Ask, envelope, tree};

/// `GET /api/{kind}/{repo}` and `GET /api/{kind}/{repo}/revision/{revision}`
pub(crate) fn info(
    hub: &Hub,
    ask: &Ask,
    id: &RepoId,
    revision: Option<&str>,
) -> Result<Reply, Refusal> {
    let caller = hub.tokens.caller(&ask.headers)?;
    let repo = caller.check_repo(hub.repo(id))?;
    let commit = hub.commit(repo, revision.unwrap_or("main"))?;
    let has_blobs = ask.parameter("blobs").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let siblings: Vec<Value> =
        commit.files.values().map(|file| sibling(ask, file, has_blobs)).collect();
    let gated = if repo.access == Access::Gated { json!("manual") } else { json!(false) };
    let mut value = json!({
        "_id": id.object_id(),
        "id": id.name,
        "author": id.name.split_once('/').map(|(author, _)| author),
        "sha": commit.sha,
        "lastModified": DATE,
        "createdAt": DATE,
        "private": repo.access == Access::Private,
        "gated": gated,
        "disabled": false,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": siblings,
    });
    if id.kind == crate::repo::RepoKind::Model {
        value["modelId"] = json!(id.name);
    }
    Ok(envelope::json(&value))
}

/// `GET /api/whoami-v2`
pub(crate) fn whoami(hub: &Hub, ask: &Ask) -> Result<Reply, Refusal> {
    let name = match hub.tokens.caller(&ask.headers)? {
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

fn sibling(ask: &Ask, file: &RepoFile, has_blobs: bool) -> Value {
    if !has_blobs {
        return json!({ "rfilename": file.path });
    }
    let mut value = json!({
        "rfilename": file.path,
        "blobId": file.oid,
        "size": ask.said_size(file),
    });
    if let Some(lfs) = tree::lfs(ask, file, "sha256") {
        value["lfs"] = lfs;
    }
    value
}

/// Everything was made on one day.
pub(crate) const DATE: &str = "2024-01-01T00:00:00.000Z";
