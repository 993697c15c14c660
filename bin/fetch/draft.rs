//! The plan for files of a repository, on its way: each is looked up, and what is wrong with one
//! keeps none of the others.
//!
//! Asks through the hub's client, which is patient; fetches nothing.

use std::collections::BTreeSet;

use engine::fault::{Blame, Fault};
use engine::hub::asked::Asked;
use engine::hub::listing::{Listing, TreeEntry};
use engine::hub::path::RepoPath;
use engine::hub::request::Request as HubRequest;
use engine::hub::revision::Commit;
use engine::manifest::{FileSpec, Location};
use futures_util::StreamExt;
use tokio::time::Instant;
use url::Url;

use super::Request;
use super::hub::{Found, HubClient, pinned};
use super::plan::{Item, Source, blob_name};
use super::selection::{Selection, Wanted};
use crate::cache::environment::Environment;
use crate::cache::layout::{LocalDir, RepoFolder};
use crate::error::{Error, ErrorKind};
use crate::http::Http;
use crate::news::News;

/// A plan on its way.
pub(super) struct Draft<'a, H> {
    request: &'a Request,
    hub: &'a HubClient<H>,
    /// Names the commit as soon as that is known.
    asked: Asked,
    pub(super) commit: Option<Commit>,
    folder: &'a RepoFolder,
    local: Option<&'a LocalDir>,
    planned: BTreeSet<RepoPath>,
    pub(super) items: Vec<Item>,
    pub(super) failed: Vec<(String, Fault)>,
}

