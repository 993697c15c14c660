//! What the hub answers when it tells the truth.
//!
//! Faults, counters and connections are not its business.

use bytes::Bytes;
use hyper::header::HeaderMap;
use hyper::{Method, StatusCode};
use serde_json::json;

use crate::access::Refusal;
use crate::hub::{Host, Hub};
use crate::interface::Interface;
use crate::reply::{self, Reply};
use crate::repo::RepoFile;
use crate::shape::hub as shapes;
use crate::storage::StorageEtag;
use crate::target::{Route, Target};

mod cas;
mod cdn;
mod chunks;
pub(crate) mod envelope;
mod file;
mod info;
mod moved;
mod resolve;
mod token;
mod tree;
mod xorb;

pub(crate) use cas::unauthorized;
pub(crate) use cdn::{denied, refused};
pub(crate) use xorb::spans;

/// A request, read and taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) host: String,
    /// The path as it came, percent-encoded.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Bytes,
    pub(crate) target: Target,
    /// Serve the newest version of a file whatever was asked for.
    pub(crate) wants_newest: bool,
    /// The number of the connection that it came on.
    pub(crate) connection: u64,
    /// So much less is said to be the size of large files than it is.
    pub(crate) size_is_stale_by: u64,
    /// What the storage's ETag says, if a fault decides it.
    pub(crate) storage_etag: Option<StorageEtag>,
    /// The range was changed by a fault: it need not be the one that was signed.
    pub(crate) is_range_bent: bool,
}

impl Ask {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The path and the query, as they came.
    pub(crate) fn path_and_query(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }

    /// What the hub says is the size of a file.
    pub(crate) fn said_size(&self, file: &RepoFile) -> u64 {
        let stale_by = if file.sha256.is_some() { self.size_is_stale_by } else { 0 };
        file.content.len().saturating_sub(stale_by)
    }

    /// The value of a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// The honest answer.
pub(crate) fn answer(hub: &Hub, ask: &Ask) -> Reply {
    let standing = envelope::take(hub, ask);
    let mut reply = match &standing {
        Some(standing) if standing.is_exceeded => too_many(),
        Some(_) | None => judge(hub, ask),
    };
    if let Some(standing) = &standing {
        envelope::put(hub, ask, &mut reply, standing);
    }
    reply
}

/// Whether the request is one that can be answered here.
fn judge(hub: &Hub, ask: &Ask) -> Reply {
    let is_cas = ask.target.route().is_interface();
    let is_missing =
        Interface::of(&ask.target).is_some_and(|interface| hub.lacks.contains(&interface));
    if is_missing || is_cas && hub.is_elsewhere(&ask.host, Host::Cas) {
        return reply::json(StatusCode::NOT_FOUND, &json!({ "error": "Not Found" }));
    }
    let is_post =
        matches!(ask.target, Target::PathsInfo { .. } | Target::Telemetry | Target::Reset);
    if is_post != (ask.method == Method::POST) {
        return reply::json(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "wrong method" }));
    }
    if let Some(location) = hub.moved(ask) {
        return shapes::MOVED.fill(&[("location", &location)]);
    }
    let is_api = ask.target.route() != Route::Resolve;
    tell(hub, ask).unwrap_or_else(|refusal| refusal.reply(is_api))
}

fn tell(hub: &Hub, ask: &Ask) -> Result<Reply, Refusal> {
    match &ask.target {
        Target::Resolve(file) => resolve::resolve(hub, ask, file),
        Target::ResolveCache(file) => resolve::resolve_cache(hub, ask, file),
        Target::Info { repo, revision } => info::info(hub, ask, repo, revision.as_deref()),
        Target::Tree(file) => tree::tree(hub, ask, file),
        Target::PathsInfo { repo, revision } => tree::paths_info(hub, ask, repo, revision),
        Target::Whoami => info::whoami(hub, ask),
        Target::Blob { name } => Ok(cdn::blob(hub, ask, name)),
        Target::XetToken { repo, revision } => token::token(hub, ask, repo, revision),
        Target::Reconstruction { hash, is_v2 } => Ok(cas::reconstruction(hub, ask, hash, *is_v2)),
        Target::Xorb { hash } => Ok(xorb::xorb(hub, ask, hash)),
        Target::Chunk { hash } => Ok(chunks::shard(hub, ask, hash)),
        Target::Telemetry => Ok(reply::json(StatusCode::OK, &json!({}))),
        Target::Portal => Ok(reply::portal()),
        Target::Stats => Ok(reply::json(StatusCode::OK, &json!(hub.stats()))),
        Target::Reset => {
            hub.reset();
            Ok(reply::json(StatusCode::OK, &json!({ "reset": true })))
        }
        Target::Unknown { .. } => {
            Ok(reply::json(StatusCode::NOT_FOUND, &json!({ "error": "Not Found" })))
        }
    }
}

fn too_many() -> Reply {
    let mut reply = shapes::REFUSED_IN_JSON.fill(&[("message", shapes::TOO_MANY)]);
    *reply.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    reply
}
