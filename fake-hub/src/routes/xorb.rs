//! Xorbs on the CDN: whoever has a URL gets the very bytes that it was signed for.
//!
//! It knows no files and no chunks, and never looks at tokens.

use std::io;
use std::iter;
use std::ops::Range;

use bytes::Bytes;
use engine::xet::hash::XetHash;
use hyper::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED, RANGE};
use hyper::{Response, StatusCode};

use crate::body::Body;
use crate::hub::Hub;
use crate::range::{Asked, content_range};
use crate::reply::{self, BodyPart, BodyParts, Reply};
use crate::routes::{Ask, denied};
use crate::sign::BadUrl;
use crate::target::{encode, xorb_path};
use crate::xet::Xorb;

/// The URL that is good for these bytes of a xorb.
pub(crate) fn signed_url(hub: &Hub, hash: &XetHash, spans: &[Range<u64>]) -> String {
    let (path, range) = (xorb_path(hash), header(spans));
    let query = hub.signer.query(&hub.cdn, &signed(&path, &range), hub.clock.now());
    format!("http://{}{path}?{SIGNED_RANGE}={}&{query}", hub.cdn, encode(&range))
}

/// The bytes of a xorb that a request with this header is about; none if there is no such xorb.
pub(crate) fn spans(hub: &Hub, hash: &str, header: Option<&str>) -> Vec<Range<u64>> {
    let bytes = find(hub, hash).and_then(|xorb| xorb.bytes().ok());
    bytes.and_then(|bytes| parse(header, bytes.len() as u64)).unwrap_or_default()
}

/// `GET /xorbs/default/{hash}?X-Xet-Signed-Range=…&Expires=…&Signature=…&Key-Pair-Id=…`
pub(crate) fn xorb(hub: &Hub, ask: &Ask, hash: &str) -> Reply {
    if let Err(bad) = check(hub, ask) {
        return denied(hub, bad);
    }
    let Some(xorb) = find(hub, hash) else {
        return reply::xml(StatusCode::NOT_FOUND, "NoSuchKey", "The key does not exist.");
    };
    let mut reply = match serve(ask, xorb) {
        Ok(Some(reply)) => reply,
        Ok(None) => {
            let message = "The requested range cannot be satisfied.";
            reply::xml(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message)
        }
        Err(_) => {
            let message = "The file has gone from the hub's disk.";
            reply::xml(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
        }
    };
    reply::set(&mut reply, ETAG, &format!("\"{}\"", xorb.hash()));
    reply::set(&mut reply, LAST_MODIFIED, &hub.clock.last_modified());
    reply::set(&mut reply, ACCEPT_RANGES, "bytes");
    reply
}

fn find<'a>(hub: &'a Hub, hash: &str) -> Option<&'a Xorb> {
    hub.xet.xorb(&XetHash::from_hex(hash)?)
}

/// Whether the URL is good, and the range is the one that it is good for: all of them, or, since
/// real clients take a URL apart, one.
fn check(hub: &Hub, ask: &Ask) -> Result<(), BadUrl> {
    let range = ask.parameter(SIGNED_RANGE).ok_or(BadUrl::Unsigned)?;
    let path = signed(&ask.path, &range);
    hub.signer.check(&ask.host, &path, &ask.query, hub.clock.now())?;
    let wanted = ask.header(RANGE.as_str()).map(str::trim);
    let is_one = |wanted: &str| {
        let ranges = range.strip_prefix(UNIT).unwrap_or_default();
        wanted.strip_prefix(UNIT).is_some_and(|one| ranges.split(',').any(|range| range == one))
    };
    let is_signed = wanted.is_some_and(|wanted| wanted == range || is_one(wanted));
    if is_signed || ask.is_range_bent { Ok(()) } else { Err(BadUrl::Forged) }
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

/// What the signature is over, beside the host and the time.
fn signed(path: &str, range: &str) -> String {
    format!("{path}#{range}")
}

const UNIT: &str = "bytes=";
const SIGNED_RANGE: &str = "X-Xet-Signed-Range";
const BOUNDARY: &str = "fake_hub_byteranges";
