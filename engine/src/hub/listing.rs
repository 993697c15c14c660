//! Which files a repository has, from the hub's answers in JSON.
//!
//! Names that are not safe to create, and files of which too little is said, are set apart, so that
//! one of them spoils nothing but itself.

mod json;
mod pages;

use self::json::{Entries, EntryJson, Revision, SiblingJson, Text};
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
    fn add(&mut self, name: &Text<'_>, about: About<'_>, wanted: Wanted<'_>) {
        let shown = name.lossy();
        if !wanted(&shown) {
            return;
        }
        let path = match name.as_str() {
            Some(text) => text.parse::<RepoPath>(),
            None => Err(BadPath::new(&shown, PathFlaw::NotText)),
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

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.vague.is_empty() && self.refused.is_empty()
    }
}

/// Says by its path whether a file is wanted. Of others nothing is kept.
pub type Wanted<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// What is said of one file.
#[derive(Clone, Copy)]
struct About<'a> {
    git_oid: Option<&'a str>,
    size: Option<u64>,
    lfs: Option<(Option<&'a str>, Option<u64>)>,
    xet_hash: Option<&'a str>,
}

impl About<'_> {
    /// The digest and length of the content. What git calls an LFS file is the name of a pointer.
    fn digest(&self) -> Option<(FileDigest, u64)> {
        if let Some((oid, size)) = self.lfs {
            let digest = oid.map(|oid| oid.strip_prefix("sha256:").unwrap_or(oid))?.parse().ok();
            return Some((digest.filter(|it| matches!(it, FileDigest::Sha256(_)))?, size?));
        }
        let digest = self.git_oid?.parse().ok();
        Some((digest.filter(|it| matches!(it, FileDigest::GitSha1(_)))?, self.size?))
    }
}

/// Judges the answer to [`Request::revision_info`](super::request::Request::revision_info),
/// after redirects. Whether it has sizes and digests depends on how it was asked, and whom.
pub fn check_revision(
    asked: &Asked,
    answer: &Answer,
    wanted: Wanted<'_>,
) -> Result<RevisionInfo, Fault> {
    let mut listing = Listing::default();
    let add = |SiblingJson { rfilename, size, blob_id, lfs }: SiblingJson<'_>| {
        let about = About {
            git_oid: blob_id.as_ref().and_then(Text::as_str),
            size: size.0,
            lfs: lfs.as_ref().map(|lfs| (lfs.sha256.as_str(), lfs.size.0)),
            xet_hash: None,
        };
        listing.add(&rfilename, about, wanted);
    };
    let commit = answer.json(asked, Revision(add))?;
    let Ok(commit) = commit.parse::<Commit>() else {
        return Err(Fault::Malformed("a revision without a commit".to_owned()));
    };
    asked.check_commit(&commit)?;
    Ok(RevisionInfo { commit, listing })
}

/// Judges the answer to [`Request::paths_info`](super::request::Request::paths_info). Paths that
/// the repository does not have are missing from it.
pub fn check_paths_info(
    asked: &Asked,
    answer: &Answer,
    wanted: Wanted<'_>,
) -> Result<Listing, Fault> {
    check_page(asked, answer, wanted).map(|(listing, _)| listing)
}

/// What is wanted of a page, and how many entries there are on it, folders and all.
fn check_page(
    asked: &Asked,
    answer: &Answer,
    wanted: Wanted<'_>,
) -> Result<(Listing, usize), Fault> {
    let (mut listing, mut count) = (Listing::default(), 0);
    let add = |EntryJson { kind, path, oid, size, lfs, xet_hash }: EntryJson<'_>| {
        count += 1;
        if kind.as_str() != Some("file") {
            return;
        }
        let about = About {
            git_oid: oid.as_ref().and_then(Text::as_str),
            size: size.0,
            lfs: lfs.as_ref().map(|lfs| (lfs.oid.as_str(), lfs.size.0)),
            xet_hash: xet_hash.as_ref().and_then(Text::as_str),
        };
        listing.add(&path, about, wanted);
    };
    answer.json(asked, Entries(add))?;
    Ok((listing, count))
}

#[cfg(test)]
mod tests;
