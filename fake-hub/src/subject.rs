//! What a request is about, as far as rules, faults and the log care.
//!
//! Who may have it, and whether it exists, is told by the handlers.

use std::ops::Range;

use engine::xet::hash::XetHash;

use crate::hub::Hub;
use crate::path::{FileRef, Words};
use crate::range::{Asked, spans};
use crate::repo::Repo;
use crate::repo_id::RepoId;
use crate::route::Route;

/// What a request names.
#[derive(Debug)]
pub(crate) enum Subject {
    /// A file of a repository.
    File(FileRef),
    /// A file by what the storage calls it.
    Blob(String),
    /// A repository, or something of it that is no file.
    Repo(RepoId),
    Xorb(XetHash),
    /// What makes up a file in Xet.
    Reconstruction(XetHash),
    /// Nothing of all this.
    Other,
}

impl Subject {
    pub(crate) fn of(route: Route, words: &Words<'_>) -> Self {
        let hash = || XetHash::from_hex(&words.word("hash")?);
        let subject = match route {
            Route::Resolve | Route::ResolveCache => words.file().map(Self::File),
            Route::Api | Route::Token => words.repo().map(Self::Repo),
            Route::Cdn => words.word("blob").map(Self::Blob),
            Route::Xorb => hash().map(Self::Xorb),
            Route::Reconstruction => hash().map(Self::Reconstruction),
            Route::Chunks | Route::Other => None,
        };
        subject.unwrap_or(Self::Other)
    }

    /// The repository that it belongs to.
    pub(crate) fn repo<'a>(&self, hub: &'a Hub) -> Option<&'a Repo> {
        match self {
            Self::File(file) => hub.repo(&file.repo),
            Self::Repo(repo) => hub.repo(repo),
            Self::Blob(name) => hub.blob(name).map(|(repo, _)| repo),
            Self::Xorb(_) | Self::Reconstruction(_) | Self::Other => None,
        }
    }

    /// The path in its repository of a file, and its length if it exists.
    pub(crate) fn file(&self, hub: &Hub) -> Option<(String, Option<u64>)> {
        match self {
            Self::File(wanted) => {
                let commit = hub.repo(&wanted.repo).and_then(|repo| repo.commit(&wanted.revision));
                let file = commit.and_then(|commit| commit.files.get(&wanted.path));
                Some((wanted.path.clone(), file.map(|file| file.content.len())))
            }
            Self::Blob(name) => {
                let (_, file) = hub.blob(name)?;
                Some((file.path.clone(), Some(file.content.len())))
            }
            Self::Repo(_) | Self::Xorb(_) | Self::Reconstruction(_) | Self::Other => None,
        }
    }

    /// How many bytes there are to take a range of.
    pub(crate) fn len(&self, hub: &Hub) -> Option<u64> {
        match self {
            Self::Xorb(hash) => Some(hub.xet.xorb(hash)?.bytes().ok()?.len() as u64),
            Self::Reconstruction(hash) => Some(hub.xet.file(hash)?.len),
            Self::File(_) | Self::Blob(_) => self.file(hub)?.1,
            Self::Repo(_) | Self::Other => None,
        }
    }

    /// The bytes of a xorb, or of a file of this length, that a request with this `Range` header
    /// is about.
    pub(crate) fn spans(
        &self,
        hub: &Hub,
        range: Option<&str>,
        file_len: Option<u64>,
    ) -> Vec<Range<u64>> {
        match self {
            Self::Xorb(_) => self.len(hub).and_then(|len| spans(range, len)).unwrap_or_default(),
            Self::File(_) | Self::Blob(_) => {
                let len = file_len.unwrap_or(0);
                vec![Asked::of(range, len).span(len)]
            }
            Self::Repo(_) | Self::Reconstruction(_) | Self::Other => Vec::new(),
        }
    }
}
