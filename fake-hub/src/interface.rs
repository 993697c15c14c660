//! The parts of the hub's interface that a mirror or an old server may lack.
//!
//! Whether one does is a setting; what is answered in its place is the routes' business.

use std::fmt;
use std::str::FromStr;

/// A part that may be missing. It is answered with 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interface {
    /// `/api/{kind}/{repo}`: what a repository is.
    Info,
    /// `/api/{kind}/{repo}/revision/{revision}`: the same at a revision.
    Revision,
    /// `/api/{kind}/{repo}/tree/{revision}`: the files by pages.
    Tree,
    /// `/api/{kind}/{repo}/paths-info/{revision}`: entries of given paths.
    PathsInfo,
    /// `/api/{kind}/{repo}/xet-read-token/{revision}`: tokens for the CAS.
    XetToken,
    /// The CAS, to which tokens point all the same.
    Cas,
}

impl Interface {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Info, Self::Revision, Self::Tree, Self::PathsInfo, Self::XetToken, Self::Cas];

    /// The word in flags.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Revision => "revision",
            Self::Tree => "tree",
            Self::PathsInfo => "paths-info",
            Self::XetToken => "xet-token",
            Self::Cas => "cas",
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Interface {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|interface| interface.as_str() == text);
        found.ok_or("an interface is info, revision, tree, paths-info, xet-token or cas")
    }
}
