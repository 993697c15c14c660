//! The plain forms of replies: JSON, pages, XML, redirects, parts of files.
//!
//! It fills in no dates and decides nothing.

use std::ops::Range;

use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde_json::Value;

use crate::body::Body;

/// A reply of the hub.
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

    /// Where a byte of the body is in the file, if it is of it, and for how many bytes from there
    /// on that says where they are.
    pub(crate) fn locate(&self, at: u64) -> (Option<u64>, u64) {
        match self.parts.iter().find(|part| at < part.body.end) {
            Some(part) if at < part.body.start => (None, part.body.start - at),
            Some(part) => (Some(part.file + (at - part.body.start)), part.body.end - at),
            None => (None, u64::MAX),
        }
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
pub(crate) fn set(reply: &mut Reply, name: impl TryInto<HeaderName>, value: &str) {
    if let (Ok(name), Ok(value)) = (name.try_into(), HeaderValue::from_str(value)) {
        reply.headers_mut().insert(name, value);
    }
}

/// Makes Content-Length say what the body has.
pub(crate) fn set_len(reply: &mut Reply) {
    let len = reply.body().len().to_string();
    set(reply, CONTENT_LENGTH, &len);
}
