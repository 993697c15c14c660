//! The parts of the service that rules and counters tell apart.
//!
//! Which paths belong to which of them is in the table of routes.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// The parts of the service that rules and counters tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// `/{repo}/resolve/…`: says where a file is.
    Resolve,
    /// `/api/resolve-cache/…`: small files.
    ResolveCache,
    /// Everything else under `/api/`.
    Api,
    /// Signed URLs: the bytes of LFS files.
    Cdn,
    /// `/api/…/xet-read-token/…`: access tokens of the CAS.
    Token,
    /// `/v1/reconstructions/…`, `/v2/…`: which chunks make up a file.
    Reconstruction,
    /// Signed URLs: the bytes of xorbs.
    Xorb,
    /// `/v1/chunks/…`: what stands beside a chunk.
    Chunks,
    /// The rest.
    Other,
}

impl Route {
    /// Whether it is the CAS's own interface, which access tokens open.
    pub const fn is_interface(self) -> bool {
        match self {
            Self::Reconstruction | Self::Chunks => true,
            Self::Resolve
            | Self::ResolveCache
            | Self::Api
            | Self::Cdn
            | Self::Token
            | Self::Xorb
            | Self::Other => false,
        }
    }

    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Resolve,
        Self::ResolveCache,
        Self::Api,
        Self::Cdn,
        Self::Token,
        Self::Reconstruction,
        Self::Xorb,
        Self::Chunks,
        Self::Other,
    ];

    /// Whether it is the CDN's: signed URLs, no tokens, XML for errors.
    pub(crate) fn is_cdn(self) -> bool {
        self == Self::Cdn || self == Self::Xorb
    }

    /// The word in rules and counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::ResolveCache => "resolve-cache",
            Self::Api => "api",
            Self::Cdn => "cdn",
            Self::Token => "token",
            Self::Reconstruction => "reconstruction",
            Self::Xorb => "xorb",
            Self::Chunks => "chunks",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Route {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|route| route.as_str() == text).ok_or(())
    }
}
