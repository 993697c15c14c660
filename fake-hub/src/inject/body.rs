//! Faults that spoil the body of an honest reply.
//!
//! What is shorter or in another form is admitted in the head; bytes that are wrong are not.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::CONTENT_ENCODING;

use crate::answer::Answer;
use crate::fault::BodyFault;
use crate::mark::Mark;
use crate::reply::{self, BodyParts};
use crate::rule::book::ArmedRule;
use crate::spoilt::{Damage, Harm, Spoilt, len_of};

impl BodyFault {
    /// Whether this reply has what the fault spoils, and says so.
    pub(crate) fn applies(self, response: &Response) -> bool {
        match self {
            Self::Short { .. } | Self::Gzip => response.status().is_success(),
            Self::Empty => response.status() == StatusCode::PARTIAL_CONTENT,
            Self::Flip { .. } | Self::ZeroFill { .. } => false,
        }
    }

    /// Spoils the body.
    pub(crate) fn inject(self, response: Response) -> Response {
        let mut response = response.map(|body| match self {
            Self::Short { by } => {
                let len = len_of(&body);
                let missing = by.unwrap_or(len.div_ceil(2));
                Body::new(Spoilt::short(body, len.saturating_sub(missing)))
            }
            Self::Empty => Body::empty(),
            Self::Gzip => Body::new(Spoilt::gzip(body)),
            Self::Flip { .. } | Self::ZeroFill { .. } => body,
        });
        if self == Self::Gzip {
            reply::set(&mut response, CONTENT_ENCODING, "gzip");
        }
        reply::set_len(&mut response);
        response
    }

    /// What the fault does to single bytes of this reply, if it has any of them.
    pub(crate) fn damage(self, rule: &Arc<ArmedRule>, response: &Response) -> Option<Damage> {
        let (harm, len) = match self {
            Self::Flip { bit } => (Harm { keep: u8::MAX, flip: 1 << bit }, 1),
            Self::ZeroFill { len } => (Harm { keep: 0, flip: 0 }, len),
            Self::Short { .. } | Self::Gzip | Self::Empty => return None,
        };
        let start = rule.rule.at.unwrap_or(0);
        let parts = response.extensions().get::<BodyParts>().cloned();
        let parts = parts.unwrap_or_else(|| BodyParts::from(0));
        let spans = parts.places(&(start..start.saturating_add(len)));
        let first = spans.first()?.start;
        let mark = Arc::new(Mark::new(rule.clone(), first));
        (first < len_of(response.body())).then_some(Damage { spans, harm, mark, at: 0 })
    }
}

impl Damage {
    /// Damages the body where it is sent.
    pub(crate) fn inject(self, response: Response) -> Answer {
        let mark = Some(self.mark.clone());
        let response = response.map(|body| Body::new(Spoilt::damaged(body, self)));
        Answer { mark, ..Answer::from(response) }
    }
}
