//! A repository that was loaded: its commits, and which of them `main` is.
//!
//! It never changes by itself; only a `commit-change` fault moves its `main`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::repo_id::RepoId;
use crate::xet::XetStore;

pub(crate) mod commit;
pub(crate) mod spec;

use commit::{Commit, LoadOptions, RepoFile};
use spec::{Access, RepoSpec};

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
