//! From what a person asked for to the list of files to fetch, each with its size, its digest and
//! its place on this disk.
//!
//! Fetches no file.

use std::path::{Path, PathBuf};

use engine::digest::FileDigest;
use engine::fault::Fault;
use engine::hub::asked::Asked;
use engine::hub::endpoint::Endpoint;
use engine::hub::path::{BlobName, RepoPath};
use engine::hub::revision::{Commit, Revision};
use engine::hub::target::{RepoTarget, Target, shown};
use engine::manifest::FileSpec;
use tokio::time::Instant;
use url::Url;

use super::Request;
use super::draft::Draft;
use super::hub::HubClient;
use super::plain;
use super::selection::{Selection, globs, is_one_file, revision_of, wanted_of};
use crate::cache::layout::{LocalDir, Place, RepoFolder};
use crate::error::{Error, ErrorKind};
use crate::http::Http;

/// What will be fetched.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The commit that everything is pinned to; `None` for a plain URL.
    pub(super) commit: Option<Commit>,
    /// The revision to remember as being at that commit, where there is a cache.
    pub(super) reference: Option<(RepoFolder, Revision)>,
    /// The files, in the order in which they are wanted.
    pub(super) items: Vec<Item>,
    /// Files that cannot be had, and why. The others are fetched nevertheless.
    pub(super) failed: Vec<(String, Fault)>,
    /// What a person opens when all is done.
    pub(super) shown: PathBuf,
}

impl Plan {
    /// The commit in full; empty for a plain URL.
    pub(super) fn commit_text(&self) -> String {
        self.commit.as_ref().map_or_else(String::new, ToString::to_string)
    }
}

/// One file to fetch.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Its path in the repository, for people.
    pub(super) path: String,
    pub(super) spec: FileSpec,
    pub(super) place: Place,
    pub(super) source: Source,
    /// When the hub said so.
    pub(super) planned_at: Instant,
}

impl Item {
    /// What to fetch, from where the hub said that it is for as long as that is still good.
    pub(super) fn spec_now(&self) -> FileSpec {
        let mut spec = self.spec.clone();
        if let Some(ttl) = spec.location.as_mut().and_then(|location| location.ttl.as_mut()) {
            *ttl = ttl.saturating_sub(self.planned_at.elapsed());
        }
        spec
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

/// Checks what can be checked of a request without asking anybody.
pub(super) fn check_request(request: &Request) -> Result<(), Error> {
    let target = target_of(request, &endpoint_of(request)?)?;
    let has_globs = !(request.include.is_empty() && request.exclude.is_empty());
    if has_globs && !request.files.is_empty() {
        return Err(Error::usage(
            "--include and --exclude are for whole repositories: leave out the files",
        ));
    }
    if request.cache_dir.is_some() && request.local_dir.is_some() {
        return Err(Error::usage("--cache-dir and --local-dir exclude each other"));
    }
    globs(&request.include)?;
    globs(&request.exclude)?;
    match target {
        Target::Repo(target) => {
            if request.sha256.is_some() {
                return Err(Error::usage(
                    "--sha256 is for plain URLs: the hub gives its own digests",
                ));
            }
            if request.output.is_some() {
                return Err(Error::usage(
                    "--output is for plain URLs: a repository's files have names",
                ));
            }
            wanted_of(request, &target).map(drop)
        }
        Target::Url(_) => {
            if !request.files.is_empty() || request.revision.is_some() || has_globs {
                return Err(Error::usage(
                    "a plain URL is one file: it takes no files, revision or globs",
                ));
            }
            plain::check_request(request)
        }
    }
}

/// The endpoint that is to be asked.
pub(super) fn endpoint_of(request: &Request) -> Result<Endpoint, Error> {
    let text = request.environment.as_ref().and_then(|environment| environment.endpoint.clone());
    match text {
        Some(text) => text.parse().map_err(|bad| Error::usage(format!("HF_ENDPOINT: {bad}"))),
        None => Ok(Endpoint::default()),
    }
}

/// What is asked for.
pub(super) fn target_of(request: &Request, endpoint: &Endpoint) -> Result<Target, Error> {
    Target::parse(&request.repo, request.kind, endpoint).map_err(Error::usage_of)
}

/// Makes the plan for a repository.
pub(super) async fn plan_repo<H: Http>(
    request: &Request,
    target: &RepoTarget,
    hub: &HubClient<H>,
    cache: &Path,
) -> Result<Plan, Error> {
    let revision = revision_of(request, target)?;
    let asked = Asked {
        endpoint: hub.authority.endpoint.clone(),
        repo: target.repo.clone(),
        revision: revision.clone(),
        has_token: hub.authority.token.is_some(),
    };
    let wanted = wanted_of(request, target)?;
    let folder = RepoFolder::new(cache, &target.repo);
    let local = request.local_dir.as_deref().map(LocalDir::new);
    let mut draft = Draft::new(request, hub, asked, &folder, local.as_ref());
    if wanted.is_empty() {
        draft.add_matching(&Selection::new(request, target)?).await?;
    }
    match &wanted[..] {
        [only] => draft.add_only(only).await?,
        several => {
            for one in several {
                draft.add(one).await?;
            }
        }
    }
    let Draft { commit, items, failed, .. } = draft;
    if items.is_empty() {
        return Err(all_failed(failed));
    }
    let Some(commit) = commit else { return Err(Fault::NotAHub.into()) };
    let shown = match (&items[..], &local) {
        ([item], _) if is_one_file(&wanted) => item.place.shown().to_owned(),
        (_, Some(local)) => local.path().to_owned(),
        (_, None) => folder.snapshot(&commit),
    };
    let reference = local.is_none().then_some((folder, revision));
    Ok(Plan { commit: Some(commit), reference, items, failed, shown })
}

/// Nothing of what was asked for can be had.
fn all_failed(mut failed: Vec<(String, Fault)>) -> Error {
    let of = failed.len();
    match failed.pop() {
        Some((path, fault)) if of == 1 => Error::from(fault).about(path),
        Some(last) => {
            failed.push(last);
            Error::new(ErrorKind::Some { failed, of })
        }
        None => Fault::NotAHub.into(),
    }
}

pub(super) fn blob_name(digest: &FileDigest) -> Result<BlobName, Error> {
    digest.hex().parse().map_err(Error::usage_of)
}
