//! From what a person asked for to the list of files to fetch, each with its size, its digest and
//! its place on this disk.
//!
//! Fetches no file.

use std::path::{Path, PathBuf};

use engine::fault::Fault;
use engine::hub::asked::Asked;
use engine::hub::endpoint::Endpoint;
use engine::hub::revision::{Commit, Revision};
use engine::hub::target::{RepoTarget, Target};
use engine::manifest::FileId;
use url::Url;

use super::Request;
use super::draft::Draft;
use super::hub::HubClient;
use super::item::{Ground, Item, Origin, Planned, Shelf};
use super::plain;
use super::selection::{Selection, globs, is_one_file, revision_of, wanted_of};
use crate::cache::layout::{LocalDir, RepoFolder};
use crate::error::{Error, ErrorKind};
use crate::http::Http;

/// What will be fetched.
#[derive(Debug)]
pub(super) struct Plan {
    /// The commit that everything is pinned to; `None` for a plain URL.
    pub(super) commit: Option<Commit>,
    /// The revision to remember as being at that commit, where there is a cache.
    pub(super) reference: Option<(RepoFolder, Revision)>,
    /// Where the files come from and where they go.
    pub(super) ground: Ground,
    /// The files, in the order in which they are wanted.
    pub(super) files: Vec<Planned>,
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

    /// The files by their numbers.
    pub(super) fn ids(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..u32::try_from(self.files.len()).unwrap_or(u32::MAX)).map(FileId)
    }

    /// One file, if there is one of that number.
    pub(super) fn file(&self, id: FileId) -> Option<&Planned> {
        self.files.get(usize::try_from(id.0).unwrap_or(usize::MAX))
    }

    /// The same, unfolded.
    pub(super) fn item(&self, id: FileId) -> Option<Item> {
        self.file(id).map(|planned| Item::new(&self.ground, planned))
    }

    /// All of them, unfolded one after the other.
    pub(super) fn items(&self) -> impl Iterator<Item = Item> + '_ {
        self.files.iter().map(|planned| Item::new(&self.ground, planned))
    }

    /// Bytes of all files.
    pub(super) fn total(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
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

/// The addresses that the person has named, by themselves or as the hub's.
pub(super) fn homes(request: &Request) -> Vec<Url> {
    let Ok(endpoint) = endpoint_of(request) else { return Vec::new() };
    let plain = match target_of(request, &endpoint) {
        Ok(Target::Url(url)) => Some(url),
        Ok(Target::Repo(_)) | Err(_) => None,
    };
    [endpoint.base().clone()].into_iter().chain(plain).collect()
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
    let mut draft = Draft::new(hub, asked);
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
    let Draft { commit, asked, files, failed, .. } = draft;
    if files.is_empty() {
        return Err(all_failed(failed));
    }
    let Some(commit) = commit else { return Err(Fault::NotAHub.into()) };
    let whole = match &local {
        Some(local) => local.path().to_owned(),
        None => folder.snapshot(&commit),
    };
    let reference = local.is_none().then(|| (folder.clone(), revision));
    let shelf = local.map_or_else(|| Shelf::Cache(folder, commit.clone()), Shelf::Local);
    let ground = Ground { origin: Origin::Repo(asked), shelf };
    let commit = Some(commit);
    let mut plan = Plan { commit, reference, ground, files, failed, shown: whole };
    if let ([_], true) = (&plan.files[..], is_one_file(&wanted))
        && let Some(only) = plan.item(FileId(0))
    {
        plan.shown = only.place.shown().to_owned();
    }
    Ok(plan)
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
