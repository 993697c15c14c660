//! Which files a repository has, from the hub's answers in JSON.
//!
//! Names that are not safe to create are set apart, so that one of them spoils nothing but
//! itself.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::asked::Asked;
use super::head::Head;
use super::path::{BadPath, RepoPath};
use super::revision::Commit;
use crate::digest::FileDigest;
use crate::fault::Fault;
use crate::xet::hash::XetHash;

/// Bytes of JSON in one answer that are believed. The sender need not read further.
pub const BODY_MAX: usize = 64 * 1024 * 1024;

/// Pages of one listing that are asked for.
pub const PAGES_MAX: u32 = 10_000;

/// A revision: its commit and the files in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionInfo {
    /// The commit that the branch or tag is at.
    pub commit: Commit,
    /// The files, in the hub's order.
    pub files: Vec<RepoPath>,
    /// Names that are not to be created.
    pub refused: Vec<BadPath>,
}

/// Files with their sizes and digests, and where there are more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreePage {
    /// The files, in the hub's order; folders are left out.
    pub entries: Vec<TreeEntry>,
    /// Names that are not to be created.
    pub refused: Vec<BadPath>,
    /// The next page, on the same hub.
    pub next: Option<Url>,
}

/// One file of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// Where it is in the repository.
    pub path: RepoPath,
    /// Length of its content in bytes.
    pub size: u64,
    /// What its content hashes to, which is also its ETag.
    pub digest: FileDigest,
    /// What git calls it: the same for a small file, the name of its pointer for an LFS file.
    pub git_oid: FileDigest,
    /// What it is called in content-addressed storage, if it is there.
    pub xet_hash: Option<XetHash>,
}

impl TreeEntry {
    /// Whether git holds only a pointer to it.
    pub const fn is_lfs(&self) -> bool {
        matches!(self.digest, FileDigest::Sha256(_))
    }
}

/// Judges the answer to [`Request::revision_info`](super::request::Request::revision_info),
/// after redirects.
pub fn check_revision(asked: &Asked, head: &Head, body: &[u8]) -> Result<RevisionInfo, Fault> {
    let answer = json::<RevisionJson>(asked, head, body)?;
    let Ok(commit) = answer.sha.parse::<Commit>() else {
        return Err(Fault::Malformed("a revision without a commit".to_owned()));
    };
    asked.check_commit(&commit)?;
    let mut info = RevisionInfo { commit, files: Vec::new(), refused: Vec::new() };
    for sibling in answer.siblings.unwrap_or_default() {
        match sibling.rfilename.parse() {
            Ok(path) => info.files.push(path),
            Err(bad) => info.refused.push(bad),
        }
    }
    Ok(info)
}

/// Judges the answer to [`Request::tree`](super::request::Request::tree), or to a request for a
/// [next](TreePage::next) page: the one from `url`, which is the page number `page` from 0.
pub fn check_tree(
    asked: &Asked,
    url: &Url,
    page: u32,
    head: &Head,
    body: &[u8],
) -> Result<TreePage, Fault> {
    let answer = entries(asked, head, body)?;
    let Some(target) = head.link("next") else { return Ok(answer) };
    let is_good = |next: &Url| {
        let is_plain = next.username().is_empty() && next.password().is_none();
        next != url && is_plain && asked.endpoint.is_same_origin(next)
    };
    match url.join(target).ok().filter(is_good) {
        Some(next) if page < PAGES_MAX - 1 => Ok(TreePage { next: Some(next), ..answer }),
        Some(_) | None => Err(Fault::Malformed("a listing that leads astray".to_owned())),
    }
}

/// Judges the answer to [`Request::paths_info`](super::request::Request::paths_info). Paths that
/// the repository does not have are missing from it.
pub fn check_paths_info(asked: &Asked, head: &Head, body: &[u8]) -> Result<TreePage, Fault> {
    entries(asked, head, body)
}

fn entries(asked: &Asked, head: &Head, body: &[u8]) -> Result<TreePage, Fault> {
    let mut page = TreePage { entries: Vec::new(), refused: Vec::new(), next: None };
    for entry in json::<Vec<EntryJson>>(asked, head, body)? {
        if entry.kind != "file" {
            continue;
        }
        match entry.path.parse() {
            Ok(path) => page.entries.push(tree_entry(path, &entry)?),
            Err(bad) => page.refused.push(bad),
        }
    }
    Ok(page)
}

fn tree_entry(path: RepoPath, entry: &EntryJson) -> Result<TreeEntry, Fault> {
    let sound = || {
        let git_oid = entry.oid.parse().ok()?;
        let (digest, size) = match &entry.lfs {
            Some(lfs) => {
                let oid = lfs.oid.strip_prefix("sha256:").unwrap_or(&lfs.oid);
                let digest = oid.parse().ok();
                (digest.filter(|digest| matches!(digest, FileDigest::Sha256(_)))?, lfs.size)
            }
            None => (git_oid, entry.size),
        };
        Some((git_oid, digest, size))
    };
    let Some((git_oid, digest, size)) = sound() else {
        return Err(Fault::Malformed(format!("no good digest of {path}")));
    };
    let xet_hash = entry.xet_hash.as_deref().and_then(XetHash::from_hex);
    Ok(TreeEntry { path, size, digest, git_oid, xet_hash })
}

/// The JSON of a successful answer. What is unknown in it is ignored.
fn json<T: DeserializeOwned>(asked: &Asked, head: &Head, body: &[u8]) -> Result<T, Fault> {
    if head.status != 200 {
        return Err(asked.refusal(head, None));
    }
    if head.is_html() || body.trim_ascii_start().starts_with(b"<") {
        return Err(Fault::Portal);
    }
    if !head.is_identity() {
        let coding = head.header("content-encoding").unwrap_or_default();
        return Err(Fault::Encoded(coding.to_owned()));
    }
    if body.len() > BODY_MAX {
        return Err(Fault::Malformed("an endless listing".to_owned()));
    }
    // The parser's own words may quote the stranger's text; where it stopped says enough.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Fault::Malformed(format!("not the JSON that a hub sends (line {line}, column {column})"))
    })
}

#[derive(Deserialize)]
struct RevisionJson {
    sha: String,
    siblings: Option<Vec<SiblingJson>>,
}

#[derive(Deserialize)]
struct SiblingJson {
    rfilename: String,
}

#[derive(Deserialize)]
struct EntryJson {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    oid: String,
    #[serde(default)]
    size: u64,
    lfs: Option<LfsJson>,
    #[serde(rename = "xetHash")]
    xet_hash: Option<String>,
}

#[derive(Deserialize)]
struct LfsJson {
    oid: String,
    size: u64,
}

#[cfg(test)]
mod tests;
