//! Repositories: their names, who may read them, and their commits.
//!
//! A repository never changes by itself; only a `commit-change` fault moves its `main`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::content::{Content, Kind};
use crate::digest::sha1_of;
use crate::quantity::{QuantityError, parse_bytes};
use crate::xet::{XetSpec, XetStore};

pub(crate) mod commit;

pub use commit::RepoFile;
pub(crate) use commit::{Commit, LoadOptions};

/// The three kinds of repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RepoKind {
    /// `org/name`
    Model,
    /// `datasets/org/name`
    Dataset,
    /// `spaces/org/name`
    Space,
}

impl RepoKind {
    /// The word in URLs: `models`, `datasets`, `spaces`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Dataset => "datasets",
            Self::Space => "spaces",
        }
    }

    /// The kind that [`Self::plural`] names.
    pub fn from_plural(word: &str) -> Option<Self> {
        [Self::Model, Self::Dataset, Self::Space].into_iter().find(|kind| kind.plural() == word)
    }
}

/// A repository's kind and name. Its text form is `org/name` or `datasets/org/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepoId {
    /// Model, dataset or space.
    pub kind: RepoKind,
    /// `org/name`, or `name` alone.
    pub name: String,
}

impl RepoId {
    /// The 24 hex digits by which the storage knows it.
    pub(crate) fn object_id(&self) -> String {
        sha1_of(self.to_string().as_bytes())[..24].to_owned()
    }
}

impl FromStr for RepoId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let prefixed = text.split_once('/').and_then(|(word, name)| {
            let kind = RepoKind::from_plural(word).filter(|_| name.contains('/'))?;
            Some(Self { kind, name: name.to_owned() })
        });
        Ok(prefixed.unwrap_or_else(|| Self { kind: RepoKind::Model, name: text.to_owned() }))
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            RepoKind::Model => f.write_str(&self.name),
            RepoKind::Dataset | RepoKind::Space => {
                write!(f, "{}/{}", self.kind.plural(), self.name)
            }
        }
    }
}

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

/// A loaded repository.
#[derive(Debug)]
pub(crate) struct Repo {
    pub(crate) id: RepoId,
    pub(crate) access: Access,
    /// Whether its LFS files are in Xet.
    pub(crate) is_in_xet: bool,
    tags: Vec<String>,
    /// Oldest first; the second one exists if a fault may need it.
    commits: Vec<Arc<Commit>>,
    main: AtomicUsize,
}

impl Repo {
    pub(crate) fn load(
        spec: &RepoSpec,
        options: &LoadOptions,
        store: &mut XetStore,
    ) -> std::io::Result<Self> {
        let mut commits = vec![Commit::load(spec, options)?];
        if options.with_successor {
            commits.push(commits[0].successor()?);
        }
        if let Some(xet) = &spec.xet {
            for file in commits.iter_mut().flat_map(|commit| commit.files.values_mut()) {
                let Some(sha256) = &file.sha256 else { continue };
                file.xet = Some(store.add(&spec.id, xet, sha256, &file.content)?);
            }
        }
        Ok(Self {
            id: spec.id.clone(),
            access: spec.access,
            is_in_xet: spec.xet.is_some(),
            tags: spec.tags.clone(),
            commits: commits.into_iter().map(Arc::new).collect(),
            main: AtomicUsize::new(0),
        })
    }

    /// The commit that `main`, a tag or a hash names, which may be cut short.
    pub(crate) fn commit(&self, revision: &str) -> Option<&Arc<Commit>> {
        if revision == "main" || revision == "refs/heads/main" {
            return Some(&self.commits[self.main.load(Ordering::SeqCst)]);
        }
        if self.tags.iter().any(|tag| tag == revision) {
            return Some(&self.commits[0]);
        }
        let is_short = revision.len() >= SHORT_SHA;
        self.commits.iter().find(|commit| is_short && commit.sha.starts_with(revision))
    }

    /// All commits, oldest first.
    pub(crate) fn commits(&self) -> &[Arc<Commit>] {
        &self.commits
    }

    /// The newest version of a file, which a change fault serves in place of an older one.
    pub(crate) fn newest(&self, path: &str) -> Option<&RepoFile> {
        self.commits.last()?.files.get(path)
    }

    /// Moves `main` to the next commit, if there is one.
    pub(crate) fn advance(&self) {
        self.main.store(self.commits.len() - 1, Ordering::SeqCst);
    }

    /// Moves `main` back to the first commit.
    pub(crate) fn rewind(&self) {
        self.main.store(0, Ordering::SeqCst);
    }
}

/// How many digits of a commit's name are enough.
const SHORT_SHA: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_ids() {
        let table = [
            ("org/name", RepoKind::Model, "org/name"),
            ("gpt2", RepoKind::Model, "gpt2"),
            ("datasets/org/name", RepoKind::Dataset, "org/name"),
            ("spaces/org/name", RepoKind::Space, "org/name"),
            ("datasets/name", RepoKind::Model, "datasets/name"),
        ];
        for (text, kind, name) in table {
            let Ok(id) = text.parse::<RepoId>();
            assert_eq!(id, RepoId { kind, name: name.to_owned() });
            assert_eq!(id.to_string(), text);
        }
    }

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
