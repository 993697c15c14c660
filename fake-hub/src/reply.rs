//! The plain forms of replies: JSON, pages, XML, redirects, parts of files.
//!
//! It fills in no dates and decides nothing.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body::Body as HttpBody;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde_json::Value;

use crate::body::Body;
use crate::digest::sha1_of;

/// An honest reply.
pub(crate) type Reply = Response<Body>;

/// Which bytes of a file the body of a reply holds, and where; in the reply's extensions.
#[derive(Debug, Clone)]
pub(crate) struct BodyParts {
    /// In order. Between them is what frames them.
    parts: Vec<BodyPart>,
}

/// Bytes of a body that are bytes of a file in a row.
#[derive(Debug, Clone)]
pub(crate) struct BodyPart {
    pub(crate) body: Range<u64>,
    /// Where the first of them is in the file.
    pub(crate) file: u64,
}

impl From<u64> for BodyParts {
    /// The body is the file from this offset on.
    fn from(file: u64) -> Self {
        Self::new(vec![BodyPart { body: 0..u64::MAX, file }])
    }
}

impl BodyParts {
    pub(crate) fn new(parts: Vec<BodyPart>) -> Self {
        Self { parts }
    }

    /// Where in the body these bytes of the file are; more than once if they were asked for so.
    pub(crate) fn places(&self, file: &Range<u64>) -> Vec<Range<u64>> {
        let place = |part: &BodyPart| {
            let len = part.body.end - part.body.start;
            let start = file.start.max(part.file) - part.file;
            let end = file.end.min(part.file.saturating_add(len)).saturating_sub(part.file);
            (start < end).then(|| part.body.start + start..part.body.start + end)
        };
        self.parts.iter().filter_map(place).collect()
    }
}

/// A body with its type and length.
pub(crate) fn full(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Body::from(body));
    *reply.status_mut() = status;
    set(&mut reply, CONTENT_TYPE, content_type);
    set_len(&mut reply);
    reply
}

/// A JSON value.
pub(crate) fn json(status: StatusCode, value: &Value) -> Reply {
    full(status, "application/json; charset=utf-8", value.to_string())
}

/// What the hub's framework calls a text: its length and a digest.
pub(crate) fn weak_etag(text: &str) -> String {
    let digest = STANDARD.encode(sha1_of(text.as_bytes()));
    format!("{:x}-{}", text.len(), &digest[..27])
}

/// A redirect.
pub(crate) fn redirect(status: StatusCode, location: &str) -> Reply {
    let mut reply = full(status, "text/plain; charset=utf-8", format!("Redirecting to {location}"));
    set(&mut reply, LOCATION, location);
    reply
}

/// An error of the CDN's storage.
pub(crate) fn xml(status: StatusCode, code: &str, message: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    full(status, "application/xml", body)
}

/// What a hotel's network says to everything.
pub(crate) fn portal() -> Reply {
    let body = "<!DOCTYPE html><html><head><title>Welcome</title></head><body>\
                <h1>Welcome to the guest network</h1><p>Please accept the terms.</p>\
                </body></html>";
    full(StatusCode::OK, "text/html; charset=utf-8", body)
}

/// Sets a header. A value that cannot be one, such as a control character, is left out.
pub(crate) fn set<B>(reply: &mut Response<B>, name: impl TryInto<HeaderName>, value: &str) {
    if let (Ok(name), Ok(value)) = (name.try_into(), HeaderValue::from_str(value)) {
        reply.headers_mut().insert(name, value);
    }
}

/// Makes Content-Length say what the body has.
pub(crate) fn set_len<B: HttpBody>(reply: &mut Response<B>) {
    if let Some(len) = reply.body().size_hint().exact() {
        set(reply, CONTENT_LENGTH, &len.to_string());
    }
}
