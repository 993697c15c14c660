//! Faults that spoil the head of an honest reply: what it leaves out, or says wrongly.
//!
//! The body stays as it is, but for how its end is told.

use axum::body::Body;
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE};

use crate::answer::Answer;
use crate::fault::HeadFault;
use crate::reply;
use crate::spoilt::{Spoilt, len_of};

impl HeadFault {
    /// Whether this head has what the fault spoils; `is_head` if nothing else was asked for.
    pub(crate) fn applies(self, is_head: bool, response: &Response) -> bool {
        match self {
            Self::NoContentRange => response.status() == StatusCode::PARTIAL_CONTENT,
            Self::NoLength => response.status().is_success() && len_of(response.body()) > 0,
            Self::ZeroLengthHead => is_head,
        }
    }

    /// Spoils the head.
    pub(crate) fn inject(self, mut response: Response) -> Answer {
        match self {
            Self::NoContentRange => {
                response.headers_mut().remove(CONTENT_RANGE);
            }
            Self::NoLength => {
                response.headers_mut().remove(CONTENT_LENGTH);
                let (head, body) = response.into_parts();
                let body = Spoilt::chunked(body);
                let wire_len = body.wire_len();
                let response = Response::from_parts(head, Body::new(body));
                return Answer { wire_len, ..Answer::from(response) };
            }
            Self::ZeroLengthHead => reply::set(&mut response, CONTENT_LENGTH, "0"),
        }
        response.into()
    }
}
