//! What handlers take out of a request: its head, who asks, and what the path names.
//!
//! A request that was sent to the wrong place is turned away here; what the right one has to say
//! is the handler's.

use std::convert::Infallible;
use std::mem;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::http::header::AsHeaderName;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use engine::xet::hash::XetHash;
use hyper::header::{AUTHORIZATION, HOST};
use serde_json::json;

use crate::access::{Caller, Refusal};
use crate::connection::Connection;
use crate::hub::{Host, Hub, HubRef};
use crate::path::{FileRef, Words};
use crate::reply;
use crate::repo::commit::RepoFile;
use crate::repo_id::RepoId;
use crate::shape::hub as shapes;
use crate::storage::StorageEtag;

/// A request, as its answer needs it: the last thing that a handler takes.
#[derive(Debug)]
pub(crate) struct Call {
    head: Parts,
    body: Body,
}

/// What a fault has changed of a question beside its headers; in the request's extensions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Changes {
    /// Serve the newest version of a file whatever was asked for.
    pub(crate) wants_newest: bool,
    /// By how many bytes the size of large files is said to be less than it is.
    pub(crate) size_is_stale_by: u64,
    /// What the storage's ETag says, if a fault decides it.
    pub(crate) storage_etag: Option<StorageEtag>,
    /// The range was changed: it need not be the one that was signed.
    pub(crate) is_range_changed: bool,
}

impl From<Request> for Call {
    fn from(request: Request) -> Self {
        let (head, body) = request.into_parts();
        Self { head, body }
    }
}

impl Call {
    /// A header's text.
    pub(crate) fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        header(&self.head.headers, name)
    }

    /// The `Host` header.
    pub(crate) fn host(&self) -> &str {
        host(&self.head.headers)
    }

    /// The number of the connection that it came on; 0 without one.
    pub(crate) fn connection(&self) -> u64 {
        self.head.extensions.get::<Connection>().map_or(0, Connection::number)
    }

    /// What a fault has changed of it.
    pub(crate) fn changes(&self) -> Changes {
        self.head.extensions.get().copied().unwrap_or_default()
    }

    /// Its body, which is not long.
    pub(crate) async fn take_body(&mut self) -> Bytes {
        to_bytes(mem::take(&mut self.body), usize::MAX).await.unwrap_or_default()
    }

    /// The path as it came, percent-encoded.
    pub(crate) fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// The path and the query, as they came.
    pub(crate) fn path_and_query(&self) -> String {
        path_and_query(&self.head.uri)
    }

    /// The query as it came; empty if there is none.
    pub(crate) fn query(&self) -> &str {
        self.head.uri.query().unwrap_or_default()
    }

    /// The value of a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.query().as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// What the hub says is the size of a file.
    pub(crate) fn said_size(&self, file: &RepoFile) -> u64 {
        let stale_by = if file.sha256.is_some() { self.changes().size_is_stale_by } else { 0 };
        file.content.len().saturating_sub(stale_by)
    }
}

/// A header's text.
pub(crate) fn header(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The `Host` header; empty if there is none.
pub(crate) fn host(headers: &HeaderMap) -> &str {
    header(headers, HOST).unwrap_or_default()
}

/// The path and the query, as they came.
pub(crate) fn path_and_query(uri: &Uri) -> String {
    match uri.query().unwrap_or_default() {
        "" => uri.path().to_owned(),
        query => format!("{}?{query}", uri.path()),
    }
}

/// What the storage calls a file.
#[derive(Debug)]
pub(crate) struct BlobName(pub(crate) String);

/// The hash in a path, if it is one.
#[derive(Debug)]
pub(crate) struct Hash(pub(crate) Option<XetHash>);

/// Whose files the access token of a request to the CAS opens, if it has a good one.
#[derive(Debug)]
pub(crate) struct Bearer(pub(crate) Option<RepoId>);

/// Why a request has come to the wrong place.
#[derive(Debug)]
pub(crate) enum Misled {
    /// There is nothing here, or not on this host.
    Nowhere,
    /// The repository has another name.
    Moved { location: String },
}

impl IntoResponse for Misled {
    fn into_response(self) -> Response {
        match self {
            Self::Nowhere => {
                reply::json(StatusCode::NOT_FOUND, &json!({ "error": "Not Found" })).into_response()
            }
            Self::Moved { location } => {
                shapes::MOVED.fill(&[("location", &location)]).into_response()
            }
        }
    }
}

impl<S: Sync> FromRequest<S> for Call {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        Ok(request.into())
    }
}

impl FromRequestParts<HubRef> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, hub: &HubRef) -> Result<Self, Refusal> {
        Arc::<Hub>::from_ref(hub).tokens.caller(&parts.headers)
    }
}

impl FromRequestParts<HubRef> for RepoId {
    type Rejection = Misled;

    async fn from_request_parts(parts: &mut Parts, hub: &HubRef) -> Result<Self, Misled> {
        let repo = Words::of(&parts.uri, &parts.extensions).repo().ok_or(Misled::Nowhere)?;
        check_name(&repo, parts, hub)?;
        Ok(repo)
    }
}

impl FromRequestParts<HubRef> for FileRef {
    type Rejection = Misled;

    async fn from_request_parts(parts: &mut Parts, hub: &HubRef) -> Result<Self, Misled> {
        let file = Words::of(&parts.uri, &parts.extensions).file().ok_or(Misled::Nowhere)?;
        check_name(&file.repo, parts, hub)?;
        Ok(file)
    }
}

fn check_name(repo: &RepoId, parts: &Parts, hub: &HubRef) -> Result<(), Misled> {
    match Arc::<Hub>::from_ref(hub).moved(repo, &parts.uri) {
        Some(location) => Err(Misled::Moved { location }),
        None => Ok(()),
    }
}

impl<S: Sync> FromRequestParts<S> for BlobName {
    type Rejection = Misled;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Misled> {
        let word = Words::of(&parts.uri, &parts.extensions).word("blob");
        word.map(Self).ok_or(Misled::Nowhere)
    }
}

impl<S: Sync> FromRequestParts<S> for Hash {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let word = Words::of(&parts.uri, &parts.extensions).word("hash");
        Ok(Self(word.and_then(|hash| XetHash::from_hex(&hash))))
    }
}

impl FromRequestParts<HubRef> for Bearer {
    type Rejection = Misled;

    async fn from_request_parts(parts: &mut Parts, hub: &HubRef) -> Result<Self, Misled> {
        let hub = Arc::<Hub>::from_ref(hub);
        if hub.is_elsewhere(host(&parts.headers), Host::Cas) {
            return Err(Misled::Nowhere);
        }
        let token = header(&parts.headers, AUTHORIZATION);
        let token = token.and_then(|value| value.strip_prefix("Bearer "));
        Ok(Self(token.and_then(|token| hub.passes.check(token, hub.clock.now()))))
    }
}
