//! Serving a content: ranges, conditions and the headers that go with them.
//!
//! Where the file was found and who may have it is decided before.

use std::ops::Range;

use hyper::header::{
    ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE,
};
use hyper::{Response, StatusCode};

use crate::body::Body;
use crate::hub::Hub;
use crate::range::{Asked, content_range, is_same_version};
use crate::reply::{self, BodyParts, Reply};
use crate::repo::RepoFile;
use crate::routes::Ask;
use crate::storage::IfRange;

/// A small file, or the part of it that was asked for.
pub(crate) fn serve(hub: &Hub, ask: &Ask, file: &RepoFile) -> Reply {
    let etag = format!("\"{}\"", file.etag());
    let if_range = ask.header(IF_RANGE.as_str());
    let is_same = is_same_version(if_range, Some(&etag), &hub.clock.last_modified());
    answer(hub, ask, file, Some(&etag), is_same)
}

/// A large file, or the part of it that was asked for, as the storage answers.
pub(crate) fn stored(hub: &Hub, ask: &Ask, file: &RepoFile) -> Reply {
    let mode = ask.storage_etag.unwrap_or(hub.storage.etag);
    let etag = mode.value(file, ask.connection);
    let if_range = ask.header(IF_RANGE.as_str());
    let is_same = hub.storage.if_range == IfRange::Ignored
        || is_same_version(if_range, etag.as_deref(), &hub.clock.last_modified());
    answer(hub, ask, file, etag.as_deref(), is_same)
}

fn answer(
    hub: &Hub,
    ask: &Ask,
    file: &RepoFile,
    etag: Option<&str>,
    is_same_version: bool,
) -> Reply {
    let len = file.content.len();
    let last_modified = hub.clock.last_modified();
    let mut asked = Asked::of(ask.header(RANGE.as_str()), len);
    if !is_same_version {
        asked = Asked::Whole;
    }
    let span = asked.span(len);
    let mut reply = part(file, span.clone());
    match asked {
        Asked::Whole => {}
        Asked::Part(_) => {
            *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
            reply::set(&mut reply, CONTENT_RANGE, &content_range(&span, len));
        }
        Asked::Unsatisfiable => {
            let message = "The requested range cannot be satisfied.";
            reply = reply::xml(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message);
            reply::set(&mut reply, CONTENT_RANGE, &format!("bytes */{len}"));
        }
    }
    if let Some(etag) = etag {
        reply::set(&mut reply, ETAG, etag);
    }
    reply::set(&mut reply, LAST_MODIFIED, &last_modified);
    reply::set(&mut reply, ACCEPT_RANGES, "bytes");
    reply
}

fn part(file: &RepoFile, span: Range<u64>) -> Reply {
    let start = span.start;
    let Ok(body) = Body::part(&file.content, span) else {
        let message = "The file has gone from the hub's disk.";
        return reply::xml(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message);
    };
    let mut reply = Response::new(body);
    reply.extensions_mut().insert(BodyParts::from(start));
    let is_text = file.sha256.is_none();
    let content_type = if is_text { "text/plain; charset=utf-8" } else { "binary/octet-stream" };
    reply::set(&mut reply, CONTENT_TYPE, content_type);
    reply::set_len(&mut reply);
    reply
}
