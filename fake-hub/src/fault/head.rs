//! Faults that spoil the head of an honest reply: what it leaves out, or says wrongly.
//!
//! The body stays as it is, but for how its end is told.

use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE};
use hyper::{Method, StatusCode};

use crate::reply::{self, Reply};
use crate::routes::Ask;

/// What happens to a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadFault {
    /// `no-content-range`: a 206 that does not say which range it is.
    NoContentRange,
    /// `no-length`: no `Content-Length`; the body comes in chunks.
    NoLength,
    /// `zero-length-head`: the answer to a HEAD says `Content-Length: 0`.
    ZeroLengthHead,
}

impl HeadFault {
    pub(crate) fn parse(kind: &str) -> Option<Self> {
        match kind {
            "no-content-range" => Some(Self::NoContentRange),
            "no-length" => Some(Self::NoLength),
            "zero-length-head" => Some(Self::ZeroLengthHead),
            _ => None,
        }
    }

    /// Whether this head has what the fault spoils.
    pub(crate) fn applies(self, ask: &Ask, reply: &Reply) -> bool {
        match self {
            Self::NoContentRange => reply.status() == StatusCode::PARTIAL_CONTENT,
            Self::NoLength => reply.status().is_success() && reply.body().len() > 0,
            Self::ZeroLengthHead => ask.method == Method::HEAD,
        }
    }

    /// Spoils the head.
    pub(crate) fn tell(self, reply: &mut Reply) {
        match self {
            Self::NoContentRange => {
                reply.headers_mut().remove(CONTENT_RANGE);
            }
            Self::NoLength => {
                reply.headers_mut().remove(CONTENT_LENGTH);
                reply.body_mut().chunk();
            }
            Self::ZeroLengthHead => reply::set(reply, CONTENT_LENGTH, "0"),
        }
    }
}
