//! Xorbs on the storage: whoever has a URL gets the very bytes that it was signed for.
//!
//! It knows no files and no chunks, and never looks at tokens.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use axum::extract::State;
use bytes::Bytes;
use engine::xet::hash::XetHash;
use hyper::header::{CONTENT_RANGE, CONTENT_TYPE, RANGE};
use hyper::{Response, StatusCode};

use crate::body::Body;
use crate::call::{Call, Hash};
use crate::hub::Hub;
use crate::path::xorb_path;
use crate::range::{content_range, range_header, spans};
use crate::reply::{self, BodyPart, BodyParts, Reply};
use crate::repo_id::RepoId;
use crate::routes::edge;
use crate::shape::{self, fill, storage};
use crate::sign::{BadUrl, Grant};
use crate::xet::Xorb;

/// The URL that is good for these bytes of a xorb.
pub(crate) fn signed_url(hub: &Hub, repo: &RepoId, hash: &XetHash, spans: &[Range<u64>]) -> String {
    let (path, range, repo) = (xorb_path(hash), range_header(spans), repo.object_id());
    let session = &hash.to_string()[..24];
    let words = [("user", "public"), ("repo", repo.as_str()), ("session", session)];
    let question = fill(storage::XORB_QUESTION, &words).unwrap_or_default();
    let host = hub.pick_storage();
    let grant = Grant { host, path: &path, question: &question, range: Some(&range) };
    hub.signer.url(grant, hub.clock.now())
}

/// `GET /xorbs/default/{hash}?user_id=…&Expires=…&Policy=…&Signature=…&Key-Pair-Id=…`
pub(crate) async fn xorb(State(hub): State<Arc<Hub>>, hash: Hash, call: Call) -> Reply {
    let (hub, call) = (&*hub, &call);
    let range = call.header(RANGE);
    if !hub.storage.has_multi_range && range.is_some_and(|range| range.contains(',')) {
        return edge::refused(hub, call, StatusCode::FORBIDDEN, storage::WORDS_RANGES);
    }
    match hub.signer.check(call.host(), call.path(), call.query(), range, hub.clock.now()) {
        Err(BadUrl::Range) if call.changes().is_range_changed => {}
        Err(bad) => return edge::denied(hub, call, bad),
        Ok(()) => {}
    }
    let Some(xorb) = hash.0.and_then(|hash| hub.xet.xorb(&hash)) else {
        return edge::missing(hub, call);
    };
    match serve(call, xorb) {
        Ok(Some(mut reply)) => {
            let etag = format!("\"{}\"", xorb.hash());
            let words = [("etag", etag.as_str()), ("pop", edge::pop(hub, call))];
            shape::set_all(&mut reply, storage::OBJECT, &words);
            reply
        }
        Ok(None) => {
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            edge::refused(hub, call, status, storage::WORDS_UNSATISFIABLE)
        }
        Err(_) => {
            let message = "The file has gone from the hub's disk.";
            reply::xml(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
        }
    }
}

/// The bytes that are asked for; none if the xorb does not have them.
fn serve(call: &Call, xorb: &Xorb) -> io::Result<Option<Reply>> {
    let bytes = xorb.bytes()?;
    let header = call.header(RANGE);
    let Some(spans) = spans(header, bytes.len() as u64) else {
        return Ok(None);
    };
    let reply = match spans.as_slice() {
        [] => return Ok(None),
        [span] => single(bytes, span, header.is_some()),
        _ => multiple(bytes, &spans),
    };
    Ok(Some(reply))
}

fn single(bytes: &Bytes, span: &Range<u64>, is_part: bool) -> Reply {
    let mut reply = Response::new(Body::from(slice(bytes, span)));
    reply::set(&mut reply, CONTENT_TYPE, "application/octet-stream");
    if is_part {
        *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
        reply::set(&mut reply, CONTENT_RANGE, &content_range(span, bytes.len() as u64));
    }
    reply.extensions_mut().insert(BodyParts::from(span.start));
    reply::set_len(&mut reply);
    reply
}

fn multiple(bytes: &Bytes, spans: &[Range<u64>]) -> Reply {
    let mut pieces = Vec::new();
    let mut parts = Vec::new();
    let mut len = 0;
    let mut push = |piece: Bytes| {
        len += piece.len() as u64;
        pieces.push(piece);
        len
    };
    for span in spans {
        let range = content_range(span, bytes.len() as u64);
        let head = format!(
            "\r\n--{BOUNDARY}\r\nContent-Type: application/octet-stream\r\n\
             Content-Range: {range}\r\n\r\n"
        );
        let start = push(head.into());
        let end = push(slice(bytes, span));
        parts.push(BodyPart { body: start..end, file: span.start });
    }
    push(format!("\r\n--{BOUNDARY}--\r\n").into());
    let mut reply = Response::new(Body::pieces(pieces));
    *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
    let content_type = format!("multipart/byteranges; boundary={BOUNDARY}");
    reply::set(&mut reply, CONTENT_TYPE, &content_type);
    reply.extensions_mut().insert(BodyParts::new(parts));
    reply::set_len(&mut reply);
    reply
}

fn slice(bytes: &Bytes, span: &Range<u64>) -> Bytes {
    bytes.slice(span.start as usize..span.end as usize)
}

const BOUNDARY: &str = "fake_hub_byteranges";
