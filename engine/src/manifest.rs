//! What is to be fetched: the files, how long they are and what they must hash to.
//!
//! Holds no progress; that is the ledger's.

use std::collections::BTreeMap;

use url::Url;

use crate::digest::FileDigest;
use crate::time::Duration;
use crate::xet::hash::XetHash;

/// A file of a transfer, by its place in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// The files to fetch, in the order in which they are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The host that is asked to locate files; `None` when every file has its place already.
    pub hub: Option<Url>,
    /// Every file by its id.
    pub files: BTreeMap<FileId, FileSpec>,
}

/// One file to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSpec {
    /// Length in bytes.
    pub size: u64,
    /// What its publisher says it hashes to.
    pub digest: FileDigest,
    /// Where to ask for it, when that is known already; else the machine asks to locate it.
    pub location: Option<Location>,
    /// What it is called in content-addressed storage, if it is there.
    pub xet: Option<XetHash>,
}

/// Where a file can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The URL to send range requests to.
    pub url: Url,
    /// How long that URL is good for from when it was asked for; `None` if it has no end.
    pub ttl: Option<Duration>,
}
