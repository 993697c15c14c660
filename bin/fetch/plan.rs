//! From what a person asked for to the list of files to fetch, each with its size, its digest and
//! its place on this disk.
//!
//! Fetches no file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use engine::digest::FileDigest;
use engine::fault::Fault;
use engine::hub::asked::Asked;
use engine::hub::endpoint::Endpoint;
use engine::hub::listing::TreeEntry;
use engine::hub::path::{BlobName, RepoPath, file_name_of};
use engine::hub::request::Request as HubRequest;
use engine::hub::revision::{Commit, Revision};
use engine::hub::target::{Part, RepoTarget, Target};
use engine::manifest::{FileSpec, Location};
use engine::range::ByteRange;
use globset::{Glob, GlobSet, GlobSetBuilder};
use tokio::time::Instant;
use url::Url;

use super::Request;
use super::hub::HubClient;
use crate::cache::environment::Environment;
use crate::cache::layout::{LocalDir, Place, RepoFolder};
use crate::error::Error;
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
            Self::Url(url) => url.to_string(),
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
            files_of(request, &target).map(drop)
        }
        Target::Url(url) => {
            if !request.files.is_empty() || request.revision.is_some() || has_globs {
                return Err(Error::usage(
                    "a plain URL is one file: it takes no files, revision or globs",
                ));
            }
            if request.cache_dir.is_some() {
                return Err(Error::usage("a plain URL has no place in the cache: use --local-dir"));
            }
            sha256_of(request)?;
            file_name_of(&url).map(drop).map_err(Error::usage_of)
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
    target: RepoTarget,
    hub: &HubClient<H>,
    cache: &Path,
) -> Result<Plan, Error> {
    let revision = revision_of(request, &target)?;
    let mut asked = Asked {
        endpoint: hub.authority.endpoint.clone(),
        repo: target.repo.clone(),
        revision: revision.clone(),
        has_token: hub.authority.token.is_some(),
    };
    let folder = RepoFolder::new(cache, &target.repo);
    let local = request.local_dir.as_deref().map(LocalDir::new);
    let files = files_of(request, &target)?;
    let mut items = Vec::new();
    let commit = if files.is_empty() {
        let commit = hub.persist(|| hub.commit(&asked)).await?;
        asked.revision = Revision::from(&commit);
        let selection = Selection::new(request, &target)?;
        let (entries, refused) = hub.persist(|| hub.tree(&asked)).await?;
        if let Some(bad) = refused.iter().find(|bad| selection.wants(&bad.path)) {
            let words = format!("an unsafe file name ({bad}); leave it out with --exclude");
            return Err(Fault::Malformed(words).into());
        }
        for entry in entries.into_iter().filter(|entry| selection.wants(entry.path.as_str())) {
            let spec = spec_of(request, &asked, &entry);
            items.push(item(&asked, &entry.path, spec, None, &folder, local.as_ref())?);
        }
        if items.is_empty() {
            let what = format!("that matches in {}", target.repo);
            return Err(Fault::NoSuchFile(what).into());
        }
        commit
    } else {
        let mut pinned = None;
        for path in &files {
            let found = hub.persist(|| spec_of_file(hub, &asked, path)).await?;
            let (commit, mut spec, xet_auth) = found;
            spec.xet = spec.xet.filter(|_| uses_xet(request));
            asked.revision = Revision::from(&commit);
            pinned = Some(commit);
            items.push(item(&asked, path, spec, xet_auth, &folder, local.as_ref())?);
        }
        pinned.ok_or_else(|| Error::usage("no file was asked for"))?
    };
    let is_one =
        !request.files.is_empty() && items.len() == 1 || matches!(target.part, Part::File(_));
    let shown = match (items.first(), &local) {
        (Some(item), _) if is_one => item.place.shown().to_owned(),
        (_, Some(local)) => local.path().to_owned(),
        (_, None) => folder.snapshot(&commit),
    };
    let reference = local.is_none().then_some((folder, revision));
    Ok(Plan { commit: Some(commit), reference, items, shown })
}

