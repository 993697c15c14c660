//! `resolve`: where a file is, and the small files themselves.
//!
//! Large files are only pointed at; the storage has them.

use std::sync::Arc;

use axum::extract::State;
use hyper::StatusCode;
use hyper::header::{ETAG, IF_NONE_MATCH, USER_AGENT};
use url::form_urlencoded::byte_serialize;

use crate::access::{Caller, InText, Refusal};
use crate::body::Body;
use crate::call::Call;
use crate::hub::Hub;
use crate::path::{FileRef, bridge_path, resolve_cache_path, xet_token_path};
use crate::reply::{self, Reply};
use crate::repo::commit::RepoFile;
use crate::repo::spec::Access;
use crate::routes::file;
use crate::shape::{self, fill, hub as shapes, storage};
use crate::sign::Grant;

/// A file that was found.
struct Found<'a> {
    caller: Caller,
    commit: String,
    file: &'a RepoFile,
    /// A small file that no cache may hold, or need not: `resolve` has it.
    is_served_in_place: bool,
}

/// `HEAD` or `GET /{repo}/resolve/{revision}/{path}`
pub(crate) async fn resolve(
    State(hub): State<Arc<Hub>>,
    target: FileRef,
    caller: Result<Caller, Refusal>,
    call: Call,
) -> Result<Reply, InText> {
    let found = find(&hub, caller?, &call, &target)?;
    match &found.file.sha256 {
        Some(sha256) => Ok(stored(&hub, &call, &target, &found, sha256)),
        None if found.is_served_in_place => Ok(whole(&call, &found)),
        None => Ok(small(&call, &target, &found)),
    }
}

/// `HEAD` or `GET /api/resolve-cache/{kind}/{repo}/{commit}/{path}?{resolve path}=&etag="…"`
pub(crate) async fn resolve_cache(
    State(hub): State<Arc<Hub>>,
    target: FileRef,
    caller: Caller,
    call: Call,
) -> Result<Reply, Refusal> {
    Ok(whole(&call, &find(&hub, caller, &call, &target)?))
}

/// The file itself. It names the commit whether the query came along or not: the clients of years
/// drop it, and go by the commit.
fn whole(call: &Call, found: &Found<'_>) -> Reply {
    let Found { commit, file, .. } = found;
    let mut reply = file::serve(call, file);
    let etag = reply.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
    if etag.is_some() && etag == call.header(IF_NONE_MATCH) {
        let etag = etag.unwrap_or_default().to_owned();
        reply = Reply::new(Body::Absent);
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        reply::set(&mut reply, ETAG, &etag);
    }
    let disposition = file::disposition(&file.path);
    let words = [("disposition", disposition.as_str()), ("commit", commit)];
    shape::set_all(&mut reply, shapes::SMALL_FILE, &words);
    reply
}

fn stored(hub: &Hub, call: &Call, target: &FileRef, found: &Found<'_>, sha256: &str) -> Reply {
    let Found { commit, file, .. } = found;
    let location = location(hub, target, found);
    let size = call.said_size(file).to_string();
    let xet = file.xet.map(|xet| xet.to_string());
    let auth = format!("{}{}", hub.links_to(), xet_token_path(&target.repo, commit));
    let plan = xet.as_ref().map(|xet| format!("{}/v1/reconstructions/{xet}", hub.cas_endpoint()));
    let mut words = vec![
        ("location", location.as_str()),
        ("commit", commit),
        ("size", &size),
        ("sha", sha256),
        ("auth", &auth),
    ];
    words.extend(xet.as_deref().map(|xet| ("xet", xet)));
    words.extend(plan.as_deref().map(|plan| ("plan", plan)));
    let mut reply = shapes::STORED.fill(&words);
    let agent = call.header(USER_AGENT).unwrap_or_default();
    if agent.starts_with("ollama/") {
        *reply.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    }
    reply
}

/// The signed URL of the file's bytes.
fn location(hub: &Hub, target: &FileRef, found: &Found<'_>) -> String {
    let name = found.file.storage_name();
    let path = bridge_path(&target.repo, &name);
    let disposition = file::disposition(&found.file.path);
    let disposition: String = byte_serialize(disposition.as_bytes()).collect();
    let user = found.caller.user();
    let words = [("user", user.as_str()), ("disposition", &disposition)];
    let order = usize::from(name.as_bytes()[0] % 2);
    let question = fill(storage::FILE_QUESTIONS[order], &words).unwrap_or_default();
    let host = hub.pick_storage();
    let grant = Grant { host, path: &path, question: &question, range: None };
    hub.signer.url(grant, hub.clock.now())
}

fn small(call: &Call, target: &FileRef, found: &Found<'_>) -> Reply {
    let Found { commit, file, .. } = found;
    let path = resolve_cache_path(target, commit);
    let resolve: String = byte_serialize(call.path().as_bytes()).collect();
    let words =
        [("path", path.as_str()), ("resolve", resolve.as_str()), ("sha", file.oid.as_str())];
    let location = fill(shapes::SMALL_LOCATION, &words).unwrap_or_default();
    let disposition = file::disposition(&file.path);
    shapes::SMALL.fill(&[
        ("location", &location),
        ("commit", commit),
        ("sha", &file.oid),
        ("disposition", &disposition),
    ])
}

fn find<'a>(
    hub: &'a Hub,
    caller: Caller,
    call: &Call,
    target: &FileRef,
) -> Result<Found<'a>, Refusal> {
    let repo = caller.check_repo(hub.repo(&target.repo))?;
    caller.check_files(repo)?;
    let commit = hub.commit(repo, &target.revision)?;
    let missing = || Refusal::EntryNotFound { commit: commit.sha.clone() };
    let known = commit.files.get(&target.path).ok_or_else(missing)?;
    let newest = repo.newest(&target.path).filter(|_| call.changes().wants_newest);
    let file = newest.unwrap_or(known);
    let is_served_in_place =
        repo.access != Access::Public || !repo.id.name.contains('/') || file.content.len() == 0;
    Ok(Found { caller, commit: commit.sha.clone(), file, is_served_in_place })
}
