//! How content-addressed storage is reached: what opens it, for all files, and where it is.
//!
//! Asks nobody.

use url::Url;

use crate::policy::lease::Lease;
use crate::xet::token::ReadToken;

/// The hub's content-addressed storage.
#[derive(Debug, Default)]
pub(super) struct Storage {
    pub(super) token: Lease<ReadToken>,
    /// Where it is, and where chunks have come from last.
    pub(super) cas: Option<Url>,
    pub(super) chunks_at: Option<Url>,
}
