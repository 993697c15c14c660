//! A repository to serve: where its files come from, and who may read them.
//!
//! Nothing is read here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use bytes::Bytes;

use crate::content::{Content, Kind};
use crate::quantity::{QuantityError, parse_bytes};
use crate::repo_id::RepoId;
use crate::xet::XetSpec;

/// Who may read a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Public,
    /// Everyone sees it, but only a member's token gets its files.
    Gated,
    /// Only a member's token sees it.
    Private,
}

/// A repository to serve.
#[derive(Debug, Clone)]
pub struct RepoSpec {
    pub(crate) id: RepoId,
    pub(crate) source: RepoSource,
    pub(crate) access: Access,
    pub(crate) tags: Vec<String>,
    pub(crate) xet: Option<XetSpec>,
}

#[derive(Debug, Clone)]
pub(crate) enum RepoSource {
    Directory(PathBuf),
    Made { kind: Kind, len: u64, is_tuned: bool },
    Files(BTreeMap<String, Content>),
}

impl RepoSpec {
    /// The files below a directory, streamed from there.
    pub fn directory(id: &str, path: impl Into<PathBuf>) -> Self {
        Self::new(id, RepoSource::Directory(path.into()))
    }

    /// `model.safetensors` of `len` made-up bytes, `config.json` and `README.md`.
    pub fn synthetic(id: &str, len: u64) -> Self {
        Self::made(id, Kind::Random, len)
    }

    /// The same, with weights that look like a kind.
    pub fn made(id: &str, kind: Kind, len: u64) -> Self {
        Self::new(id, RepoSource::Made { kind, len, is_tuned: false })
    }

    /// Adds `tuned.safetensors`, a fine-tune of the made-up weights, if that is what it has.
    pub fn fine_tuned(mut self) -> Self {
        if let RepoSource::Made { is_tuned, .. } = &mut self.source {
            *is_tuned = true;
        }
        self
    }

    /// Files held in memory.
    pub fn files<P: Into<String>, B: Into<Bytes>>(
        id: &str,
        files: impl IntoIterator<Item = (P, B)>,
    ) -> Self {
        let files = files.into_iter().map(|(path, bytes)| (path.into(), Content::memory(bytes)));
        Self::new(id, RepoSource::Files(files.collect()))
    }

    /// Files of any content.
    pub fn contents(id: &str, files: impl IntoIterator<Item = (String, Content)>) -> Self {
        Self::new(id, RepoSource::Files(files.into_iter().collect()))
    }

    /// Its kind and name.
    pub fn id(&self) -> &RepoId {
        &self.id
    }

    /// Limits who may read it.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Adds a tag that names the first commit.
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(tag.to_owned());
        self
    }

    /// Keeps its LFS files in Xet too.
    pub fn xet(mut self, spec: XetSpec) -> Self {
        self.xet = Some(spec);
        self
    }

    fn new(id: &str, source: RepoSource) -> Self {
        let Ok(id) = id.parse();
        Self { id, source, access: Access::Public, tags: Vec::new(), xet: None }
    }
}

/// Why a text names no repository to serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepoSpecError {
    /// There is no `=`.
    #[error("write a repository as org/name=DIR, org/name=synthetic:SIZE or org/name=bf16:SIZE")]
    NoSource,
    /// The size after a kind cannot be read.
    #[error(transparent)]
    Size(#[from] QuantityError),
}

impl FromStr for RepoSpec {
    type Err = RepoSpecError;

    fn from_str(text: &str) -> Result<Self, RepoSpecError> {
        let (id, source) = text.split_once('=').ok_or(RepoSpecError::NoSource)?;
        let (word, size) = source.split_once(':').unwrap_or((source, ""));
        let word = if word == "synthetic" { Kind::Random.as_str() } else { word };
        match Kind::ALL.into_iter().find(|kind| kind.as_str() == word && source.contains(':')) {
            Some(kind) => Ok(Self::made(id, kind, parse_bytes(size)?)),
            None => Ok(Self::directory(id, source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_specs() {
        assert!(matches!(
            "a/b=synthetic:2KiB".parse::<RepoSpec>().unwrap().source,
            RepoSource::Made { kind: Kind::Random, len: 2048, .. }
        ));
        assert!(matches!(
            "a/b=bf16:2KiB".parse::<RepoSpec>().unwrap().source,
            RepoSource::Made { kind: Kind::Bf16, len: 2048, .. }
        ));
        assert!(matches!("a/b=bf16".parse::<RepoSpec>().unwrap().source, RepoSource::Directory(_)));
        assert!(matches!(
            "a/b=/tmp/x".parse::<RepoSpec>().unwrap().source,
            RepoSource::Directory(path) if path.as_os_str() == "/tmp/x"
        ));
        assert_eq!("a/b".parse::<RepoSpec>().unwrap_err(), RepoSpecError::NoSource);
        assert!("a/b=synthetic:x".parse::<RepoSpec>().is_err());
    }
}
