//! `resolve`: where a file is, and the small files themselves.
//!
//! Large files are only pointed at; the CDN has them.

use hyper::StatusCode;
use hyper::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, ETAG, LINK};

use crate::access::Refusal;
use crate::hub::Hub;
use crate::reply::{self, Reply};
use crate::repo::RepoFile;
use crate::routes::{Ask, file};
use crate::target::{FileRef, blob_path, encode, resolve_cache_path, xet_token_path};

/// `HEAD` or `GET /{repo}/resolve/{revision}/{path}`
pub(crate) fn resolve(hub: &Hub, ask: &Ask, target: &FileRef) -> Result<Reply, Refusal> {
    let (commit, known) = find(hub, ask, target)?;
    let etag = format!("\"{}\"", known.etag());
    let mut reply = match &known.sha256 {
        Some(sha256) => {
            let path = blob_path(sha256);
            let query = hub.signer.query(&hub.cdn, &path, hub.clock.now());
            let location = format!("http://{}{path}?{query}", hub.cdn);
            reply::redirect(StatusCode::FOUND, &location)
        }
        None => {
            let location = resolve_cache_path(target, &commit);
            reply::redirect(StatusCode::TEMPORARY_REDIRECT, &location)
        }
    };
    if known.sha256.is_some() {
        reply::set(&mut reply, "x-linked-etag", &etag);
        reply::set(&mut reply, "x-linked-size", &known.content.len().to_string());
    }
    if let Some(xet) = &known.xet {
        let token = xet_token_path(&target.repo, &commit);
        let links = format!(
            "<{}{token}>; rel=\"xet-auth\", \
             <{}/v1/reconstructions/{xet}>; rel=\"xet-reconstruction-info\"",
            hub.endpoint(),
            hub.cas_endpoint(),
        );
        reply::set(&mut reply, "x-xet-hash", &xet.to_string());
        reply::set(&mut reply, LINK, &links);
    }
    let name = encode(known.path.rsplit('/').next().unwrap_or(&known.path));
    let disposition = format!("inline; filename*=UTF-8''{name}");
    reply::set(&mut reply, CONTENT_DISPOSITION, &disposition);
    reply::set(&mut reply, ETAG, &etag);
    reply::set(&mut reply, ACCEPT_RANGES, "bytes");
    reply::set(&mut reply, "x-repo-commit", &commit);
    Ok(reply)
}

/// `HEAD` or `GET /api/resolve-cache/{kind}/{repo}/{commit}/{path}`
pub(crate) fn resolve_cache(hub: &Hub, ask: &Ask, target: &FileRef) -> Result<Reply, Refusal> {
    let (commit, known) = find(hub, ask, target)?;
    let mut reply = file::serve(hub, ask, known);
    reply::set(&mut reply, "x-repo-commit", &commit);
    Ok(reply)
}

fn find<'a>(hub: &'a Hub, ask: &Ask, target: &FileRef) -> Result<(String, &'a RepoFile), Refusal> {
    let caller = hub.tokens.caller(&ask.headers)?;
    let repo = caller.check_repo(hub.repo(&target.repo))?;
    caller.check_files(repo)?;
    let commit = hub.commit(repo, &target.revision)?;
    let missing =
        || Refusal::EntryNotFound { path: target.path.clone(), commit: commit.sha.clone() };
    let known = commit.files.get(&target.path).ok_or_else(missing)?;
    let newest = repo.newest(&target.path).filter(|_| ask.wants_newest);
    Ok((commit.sha.clone(), newest.unwrap_or(known)))
}