impl<'a, H: Http> Draft<'a, H> {
    /// Nothing is planned yet.
    pub(super) const fn new(
        request: &'a Request,
        hub: &'a HubClient<H>,
        asked: Asked,
        folder: &'a RepoFolder,
        local: Option<&'a LocalDir>,
    ) -> Self {
        Self {
            request,
            hub,
            asked,
            commit: None,
            folder,
            local,
            planned: BTreeSet::new(),
            items: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Plans what is asked for by name. What is wrong with one file keeps none of the others.
    pub(super) async fn add(&mut self, wanted: &Wanted) -> Result<(), Error> {
        match self.add_only(wanted).await {
            Err(Error { kind: ErrorKind::Fault(fault), .. }) if self.is_bearable(&fault) => {
                self.fail(wanted.path().to_string(), fault);
                Ok(())
            }
            added => added,
        }
    }

    /// Plans the only thing that is asked for.
    pub(super) async fn add_only(&mut self, wanted: &Wanted) -> Result<(), Error> {
        let added = match wanted {
            Wanted::File(path) => self.add_file(path).await,
            Wanted::Folder(folder) => self.add_folder(folder).await,
        };
        added.map_err(|error| match error.fault() {
            Some(Fault::Rejected { .. } | Fault::Malformed(_) | Fault::Stale { .. }) => {
                error.about(wanted.path())
            }
            _ => error,
        })
    }

    async fn add_file(&mut self, path: &RepoPath) -> Result<(), Error> {
        let (spec, xet_auth) = match self.spec_of_file(path).await {
            Ok(found) => found,
            Err(error) if is_missing(&error) => {
                // Perhaps it is a folder. If not, what was said of the file stands.
                return self
                    .add_folder(path)
                    .await
                    .map_err(|other| if is_missing(&other) { error } else { other });
            }
            Err(error) => return Err(error),
        };
        self.push(path, spec, xet_auth)
    }

    /// Plans everything below a folder.
    async fn add_folder(&mut self, folder: &RepoPath) -> Result<(), Error> {
        self.pin().await?;
        let listing = self.hub.listing(&self.asked, Some(folder)).await?;
        let is_empty = listing.is_empty();
        self.add_listing(listing, |_| true).await?;
        if is_empty {
            let (repo, revision) = (&self.asked.repo, &self.asked.revision);
            let words = format!("or folder {folder} in {repo} at {revision}");
            return Err(Fault::NoSuchFile(words).into());
        }
        Ok(())
    }

    /// Plans what matches of the whole repository.
    pub(super) async fn add_matching(&mut self, selection: &Selection) -> Result<(), Error> {
        self.pin().await?;
        let listing = self.hub.listing(&self.asked, selection.folder()).await;
        let listing = listing.map_err(|error| match (&error.kind, selection.folder()) {
            // Its commit is known, so that it is there.
            (ErrorKind::Fault(fault), None) if is_no_listing(fault) => {
                Error { kind: ErrorKind::Fault(Fault::NoListing), ..error }
            }
            _ => error,
        })?;
        self.add_listing(listing, |path| selection.wants(path)).await?;
        if self.items.is_empty() && self.failed.is_empty() {
            let what = format!("that matches in {}", self.asked.repo);
            return Err(Fault::NoSuchFile(what).into());
        }
        Ok(())
    }

    async fn add_listing(
        &mut self,
        listing: Listing,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        for bad in listing.refused.iter().filter(|bad| is_wanted(&bad.path)) {
            self.fail(format!("{:?}", bad.path), Fault::UnsafeName(bad.flaw.to_string()));
        }
        for entry in listing.entries.into_iter().filter(|entry| is_wanted(entry.path.as_str())) {
            let spec = self.spec_of(&entry);
            self.push(&entry.path, spec, None)?;
        }
        // Of these the listing says too little: each is asked about.
        let vague = listing.vague.into_iter().filter(|path| is_wanted(path.as_str()));
        let this = &*self;
        let asking = futures_util::stream::iter(vague)
            .map(|path| async move { (this.spec_of_file_at(&this.asked, &path).await, path) })
            .buffered(ASKED_AT_ONCE);
        let found: Vec<_> = asking.collect().await;
        for (found, path) in found {
            match found {
                Ok((_, spec, xet_auth)) => self.push(&path, spec, xet_auth)?,
                Err(Error { kind: ErrorKind::Fault(fault), .. }) if self.is_bearable(&fault) => {
                    self.fail(path.to_string(), fault);
                }
                Err(error) => return Err(error.about(&path)),
            }
        }
        Ok(())
    }

    /// Whether the others may be had although one file cannot: not if the hub is out of reach, or
    /// does not let us in, unless it has answered for another file.
    fn is_bearable(&self, fault: &Fault) -> bool {
        let is_of_the_file = matches!(
            fault,
            Fault::NoSuchFile(_)
                | Fault::Rejected { .. }
                | Fault::Stale { .. }
                | Fault::Malformed(_)
                | Fault::Encoded(_)
                | Fault::TooLong
                | Fault::Redirects
        );
        let is_answer = fault.blame() != Blame::Link || *fault == Fault::NotAHub;
        is_of_the_file || (is_answer && !self.items.is_empty())
    }

    fn fail(&mut self, path: String, fault: Fault) {
        self.hub.tell(News::Unavailable { path: path.clone(), fault: fault.clone() });
        self.failed.push((path, fault));
    }

    /// Finds out the commit, if it is not known yet.
    async fn pin(&mut self) -> Result<(), Error> {
        if self.commit.is_none() {
            let commit = self.hub.commit(&self.asked).await?;
            self.asked = pinned(&self.asked, &commit);
            self.commit = Some(commit);
        }
        Ok(())
    }

    async fn spec_of_file(&mut self, path: &RepoPath) -> Result<(FileSpec, Option<Url>), Error> {
        let (commit, spec, xet_auth) = self.spec_of_file_at(&self.asked, path).await?;
        self.asked = pinned(&self.asked, &commit);
        self.commit.get_or_insert(commit);
        Ok((spec, xet_auth))
    }

    async fn spec_of_file_at(
        &self,
        asked: &Asked,
        path: &RepoPath,
    ) -> Result<(Commit, FileSpec, Option<Url>), Error> {
        let resolved = match self.hub.find(asked, path).await? {
            Found::Resolved(resolved) => resolved,
            Found::Listed(entry) => {
                let commit = self.hub.commit(asked).await?;
                return Ok((commit, self.spec_of(&entry), None));
            }
        };
        let commit = match &resolved.commit {
            Some(commit) => commit.clone(),
            None => self.hub.commit(asked).await?,
        };
        let (size, digest) = match (resolved.size, resolved.digest) {
            (Some(size), Some(digest)) => (size, digest),
            _ => self.hub.complete(&pinned(asked, &commit), path, &resolved).await?,
        };
        let xet = resolved.xet.filter(|_| uses_xet(self.request));
        let location = Some(resolved.location.clone());
        Ok((commit, FileSpec { size, digest, location, xet }, resolved.xet_auth.clone()))
    }

    /// A small file needs no signed URL: the hub serves it where it resolves it.
    fn spec_of(&self, entry: &TreeEntry) -> FileSpec {
        let Asked { endpoint, repo, revision, .. } = &self.asked;
        let location = (!entry.is_lfs()).then(|| {
            let request = HubRequest::resolve_get(endpoint, repo, revision, &entry.path);
            Location { url: request.url, ttl: None }
        });
        let xet = entry.xet_hash.filter(|_| entry.is_lfs() && uses_xet(self.request));
        FileSpec { size: entry.size, digest: entry.digest, location, xet }
    }

    fn push(
        &mut self,
        path: &RepoPath,
        spec: FileSpec,
        xet_auth: Option<Url>,
    ) -> Result<(), Error> {
        if !self.planned.insert(path.clone()) {
            return Ok(());
        }
        let blob = blob_name(&spec.digest)?;
        let place = match (self.local, &self.commit) {
            (Some(local), _) => local.place(path, &blob),
            (None, Some(commit)) => self.folder.place(commit, path, &blob),
            (None, None) => return Err(Fault::NotAHub.into()),
        };
        let source = Source::Repo { asked: self.asked.clone(), path: path.clone(), xet_auth };
        let (path, planned_at) = (path.to_string(), Instant::now());
        self.items.push(Item { path, spec, place, source, planned_at });
        Ok(())
    }
}

const fn is_missing(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Fault(Fault::NoSuchFile(_) | Fault::NoSuchRepo(_)))
}

const fn is_no_listing(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Rejected { .. }
            | Fault::NoSuchRepo(_)
            | Fault::NoSuchFile(_)
            | Fault::NotAHub
            | Fault::Malformed(_)
    )
}

/// Whether files may come from content-addressed storage.
fn uses_xet(request: &Request) -> bool {
    let is_disabled = |environment: &Environment| environment.is_xet_disabled;
    !request.no_xet && !request.environment.as_ref().is_some_and(is_disabled)
}

/// So many files are asked about at once, where each has to be.
const ASKED_AT_ONCE: usize = 4;
