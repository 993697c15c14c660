//! How the hosts that keep the bytes behave where the real ones differ, or where no one has seen
//! what they do.
//!
//! It sends nothing; the routes ask it what to say.

use std::fmt;
use std::str::FromStr;

use crate::digest::sha256_of;
use crate::repo::commit::RepoFile;

/// The manners of the hosts that keep the bytes of LFS files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageSpec {
    /// What their `ETag` says.
    pub etag: StorageEtag,
    /// What they make of `If-Range`.
    pub if_range: IfRange,
    /// How they refuse what no transcript shows: an expired URL, a range behind the end.
    pub words: Words,
    /// Whether they take several ranges of a xorb at once, as not all do.
    pub has_multi_range: bool,
}

impl Default for StorageSpec {
    fn default() -> Self {
        Self {
            etag: StorageEtag::default(),
            if_range: IfRange::default(),
            words: Words::default(),
            has_multi_range: true,
        }
    }
}

/// What the `ETag` of a storage host says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StorageEtag {
    /// The file's Xet hash, as all hosts of 2026 do: 64 hex digits, as the SHA-256 has.
    #[default]
    Xet,
    /// The SHA-256 of the content.
    Sha256,
    /// Nothing.
    None,
    /// The Xet hash as a weak validator.
    Weak,
    /// What S3 sends: 32 hex digits, and the number of parts if there are several.
    Md5,
    /// Each connection reaches one of three edges, which do not agree.
    PerEdge,
}

/// What a storage host makes of `If-Range`. No transcript shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfRange {
    /// Another version than the one that it names is sent whole.
    #[default]
    Honoured,
    /// The range is sent whatever it names.
    Ignored,
}

/// The form of a refusal that no transcript shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Words {
    /// A line of text, as the hosts of 2026 refuse other things.
    #[default]
    Text,
    /// XML, as CloudFront and S3 write it.
    Xml,
}

impl StorageEtag {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Xet, Self::Sha256, Self::None, Self::Weak, Self::Md5, Self::PerEdge];

    /// The word in rules and flags.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xet => "xet",
            Self::Sha256 => "sha256",
            Self::None => "none",
            Self::Weak => "weak",
            Self::Md5 => "md5",
            Self::PerEdge => "per-edge",
        }
    }

    /// The header's value for a file, on a connection with this number.
    pub(crate) fn value(self, file: &RepoFile, connection: u64) -> Option<String> {
        let name = file.storage_name();
        match self {
            Self::Xet => Some(format!("\"{name}\"")),
            Self::Sha256 => Some(format!("\"{}\"", file.etag())),
            Self::None => None,
            Self::Weak => Some(format!("W/\"{name}\"")),
            Self::Md5 => Some(md5_like(&name, file.content.len())),
            Self::PerEdge => Some(match connection % 3 {
                0 => format!("\"{name}\""),
                1 => md5_like(&name, file.content.len()),
                _ => md5_like(&name, PART + 1),
            }),
        }
    }
}

impl fmt::Display for StorageEtag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for StorageEtag {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|mode| mode.as_str() == text);
        found.ok_or("an ETag is xet, sha256, none, weak, md5 or per-edge")
    }
}

/// A value of the form that S3 uses, which is all that a client can see of it.
fn md5_like(name: &str, len: u64) -> String {
    let digest = &sha256_of(format!("md5 {name}").as_bytes())[..32];
    match len.div_ceil(PART) {
        0 | 1 => format!("\"{digest}\""),
        parts => format!("\"{digest}-{parts}\""),
    }
}

/// The length of a part, in bytes, as most tools that upload in parts have it.
const PART: u64 = 8 << 20;
