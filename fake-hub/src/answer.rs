//! An answer on its way out of the router, and what the wire has to know of it.
//!
//! What it says is the handlers' and the faults' business.

use std::sync::Arc;

use axum::response::Response;

use crate::mark::Mark;
use crate::spoilt::len_of;

/// A response, honest or not.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// How many bytes the transfer of its body takes.
    pub(crate) wire_len: u64,
    /// Where its body is damaged.
    pub(crate) mark: Option<Arc<Mark>>,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let wire_len = len_of(response.body());
        Self { response, wire_len, mark: None }
    }
}
