//! Serving a content: ranges, conditions and the headers that go with them.
//!
//! Where the file was found and who may have it is decided before.

use std::ops::Range;

use hyper::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE};
use hyper::{Response, StatusCode};

use crate::body::Body;
use crate::call::Call;
use crate::hub::Hub;
use crate::path::encode;
use crate::range::{Asked, content_range, is_same_version};
use crate::reply::{self, BodyParts, Reply};
use crate::repo::commit::RepoFile;
use crate::routes::edge;
use crate::shape::{self, fill, hub as shapes, storage};
use crate::storage::{IfRange, Words};

/// A small file, or the part of it that was asked for, as the hub answers.
pub(crate) fn serve(call: &Call, file: &RepoFile) -> Reply {
    let etag = format!("\"{}\"", file.etag());
    let is_same = is_same_version(call.header(IF_RANGE), Some(&etag));
    let asked = Asked::of(call.header(RANGE).filter(|_| is_same), file.content.len());
    let mut reply = answer(file, &asked).unwrap_or_else(|| {
        let message = "The requested range cannot be satisfied.";
        let mut reply = reply::xml(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message);
        reply::set(&mut reply, CONTENT_RANGE, &unsatisfied(file));
        reply
    });
    reply::set(&mut reply, CONTENT_TYPE, "text/plain; charset=utf-8");
    reply::set(&mut reply, ETAG, &etag);
    reply::set(&mut reply, ACCEPT_RANGES, "bytes");
    reply
}

/// A large file, or the part of it that was asked for, as the storage answers.
pub(crate) fn stored(hub: &Hub, call: &Call, file: &RepoFile) -> Reply {
    let mode = call.changes().storage_etag.unwrap_or(hub.storage.etag);
    let etag = mode.value(file, call.connection());
    let if_range = call.header(IF_RANGE);
    let is_same =
        hub.storage.if_range == IfRange::Ignored || is_same_version(if_range, etag.as_deref());
    let asked = Asked::of(call.header(RANGE).filter(|_| is_same), file.content.len());
    let Some(mut reply) = answer(file, &asked) else {
        return beyond(hub, call, file);
    };
    let disposition = disposition(&file.path);
    let mut words = vec![
        ("kind", "application/octet-stream"),
        ("disposition", disposition.as_str()),
        ("pop", edge::pop(hub, call)),
    ];
    words.extend(etag.as_deref().map(|etag| ("etag", etag)));
    shape::set_all(&mut reply, storage::OBJECT, &words);
    reply
}

/// How a browser is to save the file at this path.
pub(crate) fn disposition(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_plain = |char: char| (' '..='~').contains(&char) && char != '"' && char != '\\';
    let plain: String = name.chars().map(|char| if is_plain(char) { char } else { '?' }).collect();
    let words = [("encoded", &*encode(name)), ("plain", &*plain)];
    fill(shapes::DISPOSITION, &words).unwrap_or_default()
}

/// What the storage says to a range that begins behind the end. No transcript shows it.
fn beyond(hub: &Hub, call: &Call, file: &RepoFile) -> Reply {
    let status = StatusCode::RANGE_NOT_SATISFIABLE;
    match hub.storage.words {
        Words::Text => edge::refused(hub, call, status, storage::WORDS_UNSATISFIABLE),
        Words::Xml => {
            let message = "The requested range cannot be satisfied.";
            let mut reply = reply::xml(status, "InvalidRange", message);
            reply::set(&mut reply, CONTENT_RANGE, &unsatisfied(file));
            reply
        }
    }
}

fn unsatisfied(file: &RepoFile) -> String {
    format!("bytes */{}", file.content.len())
}

/// The bytes with their length and place; none if there are none there.
fn answer(file: &RepoFile, asked: &Asked) -> Option<Reply> {
    let len = file.content.len();
    let span = asked.span(len);
    match asked {
        Asked::Whole => Some(part(file, span)),
        Asked::Part(_) => {
            let mut reply = part(file, span.clone());
            *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
            reply::set(&mut reply, CONTENT_RANGE, &content_range(&span, len));
            Some(reply)
        }
        Asked::Unsatisfiable => None,
    }
}

fn part(file: &RepoFile, span: Range<u64>) -> Reply {
    let start = span.start;
    let Ok(body) = Body::part(&file.content, span) else {
        let message = "The file has gone from the hub's disk.";
        return reply::xml(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message);
    };
    let mut reply = Response::new(body);
    reply.extensions_mut().insert(BodyParts::from(start));
    reply::set_len(&mut reply);
    reply
}
