//! Xorbs on the storage: whoever has a URL gets the very bytes that it was signed for.
//!
//! It knows no files and no chunks, and never looks at tokens.

use std::io;
use std::iter;
use std::ops::Range;

use bytes::Bytes;
use engine::xet::hash::XetHash;
use hyper::header::{CONTENT_RANGE, CONTENT_TYPE, RANGE};
use hyper::{Response, StatusCode};

use crate::body::Body;
use crate::hub::Hub;
use crate::range::{Asked, content_range};
use crate::reply::{self, BodyPart, BodyParts, Reply};
use crate::repo::RepoId;
use crate::routes::{Ask, cdn};
use crate::shape::{self, fill, storage};
use crate::sign::{BadUrl, Grant};
use crate::target::xorb_path;
use crate::xet::Xorb;

/// The URL that is good for these bytes of a xorb.
pub(crate) fn signed_url(hub: &Hub, repo: &RepoId, hash: &XetHash, spans: &[Range<u64>]) -> String {
    let (path, range, repo) = (xorb_path(hash), header(spans), repo.object_id());
    let session = &hash.to_string()[..24];
    let words = [("user", "public"), ("repo", repo.as_str()), ("session", session)];
    let question = fill(storage::XORB_QUESTION, &words).unwrap_or_default();
    let host = hub.pick_storage();
    let grant = Grant { host, path: &path, question: &question, range: Some(&range) };
    hub.signer.url(grant, hub.clock.now())
}

/// The bytes of a xorb that a request with this header is about; none if there is no such xorb.
pub(crate) fn spans(hub: &Hub, hash: &str, header: Option<&str>) -> Vec<Range<u64>> {
    let bytes = find(hub, hash).and_then(|xorb| xorb.bytes().ok());
    bytes.and_then(|bytes| parse(header, bytes.len() as u64)).unwrap_or_default()
}

/// `GET /xorbs/default/{hash}?user_id=…&Expires=…&Policy=…&Signature=…&Key-Pair-Id=…`
pub(crate) fn xorb(hub: &Hub, ask: &Ask, hash: &str) -> Reply {
    let range = ask.header(RANGE.as_str());
    if !hub.storage.has_multi_range && range.is_some_and(|range| range.contains(',')) {
        return cdn::refused(hub, ask, StatusCode::FORBIDDEN, storage::WORDS_RANGES);
    }
    match hub.signer.check(&ask.host, &ask.path, &ask.query, range, hub.clock.now()) {
        Err(BadUrl::Range) if ask.is_range_bent => {}
        Err(bad) => return cdn::denied(hub, ask, bad),
        Ok(()) => {}
    }
    let Some(xorb) = find(hub, hash) else {
        return cdn::missing(hub, ask);
    };
    match serve(ask, xorb) {
        Ok(Some(mut reply)) => {
            let etag = format!("\"{}\"", xorb.hash());
            let words = [("etag", etag.as_str()), ("pop", cdn::pop(hub, ask))];
            shape::set_all(&mut reply, storage::OBJECT, &words);
            reply
        }
        Ok(None) => {
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            cdn::refused(hub, ask, status, storage::WORDS_UNSATISFIABLE)
        }
        Err(_) => {
            let message = "The file has gone from the hub's disk.";
            reply::xml(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
        }
    }
}

fn find<'a>(hub: &'a Hub, hash: &str) -> Option<&'a Xorb> {
    hub.xet.xorb(&XetHash::from_hex(hash)?)
}

/// The bytes that are asked for; none if the xorb does not have them.
fn serve(ask: &Ask, xorb: &Xorb) -> io::Result<Option<Reply>> {
    let bytes = xorb.bytes()?;
    let header = ask.header(RANGE.as_str());
    let Some(spans) = parse(header, bytes.len() as u64) else {
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

/// The spans of a header, or the whole; none if they are not ranges within `len` bytes.
fn parse(header: Option<&str>, len: u64) -> Option<Vec<Range<u64>>> {
    let Some(header) = header else {
        return (len > 0).then(|| iter::once(0..len).collect());
    };
    let ranges = header.trim().strip_prefix(UNIT)?;
    let span = |range: &str| match Asked::of(Some(&format!("{UNIT}{range}")), len) {
        Asked::Part(part) => Some(part),
        Asked::Whole | Asked::Unsatisfiable => None,
    };
    ranges.split(',').map(span).collect()
}

fn slice(bytes: &Bytes, span: &Range<u64>) -> Bytes {
    bytes.slice(span.start as usize..span.end as usize)
}

/// The `Range` header for these bytes.
fn header(spans: &[Range<u64>]) -> String {
    let ranges: Vec<_> =
        spans.iter().map(|span| format!("{}-{}", span.start, span.end - 1)).collect();
    format!("{UNIT}{}", ranges.join(","))
}

const UNIT: &str = "bytes=";
const BOUNDARY: &str = "fake_hub_byteranges";
