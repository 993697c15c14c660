//! The plain forms of replies: JSON, pages, XML, redirects, parts of files.
//!
//! It fills in no dates and decides nothing.

use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde_json::Value;

use crate::body::Body;

/// A reply of the hub.
pub(crate) type Reply = Response<Body>;

/// Where in its file the body of a reply begins; in the reply's extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyStart(pub(crate) u64);

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