/// Makes the plan for a plain URL.
pub(super) async fn plan_url<H: Http>(
    request: &Request,
    url: Url,
    hub: &HubClient<H>,
) -> Result<Plan, Error> {
    let digest = sha256_of(request)?;
    let size = hub.persist(|| size_of_url(hub, &url)).await?;
    let location = Some(Location { url: url.clone(), ttl: None });
    let spec = FileSpec { size, digest, location, xet: None };
    let path = file_name_of(&url).map_err(Error::usage_of)?;
    let folder = request.local_dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let place = LocalDir::new(&folder).place(&path, &blob_name(&digest)?);
    let shown = place.shown().to_owned();
    let (path, source) = (path.to_string(), Source::Url(url));
    let item = Item { path, spec, place, source, planned_at: Instant::now() };
    Ok(Plan { commit: None, reference: None, items: vec![item], shown })
}

/// The revision that is asked for, in the address or beside it.
pub(super) fn revision_of(request: &Request, target: &RepoTarget) -> Result<Revision, Error> {
    match (&request.revision, &target.revision) {
        (Some(text), None) => text.parse().map_err(Error::usage_of),
        (None, Some(revision)) => Ok(revision.clone()),
        (None, None) => Ok(Revision::main()),
        (Some(text), Some(revision)) if text == revision.as_str() => Ok(revision.clone()),
        (Some(_), Some(_)) => Err(Error::usage("two revisions: one in the address, one beside it")),
    }
}

/// The files that are asked for by name.
pub(super) fn files_of(request: &Request, target: &RepoTarget) -> Result<Vec<RepoPath>, Error> {
    let mut files = BTreeSet::new();
    let mut ordered = Vec::new();
    if let Part::File(path) = &target.part {
        files.insert(path.as_str().to_owned());
        ordered.push(path.clone());
    }
    for text in &request.files {
        let path: RepoPath = text.parse().map_err(Error::usage_of)?;
        if files.insert(path.as_str().to_owned()) {
            ordered.push(path);
        }
    }
    Ok(ordered)
}

/// Which files of a whole repository are wanted.
pub(super) struct Selection {
    include: GlobSet,
    exclude: GlobSet,
    has_include: bool,
    folder: Option<String>,
}

impl Selection {
    pub(super) fn new(request: &Request, target: &RepoTarget) -> Result<Self, Error> {
        let folder = match &target.part {
            Part::Folder(path) => Some(format!("{path}/")),
            Part::Whole | Part::File(_) => None,
        };
        Ok(Self {
            include: globs(&request.include)?,
            exclude: globs(&request.exclude)?,
            has_include: !request.include.is_empty(),
            folder,
        })
    }

    pub(super) fn wants(&self, text: &str) -> bool {
        self.folder.as_ref().is_none_or(|folder| text.starts_with(folder.as_str()))
            && (!self.has_include || self.include.is_match(text))
            && !self.exclude.is_match(text)
    }
}

/// As `hf` reads them: `*` also matches `/`, and a folder stands for all that is in it.
fn globs(patterns: &[String]) -> Result<GlobSet, Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = if pattern.ends_with('/') { format!("{pattern}*") } else { pattern.clone() };
        set.add(Glob::new(&pattern).map_err(Error::usage_of)?);
    }
    set.build().map_err(Error::usage_of)
}

/// A small file needs no signed URL: the hub serves it where it resolves it.
fn spec_of(request: &Request, asked: &Asked, entry: &TreeEntry) -> FileSpec {
    let location = (!entry.is_lfs()).then(|| {
        let request =
            HubRequest::resolve_get(&asked.endpoint, &asked.repo, &asked.revision, &entry.path);
        Location { url: request.url, ttl: None }
    });
    let xet = entry.xet_hash.filter(|_| entry.is_lfs() && uses_xet(request));
    FileSpec { size: entry.size, digest: entry.digest, location, xet }
}

