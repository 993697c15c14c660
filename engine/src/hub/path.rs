//! Names that strangers give and we make files of: refused when unsafe on this system.
//!
//! Whether the filesystem can hold them only the filesystem knows. What Windows cannot hold is
//! refused there only; what would lead out of its folder, by whatever separator, is everywhere.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use url::Url;

use super::percent;
use crate::digest::FileDigest;

/// The path of a file inside a repository: relative, with `/` between its segments, and safe to
/// create under a folder. A backslash, where it is allowed, is a character like any other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Arc<str>);

impl RepoPath {
    /// The whole path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same text, to be held by others, too.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// The names from the top folder down to the file.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The folder that it is in; `None` at the top.
    pub fn parent(&self) -> Option<Self> {
        let (folder, _) = self.0.rsplit_once('/')?;
        Some(Self(folder.into()))
    }

    /// Whether it is somewhere in that folder.
    pub fn is_below(&self, folder: &Self) -> bool {
        self.0.strip_prefix(&*folder.0).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The name of the file itself.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().expect("a split has at least one part")
    }
}

impl FromStr for RepoPath {
    type Err = BadPath;

    fn from_str(path: &str) -> Result<Self, BadPath> {
        match path_flaw(path) {
            None => Ok(Self(path.into())),
            Some(flaw) => Err(BadPath::new(path, flaw)),
        }
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name to give to the file behind a plain URL: its last segment, decoded. A [`RepoPath`] of
/// one segment.
pub fn file_name_of(url: &Url) -> Result<RepoPath, BadPath> {
    let last = url.path().rsplit('/').next().unwrap_or_default();
    let bad = |flaw| BadPath::new(last, flaw);
    let name = percent::decode(last).ok_or_else(|| bad(PathFlaw::NotText))?;
    if name.contains('/') {
        return Err(bad(PathFlaw::Separator));
    }
    name.parse()
}

/// The name of a blob in the cache: an ETag that is safe as a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobName(String);

impl BlobName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&FileDigest> for BlobName {
    fn from(digest: &FileDigest) -> Self {
        Self(digest.hex())
    }
}

impl FromStr for BlobName {
    type Err = BadBlobName;

    /// 1 to 128 of `0-9 A-Z a-z . _ -`, no dot first, and none of the endings that mark the
    /// files beside a blob: otherwise one blob's name would be another's journal.
    fn from_str(name: &str) -> Result<Self, BadBlobName> {
        let lower = name.to_ascii_lowercase();
        let is_good = name.len() <= BLOB_NAME_MAX
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            && !name.starts_with('.')
            && portable_flaw(name).is_none()
            && !BESIDE_BLOBS.iter().any(|ending| lower.ends_with(ending));
        if is_good { Ok(Self(name.to_owned())) } else { Err(BadBlobName(name.to_owned())) }
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path that is not to be created, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPath {
    /// The path as it was given, or how it begins. A stranger's text: print it escaped.
    pub path: String,
    /// What is wrong with it.
    pub flaw: PathFlaw,
}

impl BadPath {
    /// A path that is not to be created. As much of it is kept as tells it apart.
    pub fn new(path: &str, flaw: PathFlaw) -> Self {
        let end = path.char_indices().nth(SHOWN_MAX).map(|(at, _)| at);
        let path = end.map_or_else(|| path.to_owned(), |end| format!("{}…", &path[..end]));
        Self { path, flaw }
    }
}

/// What is wrong with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFlaw {
    /// There is no name at all.
    Empty,
    /// It is absolute, or a network path: it begins with a separator or a drive letter.
    Absolute,
    /// Two separators follow each other, or one is at the end.
    EmptySegment,
    /// A segment is `.` or `..`.
    Dots,
    /// A separator inside a segment.
    Separator,
    /// A colon: a drive or a stream on Windows.
    Colon,
    /// NUL, a line break or another control character.
    Control,
    /// One of `< > " | ? *`, which Windows does not allow.
    Wildcard,
    /// A device on Windows: `CON`, `NUL`, `COM1` and their like, whatever the extension.
    Device,
    /// A segment ends with a dot or a space, which Windows drops.
    Ending,
    /// More than 255 bytes in a segment, or 4096 in all.
    Long,
    /// It lies where `--local-dir` keeps its own records, by whatever spelling.
    Ours,
    /// A segment is `.git`, by whatever spelling: git itself has no such files.
    Git,
    /// Not UTF-8 once decoded.
    NotText,
}

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a safe file name: {}", self.path, self.flaw)
    }
}

impl std::error::Error for BadPath {}

impl fmt::Display for PathFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::Absolute => "it is absolute",
            Self::EmptySegment => "it has an empty segment",
            Self::Dots => "it has a segment `.` or `..`",
            Self::Separator => "it contains a separator",
            Self::Colon => "Windows allows no colon in it",
            Self::Control => "it contains a control character",
            Self::Wildcard => "Windows allows none of < > \" | ? * in it",
            Self::Device => "Windows takes it for a device",
            Self::Ending => "Windows drops the dot or space at the end of a segment",
            Self::Long => "it is too long",
            Self::Ours => "download records are kept there",
            Self::Git => "git keeps its own files there",
            Self::NotText => "it is not UTF-8",
        })
    }
}

