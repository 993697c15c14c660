//! Which files a repository has, from the hub's answers in JSON.
//!
//! Names that are not safe to create, and files of which too little is said, are set apart, so that
//! one of them spoils nothing but itself.

mod json;
mod pages;

use self::json::{EntryJson, Name, RevisionJson, SiblingJson};
use super::answer::Answer;
use super::asked::Asked;
use super::path::{BadPath, PathFlaw, RepoPath};
use super::revision::Commit;
use crate::digest::FileDigest;
use crate::fault::Fault;
use crate::xet::hash::XetHash;

pub use pages::{PAGES_MAX, Pages};

/// A revision: its commit and the files in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionInfo {
    /// The commit that the branch or tag is at.
    pub commit: Commit,
    /// The files in it.
    pub listing: Listing,
}

/// Files of a revision, each in one of three lists, which are in the hub's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Files with sizes and digests; folders are left out.
    pub entries: Vec<TreeEntry>,
    /// Files of which the size or the digest is not said.
    pub vague: Vec<RepoPath>,
    /// Names that are not to be created.
    pub refused: Vec<BadPath>,
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
    /// What it is called in content-addressed storage, if it is there.
    pub xet_hash: Option<XetHash>,
}

impl TreeEntry {
    /// Whether git holds only a pointer to it.
    pub const fn is_lfs(&self) -> bool {
        matches!(self.digest, FileDigest::Sha256(_))
    }
}

impl Listing {
    fn add(&mut self, name: Name, about: About<'_>) {
        let path = match name.0 {
            Ok(text) => text.parse::<RepoPath>(),
            Err(lossy) => Err(BadPath { path: lossy, flaw: PathFlaw::NotText }),
        };
        match (path, about.digest()) {
            (Ok(path), Some((digest, size))) => {
                let xet_hash = about.xet_hash.and_then(XetHash::from_hex);
                self.entries.push(TreeEntry { path, size, digest, xet_hash });
            }
            (Ok(path), None) => self.vague.push(path),
            (Err(bad), _) => self.refused.push(bad),
        }
    }

    fn append(&mut self, mut other: Self) {
        self.entries.append(&mut other.entries);
        self.vague.append(&mut other.vague);
        self.refused.append(&mut other.refused);
    }

    /// Keeps what is below a folder.
    pub fn retain_below(&mut self, folder: &RepoPath) {
        self.entries.retain(|entry| entry.path.is_below(folder));
        self.vague.retain(|path| path.is_below(folder));
        let prefix = format!("{folder}/");
        self.refused.retain(|bad| bad.path.starts_with(&prefix));
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.vague.is_empty() && self.refused.is_empty()
    }
}

/// What is said of one file.
#[derive(Clone, Copy)]
struct About<'a> {
    git_oid: Option<&'a str>,
    size: Option<u64>,
    lfs: Option<(&'a str, u64)>,
    xet_hash: Option<&'a str>,
}

impl About<'_> {
    /// The digest and length of the content. What git calls an LFS file is the name of a pointer.
    fn digest(&self) -> Option<(FileDigest, u64)> {
        if let Some((oid, size)) = self.lfs {
            let digest = oid.strip_prefix("sha256:").unwrap_or(oid).parse().ok();
            return Some((digest.filter(|it| matches!(it, FileDigest::Sha256(_)))?, size));
        }
        let digest = self.git_oid?.parse().ok();
        Some((digest.filter(|it| matches!(it, FileDigest::GitSha1(_)))?, self.size?))
    }
}

/// Judges the answer to [`Request::revision_info`](super::request::Request::revision_info),
/// after redirects. Whether it has sizes and digests depends on how it was asked, and whom.
pub fn check_revision(asked: &Asked, answer: &Answer) -> Result<RevisionInfo, Fault> {
    let revision = answer.json::<RevisionJson>(asked)?;
    let Ok(commit) = revision.sha.parse::<Commit>() else {
        return Err(Fault::Malformed("a revision without a commit".to_owned()));
    };
    asked.check_commit(&commit)?;
    let mut listing = Listing::default();
    for SiblingJson { rfilename, size, blob_id, lfs } in revision.siblings.unwrap_or_default() {
        let about = About {
            git_oid: blob_id.as_deref(),
            size,
            lfs: lfs.as_ref().map(|lfs| (lfs.sha256.as_str(), lfs.size)),
            xet_hash: None,
        };
        listing.add(rfilename, about);
    }
    Ok(RevisionInfo { commit, listing })
}

/// Judges the answer to [`Request::paths_info`](super::request::Request::paths_info). Paths that
/// the repository does not have are missing from it.
pub fn check_paths_info(asked: &Asked, answer: &Answer) -> Result<Listing, Fault> {
    let mut listing = Listing::default();
    for EntryJson { kind, path, oid, size, lfs, xet_hash } in
        answer.json::<Vec<EntryJson>>(asked)?
    {
        if kind != "file" {
            continue;
        }
        let about = About {
            git_oid: oid.as_deref(),
            size,
            lfs: lfs.as_ref().map(|lfs| (lfs.oid.as_str(), lfs.size)),
            xet_hash: xet_hash.as_deref(),
        };
        listing.add(path, about);
    }
    Ok(listing)
}

#[cfg(test)]
mod tests;
