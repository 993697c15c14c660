//! Faults that spoil the body of an honest reply, and admit it in its headers.
//!
//! Bytes that are wrong under right headers are the wire's.

use hyper::StatusCode;
use hyper::header::CONTENT_ENCODING;

use crate::fields::{Fields, RuleError};
use crate::quantity::parse_bytes;
use crate::reply::{self, Reply};

/// What happens to a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// `short-body [by=BYTES]`: a shorter Content-Length, kept exactly.
    Short {
        /// How many bytes are missing; half of them if not given.
        by: Option<u64>,
    },
    /// `gzip`: Content-Encoding that nobody asked for.
    Gzip,
    /// `empty-206`: a 206 for the right range, without a byte of it.
    Empty,
}

impl BodyFault {
    pub(crate) fn parse(kind: &str, fields: &mut Fields<'_>) -> Result<Option<Self>, RuleError> {
        Ok(Some(match kind {
            "short-body" => Self::Short { by: fields.take("by", parse_bytes)? },
            "gzip" => Self::Gzip,
            "empty-206" => Self::Empty,
            _ => return Ok(None),
        }))
    }

    /// Whether this reply has what the fault spoils.
    pub(crate) fn applies(self, reply: &Reply) -> bool {
        match self {
            Self::Short { .. } | Self::Gzip => true,
            Self::Empty => reply.status() == StatusCode::PARTIAL_CONTENT,
        }
    }

    /// Spoils the body.
    pub(crate) fn tell(self, reply: &mut Reply) {
        match self {
            Self::Short { by } => {
                let len = reply.body().len();
                let missing = by.unwrap_or(len.div_ceil(2));
                reply.body_mut().truncate(len.saturating_sub(missing));
            }
            Self::Empty => reply.body_mut().truncate(0),
            Self::Gzip => {
                let body = std::mem::take(reply.body_mut());
                *reply.body_mut() = body.gzipped();
                reply::set(reply, CONTENT_ENCODING, "gzip");
            }
        }
        reply::set_len(reply);
    }
}