/// An ETag that cannot name a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadBlobName(pub String);

impl fmt::Display for BadBlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} cannot name a blob", self.0)
    }
}

impl std::error::Error for BadBlobName {}

fn path_flaw(path: &str) -> Option<PathFlaw> {
    if path.is_empty() {
        return Some(PathFlaw::Empty);
    }
    if path.len() > PATH_MAX {
        return Some(PathFlaw::Long);
    }
    if path.starts_with(['/', '\\']) || cfg!(windows) && has_drive(path) {
        return Some(PathFlaw::Absolute);
    }
    path.split('/').find_map(segment_flaw).or_else(|| is_ours(path).then_some(PathFlaw::Ours))
}

fn has_drive(path: &str) -> bool {
    path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic()
}

/// What keeps `segment` from being the name of one file or folder on every system.
pub(super) fn portable_flaw(segment: &str) -> Option<PathFlaw> {
    segment_flaw(segment).or_else(|| windows_flaw(segment))
}

/// What keeps `segment` from being the name of one file or folder on this system.
fn segment_flaw(segment: &str) -> Option<PathFlaw> {
    if segment.is_empty() {
        return Some(PathFlaw::EmptySegment);
    }
    // Also where a backslash separates nothing: the folder may be shared with Windows.
    if segment.split(['/', '\\']).any(|piece| piece == "." || piece == "..") {
        return Some(PathFlaw::Dots);
    }
    if segment.len() > SEGMENT_MAX {
        return Some(PathFlaw::Long);
    }
    if segment.contains('/') {
        return Some(PathFlaw::Separator);
    }
    if segment.chars().any(char::is_control) {
        return Some(PathFlaw::Control);
    }
    if segment.split('\\').any(|piece| is_alias(piece, ".git", "git")) {
        return Some(PathFlaw::Git);
    }
    windows_flaw(segment).filter(|_| cfg!(windows))
}

/// What keeps Windows from having a file or folder named `segment`.
fn windows_flaw(segment: &str) -> Option<PathFlaw> {
    let flaw = segment.chars().find_map(|c| match c {
        '\\' => Some(PathFlaw::Separator),
        ':' => Some(PathFlaw::Colon),
        '<' | '>' | '"' | '|' | '?' | '*' => Some(PathFlaw::Wildcard),
        _ => None,
    });
    flaw.or_else(|| segment.ends_with(['.', ' ']).then_some(PathFlaw::Ending))
        .or_else(|| is_device(segment).then_some(PathFlaw::Device))
}

/// Whether Windows would open a device: by the name before the first dot, without the spaces at
/// its end.
fn is_device(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let stem = stem.to_ascii_uppercase();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) {
        return true;
    }
    let Some(number) = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT")) else {
        return false;
    };
    // Windows takes the superscript digits of Latin-1 for digits here.
    let mut chars = number.chars();
    matches!(chars.next(), Some('0'..='9' | '¹' | '²' | '³')) && chars.next().is_none()
}

/// Whether the path is that of `--local-dir`'s records, or of a folder they are in.
fn is_ours(path: &str) -> bool {
    let mut segments = path.split('/');
    let is_at = |segment: Option<&str>, name: &str, short: &str| {
        segment.is_none_or(|segment| is_alias(segment, name, short))
    };
    is_at(segments.next(), ".cache", "cache") && is_at(segments.next(), "huggingface", "huggin")
}

/// Whether a filesystem may take `segment` for `name`: one that does not tell upper from lower
/// case, one that ignores what cannot be seen (HFS+), or one that has streams, drops dots and
/// spaces at the end, and knows long names by short ones, too (NTFS, FAT).
fn is_alias(segment: &str, name: &str, short: &str) -> bool {
    let seen: String = segment.chars().filter(|c| !is_invisible(*c)).collect();
    let seen = seen.to_lowercase();
    let seen = seen.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    let is_short = seen.split_once('~').is_some_and(|(stem, number)| {
        number.bytes().all(|byte| byte.is_ascii_digit())
            && (stem == short || is_hashed(stem, &short[..2]))
    });
    seen == name || is_short
}

/// Whether a short name is one of those that NTFS makes after the fourth that begins alike: two
/// letters and four digits of a hash.
fn is_hashed(stem: &str, letters: &str) -> bool {
    let hash = stem.strip_prefix(letters);
    hash.is_some_and(|hash| hash.len() == 4 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What HFS+ leaves out when it compares names.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
    )
}

const SEGMENT_MAX: usize = 255;
const PATH_MAX: usize = 4096;
const BLOB_NAME_MAX: usize = 128;
/// As many characters of a bad path are kept.
const SHOWN_MAX: usize = 300;

/// Endings of the files that we and `hf` put beside a blob.
const BESIDE_BLOBS: [&str; 6] = [".part", ".journal", ".owner", ".orphan", ".incomplete", ".lock"];

#[cfg(test)]
mod tests;
