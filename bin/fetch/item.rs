//! One file of a plan: kept small, since there may be a million, and unfolded when its turn comes.
//!
//! Knows where a file comes from and where it goes; touches neither.

use std::time::Duration;

use engine::digest::FileDigest;
use engine::hub::asked::Asked;
use engine::hub::listing::TreeEntry;
use engine::hub::path::{BlobName, RepoPath};
use engine::hub::request::Request;
use engine::hub::revision::{Commit, Revision};
use engine::hub::target::shown;
use engine::journal::Begin;
use engine::manifest::{FileSpec, Location};
use engine::xet::hash::XetHash;
use tokio::time::Instant;
use url::Url;

use crate::cache::layout::{LocalDir, Place, RepoFolder};

/// What the files of a plan have in common.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    pub(super) origin: Origin,
    pub(super) shelf: Shelf,
}

/// Where files come from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// A repository at a commit.
    Repo(Asked),
    /// Anywhere else.
    Url(Url),
}

/// Where files go.
#[derive(Clone, Debug)]
pub(super) enum Shelf {
    /// Into a cache, and a snapshot of this commit.
    Cache(RepoFolder, Commit),
    /// Into a folder, under their own names.
    Local(LocalDir),
}

/// A file of a plan, as small as it can be kept.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) path: RepoPath,
    pub(super) size: u64,
    pub(super) digest: FileDigest,
    pub(super) xet: Option<XetHash>,
    /// What was learned by asking about this very file.
    pub(super) learned: Option<Box<Learned>>,
}

/// What is known of one file apart from the others.
#[derive(Clone, Debug)]
pub(super) struct Learned {
    /// Where it can be asked for.
    pub(super) location: Option<Location>,
    /// Where the hub says that a token to its content-addressed storage can be had.
    pub(super) xet_auth: Option<Url>,
    /// The state that it is of, if it has one of its own.
    pub(super) revision: Option<Revision>,
    /// When all that was said.
    pub(super) at: Instant,
}

impl From<TreeEntry> for Planned {
    fn from(entry: TreeEntry) -> Self {
        let xet = entry.xet_hash.filter(|_| entry.is_lfs());
        let TreeEntry { path, size, digest, .. } = entry;
        Self { path, size, digest, xet, learned: None }
    }
}

/// One file to fetch, unfolded.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Its path in the repository, for people.
    pub(super) path: String,
    pub(super) spec: FileSpec,
    pub(super) place: Place,
    pub(super) source: Source,
    /// When the hub said so.
    planned_at: Instant,
}

impl Item {
    /// How the journal of its part begins.
    pub(super) fn begin(&self) -> Begin {
        let digest = Some(self.spec.digest);
        Begin { size: self.spec.size, digest, source: self.source.describe() }
    }

    pub(super) fn new(ground: &Ground, planned: &Planned) -> Self {
        let Planned { path, size, digest, xet, learned } = planned;
        let blob = BlobName::from(digest);
        let place = match &ground.shelf {
            Shelf::Cache(folder, commit) => folder.place(commit, path, &blob),
            Shelf::Local(local) => local.place(path, &blob),
        };
        let location = match (learned, &ground.origin) {
            (Some(learned), _) => learned.location.clone(),
            (None, Origin::Repo(asked)) => by_its_name(asked, path, digest),
            (None, Origin::Url(url)) => Some(Location { url: url.clone(), ttl: None }),
        };
        let learned = learned.as_deref();
        let source = match &ground.origin {
            Origin::Repo(asked) => {
                let mut asked = asked.clone();
                if let Some(revision) = learned.and_then(|learned| learned.revision.clone()) {
                    asked.revision = revision;
                }
                let xet_auth = learned.and_then(|learned| learned.xet_auth.clone());
                Source::Repo { asked, path: path.clone(), xet_auth }
            }
            Origin::Url(url) => Source::Url(url.clone()),
        };
        let spec = FileSpec { size: *size, digest: *digest, location, xet: *xet };
        let planned_at = learned.map_or_else(Instant::now, |learned| learned.at);
        Self { path: path.to_string(), spec, place, source, planned_at }
    }

    /// What to fetch, from where the hub said that it is for as long as that is still good.
    pub(super) fn spec_now(&self) -> FileSpec {
        let mut spec = self.spec.clone();
        if let Some(ttl) = spec.location.as_mut().and_then(|location| location.ttl.as_mut()) {
            let left = ttl.saturating_sub(self.planned_at.elapsed());
            // What is nearly over would end on the way.
            *ttl = if left < *ttl / 4 { Duration::ZERO } else { left };
        }
        spec
    }
}

/// A small file needs no signed URL: the hub serves it where it resolves it.
fn by_its_name(asked: &Asked, path: &RepoPath, digest: &FileDigest) -> Option<Location> {
    match digest {
        FileDigest::Sha256(_) => None,
        FileDigest::GitSha1(_) => {
            let Asked { endpoint, repo, revision, .. } = asked;
            let url = Request::resolve_get(endpoint, repo, revision, path).url;
            Some(Location { url, ttl: None })
        }
    }
}

/// Where a file comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A repository at a commit.
    Repo {
        asked: Asked,
        path: RepoPath,
        /// Where the hub says that a token to its content-addressed storage can be had.
        xet_auth: Option<Url>,
    },
    /// Anywhere else.
    Url(Url),
}

impl Source {
    /// The source as it stands in a journal.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Repo { asked, path, .. } => {
                format!("{}@{}/{path}", asked.repo, asked.revision)
            }
            // A signature is no part of what it is, and a secret.
            Self::Url(url) => shown(url),
        }
    }

    /// The commit that it is pinned to.
    pub(super) fn commit(&self) -> Option<Commit> {
        match self {
            Self::Repo { asked, .. } => asked.revision.commit(),
            Self::Url(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million of them, with their names, are to be planned in less than 400 MB.
    #[test]
    fn a_file_that_waits_is_small() {
        assert!(size_of::<Planned>() <= 112, "{}", size_of::<Planned>());
    }
}