/// Whether files may come from content-addressed storage.
fn uses_xet(request: &Request) -> bool {
    let is_disabled = |environment: &Environment| environment.is_xet_disabled;
    !request.no_xet && !request.environment.as_ref().is_some_and(is_disabled)
}

async fn spec_of_file<H: Http>(
    hub: &HubClient<H>,
    asked: &Asked,
    path: &RepoPath,
) -> Result<(Commit, FileSpec, Option<Url>), Fault> {
    let resolved = hub.resolve(asked.clone(), path).await?;
    let (location, xet) = (Some(resolved.location), resolved.xet);
    let spec = match (resolved.size, resolved.digest) {
        (Some(size), Some(digest)) => FileSpec { size, digest, location, xet },
        _ => {
            let revision = Revision::from(&resolved.commit);
            let entry = hub.entry(&Asked { revision, ..asked.clone() }, path).await?;
            FileSpec { size: entry.size, digest: entry.digest, location, xet }
        }
    };
    Ok((resolved.commit, spec, resolved.xet_auth))
}

fn item(
    asked: &Asked,
    path: &RepoPath,
    spec: FileSpec,
    xet_auth: Option<Url>,
    folder: &RepoFolder,
    local: Option<&LocalDir>,
) -> Result<Item, Error> {
    let blob = blob_name(&spec.digest)?;
    let place = match (local, asked.revision.commit()) {
        (Some(local), _) => local.place(path, &blob),
        (None, Some(commit)) => folder.place(&commit, path, &blob),
        (None, None) => return Err(Fault::Malformed("no commit to pin to".to_owned()).into()),
    };
    let source = Source::Repo { asked: asked.clone(), path: path.clone(), xet_auth };
    Ok(Item { path: path.to_string(), spec, place, source, planned_at: Instant::now() })
}

fn blob_name(digest: &FileDigest) -> Result<BlobName, Error> {
    digest.hex().parse().map_err(Error::usage_of)
}

/// What the person says that a plain URL's file must hash to.
pub(super) fn sha256_of(request: &Request) -> Result<FileDigest, Error> {
    let Some(text) = &request.sha256 else {
        return Err(Error::usage(
            "a plain URL needs --sha256: without it nobody can tell whether the file is right",
        ));
    };
    match text.trim().parse() {
        Ok(digest @ FileDigest::Sha256(_)) => Ok(digest),
        Ok(FileDigest::GitSha1(_)) | Err(_) => Err(Error::usage("--sha256 takes 64 hex digits")),
    }
}

/// The length of a plain file: from a `HEAD`, or where that is not allowed from a `Range` of one
/// byte.
async fn size_of_url<H: Http>(hub: &HubClient<H>, url: &Url) -> Result<u64, Fault> {
    let head = hub.head(HubRequest::head(url.clone())).await?;
    if head.status == 200
        && head.is_identity()
        && let Some(size) = head.content_length()
    {
        return Ok(size);
    }
    let first = ByteRange::new(0, 1);
    let head = hub.head(HubRequest::range(url.clone(), first)).await?;
    let total = head.content_range().and_then(|content_range| content_range.total);
    match head.status {
        206 if total.is_some() => Ok(total.unwrap_or_default()),
        416 if head.unsatisfied_total() == Some(0) => Ok(0),
        200 if head.is_identity() && head.content_length().is_some() => {
            Ok(head.content_length().unwrap_or_default())
        }
        404 | 410 => Err(Fault::NoSuchFile(url.to_string())),
        401 | 403 => Err(Fault::TokenNeeded(format!("{url} is not open to everybody"))),
        status @ (408 | 425 | 429 | 500..=599) => {
            Err(Fault::Busy { status, retry_after: head.retry_after() })
        }
        status @ 400..=499 => Err(Fault::rejected(status)),
        _ => Err(Fault::Malformed("the server does not say how long the file is".to_owned())),
    }
}
